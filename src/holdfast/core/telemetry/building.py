"""Building one span: its ids, its attributes by the GenAI conventions of OpenTelemetry, its end.

The conventions are at https://github.com/open-telemetry/semantic-conventions-genai. Their names are written
out here: the Python package of them is large, and marks them as moved.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from holdfast.core.domain.events import UsageRecorded
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.traces import Attribute, Span, SpanEvent

_LONGEST_NAME = 200


def trace_id(run_id: str) -> int:
    """Returns the trace of a run: its UUID, so that either is found by the other."""
    try:
        found = uuid.UUID(run_id).int
    except ValueError:
        found = 0
    return found or int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:16], "big")


def span_id(run_id: str, place: str) -> int:
    """Returns the id of the span at a place in a run; never 0, which stands for none."""
    digest = hashlib.sha256(f"{run_id}/{place}".encode()).digest()
    return int.from_bytes(digest[:8], "big") or 1


def plain(name: str) -> str:
    """Returns a name as it may stand in a span: models may ask for tools by any name."""
    return shorten(sanitize_line(name), _LONGEST_NAME)


def provider(model: str) -> str:
    """Returns the provider that a model's name begins with; `_OTHER` when it has none."""
    before, slash, _ = model.partition("/")
    if slash:
        return plain(before)
    return model if model == "offline" else "_OTHER"


def model_attributes(model: str) -> dict[str, Attribute]:
    return {"gen_ai.provider.name": provider(model), "gen_ai.request.model": plain(model)}


@dataclass(slots=True)
class Used:
    """Tokens and money of one model call, or of several."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float = 0.0
    priced: bool = True
    estimated: bool = False

    def add(self, usage: UsageRecorded) -> None:
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self.cached_tokens += usage.cached_tokens
        self.reasoning_tokens += usage.reasoning_tokens
        self.cost_usd += usage.cost_usd or 0.0
        self.priced = self.priced and usage.cost_usd is not None
        self.estimated = self.estimated or usage.estimated

    def attributes(self) -> dict[str, Attribute]:
        found: dict[str, Attribute] = {
            "gen_ai.usage.input_tokens": self.input_tokens,
            "gen_ai.usage.output_tokens": self.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": self.cached_tokens,
            "gen_ai.usage.reasoning.output_tokens": self.reasoning_tokens,
        }
        if self.priced:
            found["holdfast.usage.cost_usd"] = self.cost_usd
        if self.estimated:
            found["holdfast.usage.estimated"] = True
        return found


@dataclass(slots=True)
class OpenSpan:
    """A span that has not ended."""

    trace_id: int
    span_id: int
    parent_id: int | None
    name: str
    kind: Literal["internal", "client"]
    start: datetime
    attributes: dict[str, Attribute]
    events: list[SpanEvent] = field(default_factory=list)
    link: tuple[int, int] | None = None

    def note(self, name: str, at: datetime, **attributes: Attribute) -> None:
        """Adds an event; the attributes are Holdfast's own."""
        self.events.append(SpanEvent(name, at, {f"holdfast.{key}": each for key, each in attributes.items()}))

    def end(self, at: datetime, error: str | None = None) -> Span:
        """Returns the span as it ended; with `error` as one that failed."""
        if error is not None:
            self.attributes["error.type"] = error
        return Span(
            trace_id=self.trace_id,
            span_id=self.span_id,
            parent_id=self.parent_id,
            name=self.name,
            kind=self.kind,
            start=self.start,
            end=max(self.start, at),  # a clock may be set back
            attributes=self.attributes,
            events=tuple(self.events),
            error=error,
            link=self.link,
        )
