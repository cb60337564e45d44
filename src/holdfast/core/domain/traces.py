"""Spans of traces, and the ports between who makes them, who sends them and the log that they come from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from holdfast.core.domain.events import EventFilter, LoggedEvent

Attribute = str | int | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at one moment of a span."""

    name: str
    at: datetime
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of work that has ended."""

    trace_id: int
    """128 bits, the same for all spans of a run."""
    span_id: int
    """64 bits; it follows from the run and the place in it, so that a second sending is the same span."""
    parent_id: int | None
    """None for the run itself."""
    name: str
    kind: Literal["internal", "client"]
    """`client` for what another machine may have done: a model call."""
    start: datetime
    end: datetime
    attributes: Mapping[str, Attribute]
    events: tuple[SpanEvent, ...] = ()
    error: str | None = None
    """What went wrong, in a word; None when nothing did."""
    link: tuple[int, int] | None = None
    """Trace and span of the run that this one continues."""


class SpanExporter(Protocol):
    """Sends spans somewhere. It blocks nobody: what it cannot send in time it drops."""

    def export(self, span: Span) -> None: ...

    async def close(self, within_s: float) -> None:
        """Sends what waits, for at most so many seconds."""
        ...


class EventSource(Protocol):
    """What a follower needs of the log."""

    async def read(
        self, filter: EventFilter, after: int = 0, limit: int = 1_000
    ) -> Sequence[LoggedEvent]: ...

    def follow(self, filter: EventFilter, after: int | None = None) -> AsyncIterator[LoggedEvent]: ...


class Tracing(Protocol):
    """Makes traces of what is logged, from its start to its end."""

    def start(self, after: int, open_runs: Sequence[str]) -> None:
        """Follows the log from the event `after` on; `open_runs` have begun before and not ended."""
        ...

    async def close(self) -> None:
        """Takes what was logged to the end, and sends it; bounded in time."""
        ...
