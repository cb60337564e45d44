"""`holdfast serve`: opens the engine to other programs and other machines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli.calling import call
from holdfast.cli.doors import doors
from holdfast.cli.listening import pick, state, warnings
from holdfast.cli.options import Group, Host, Json, TlsCert, TlsKey, examples, whole
from holdfast.cli.output import ago, say, say_fields, say_json, say_table, warn

if TYPE_CHECKING:
    from holdfast.core.domain.status import Listener
    from holdfast.core.services.workbench import Workbench

app = typer.Typer(
    cls=Group,
    rich_markup_mode=None,
    add_completion=False,
    invoke_without_command=True,
    epilog=examples(
        "holdfast serve",
        "holdfast serve --background --port 8701",
        "holdfast serve --root h2ogpte",
        "holdfast serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem",
    ),
)

APIS = ("holdfast", "openai", "mcp", "a2a", "powabase", "h2ogpte", "dexto", "genlabs", "sage")
"""The engine's APIs by their names; they are told here so that help loads none of them."""

Drain = Annotated[
    float, typer.Option(min=0, max=86_400, metavar="SECONDS", help="At the end: wait so long for runs.")
]


@app.callback()
def serve(
    context: typer.Context,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8700,
    background: Annotated[
        bool, typer.Option("--background", help="Return, and leave the listener open.")
    ] = False,
    root: Annotated[
        str,
        typer.Option(
            metavar="NAME[,NAME…]",
            help=f"APIs that also answer without their prefix, of {', '.join(APIS)}; "
            "PATH=NAME says whose a path is that several have.",
        ),
    ] = "holdfast",
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Ask for no key; on loopback addresses only.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host", metavar="NAME", help="Another name that requests may use, as a proxy's."
        ),
    ] = None,
    drain: Drain = 0,
    as_json: Json = False,
) -> None:
    """Open the engine to HTTP clients that have a key, and print what they ask.

    An engine is started when none runs. At ctrl+c or SIGTERM the listener closes; runs go on in the engine.
    """
    if context.invoked_subcommand is not None:
        return
    options: dict[str, Any] = {
        "host": host,
        "port": port,
        "root": tuple(name.strip() for name in root.split(",") if name.strip()),
        "tls_cert": whole(tls_cert),
        "tls_key": whole(tls_key),
        "no_auth": no_auth,
        "allow_hosts": tuple(allow_host or ()),
    }
    if background:
        _serve_in_background(options, as_json)
        return
    from holdfast.cli.serving import Foreground  # its group's other commands need nothing of it

    asyncio.run(Foreground(options, drain, as_json=as_json).run())


@app.command("list")
def list_listeners(as_json: Json = False) -> None:
    """List the open listeners."""
    found = _open_listeners()
    if as_json:
        say_json(found)
        return
    say_table(
        ("URL", "ID", "KEYS", "ROOT", "SINCE", "STATE"),
        [
            (
                each.url,
                each.id[:8],
                "yes" if each.auth else "no",
                ",".join(each.root) or "-",
                ago(each.started_at),
                state(each),
            )
            for each in found
        ],
        empty="The engine listens on no port; `holdfast serve` opens one.",
    )


@app.command()
def stop(
    listener: Annotated[
        str, typer.Argument(metavar="LISTENER", help="URL, port or id; not needed when there is one.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Close all of them.")] = False,
    drain: Drain = 0,
) -> None:
    """Close a listener; the engine goes on, and so do its runs."""
    if every and listener:
        raise typer.BadParameter("name a listener or say --all, not both")
    found = _open_listeners()
    chosen = found if every else (pick(listener, found),)

    async def close(workbench: Workbench) -> None:
        for each in chosen:
            await workbench.engine.unlisten(each.id, drain)

    call(close, own=True)
    for each in chosen:
        say(f"closing {each.url}" if drain else f"closed {each.url}")


def _serve_in_background(options: dict[str, Any], as_json: bool) -> None:
    async def opened(workbench: Workbench) -> tuple[Listener, int, list[str]]:
        listener = await workbench.engine.listen(**options)
        status = await workbench.engine.status()
        return listener, status.pid, await warnings(workbench, listener)

    listener, pid, said = call(opened, own=True)
    for warning in said:
        warn(warning)
    if as_json:
        say_json({"pid": pid, **listener.model_dump(mode="json")})
        return
    say_fields([("url", listener.url), ("pid", pid), ("log", listener.log)])
    say(f"`holdfast serve stop {listener.port}` closes it.")


def _open_listeners() -> tuple[Listener, ...]:
    if doors().find_engine() is None:
        return ()
    return call(lambda workbench: workbench.engine.listeners(), own=True)
