"""`holdfast sessions`: list, search, export, fork and delete sessions."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import selecting
from holdfast.cli.calling import call
from holdfast.cli.options import Json, SessionId, group
from holdfast.cli.output import (
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
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.values import all_items

if TYPE_CHECKING:
    from holdfast.core.domain.approvals import Approval
    from holdfast.core.domain.runs import QueuedMessage, Run, Session
    from holdfast.core.domain.tools import Question
    from holdfast.core.services.workbench import Workbench

app = group("List, search, export, fork and delete sessions.")


class Format(StrEnum):
    MARKDOWN = "markdown"
    JSON = "json"


@app.command("list")
def list_sessions(
    query: Annotated[str, typer.Argument(help="Words of the title.")] = "",
    limit: Annotated[int, typer.Option(min=1)] = 200,
    as_json: Json = False,
) -> None:
    """List sessions, latest first."""
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
        ("ID", "STATE", "TITLE", "AGENT", "MESSAGES", "UPDATED"),
        [(ids[s.id], state(s), s.title, s.agent, str(s.messages), ago(s.updated_at)) for s in found],
        empty="There are no sessions yet." if not query else "No session has these words in its title.",
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
def search(query: str, limit: Annotated[int, typer.Option(min=1)] = 50, as_json: Json = False) -> None:
    """Find the places in all sessions where words stand, best first."""
    hits = call(
        lambda workbench: all_items(
            lambda size, cursor: workbench.sessions.search(query, size, cursor), most=limit
        )
    )
    if as_json:
        say_json(hits)
        return
    ids = short_ids(hit.session_id for hit in hits)
    for hit in hits:
        say(f"{ids[hit.session_id]}  {hit.session_title}  ({hit.role}, {ago(hit.at)})")
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
def rename(session: SessionId, title: str, as_json: Json = False) -> None:
    """Give a session another title."""

    async def renamed(workbench: Workbench) -> Session:
        found = await selecting.session(workbench, session)
        return await workbench.sessions.rename(found.id, title)

    _say_session(call(renamed), as_json)


@app.command()
def delete(
    session: SessionId, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Delete a session with its log and its own files."""

    async def deleted(workbench: Workbench) -> str | None:
        found = await selecting.session(workbench, session)
        if not yes and not _confirmed(found):
            return None
        await workbench.sessions.delete(found.id)
        return found.id

    gone = call(deleted)
    if gone is None:
        say("Nothing was deleted.")
        raise typer.Exit(1)
    say(f"deleted {gone}")


def state(session: Session) -> str:
    """Returns how a session stands, in a word."""
    if session.pending:
        return f"waiting ({session.pending})"
    return session.status.value if session.status else "new"


def _confirmed(session: Session) -> bool:
    from holdfast.core.domain.errors import InvalidError

    if not sys.stdin.isatty():
        raise InvalidError("deleting a session cannot be undone: say --yes where nobody can be asked")
    say(f"{session.title} ({session.agent}, {session.messages} messages)")
    return typer.confirm("Delete it for ever?")


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
