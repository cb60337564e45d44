"""What messages say beside their text: a session's title, and what holds for one that has waited."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.core.domain.events import MessageDequeued, MessageQueued
from holdfast.core.domain.messages import TextPart, UserPart, text_of, without_results
from holdfast.core.domain.runs import QueuedMessage, RunOptions
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import new_id
from holdfast.core.runs.active import ActiveRun
from holdfast.core.store.log import EventLog
from holdfast.core.store.modes import read_mode
from holdfast.core.store.reader import Reader


async def options_now(reader: Reader, queued: QueuedMessage) -> RunOptions:
    """Returns the options of a message that has waited. The mode of its session was changed meanwhile, by
    a person or because a limit was reached: that is the later word, and the one that holds."""
    mode = await read_mode(reader, queued.session_id)
    if mode is None or mode.since < queued.queued_at:
        return queued.options
    return queued.options.model_copy(update={"approve": None})


async def drop_waiting(log: EventLog, session_id: str) -> None:
    """Empties the queue of a sub-agent's session: its run has ended, and no other comes."""
    for waiting in await log.reader.queue(session_id):
        dropped = MessageDequeued(session_id=session_id, message_id=waiting.id, reason="pulled_back")
        await log.append(dropped)


def title_of(parts: tuple[UserPart, ...]) -> str:
    """Returns a session's title from its first message; empty when nothing is said in it."""
    said = without_results(parts)
    written = " ".join(part.text for part in said if isinstance(part, TextPart))
    return shorten(sanitize_line(written).strip(), 60) or sanitize_line(text_of(said))


def taken_back(runs: Iterable[ActiveRun], message_id: str) -> bool:
    """Keeps a message from entering the runs of its session; says whether it has not entered one already."""
    entered = False
    for run in runs:
        run.levers.steers = [each for each in run.levers.steers if each[0] != message_id]
        entered = entered or message_id in run.levers.entered
    return not entered


def steering(run: ActiveRun, parts: tuple[UserPart, ...], key: str, *, enters: bool = True) -> MessageQueued:
    """Returns the event of a message that enters a run before its next step, or waits for its end."""
    return MessageQueued(
        session_id=run.session_id,
        message_id=new_id(),
        parts=parts,
        options=run.options.model_copy(update={"history": None}) if enters else RunOptions(),
        key=key,
        steer=enters,
    )
