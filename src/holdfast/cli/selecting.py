"""What a person may write for an id: all of it, a start that is unique, or `last`."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.paths import path_of
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.values import all_items

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.core.domain.approvals import Approval
    from holdfast.core.domain.jobs import Job
    from holdfast.core.domain.knowledge import Document
    from holdfast.core.domain.memory import MemoryEntry
    from holdfast.core.domain.runs import Run, Session
    from holdfast.core.domain.tools import Question
    from holdfast.core.services.workbench import Workbench

LAST = "last"
_PAGE = 500
_LISTED = {
    "run": "sessions show SESSION",
    "logged run": "runs list",
    "delivery": "webhooks show WEBHOOK",
    "entry": "memory entries",
    "thing in the trash": "trash list",
}
"""The commands that show what has no list of its own."""


def pick(text: str, ids: Iterable[str], noun: str) -> str:
    """Returns the one of `ids` (latest first) that `text` names.

    Raises `NotFoundError` when it names none, `InvalidError` when it names several.
    """
    ids = list(ids)
    if text == LAST and ids:
        return ids[0]
    if text in ids:
        return text
    found = [i for i in ids if text and i.startswith(text)]
    if not found:
        named = f"there is no {noun} yet" if text == LAST else f"there is no {noun} {text!r}"
        raise NotFoundError(f"{named}; `holdfast {_LISTED.get(noun, f'{noun}s list')}` shows those there are")
    if len(found) > 1:
        raise InvalidError(
            f"{text!r} is the start of {len(found)} {_plural(noun)}: {', '.join(found[:5])}; write more of it"
        )
    return found[0]


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


async def session(workbench: Workbench, text: str, agent: str | None = None) -> Session:
    """Returns the session that `text` names; `last` is the latest one (of `agent`, when given)."""
    if text != LAST:
        try:
            return await workbench.sessions.get(text)
        except NotFoundError:
            pass  # not a whole id: perhaps the start of one, or there is none, which `pick` says
    if text == LAST:
        return await _latest(workbench, agent)
    every = await all_items(lambda limit, cursor: workbench.sessions.list("archived:yes", limit, cursor))
    found = {s.id: s for s in every}
    return found[pick(text, found, "session")]


async def _latest(workbench: Workbench, agent: str | None) -> Session:
    cursor: str | None = None
    while True:
        page = await workbench.sessions.list(limit=_PAGE, cursor=cursor)
        match = next((s for s in page.items if agent in (None, s.agent)), None)
        if match is not None:
            return match
        cursor = page.next_cursor
        if cursor is None:
            whose = f" of agent {agent!r}" if agent else ""
            starts = f"`holdfast run {agent or 'general'} MESSAGE` starts one"
            raise NotFoundError(f"there is no session{whose} yet: {starts}")


async def run(workbench: Workbench, session_id: str, text: str) -> Run:
    """Returns the run of a session that `text` names."""
    every = await all_items(lambda limit, cursor: workbench.runs.list(session_id, limit, cursor))
    runs = {r.id: r for r in every}
    return runs[pick(text, runs, "run")]


async def approval(workbench: Workbench, text: str) -> Approval:
    """Returns the approval that `text` names: of those that wait, else of all."""
    waiting = {a.id: a for a in reversed(await approvals(workbench))}
    if text == LAST or any(i.startswith(text) for i in waiting):
        return waiting[pick(text, waiting, "approval")]
    every = {a.id: a for a in reversed(await approvals(workbench, pending=False))}
    return every[pick(text, every, "approval")]


async def approvals(
    workbench: Workbench, session_id: str | None = None, *, pending: bool = True
) -> tuple[Approval, ...]:
    """Returns all approvals, oldest first: those that wait, or decided ones too."""
    return await all_items(lambda limit, cursor: workbench.approvals.list(session_id, pending, limit, cursor))


async def record(
    workbench: Workbench,
    words: str,
    status: str | None,
    since: datetime | None,
    until: datetime | None,
    session_id: str | None,
) -> tuple[Approval, ...]:
    """Returns the record of approvals, latest first. Raises `InvalidError` for a status that there is not."""
    from holdfast.core.domain.approvals import ApprovalStatus  # start-up time: only this needs it

    known = [each.value for each in ApprovalStatus]
    if status is not None and status not in known:
        raise InvalidError(f"--status {status!r} is none of {', '.join(known)}")
    wanted = None if status is None else ApprovalStatus(status)
    return await all_items(
        lambda limit, cursor: workbench.approvals.history(
            words, wanted, since, until, session_id, limit, cursor
        )
    )


async def questions(workbench: Workbench, session_id: str | None = None) -> tuple[Question, ...]:
    """Returns all questions that wait, oldest first."""
    return await all_items(lambda limit, cursor: workbench.runs.questions(session_id, limit, cursor))


async def question(workbench: Workbench, text: str) -> Question:
    """Returns the waiting question that `text` names."""
    waiting = {q.id: q for q in reversed(await questions(workbench))}
    if text != LAST and not any(i.startswith(text) for i in waiting):
        raise NotFoundError(f"no question {text!r} waits; `holdfast approvals questions` shows those that do")
    return waiting[pick(text, waiting, "question")]


async def job(workbench: Workbench, text: str) -> Job:
    """Returns the job that `text` names."""
    if text != LAST:
        try:
            return await workbench.jobs.get(text)
        except NotFoundError:
            pass  # not a whole id: perhaps the start of one, or there is none, which `pick` says
    known = {each.id: each for each in (await workbench.jobs.list(limit=_PAGE)).items}
    return known[pick(text, known, "job")]


async def memory_entry(workbench: Workbench, text: str) -> MemoryEntry:
    """Returns the entry of memory that `text` names; `last` is the latest changed one."""
    if text != LAST:
        try:
            return await workbench.memory.entry(text)
        except NotFoundError:
            pass  # not a whole id: perhaps the start of one, or there is none, which `pick` says
    most = 1 if text == LAST else None
    every = await all_items(lambda limit, cursor: workbench.memory.entries(limit=limit, cursor=cursor), most)
    known = {each.id: each for each in every}
    return known[pick(text, known, "entry")]


async def document(workbench: Workbench, collection: str, text: str) -> Document:
    """Returns the document of a collection that `text` names: its name or the end of it, its file or
    address, its id, or the start of it. Raises `NotFoundError`, `InvalidError`."""
    every = await all_items(
        lambda limit, cursor: workbench.knowledge.documents(collection, "", limit, cursor)
    )
    names = {text}
    with suppress(NotFoundError):  # a name that begins with `~`, and is nobody's home
        names.add(str(path_of(text).resolve()))
    named = [each for each in every if each.name == text or each.source in names]
    named = named or [each for each in every if each.name.endswith(f"/{text}")]
    if len(named) > 1:
        found = ", ".join(sanitize_line(each.name) for each in named[:5])
        raise InvalidError(f"{text!r} is the end of {len(named)} names: {found}; write more of it")
    if named:
        return named[0]
    known = {each.id: each for each in every}
    if text == LAST or not any(id.startswith(text) for id in known):  # there is no latest one
        near = get_close_matches(text, [each.name for each in every], 1, 0.5)
        hint = f"; did you mean {sanitize_line(near[0])!r}?" if near else ""
        listed = f"`holdfast knowledge show {collection} --documents` lists those there are"
        raise NotFoundError(f"{collection} has no document {text!r}{hint or f'; {listed}'}")
    return known[pick(text, known, "document")]


async def submission(workbench: Workbench, collection: str, text: str) -> str:
    """Returns the id of what a collection was given that `text` names: its id, the start of it, or its name.
    Raises `NotFoundError`, `InvalidError`."""
    if text != LAST:
        with suppress(NotFoundError):  # not a whole id: perhaps the start of one, or a name
            return (await workbench.knowledge.submission(text)).id
    found = (await workbench.knowledge.submissions(collection, limit=_PAGE)).items
    named = [each.id for each in found if each.name == text]
    return named[0] if len(named) == 1 else pick(text, [each.id for each in found], "document")
