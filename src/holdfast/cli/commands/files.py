"""`holdfast files`: what agents made, and taking it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import selecting
from holdfast.cli.calling import call
from holdfast.cli.options import Json, SessionId, group
from holdfast.cli.output import ago, amount, say_json, say_table

if TYPE_CHECKING:
    from holdfast.core.domain.files import FileEntry
    from holdfast.core.services.workbench import Workbench

app = group("See what agents made; undo and redo a run's changes.")

RunId = Annotated[
    str | None,
    typer.Option("--run", help="An id, its start, or `last`; default: the last that changed files."),
]


@app.command("list")
def list_files(session: SessionId, as_json: Json = False) -> None:
    """List the files of a session's workspace."""

    async def listed(workbench: Workbench) -> tuple[FileEntry, ...]:
        return await workbench.files.list((await selecting.session(workbench, session)).id)

    _say(call(listed), as_json, empty="The workspace is empty.")


@app.command()
def undo(session: SessionId, run: RunId = None, as_json: Json = False) -> None:
    """Take back one run's changes of files; prints the workspace as it is then."""

    async def undone(workbench: Workbench) -> tuple[FileEntry, ...]:
        session_id, run_id = await _named(workbench, session, run)
        return await workbench.files.undo(session_id, run_id)

    _say(call(undone), as_json, empty="Taken back: the workspace is empty.")


@app.command()
def redo(session: SessionId, run: RunId = None, as_json: Json = False) -> None:
    """Bring back what `undo` took; prints the workspace as it is then."""

    async def redone(workbench: Workbench) -> tuple[FileEntry, ...]:
        session_id, run_id = await _named(workbench, session, run)
        return await workbench.files.redo(session_id, run_id)

    _say(call(redone), as_json, empty="Brought back: the workspace is empty.")


async def _named(workbench: Workbench, session: str, run: str | None) -> tuple[str, str | None]:
    found = await selecting.session(workbench, session)
    if run is None:
        return found.id, None
    return found.id, (await selecting.run(workbench, found.id, run)).id


def _say(files: tuple[FileEntry, ...], as_json: bool, empty: str) -> None:
    if as_json:
        say_json(files)
        return
    say_table(
        ("FILE", "SIZE", "STATE", "CHANGED"),
        [
            (f.path, "" if f.state == "deleted" else amount(f.size), f.state, ago(f.modified_at))
            for f in files
        ],
        empty=empty,
    )
