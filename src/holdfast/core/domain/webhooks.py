"""Webhooks: addresses that get events over HTTP, the log of what was sent, and the ports of what sends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pydantic import AwareDatetime, Field

from holdfast.core.domain.events import AnyEvent, EventFilter, LoggedEvent
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.runs import Session
from holdfast.core.domain.values import Value

TEST_EVENT = "webhook.test"
"""Type of what `test` sends; it is no event of the log."""


class Webhook(Value):
    """An address that gets events of its owner's sessions, one after the other, in the order of the log."""

    id: str
    owner: str
    """Id of the user whose sessions' events it gets."""
    name: str = ""
    url: str
    events: tuple[str, ...] = ()
    """Types of events, also as patterns such as `run.*`; empty: all. `part.delta` and
    `tool_call.progressed` are sent only when they are named in full."""
    session_id: str | None = None
    """Of this session only."""
    enabled: bool = True
    reason: str = ""
    """Why Holdfast has disabled it; empty when a person has."""
    created_at: AwareDatetime
    cursor: int = 0
    """The last event that it is done with: delivered, given up or not wanted."""
    failing_since: AwareDatetime | None = None
    """The first of the attempts in a row that failed; None when the last one succeeded."""
    failures: int = 0
    """Attempts in a row that failed."""
    succeeded_at: AwareDatetime | None = None
    """The last attempt that succeeded."""
    format: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,31})?$")
    """The API in whose words it gets events; empty: Holdfast's own."""
    ext: Ext = Field(default={})
    """What clients of other systems keep of it."""


class NewWebhook(Value):
    """A webhook just made; the secret that signs what it sends is shown this once."""

    webhook: Webhook
    secret: str = Field(repr=False)


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    """It failed and is tried again."""
    DELIVERED = "delivered"
    """The receiver answered with a status of 200 to 299."""
    FAILED = "failed"
    """It was given up; `redeliver` sends it once more."""


class Delivery(Value):
    """One event on its way to one webhook."""

    id: str
    """The same in every attempt: a receiver that has seen it drops what comes again."""
    webhook_id: str
    event_id: int | None
    """None for a test."""
    type: str
    """Of the event."""
    status: DeliveryStatus
    attempts: int = 0
    created_at: AwareDatetime
    attempted_at: AwareDatetime | None = None
    """The last attempt."""
    next_attempt_at: AwareDatetime | None = None
    """While it is pending."""
    response_status: int | None = None
    """HTTP status of the last attempt; None when there was no answer."""
    response: str = ""
    """The start of the last answer's body, without control characters."""
    error: str = ""
    """What went wrong in the last attempt."""
    duration_ms: float | None = None
    """Of the last attempt."""


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """The next event that a webhook wants."""

    id: int
    type: str
    event: LoggedEvent | None
    """None when its content is lost."""


class EventSource(Protocol):
    """The log, as what delivers needs it."""

    def follow(
        self, filter: EventFilter, after: int | None = None, owner: str | None = None
    ) -> AsyncIterator[LoggedEvent]:
        """Yields committed events over `after`; ends when the log closes."""
        ...

    def owner_of(self, event: AnyEvent) -> str:
        """Returns the id of the user whose session an event is of."""
        ...


class WebhookStore(Protocol):
    """Keeps webhooks and deliveries; every method raises `StoreError` when it cannot."""

    async def get(self, id: str) -> Webhook | None: ...

    async def enabled(self) -> tuple[Webhook, ...]:
        """Returns all enabled webhooks of users that there are."""
        ...

    async def last_event_id(self) -> int: ...

    async def next_event(self, webhook: Webhook, types: frozenset[str]) -> FoundEvent | None:
        """Returns the first event over the webhook's cursor that is of `types` and is its to see."""
        ...

    async def event(self, webhook: Webhook, event_id: int) -> FoundEvent | None:
        """Returns an event of the webhook's owner, as long as there is one."""
        ...

    async def events_of_run(self, owner: str, run_id: str, after: int, through: int) -> list[LoggedEvent]:
        """Returns the events of a run over `after` up to `through`, in their order."""
        ...

    async def session(self, session_id: str, owner: str) -> Session | None:
        """Returns a session of a user."""
        ...

    async def pending(self, webhook_id: str) -> Delivery | None:
        """Returns the delivery that is to be tried again."""
        ...

    async def record(self, delivery: Delivery, webhook: Webhook | None = None) -> None:
        """Keeps how a delivery stands and, with it, the state of its webhook: cursor, failures, enabled.

        Of a webhook that is gone nothing is kept.
        """
        ...

    async def move(self, webhook_id: str, cursor: int) -> None:
        """Notes that there is nothing to send up to `cursor`."""
        ...
