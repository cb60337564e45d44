"""`holdfast sessions`: what keeps many sessions in order: stars, the archive, the fork tree, imports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import selecting
from holdfast.cli.calling import call
from holdfast.cli.options import Json, examples
from holdfast.cli.output import ago, say, say_json, short_ids, warn
from holdfast.cli.places import project_folder
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.values import all_items

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from holdfast.core.domain.runs import Session
    from holdfast.core.services.workbench import Workbench

SessionIds = Annotated[list[str], typer.Argument(metavar="SESSION…", help="Ids, their starts, or `last`.")]
SIGNS = (("★", "starred"), ("●", "unread"), ("⚠", "pending"), ("◌", "archived"), ("⇗", "shared"))
"""Sign and field of each mark; lists say them, and `--help` what they mean."""


def marks(session: Session) -> str:
    """Returns the signs of a session: ★ starred, ● unread, ⚠ waits for you, ◌ archived, ⇗ shared."""
    return "".join(sign for sign, field in SIGNS if getattr(session, field))


def star(
    sessions: SessionIds,
    remove: Annotated[bool, typer.Option("--remove", help="Take the star away.")] = False,
) -> None:
    """Mark sessions with a star, or take it away."""
    _each(sessions, lambda workbench, id: workbench.sessions.star(id, starred=not remove))


def archive(
    sessions: SessionIds,
    remove: Annotated[bool, typer.Option("--remove", help="Take them out of the archive.")] = False,
) -> None:
    """Put sessions into the archive, out of the list, or take them out."""
    _each(sessions, lambda workbench, id: workbench.sessions.archive(id, archived=not remove))


def share(
    sessions: SessionIds,
    remove: Annotated[bool, typer.Option("--remove", help="Share them no longer.")] = False,
) -> None:
    """Let everybody who knows a session's id read what is said in it, without a login; or end that.

    Others see its messages, with the calls of tools and what they gave, now and later: nothing else of it.
    """
    _each(sessions, lambda workbench, id: workbench.sessions.share(id, shared=not remove))


def _each(named: list[str], change: Callable[[Workbench, str], Awaitable[Session]]) -> None:
    async def changed(workbench: Workbench) -> list[Session]:
        # All are found before the first is changed: a name that fits none leaves all as they are.
        found = [await selecting.session(workbench, text) for text in named]
        return [await change(workbench, each.id) for each in found]

    for session in call(changed):
        say(f"{session.id}  {marks(session)}".rstrip())


def tree(as_json: Json = False) -> None:
    """Show sessions with their forks below them, latest first."""
    sessions = call(
        lambda workbench: all_items(
            lambda size, cursor: workbench.sessions.list("archived:yes", size, cursor)
        )
    )
    if as_json:
        say_json(_nested(sessions))
        return
    ids = short_ids(each.id for each in sessions)
    for prefix, session in branches(sessions):
        title = sanitize_line(session.title) or "new session"
        signs = marks(session)
        say(f"{prefix}{ids[session.id]}  {title}  {f'{signs} ' if signs else ''}({ago(session.updated_at)})")
    if not sessions:
        say("There are no sessions yet.")


def branches(sessions: Sequence[Session]) -> Iterator[tuple[str, Session]]:
    """Yields sessions in the order of their tree, each behind the lines that lead to it."""
    children = children_of(sessions)
    stack = [("", "", each) for each in reversed(children.get(None, []))]
    while stack:
        prefix, below, session = stack.pop()
        yield prefix, session
        forks = children.get(session.id, [])
        for number, fork in reversed(list(enumerate(forks, 1))):
            last = number == len(forks)
            stack.append((f"{below}{'└─ ' if last else '├─ '}", f"{below}{'   ' if last else '│  '}", fork))


def children_of(sessions: Sequence[Session]) -> dict[str | None, list[Session]]:
    """Returns the forks of each session; under None those whose origin is not among them."""
    known = {each.id for each in sessions}
    children: dict[str | None, list[Session]] = {}
    for session in sessions:
        origin = session.forked_from if session.forked_from in known else None
        children.setdefault(origin, []).append(session)
    return children


def _nested(sessions: Sequence[Session]) -> list[dict[str, object]]:
    children = children_of(sessions)
    made: dict[str, dict[str, object]] = {}
    for each in sessions:
        made[each.id] = {"id": each.id, "title": each.title, "updated_at": each.updated_at.isoformat()}
    for each in sessions:
        made[each.id]["forks"] = [made[fork.id] for fork in children.get(each.id, [])]
    return [made[each.id] for each in children.get(None, [])]


def import_sessions(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    agent: Annotated[str, typer.Option(help="The agent of the new sessions.")] = "",
    project: Annotated[str, typer.Option(metavar="DIR", help="The folder that they work in.")] = "",
    as_json: Json = False,
) -> None:
    """Make new sessions of conversations in a file; nothing that is there changes.

    Reads exports of Holdfast (JSON: the whole log; Markdown: what was said), conversations.json of ChatGPT,
    Claude's, and lists of {role, content}. What a file says runs nothing, allows nothing and costs nothing.
    Files and the sessions of sub-agents are not taken over.
    """

    from holdfast.core.domain.runs import FROM_EXPORT, NOT_IMPORTED

    async def taken(workbench: Workbench) -> tuple[Session, ...]:
        folder = project_folder(project) if project else ""
        with file.open("rb") as stream:
            return await workbench.sessions.take_in(stream, file.name, agent, folder)

    sessions = call(taken)
    if as_json:
        say_json(sessions)
        return
    for session in sessions:
        say(f"{session.id}  {sanitize_line(session.title) or 'new session'}  ({session.messages} messages)")
    if any(session.imported_from == FROM_EXPORT for session in sessions):
        warn(NOT_IMPORTED)


IMPORT_HELP = (import_sessions.__doc__ or "") + examples(
    "holdfast sessions import conversations.json", "holdfast sessions import trip.md --agent writer"
)
