"""`holdfast trust`: the person's word on a project folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, single
from holdfast.cli.output import say, say_json
from holdfast.cli.places import is_elsewhere
from holdfast.core.domain.errors import InvalidError

app = single()


@app.command()
def trust(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The project folder.")] = Path(),
    revoke: Annotated[bool, typer.Option("--revoke", help="Trust it no longer.")] = False,
    as_json: Json = False,
) -> None:
    """Trust the agents of a project folder: from then on their `allow` rules count, and they have
    the knowledge and the memory that they name."""
    folder = path if is_elsewhere() else path.absolute()
    if not is_elsewhere() and not folder.is_dir() and not revoke:
        raise InvalidError(f"{folder} is not a folder")
    word = call(lambda workbench: workbench.agents.trust(str(folder), not revoke))
    if as_json:
        say_json(word)
    elif word.trusted:
        more = "and they have the knowledge and the memory that they name"
        say(f"{word.path} is trusted: the `allow` rules of its agents count now, {more}")
    else:
        more = "and they have neither knowledge nor memory"
        say(f"{word.path} is not trusted: the `allow` rules of its agents count as `ask`, {more}")
