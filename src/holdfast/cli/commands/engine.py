"""`holdfast engine`: the background process."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from holdfast.cli.calling import call
from holdfast.cli.doors import doors
from holdfast.cli.listening import describe
from holdfast.cli.options import Json, group
from holdfast.cli.output import advise, ago, say, say_fields, say_json, warn
from holdfast.cli.places import is_elsewhere

if TYPE_CHECKING:
    from holdfast.core.domain.confinement import Protection
    from holdfast.core.domain.status import Listener
    from holdfast.core.services.workbench import Workbench

app = group("The background process: its status, its log, its end and restart.")

_POLL_S = 0.2

Timeout = Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to wait for its end.")]
Drain = Annotated[
    float, typer.Option(min=0, max=86_400, metavar="SECONDS", help="Wait so long for runs; none starts then.")
]


@app.command()
def status(as_json: Json = False) -> None:
    """Show the engine that runs; starts none."""
    if is_elsewhere():
        advise("HOLDFAST_URL names an engine elsewhere; this is about the one of this machine.")
    if doors().find_engine() is None:
        if as_json:
            say_json({"running": False})
        else:
            say("The engine is not running; it starts when it is needed.")
        return
    found = call(lambda workbench: workbench.engine.status(), own=True)
    if as_json:
        say_json({"running": True, **found.model_dump(mode="json")})
        return
    say_fields(
        [
            ("running", f"pid {found.pid}, since {ago(found.started_at)}"),
            ("version", found.version),
            ("home", found.home),
            ("socket", found.address),
            ("log", found.log),
            ("listens at", "\n".join(map(describe, found.listeners))),
            ("sessions", found.sessions),
            ("active runs", found.active_runs),
            ("waiting", found.waiting),
            ("last event", found.last_event_id),
            ("sandbox", _sandbox(found.sandbox)),
        ]
    )


def _sandbox(found: Protection | None) -> str:
    if found is None:
        return "not tried yet; `holdfast doctor` tries it"
    network = "" if found.network == "allow" else ", no network"
    why = f" ({found.reason})" if found.reason else ""
    return f"{found.guard.value}{network}{why}"


@app.command()
def stop(timeout: Timeout = 10, drain: Drain = 0) -> None:
    """Stop the engine; runs that execute become interrupted and can be continued."""
    running = doors().find_engine()
    if running is None:
        say("The engine is not running.")
        return
    _stop(running.pid, timeout, drain)
    say(f"The engine (pid {running.pid}) has stopped.")


@app.command()
def restart(timeout: Timeout = 10, drain: Drain = 0) -> None:
    """Stop the engine and start it again, with the listeners that it had in the background."""
    running = doors().find_engine()
    listeners = _background_listeners() if running is not None else ()
    if running is not None:
        _stop(running.pid, timeout, drain)
    found = call(lambda workbench: workbench.engine.status(), own=True)
    say(f"The engine (pid {found.pid}, version {found.version}) has started.")
    for listener in listeners:
        opened = call(partial(_open_again, listener), own=True)
        say(f"listening at {opened.url}")


def _stop(pid: int, timeout: float, drain: float) -> None:
    from holdfast.core.domain.errors import DeadlineError

    if not doors().stop_engine(timeout, drain):
        raise DeadlineError(f"the engine (pid {pid}) has not ended within {timeout + drain:g} s")


def _background_listeners() -> tuple[Listener, ...]:
    from holdfast.core.domain.errors import HoldfastError

    try:
        found = call(lambda workbench: workbench.engine.listeners(), own=True)
    except HoldfastError as error:  # one that is too old, or sick, is to be restarted as well
        warn(f"holdfast: its listeners are not known: {error.message}")
        return ()
    return tuple(each for each in found if not each.leased and not each.closing)


async def _open_again(listener: Listener, workbench: Workbench) -> Listener:
    return await workbench.engine.listen(
        host=listener.host,
        port=listener.port,
        root=listener.root,
        tls_cert=listener.tls_cert,
        tls_key=listener.tls_key,
        no_auth=not listener.auth,
        allow_hosts=listener.allow_hosts,
    )


@app.command()
def logs(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 100,
) -> None:
    """Print the end of the engine's log."""
    path = doors().engine_log()
    try:
        stream = path.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        say(f"The engine has written no log yet ({path}).")
        return
    with stream:
        for line in deque(stream, maxlen=lines):
            say(line.rstrip("\n"))
        if follow:
            _follow(path, stream)


@app.command(hidden=True)
def run() -> None:
    """Be the engine, until it stops."""
    raise typer.Exit(doors().run_engine())


def _follow(path: Path, stream: TextIO) -> None:
    """Prints what is appended to `path`, for ever; goes on in the new file after a rotation."""
    while True:
        for line in stream:
            say(line.rstrip("\n"))
        time.sleep(_POLL_S)
        if path.exists() and path.stat().st_size < stream.tell():
            stream.seek(0)
