"""The noun `webhooks` of a workbench."""

from __future__ import annotations

from typing import Protocol

from holdfast.core.domain.ext import Ext
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.values import Cursor, EventId, Limit, Page
from holdfast.core.domain.webhooks import Delivery, NewWebhook, Webhook
from holdfast.core.services.needs import needs


class Webhooks(Protocol):
    """Addresses that get the events of the user's sessions over HTTP, signed."""

    @needs(Scope.READ)
    async def list(self) -> tuple[Webhook, ...]:
        """Returns the user's webhooks, oldest first."""
        ...

    @needs(Scope.READ)
    async def get(self, id: str) -> Webhook:
        """Returns a webhook. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def add(
        self,
        url: str,
        events: tuple[str, ...] = (),
        session_id: str | None = None,
        name: str = "",
        secret: str | None = None,
        format: str = "",
        ext: Ext | None = None,
        after: EventId | None = None,
    ) -> NewWebhook:
        """Adds a webhook, which gets events from now on, or those behind the event `after`; its secret is in
        the answer and cannot be had again.

        `events` are types, also as patterns such as `run.*`; none: all but deltas, which have to be named
        in full. `secret` is one of the caller's own instead of a new one. `format` is the API in whose words
        it gets them, empty for Holdfast's own, and `ext` what its clients keep of the webhook. Raises
        `InvalidError` for an address, a pattern, a secret or a format that cannot be, `ForbiddenError` for
        an address that is not public and not an administrator's, `ConflictError` when there are too many.
        """
        ...

    @needs(Scope.ADMIN)
    async def update(
        self,
        id: str,
        enabled: bool | None = None,
        events: tuple[str, ...] | None = None,
        url: str | None = None,
        name: str | None = None,
    ) -> Webhook:
        """Changes what is given of a webhook. What waits for its next attempt is sent at once; an enabled
        webhook goes on where it stopped. Raises what `add` raises, and `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def remove(self, id: str) -> None:
        """Removes a webhook with its secret and the log of its deliveries. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def test(self, id: str) -> Delivery:
        """Sends a `webhook.test`, also to a webhook that is disabled, and returns what came of it: once, or
        as often as its format says. When the receiver takes it, what waits for its next attempt is sent as
        well."""
        ...

    @needs(Scope.READ)
    async def deliveries(self, id: str, limit: Limit = 50, cursor: Cursor | None = None) -> Page[Delivery]:
        """Returns the last deliveries of a webhook, newest first; old ones are dropped."""
        ...

    @needs(Scope.ADMIN)
    async def redeliver(self, delivery_id: str) -> Delivery:
        """Sends an event once more, under the same id, and returns what came of it.

        Raises `NotFoundError`, and `ConflictError` for a delivery that is still tried and for an event
        that was deleted.
        """
        ...
