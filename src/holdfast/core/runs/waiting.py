"""What messages say beside their text: a session's title, and what holds for those that have waited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.events import AnyEvent, MessageAdded, MessageDequeued, MessageQueued
from holdfast.core.domain.messages import TextPart, UserPart, text_of, without_results
from holdfast.core.domain.runs import FollowUpKind, QueuedMessage, RunOptions
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import new_id
from holdfast.core.runs.active import ActiveRun, Steer
from holdfast.core.store.log import EventLog
from holdfast.core.store.modes import read_mode
from holdfast.core.store.reader import Reader

BETWEEN = "\n\n"
"""Stands between the messages that enter as one."""


async def options_now(reader: Reader, queued: QueuedMessage) -> RunOptions:
    """Returns the options of a message that has waited. The mode of its session was changed meanwhile, by
    a person or because a limit was reached: that is the later word, and the one that holds."""
    mode = await read_mode(reader, queued.session_id)
    if mode is None or mode.since < queued.queued_at:
        return queued.options
    return queued.options.model_copy(update={"approve": None})


async def check_unsaid(reader: Reader, session_id: str, message_id: str) -> None:
    """Raises `ConflictError` (`message_exists`) for the id of a message that waits in a session or has
    entered one of its runs; one that was pulled back may be given again."""
    waits = any(each.id == message_id for each in await reader.queue(session_id))
    if waits or await reader.was_said(session_id, message_id):
        raise ConflictError(f"The session has a message {message_id} already.", code="message_exists")


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
        run.levers.steers = [each for each in run.levers.steers if each.message_id != message_id]
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


def entering(run: ActiveRun) -> tuple[AnyEvent, ...]:
    """Returns the events of the next message that enters a run before its next step. The follow-ups that wait
    enter as one."""
    levers = run.levers
    first = levers.steers[0]
    taken = [first] if first.kind is None else [each for each in levers.steers if each.kind is not None]
    levers.steers = [each for each in levers.steers if each not in taken]
    levers.entered.update(each.message_id for each in taken)
    ids = tuple(each.message_id for each in taken)
    added = MessageAdded(
        **run.ids,
        message_id=ids[0] if len(ids) == 1 else new_id(),
        parts=first.parts if first.kind is None else as_one([(each.parts, each.kind) for each in taken]),
        origin="steer",
        follow_ups=() if first.kind is None else ids,
    )
    return *left_queue(run.session_id, ids), added


def left_queue(session_id: str, ids: Iterable[str]) -> tuple[MessageDequeued, ...]:
    """Returns the events of messages that are sent now."""
    return tuple(MessageDequeued(session_id=session_id, message_id=id, reason="sent") for id in ids)


def as_one(messages: Sequence[tuple[tuple[UserPart, ...], FollowUpKind | None]]) -> tuple[UserPart, ...]:
    """Returns the parts of one message that says what several do, in their order: which was said when can be
    seen of it."""
    background = any(kind == "background" for _, kind in messages)
    found: list[UserPart] = []
    said = 0
    for at, (parts, kind) in enumerate(messages):
        said += kind != "background"
        if at:
            found.append(TextPart(text=BETWEEN))
        found += _headed(parts, _head(at, len(messages), background, kind, said))
    return tuple(found)


def _head(at: int, count: int, background: bool, kind: FollowUpKind | None, said: int) -> str:
    """Returns what stands before the message `at` of `count`."""
    if count == 1:
        return ""
    if background:
        return "" if kind == "background" else f"User follow-up {said}: "
    return ("First: ", "Also: ")[at] if count == 2 else f"[{at + 1}]: "


def _headed(parts: tuple[UserPart, ...], head: str) -> tuple[UserPart, ...]:
    """Puts the head before the first text, or before everything where there is none."""
    if not head:
        return parts
    first = next((part for part in parts if isinstance(part, TextPart)), None)
    if first is None:
        return (TextPart(text=head.strip()), *parts)
    return tuple(
        TextPart(text=head + part.text) if part is first and isinstance(part, TextPart) else part
        for part in parts
    )


async def follow_ups(
    reader: Reader, session_id: str, key: str, *, without: Sequence[QueuedMessage]
) -> list[Steer]:
    """Returns the follow-ups that enter a run of `key` before its first step: those that wait, but for those
    that it begins with."""
    begins = {each.id for each in without}
    return [
        Steer(each.id, each.parts, each.kind)
        for each in await reader.queue(session_id)
        if each.kind is not None and each.key == key and each.id not in begins
    ]
