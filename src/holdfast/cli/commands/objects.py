"""`holdfast objects`: files that who knows their address may fetch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, examples, group
from holdfast.cli.output import ago, amount, say, say_json, say_table
from holdfast.core.domain.errors import InvalidError

app = group("Keep files that who knows their address may fetch.")

ObjectId = Annotated[str, typer.Argument(metavar="ID", help="Its id, as `list` and `put --json` show it.")]


@app.callback()
def objects() -> None:
    """Keep files that who knows their address may fetch."""


@app.command("list")
def list_objects(as_json: Json = False) -> None:
    """List your objects, the newest first."""
    found = call(lambda workbench: workbench.objects.list())
    if as_json:
        say_json(found)
        return
    say_table(
        ("ID", "KEY", "TYPE", "SIZE", "SINCE"),
        [(each.id, each.key, each.media_type, amount(each.size), ago(each.created_at)) for each in found],
        empty="There is none; `holdfast objects put FILE` keeps one.",
    )


@app.command(epilog=examples("holdfast objects put chart.png --path reports/"))
def put(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file.")],
    path: Annotated[str, typer.Option(metavar="KEY", help="Its key, or with / at its end a folder.")] = "",
    as_json: Json = False,
) -> None:
    """Keep a file; one of the same key is replaced."""
    try:
        opened = file.open("rb")
    except OSError as error:
        raise InvalidError(f"{file} cannot be read: {error.strerror}.") from error
    with opened as content:
        made = call(lambda workbench: workbench.objects.put(file.name, content, path))
    if as_json:
        say_json(made)
        return
    say(f"kept {made.key}: everybody who knows this path of the engine may fetch it:")
    say(f"/holdfast/v1/objects/{made.id}/data")


@app.command()
def remove(id: ObjectId) -> None:
    """Remove an object; nobody can fetch it any more."""
    call(lambda workbench: workbench.objects.remove(id))
    say(f"removed {id}")
