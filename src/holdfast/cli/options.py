"""What several commands share of their command line."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SessionId = Annotated[str, typer.Argument(metavar="SESSION", help="An id, its start, or `last`.")]
ApprovalId = Annotated[str, typer.Argument(metavar="APPROVAL", help="An id, its start, or `last`.")]
Project = Annotated[
    str | None, typer.Option("--project", metavar="DIR", help="The project folder; default: this one.")
]


def group(help: str) -> typer.Typer:
    """Returns an empty group of commands that shows its help when none is given."""
    return typer.Typer(help=help, no_args_is_help=True, rich_markup_mode=None, add_completion=False)


def single() -> typer.Typer:
    """Returns the program of one command."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)
