"""A conversation that was read from a file, and the events that tell it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from holdfast.core.domain.errors import TooLargeError
from holdfast.core.domain.events import (
    AnyEvent,
    MessageAdded,
    PartCompleted,
    PartStarted,
    RunCompleted,
    RunStarted,
    StepCompleted,
    StepStarted,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import Timing
from holdfast.core.domain.runs import IMPORTED
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.domain.values import new_id
from holdfast.core.sessions.speakers import Role

MAX_BYTES = 64 * 2**20
"""Largest file."""
MAX_CONVERSATIONS = 2_000
"""Of one file."""
MAX_MESSAGES = 20_000
"""Of one conversation; events of one log are ten times as many."""
MAX_TEXT = 2_000_000
"""Characters of one message; what is longer is cut."""
NO_QUESTION = "(The conversation begins with a reply.)"

_UNKNOWN = Timing(request_ms=0, total_ms=0)


@dataclass(frozen=True, slots=True)
class Said:
    """One message."""

    role: Role
    text: str
    at: datetime | None = None


@dataclass(slots=True)
class Conversation:
    """What one new session is made of."""

    source: str
    """What it was read from: `chatgpt`, `markdown`, `holdfast` …"""
    title: str = ""
    agent: str = ""
    """The agent that the file names; it may not be there."""
    said: list[Said] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    """Events as an export of ours has them, not checked yet; instead of `said`."""

    def say(self, role: Role, text: str, at: datetime | None = None) -> None:
        """Adds a message, without what a terminal would execute. Raises `TooLargeError`."""
        text = shorten(sanitize(text).strip(), MAX_TEXT)
        if not text:
            return
        if len(self.said) == MAX_MESSAGES:
            raise too_many(f"a conversation of more than {MAX_MESSAGES} messages")
        self.said.append(Said(role, text, at))

    @property
    def name(self) -> str:
        """A title in one line: its own, else how its first message begins."""
        own = sanitize_line(self.title).strip()
        first = next((sanitize_line(one.text) for one in self.said if one.role == "user"), "")
        return shorten(own, 200) or shorten(first.strip(), 60)


def too_many(what: str) -> TooLargeError:
    """Returns the error of a file that holds too much."""
    return TooLargeError(f"The file holds {what}; split it.", code="import_too_large")


def moment(value: object) -> datetime | None:
    """Returns a time that a file says as seconds since 1970 or in ISO 8601; None for anything else."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Of a time in a file; what is earlier cannot be said in every time zone."""


def bounded(at: datetime, now: datetime) -> datetime:
    """Returns a time of a file in UTC: not later than `now`, and not before 1970."""
    return min(max(at, EARLIEST), now).astimezone(UTC)


def events_of(said: Sequence[Said], session_id: str, agent: str, now: datetime) -> Iterator[AnyEvent]:
    """Yields a run for each message of a person, with the replies that follow it. Times never go back, and
    none is later than `now`: so nothing of it counts as used here."""
    time = min((bounded(one.at, now) for one in said if one.at is not None), default=now)
    if said and said[0].role == "assistant":
        said = [Said("user", NO_QUESTION), *said]
    at = time
    starts = [number for number, one in enumerate(said) if one.role == "user"]
    for start, end in zip(starts, [*starts[1:], len(said)], strict=True):
        run = list(said[start:end])
        times = []
        for one in run:
            at = min(max(at, one.at or at), now)
            times.append(at)
        yield from _run(run, times, session_id, agent)


def _run(run: list[Said], times: list[datetime], session_id: str, agent: str) -> Iterator[AnyEvent]:
    ids: dict[str, str] = {"session_id": session_id, "run_id": new_id()}
    question, *replies = run
    yield RunStarted(**ids, at=times[0], agent=agent, model=IMPORTED)
    yield MessageAdded(**ids, at=times[0], message_id=new_id(), parts=(TextPart(text=question.text),))
    for step, (reply, at) in enumerate(zip(replies, times[1:], strict=True), 1):
        part = f"{step}.1"
        yield StepStarted(**ids, at=at, step=step, model=IMPORTED, prompt="")
        yield PartStarted(**ids, at=at, part_id=part, kind="text")
        yield PartCompleted(**ids, at=at, part_id=part, kind="text", text=reply.text)
        yield StepCompleted(**ids, at=at, step=step, reason="stop", timing=_UNKNOWN)
    yield RunCompleted(**ids, at=times[-1])
