"""The deliveries of one webhook: one after the other, in the order of the log, from its cursor on.

Between two acts nothing but the cursor and the delivery that waits is kept: the log is the buffer, and
what was deleted meanwhile is not sent any more.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from random import random

from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.events import DELTAS, LoggedEvent
from holdfast.core.domain.values import utc_now
from holdfast.core.domain.webhook_formats import FormatSource, no_formats
from holdfast.core.domain.webhooks import Delivery, DeliveryStatus, FoundEvent, Webhook, WebhookStore
from holdfast.core.hooks.backoff import MAX_RETRY_AFTER_S
from holdfast.core.hooks.matching import wanted_types
from holdfast.core.hooks.outcome import Answer, Verdict, after_attempt, attempted, judge
from holdfast.core.hooks.payload import event_message, trial_message
from holdfast.core.hooks.sender import Sender
from holdfast.core.hooks.telling import Telling

logger = logging.getLogger(__name__)

_STORE_WAIT_S = 5.0
"""Seconds until a store that failed is asked again."""
_FAR = 1_000
"""Events without a delivery after which the cursor is written down all the same."""


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Waits until `event` is set, `seconds` at most."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


@dataclass(frozen=True, slots=True)
class Means:
    """What deliveries are made with."""

    store: WebhookStore
    make_sender: Callable[[], Sender]
    secret: Callable[[str], Awaitable[str | None]]
    """Returns the secret of a webhook, by its id; None when it cannot be read."""
    allow_private: Callable[[str], Awaitable[bool]]
    """Says whether webhooks of a user may reach addresses that are not public, by his id."""
    now: Callable[[], datetime] = utc_now
    wait: Callable[[asyncio.Event, float], Awaitable[None]] = wait_for
    """Waits until an event is set, or so many seconds."""
    chance: Callable[[], float] = random
    """Returns a random number from 0 to 1."""
    formats: FormatSource = no_formats
    own_tools: Callable[[str], Collection[str]] = lambda owner: ()
    """Returns the names of the tools that are a user's own, by his id."""

    def telling(self, webhook: Webhook) -> Telling | None:
        """Returns what tells a webhook of events in another system's words; None: it gets ours, or nobody
        knows those words here."""
        format = self.formats(webhook.format) if webhook.format else None
        return None if format is None else Telling(format, self.store, self.own_tools)

    async def attempt(
        self,
        sender: Sender,
        webhook: Webhook,
        delivery: Delivery,
        found: FoundEvent | None,
        telling: Telling | None,
    ) -> Answer:
        """Sends an event, or None for a trial; of several messages each when the one before was taken."""
        secret = await self.secret(webhook.id)
        if secret is None:
            return Answer(None, error="The webhook's secret cannot be read; make the webhook anew.")
        if telling is not None:
            messages = await telling.messages(webhook, delivery, found, secret, self.now())
        elif webhook.format:
            return Answer(None, error=f"Nothing here writes for {webhook.format}.", final=True)
        elif found is None:
            messages = [trial_message(delivery, secret, self.now())]
        elif found.event is None:
            messages = []
        else:
            messages = [event_message(delivery, found.event, secret, self.now())]
        answer = Answer(None, error="The event's content is lost.", final=True)
        allow_private = await self.allow_private(webhook.owner)
        for message in messages:
            answer = await sender.send(webhook.url, message, allow_private=allow_private)
            if judge(answer) is not Verdict.DELIVERED:
                break
        return answer


def delivery_of(webhook: Webhook, found: FoundEvent, at: datetime) -> Delivery:
    """Returns the delivery of an event. Its id follows from both: after a crash it is the same again."""
    return Delivery(
        id=str(uuid.uuid5(uuid.UUID(webhook.id), str(found.id))),
        webhook_id=webhook.id,
        event_id=found.id,
        type=found.type,
        status=DeliveryStatus.PENDING,
        created_at=at,
    )


@dataclass(slots=True)
class _Kept:
    """What the store has still to be told."""

    delivery: Delivery
    webhook: Webhook


@dataclass(slots=True)
class _Place:
    """Where a line stands."""

    loaded: bool = False
    waiting: Delivery | None = None
    """To be tried again."""
    due: bool = False
    """Its time has come."""
    untold: _Kept | None = None
    written: int = 0
    """The cursor in the store."""


class Line:
    """The deliveries of one enabled webhook."""

    def __init__(self, webhook: Webhook, means: Means) -> None:
        self.webhook = webhook
        """As deliveries have left it; kept with each of them."""
        self.types = wanted_types(webhook.events)
        self._means = means
        self._sender = means.make_sender()
        self._telling = means.telling(webhook)
        self._place = _Place(written=webhook.cursor)
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()

    @property
    def wants_deltas(self) -> bool:
        return not self.types.isdisjoint(DELTAS)

    def offer(self, logged: LoggedEvent) -> None:
        """Looks for something to send if the event, which is of its owner's sessions, is wanted."""
        if logged.event.type in self.types and self.webhook.session_id in (None, logged.event.session_id):
            self.wake()

    def wake(self) -> None:
        """Looks for something to send."""
        self._news.set()

    def hurry(self) -> None:
        """Makes the next attempt at once."""
        self._hurry.set()

    async def run(self) -> None:
        """Delivers until the webhook is disabled; cancel it to stop it."""
        try:
            while self.webhook.enabled:
                try:
                    await self._act()
                except StoreError as error:
                    logger.warning("webhook %s waits for the database: %s", self.webhook.id, error.message)
                    await self._means.wait(asyncio.Event(), _STORE_WAIT_S)
        finally:
            await self._sender.close()
        logger.warning("webhook %s is disabled: %s", self.webhook.id, self.webhook.reason)

    async def settle(self) -> None:
        """Writes down that nothing is left to send, if so; for a line that was stopped, before its webhook
        is changed. Raises `StoreError`."""
        await self._load()
        place, store = self._place, self._means.store
        last = await store.last_event_id()
        if place.waiting is None and await store.next_event(self.webhook, self.types) is None:
            self._pass(last)
        await self._write_cursor()

    async def _load(self) -> None:
        if not self._place.loaded:
            self._place.waiting = await self._means.store.pending(self.webhook.id)
            self._place.loaded = True

    def _pass(self, event_id: int) -> None:
        """Is done with everything up to an event."""
        if event_id > self.webhook.cursor:
            self.webhook = self.webhook.model_copy(update={"cursor": event_id})

    async def _write_cursor(self) -> None:
        if self.webhook.cursor > self._place.written:
            await self._means.store.move(self.webhook.id, self.webhook.cursor)
            self._place.written = self.webhook.cursor

    async def _act(self) -> None:
        """Does the next thing: an attempt, a wait for the next attempt, or a wait for news."""
        place, store = self._place, self._means.store
        if place.untold is not None:
            await self._tell(place.untold)
        await self._load()
        self._news.clear()
        last = await store.last_event_id()
        found = await store.next_event(self.webhook, self.types)
        if place.waiting is not None and (found is None or found.id != place.waiting.event_id):
            await self._drop(place.waiting)
        if found is None:
            await self._rest(last)
        elif place.waiting is None and not await self._says(found):
            self._pass(found.id)
        elif (seconds := self._seconds_left()) > 0:
            await self._wait(seconds)
        else:
            await self._attempt(place.waiting or delivery_of(self.webhook, found, self._means.now()), found)

    async def _says(self, found: FoundEvent) -> bool:
        """Says whether there is something to send of an event."""
        return self._telling is None or bool(await self._telling.notices(self.webhook, found))

    async def _rest(self, last: int) -> None:
        """Waits for news; there is nothing to send up to the event `last`."""
        await self._sender.close()
        self._pass(last)
        if last - self._place.written >= _FAR:
            await self._write_cursor()
        await self._news.wait()

    def _seconds_left(self) -> float:
        waiting = self._place.waiting
        if waiting is None or waiting.next_attempt_at is None or self._place.due:
            return 0.0
        # A clock that was set back must not make the wait longer than any that was meant.
        return min((waiting.next_attempt_at - self._means.now()).total_seconds(), MAX_RETRY_AFTER_S)

    async def _wait(self, seconds: float) -> None:
        await self._sender.close()
        await self._means.wait(self._hurry, seconds)
        self._hurry.clear()
        self._place.due = True

    async def _attempt(self, delivery: Delivery, found: FoundEvent) -> None:
        self._place.due = False
        self._hurry.clear()
        delivery = delivery.model_copy(update={"attempts": delivery.attempts + 1})
        telling = self._telling
        answer = await self._means.attempt(self._sender, self.webhook, delivery, found, telling)
        at = self._means.now()
        retries = None if telling is None else telling.format.retries
        delivery = attempted(delivery, answer, at, self._means.chance(), retries)
        after = after_attempt(self.webhook, delivery, answer, at, lasting=telling is not None)
        await self._tell(_Kept(delivery, after))

    async def _drop(self, delivery: Delivery) -> None:
        """Gives up a delivery whose event went with its session, or is not wanted any more."""
        update = {
            "status": DeliveryStatus.FAILED,
            "next_attempt_at": None,
            "error": "The event is not there any more, or not wanted.",
        }
        await self._tell(_Kept(delivery.model_copy(update=update), self.webhook))

    async def _tell(self, kept: _Kept) -> None:
        """Tells the store; what it does not take is told again before anything else is done."""
        place = self._place
        place.untold = kept
        await self._means.store.record(kept.delivery, kept.webhook)
        place.untold = None
        place.waiting = kept.delivery if kept.delivery.status is DeliveryStatus.PENDING else None
        self.webhook = kept.webhook
        place.written = max(place.written, kept.webhook.cursor)
