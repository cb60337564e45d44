"""`holdfast trash`: what was deleted, back again or gone for good."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, group
from holdfast.cli.output import ago, say, say_json, say_table, short_ids
from holdfast.cli.selecting import pick
from holdfast.core.domain.values import all_items

if TYPE_CHECKING:
    from holdfast.core.domain.trash import Trashed, TrashKind
    from holdfast.core.services.workbench import Workbench

app = group("Bring back what was deleted, or delete it for good.")


class Kind(StrEnum):
    SESSION = "session"
    MEMORY_BLOCK = "memory_block"
    MEMORY_ENTRY = "memory_entry"
    AGENT = "agent"
    COLLECTION = "collection"
    SKILL = "skill"
    PROMPT = "prompt"
    TOOL = "tool"


Chosen = Annotated[Kind | None, typer.Option("--kind", help="Only what is of this kind.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="Ids, their starts, or `last`.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list")
def list_trash(kind: Chosen = None, as_json: Json = False) -> None:
    """List what was deleted, latest first."""
    show_trash(kind.value if kind else None, as_json)


@app.command()
def restore(ids: Ids, kind: Chosen = None) -> None:
    """Bring things back as they were."""
    bring_back(ids, kind.value if kind else None)


@app.command()
def empty(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID…]", help="These only.")] = None,
    kind: Chosen = None,
    yes: Yes = False,
) -> None:
    """Delete for good what is in the trash: everything, or what is named."""
    end(ids or [], kind.value if kind else None, yes)


async def _listed(workbench: Workbench, kind: TrashKind | None) -> tuple[Trashed, ...]:
    return await all_items(lambda size, cursor: workbench.trash.list(kind, size, cursor))


def show_trash(kind: TrashKind | None, as_json: bool) -> None:
    """Prints what is in the trash."""
    things = call(lambda workbench: _listed(workbench, kind))
    if as_json:
        say_json(things)
        return
    ids = short_ids(each.id for each in things)
    say_table(
        ("ID", "KIND", "TITLE", "DELETED", "GONE FOR GOOD"),
        [
            (
                ids[each.id],
                each.kind,
                each.title or "new session",
                ago(each.deleted_at),
                f"{each.purged_at:%Y-%m-%d}",
            )
            for each in things
        ],
        empty="The trash is empty.",
    )


def bring_back(named: list[str], kind: TrashKind | None) -> None:
    """Restores what is named, and prints it."""

    async def restored(workbench: Workbench) -> list[Trashed]:
        things = _named(await _listed(workbench, kind), named)
        for each in things:
            await workbench.trash.restore(each.kind, each.id)
        return things

    for each in call(restored):
        say(f"restored {each.kind} {each.id}  {each.title}".rstrip())


def end(named: list[str], kind: TrashKind | None, yes: bool) -> None:
    """Deletes for good; asks before, for this cannot be undone."""

    async def ended(workbench: Workbench) -> int | None:
        things = await _listed(workbench, kind)
        if named:
            things = tuple(_named(things, named))
        if not things:
            return 0
        if not yes and not _confirmed(len(things)):
            return None
        for each in things:
            await workbench.trash.empty(each.kind, each.id)
        return len(things)

    gone = call(ended)
    if gone is None:
        say("Nothing was deleted.")
        raise typer.Exit(1)
    say(f"deleted {gone} for good")


def _named(things: tuple[Trashed, ...], named: list[str]) -> list[Trashed]:
    known = {each.id: each for each in things}
    return [known[pick(text, known, "thing in the trash")] for text in named]


def _confirmed(count: int) -> bool:
    from holdfast.core.domain.errors import InvalidError

    if not sys.stdin.isatty():
        raise InvalidError("emptying the trash cannot be undone: say --yes where nobody can be asked")
    return typer.confirm(f"Delete {count} thing{'s' * (count > 1)} for ever?")
