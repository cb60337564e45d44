"""What waits in a conversation, and the messages that answer it or go into it."""

from __future__ import annotations

from datetime import UTC, datetime

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.errors import ConflictError, InvalidError
from holdfast.core.domain.messages import TextPart, UserPart
from holdfast.core.services.workbench import Workbench
from holdfast.server.tasks.answering import addressed, answer_in, decision_in
from holdfast.server.tasks.said import Said
from holdfast.server.tasks.watched import Waiting

_LATEST = datetime.max.replace(tzinfo=UTC)
_DECIDED: dict[tuple[str, str], str] = {}
"""By the messages that have decided an approval, which one it was; the latest of them."""
_KEPT = 1_000
_MOST_LINKS = 20
"""Files that are fetched for one message: each may be large, and is asked of somebody else."""


async def waiting_in(workbench: Workbench, session_id: str) -> tuple[Waiting, ...]:
    """Returns what of a session and of its sub-agents waits for a person, the oldest first: a yes to a
    question must never meet an approval that came after it."""
    approvals = (await workbench.approvals.list(session_id)).items
    questions = (await workbench.runs.questions(session_id)).items
    return tuple(sorted((*approvals, *questions), key=_since))


def _since(waiting: Waiting) -> datetime:
    if isinstance(waiting, Approval):
        return waiting.requested_at
    return waiting.asked_at or _LATEST


async def settle(
    workbench: Workbench, waiting: tuple[Waiting, ...], said: Said, message: tuple[str, str]
) -> str | None:
    """Lets a message decide or answer what waits. Returns the id of what does not wait any more; None where
    the message is no answer to it. Raises what the services raise.

    `message`: its task and its own id. One that comes again, since its client heard no answer, does not meet
    what has begun to wait since.
    """
    asked = addressed(waiting, said)
    if asked is None:
        return None
    before = _DECIDED.get(message)
    if before is not None and not any(each.get("id") == asked.id for each in said.objects):
        return before
    try:
        settled = asked.id if await _settled(workbench, asked, said) else None
    except InvalidError:  # it is no answer to that question
        return None
    except ConflictError:  # somebody else was quicker
        settled = asked.id
    if settled is not None and isinstance(asked, Approval):
        _DECIDED[message] = settled
        if len(_DECIDED) > _KEPT:
            del _DECIDED[next(iter(_DECIDED))]
    return settled


async def _settled(workbench: Workbench, asked: Waiting, said: Said) -> bool:
    if isinstance(asked, Approval):
        decision = decision_in(asked, said)
        if decision is not None:
            await workbench.approvals.decide(asked.id, decision)
        return decision is not None
    answer = answer_in(asked, said)
    if answer is not None:
        await workbench.runs.answer(asked.id, **answer)
    return answer is not None


async def parts_of(
    workbench: Workbench, session_id: str, said: Said, between: str = "\n"
) -> tuple[UserPart, ...]:
    """Returns the parts of a message for a run, its files taken in, and fetched where only their addresses
    are given; `between` stands between its texts. Raises what the services raise."""
    if len(said.links) > _MOST_LINKS:
        raise InvalidError(f"A message has at most {_MOST_LINKS} addresses of files.")
    text = said.text(between)
    files = [
        await workbench.files.attach_data(session_id, each.name or "file", each.data) for each in said.files
    ]
    files += [await workbench.files.attach_url(session_id, each) for each in said.links]
    return (*((TextPart(text=text),) if text else ()), *files)
