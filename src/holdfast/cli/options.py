"""What several commands share of their command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SessionId = Annotated[str, typer.Argument(metavar="SESSION", help="An id, its start, or `last`.")]
ApprovalId = Annotated[str, typer.Argument(metavar="APPROVAL", help="An id, its start, or `last`.")]
ApprovalIds = Annotated[list[str], typer.Argument(metavar="APPROVAL…", help="Ids, their starts, or `last`.")]
Project = Annotated[
    str | None, typer.Option("--project", metavar="DIR", help="The project folder; default: this one.")
]
Host = Annotated[str, typer.Option(help="Address of this machine to listen on.")]
TlsCert = Annotated[
    Path | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate with its chain (PEM).")
]
TlsKey = Annotated[
    Path | None, typer.Option("--tls-key", metavar="FILE", help="Its key, if it is not in the same file.")
]


class Group(TyperGroup):
    """A group whose help says what each command does in whole, where Typer cuts it to one line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, _first_paragraph(each)) for name, each in commands if each and not each.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def _first_paragraph(command: Any) -> str:
    return " ".join((command.help or "").partition("\n\n")[0].split())


def examples(*lines: str) -> str:
    """Returns command lines as the end of a help text."""
    # Click wraps all paragraphs but those that begin with a backspace.
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def group(help: str) -> typer.Typer:
    """Returns an empty group of commands that shows its help when none is given."""
    return typer.Typer(
        cls=Group, help=help, no_args_is_help=True, rich_markup_mode=None, add_completion=False
    )


def single() -> typer.Typer:
    """Returns the program of one command."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)


def whole(path: Path | None) -> str | None:
    """Returns a path as another process needs it, which has another folder. Raises `NotFoundError` for one in
    the home of nobody."""
    from holdfast.core.domain.paths import path_of  # start-up time: most commands have no path

    return None if path is None else str(path_of(path).absolute())
