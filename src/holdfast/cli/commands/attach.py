"""`holdfast attach`: the terminal app on an engine elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.doors import RemoteEngine, doors
from holdfast.cli.hidden import ask_hidden
from holdfast.cli.opening import has_terminal
from holdfast.cli.options import examples, single
from holdfast.cli.output import advise
from holdfast.cli.signing_in import ask_name, sign_in
from holdfast.core.domain.errors import InvalidError, UnauthenticatedError

app = single()


@app.command(
    epilog=examples(
        "holdfast attach https://bench.example.org:8700",
        "holdfast attach http://127.0.0.1:8700 --key-file ~/.config/bench.key",
    )
)
def attach(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="Where `holdfast serve` listens, such as https://bench.example.org:8700; "
            "default: HOLDFAST_URL.",
        ),
    ] = "",
    key: Annotated[
        str,
        typer.Option(
            metavar="KEY",
            help="A key of that engine. Others on this machine can read it in the list of processes: "
            "HOLDFAST_KEY, --key-file and the prompt keep it from them.",
        ),
    ] = "",
    key_file: Annotated[
        Path | None, typer.Option("--key-file", metavar="FILE", help="Read the key from this file.")
    ] = None,
    ca: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Trust these certificates (PEM) and no others; default: HOLDFAST_CA, else the usual ones.",
        ),
    ] = "",
    session: Annotated[str | None, typer.Option(help="Open this session; `last` is the latest.")] = None,
    agent: Annotated[str | None, typer.Option(help="Start with this agent.")] = None,
    model: Annotated[str | None, typer.Option(help="Use this model.")] = None,
    project: Annotated[
        str,
        typer.Option(
            metavar="DIR", help="A project folder on the engine's machine; default: your own one there."
        ),
    ] = "",
) -> None:
    """Open the workbench on an engine elsewhere; none is started here.

    Without a key by option or in HOLDFAST_KEY it is the login that is kept for the address. Where there is
    none, you are asked for name and password, or for a key, when the engine wants one.
    """
    if not has_terminal():
        raise typer.Exit(2)
    engine = doors().elsewhere(url, _given(key, key_file), ca)
    if engine is None:
        raise InvalidError("give the URL of an engine, or set HOLDFAST_URL")
    engine = _let_in(engine, ca)
    raise typer.Exit(doors().attach_tui(engine, session=session, agent=agent, model=model, project=project))


def _given(key: str, key_file: Path | None) -> str:
    if key_file is None:
        return key
    if key:
        raise InvalidError("give either --key or --key-file")
    lines = key_file.read_text(encoding="utf-8", errors="replace").split()
    if len(lines) != 1:
        raise InvalidError(f"--key-file: {key_file} must hold one key and nothing else")
    return lines[0]


def _let_in(engine: RemoteEngine, ca: str) -> RemoteEngine:
    """Returns the engine with a key or a login that it takes; asks the person when it wants one and none was
    given, or the login that was kept is over."""
    try:
        asyncio.run(doors().knock(engine))
    except UnauthenticatedError:
        if engine.key and not engine.login:
            raise
    else:
        return engine
    if engine.login:
        advise(f"holdfast: your login at {engine.place} is over")
    signed_in = _by_account(engine)
    if signed_in is not None:
        return signed_in
    key = ask_hidden(f"Key of {engine.place}: ")
    if not key:
        raise InvalidError("no key was given; `holdfast keys create NAME` on that machine makes one")
    asked = doors().elsewhere(engine.url, key, ca)
    assert asked is not None
    asyncio.run(doors().knock(asked))
    return asked


def _by_account(engine: RemoteEngine) -> RemoteEngine | None:
    """Lets the person sign in where the engine has accounts; None where it has none, others could read the
    password on the way, or the person has a key instead."""
    if engine.is_open:
        return None
    ways = asyncio.run(doors().ways(engine))
    if ways is None or ways.passwords == "none":
        return None
    name = ask_name(engine.place, engine.login)
    return sign_in(engine, name) if name else None
