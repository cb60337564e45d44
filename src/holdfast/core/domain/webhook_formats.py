"""Formats of webhooks: how the clients of other systems are told of events, and the port to who knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.runs import Session
from holdfast.core.domain.webhooks import Delivery, Webhook


@dataclass(frozen=True, slots=True)
class Message:
    """One request: the raw body, and headers with its signature."""

    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """What another system says of an event: its own event, of which one of ours may be several or none."""

    type: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often something is tried, in the words of another system: everything that is not taken, as often
    as everything else."""

    attempts: int
    waits_s: tuple[float, ...]
    """Seconds after each attempt that fails; the last one also after later ones."""

    def wait_s(self, attempts: int) -> float:
        """Returns the seconds to wait after so many attempts."""
        return self.waits_s[min(attempts, len(self.waits_s)) - 1]


@dataclass(frozen=True, slots=True)
class EventPlace:
    """Where events are from."""

    session: Session | None = None
    """None: of no session."""
    own_tools: frozenset[str] = frozenset()
    """The names of the tools that are their owner's own."""


class EventWriter(Protocol):
    """Tells the events of one run, all of them in their order; or those that are of no run, of a session or a
    user, from some time on."""

    def take(self, logged: LoggedEvent) -> Sequence[Notice]:
        """Returns what is to be said of the next event."""
        ...


class WebhookFormat(Protocol):
    """How the webhooks of another system's clients are written. Pure."""

    @property
    def retries(self) -> Retries: ...

    def writer(self, webhook: Webhook, place: EventPlace) -> EventWriter:
        """Returns what tells a webhook the events of a run from its beginning, or those of no run."""
        ...

    def message(
        self, webhook: Webhook, delivery: Delivery, notice: Notice, number: int, secret: str
    ) -> Message:
        """Returns the request with a notice, the `number`th (from 0) of the delivery's event."""
        ...

    def trial(self, webhook: Webhook, delivery: Delivery, secret: str, at: datetime) -> Message:
        """Returns the request that only tries whether the receiver answers."""
        ...


FormatSource = Callable[[str], WebhookFormat | None]
"""Returns the format of a name; None where there is none."""


def no_formats(name: str) -> WebhookFormat | None:
    """Knows no format but Holdfast's own."""
    return None
