"""`holdfast sessions`: list, search, export, fork and delete sessions, and what `keeping` adds."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import keeping, selecting
from holdfast.cli.calling import call
from holdfast.cli.commands import trash
from holdfast.cli.options import Json, SessionId, group
from holdfast.cli.output import (
    advise,
    ago,
    colored,
    json_line,
    say,
    say_fields,
    say_json,
    say_table,
    short_ids,
    when,
)
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.values import all_items

if TYPE_CHECKING:
    from holdfast.core.domain.approvals import Approval
    from holdfast.core.domain.runs import QueuedMessage, Run, SearchHit, Session
    from holdfast.core.domain.tools import Question
    from holdfast.core.services.workbench import Workbench

app = group("List, search, keep in order, export, import, fork and delete sessions.")


class Format(StrEnum):
    MARKDOWN = "markdown"
    JSON = "json"


@app.command("list")
def list_sessions(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORD…]", help="Words of the title, and filters.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1)] = 200,
    as_json: Json = False,
) -> None:
    """List sessions, latest first: ★ starred, ● unread, ⚠ waits for you, ◌ archived, ⇗ shared.

    Filters: agent:NAME, project:PART, since:7d, until:2026-01-31, is:starred, is:unread, is:waiting,
    archived:yes and archived:only.
    """
    query = as_query(words or [])
    found = call(
        lambda workbench: all_items(
            lambda size, cursor: workbench.sessions.list(query, size, cursor), most=limit
        )
    )
    if as_json:
        say_json(found)
        return
    ids = short_ids(s.id for s in found)
    say_table(
        ("ID", "MARKS", "STATE", "TITLE", "AGENT", "MESSAGES", "UPDATED"),
        [
            (
                ids[s.id],
                keeping.marks(s),
                state(s),
                s.title,
                s.agent,
                str(s.messages),
                ago(s.updated_at),
            )
            for s in found
        ],
        empty="There are no sessions yet." if not query else "No session fits.",
    )


@app.command()
def show(session: SessionId, as_json: Json = False) -> None:
    """Show one session: its runs, and what waits in it."""

    async def details(workbench: Workbench) -> dict[str, object]:
        found = await selecting.session(workbench, session)
        return {
            "session": found,
            "runs": (await workbench.runs.list(found.id)).items,
            "queue": await workbench.sessions.queue(found.id),
            "approvals": await selecting.approvals(workbench, found.id),
            "questions": await selecting.questions(workbench, found.id),
        }

    found = call(details)
    if as_json:
        say_json(found)
        return
    _show(**found)  # type: ignore[arg-type]  # the values are those of `details`


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORD…", help="Words, “phrases” and filters.")],
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: Json = False,
) -> None:
    """Find the places in all sessions where words stand, the best session first.

    "Words in quotation marks" must stand together. Filters: agent:NAME, project:PART, since:7d,
    until:2026-01-31, role:user, role:assistant, is:starred, archived:no and archived:only.
    """
    query = as_query(words)
    hits = call(
        lambda workbench: all_items(
            lambda size, cursor: workbench.sessions.search(query, size, cursor), most=limit
        )
    )
    if as_json:
        say_json(hits)
        return
    ids = short_ids(hit.session_id for hit in hits)
    grouped: dict[str, list[SearchHit]] = {}
    for hit in hits:
        grouped.setdefault(hit.session_id, []).append(hit)
    for session_id, found in grouped.items():
        say(f"{ids[session_id]}  {sanitize_line(found[0].session_title)}")
        for hit in found:
            say(f"  {'you' if hit.role == 'user' else 'agent'}, {ago(hit.at)}")
            _say_excerpt(hit.excerpt)
    if not hits:
        say("Nothing was found.")


@app.command()
def export(
    session: SessionId,
    format: Annotated[Format, typer.Option("--format", "-f")] = Format.MARKDOWN,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new file; default: stdout.")
    ] = None,
) -> None:
    """Print a whole session as Markdown or JSON, or write it to a file."""

    async def document(workbench: Workbench) -> str:
        found = await selecting.session(workbench, session)
        return await workbench.sessions.export(found.id, format.value)

    text = call(document)
    if output is not None:
        with output.open("x", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
        say(str(output))
    elif format is Format.JSON:
        print(json_line(text.rstrip("\n")))
    else:
        say(text.rstrip("\n"))


@app.command()
def suggest(
    session: SessionId,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=10, help="Questions at most.")] = 3,
    as_json: Json = False,
) -> None:
    """Ask the session's model for questions that you could ask next."""

    async def suggested(workbench: Workbench) -> tuple[str, ...]:
        found = await selecting.session(workbench, session)
        return await workbench.runs.suggest(found.id, count)

    questions = call(suggested)
    if as_json:
        say_json(questions)
        return
    for number, question in enumerate(questions, 1):
        say(f"{number}. {sanitize_line(question)}")


@app.command()
def fork(
    session: SessionId,
    before: Annotated[
        int | None, typer.Option(metavar="EVENT", help="Take only the events with ids under this one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a new session that goes on from a point of this one; prints its id."""

    async def forked(workbench: Workbench) -> Session:
        found = await selecting.session(workbench, session)
        return await workbench.sessions.fork(found.id, before)

    _say_session(call(forked), as_json)


@app.command()
def rename(
    session: SessionId,
    title: Annotated[
        str, typer.Argument(help="Left out: the session's model finds one, unless it was given one already.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Give a session another title."""

    async def renamed(workbench: Workbench) -> Session:
        found = await selecting.session(workbench, session)
        if not title:
            return await workbench.sessions.entitle(found.id)
        return await workbench.sessions.rename(found.id, title)

    _say_session(call(renamed), as_json)


@app.command()
def clear(
    session: SessionId, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Delete for good what was said in a session, which stays with its title and its files."""

    async def cleared(workbench: Workbench) -> str:
        found = await selecting.session(workbench, session)
        if not yes and not _confirmed([_described(found)], "Clear"):
            return ""
        return (await workbench.sessions.clear(found.id)).id

    gone = call(cleared)
    if not gone:
        say("Nothing was cleared.")
        raise typer.Exit(1)
    say(f"cleared {gone}")


@app.command()
def delete(
    sessions: keeping.SessionIds,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    permanent: Annotated[
        bool, typer.Option("--permanent", help="For good, also out of the trash: it cannot be undone.")
    ] = False,
) -> None:
    """Delete sessions: to the trash, from which `holdfast sessions trash restore` brings them back."""

    async def deleted(workbench: Workbench) -> list[str]:
        found = [await _deletable(workbench, text, permanent) for text in sessions]
        if permanent and not yes and not _confirmed(list(found)):
            return []
        ids = [session_id for session_id, _ in found]
        for session_id in ids:
            await workbench.sessions.delete(session_id, permanent)
        return ids

    gone = call(deleted)
    if not gone:
        say("Nothing was deleted.")
        raise typer.Exit(1)
    for session_id in gone:
        say(f"deleted {session_id}")
    if not permanent:
        advise(f"holdfast sessions trash restore {' '.join(gone)}  brings back what was deleted")


async def _deletable(workbench: Workbench, text: str, permanent: bool) -> tuple[str, str]:
    """Returns the id of a session and what it is; with `permanent` also of one in the trash."""
    try:
        return _described(await selecting.session(workbench, text))
    except NotFoundError:
        there = (await workbench.trash.list("session")).items if permanent else ()
        if not any(each.id.startswith(text) for each in there):
            raise
        titles = {each.id: each.title for each in there}
        picked = selecting.pick(text, titles, "session")
        return picked, f"{titles[picked]} (in the trash)"


app.command()(keeping.star)
app.command()(keeping.share)
app.command()(keeping.archive)
app.command()(keeping.tree)
app.command("import", help=keeping.IMPORT_HELP)(keeping.import_sessions)
_trash = group("See what sessions were deleted, bring them back, or delete them for good.")
app.add_typer(_trash, name="trash")


@_trash.command("list")
def list_trash(as_json: Json = False) -> None:
    """List the sessions in the trash, latest deleted first."""
    trash.show_trash("session", as_json)


@_trash.command()
def restore(ids: trash.Ids) -> None:
    """Bring sessions back as they were."""
    trash.bring_back(ids, "session")


@_trash.command()
def empty(yes: trash.Yes = False) -> None:
    """Delete all sessions in the trash for good."""
    trash.end([], "session", yes)


def as_query(words: list[str]) -> str:
    """Returns the words of a command line as one query: one with spaces in it is a phrase again."""
    if len(words) == 1:
        return words[0]
    return " ".join(f'"{word}"' if " " in word and '"' not in word else word for word in words)


def state(session: Session) -> str:
    """Returns how a session stands, in a word."""
    if session.pending:
        return f"waiting ({session.pending})"
    return session.status.value if session.status else "new"


def _described(session: Session) -> tuple[str, str]:
    """Returns the id of a session and what it is."""
    return session.id, f"{session.title} ({session.agent}, {session.messages} messages)"


def _confirmed(found: list[tuple[str, str]], verb: str = "Delete") -> bool:
    if not sys.stdin.isatty():
        raise InvalidError("deleting for good cannot be undone: say --yes where nobody can be asked")
    for _, described in found:
        say(sanitize_line(described))
    return typer.confirm(f"{verb} {len(found)} session{'s' * (len(found) > 1)} for ever?")


def _say_session(session: Session, as_json: bool) -> None:
    if as_json:
        say_json(session)
    else:
        say(session.id)


def _say_excerpt(excerpt: str) -> None:
    pieces = re.split("\x02(.*?)\x03", excerpt, flags=re.DOTALL)  # every second one is a hit
    on, off = ("\x1b[1m", "\x1b[0m") if colored(sys.stdout) else ("", "")
    print(
        "    "
        + "".join(f"{on}{sanitize_line(p)}{off}" if i % 2 else sanitize_line(p) for i, p in enumerate(pieces))
    )


def _show(
    session: Session,
    runs: tuple[Run, ...],
    queue: tuple[QueuedMessage, ...],
    approvals: tuple[Approval, ...],
    questions: tuple[Question, ...],
) -> None:
    say_fields(
        [
            ("id", session.id),
            ("title", session.title),
            ("agent", session.agent),
            ("model", session.model),
            ("state", state(session)),
            ("marks", ", ".join(name for _, name in keeping.SIGNS if getattr(session, name) is True)),
            ("imported from", session.imported_from),
            ("project", session.project),
            ("workspace", session.workspace),
            ("forked from", session.forked_from),
            ("messages", session.messages),
            ("tokens", f"{session.usage.input_tokens} in, {session.usage.output_tokens} out"),
            ("cost", f"${session.usage.cost_usd:.4f}"),
            ("created", when(session.created_at)),
            ("updated", when(session.updated_at)),
        ]
    )
    if runs:
        say()
        ids = short_ids(r.id for r in runs)
        say_table(
            ("RUN", "STATE", "MODEL", "STEPS", "STARTED", "ERROR"),
            [
                (
                    ids[r.id],
                    r.status.value,
                    r.model,
                    str(r.steps),
                    ago(r.started_at),
                    r.error.message if r.error else "",
                )
                for r in runs
            ],
            empty="",
        )
    waiting = [
        *(f"approval {a.id}: {a.tool} {a.subject}" for a in approvals),
        *(f"question {q.id}: {q.text}" for q in questions),
        *(f"queued message {m.id}" for m in queue),
    ]
    if waiting:
        say()
    for line in waiting:
        say(sanitize_line(line))
