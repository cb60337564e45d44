"""`holdfast engine`: the background process."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Annotated, TextIO

import typer

from holdfast.cli.calling import call
from holdfast.cli.doors import doors
from holdfast.cli.options import Json, group
from holdfast.cli.output import ago, say, say_fields, say_json

app = group("The background process: its status, its log, its end.")

_POLL_S = 0.2


@app.command()
def status(as_json: Json = False) -> None:
    """Show the engine that runs; starts none."""
    if doors().find_engine() is None:
        if as_json:
            say_json({"running": False})
        else:
            say("The engine is not running; it starts when it is needed.")
        return
    found = call(lambda workbench: workbench.engine.status())
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
            ("sessions", found.sessions),
            ("active runs", found.active_runs),
            ("waiting", found.waiting),
            ("last event", found.last_event_id),
        ]
    )


@app.command()
def stop(
    timeout: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to wait for it.")] = 10,
) -> None:
    """Stop the engine; runs that execute become interrupted and can be continued."""
    from holdfast.core.domain.errors import DeadlineError

    running = doors().find_engine()
    if running is None:
        say("The engine is not running.")
        return
    if not doors().stop_engine(timeout):
        raise DeadlineError(f"the engine (pid {running.pid}) has not ended within {timeout:g} s")
    say(f"The engine (pid {running.pid}) has stopped.")


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
