"""Delivers the log to webhooks: a line for each enabled one, and one follower of the log that wakes them.

A receiver that does not answer holds up its own line only. Without an enabled webhook nothing runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from holdfast.core.domain.errors import HoldfastError, StoreError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.values import new_id
from holdfast.core.domain.webhook_formats import Retries
from holdfast.core.domain.webhooks import (
    TEST_EVENT,
    Delivery,
    DeliveryStatus,
    EventSource,
    FoundEvent,
    Webhook,
)
from holdfast.core.hooks.backoff import JITTER
from holdfast.core.hooks.line import Line, Means
from holdfast.core.hooks.outcome import attempted

logger = logging.getLogger(__name__)

_FOLLOW_AGAIN_S = 1.0


class DeliveryWorker:
    """All deliveries of one engine. `start` begins them, `close` ends them."""

    def __init__(self, source: EventSource, means: Means) -> None:
        self._source = source
        self._means = means
        self._lines: dict[str, tuple[Line, asyncio.Task[None]]] = {}
        self._by_owner: dict[str, list[Line]] = {}
        self._following: tuple[bool, asyncio.Task[None]] | None = None
        """With deltas or without."""
        self._changing = asyncio.Lock()
        self._closed = False

    async def start(self) -> None:
        """Takes up the enabled webhooks where they stopped. Raises `StoreError`."""
        async with self._changing:
            for webhook in await self._means.store.enabled():
                self._begin(webhook)
            await self._follow()

    async def close(self) -> None:
        """Ends all deliveries; the next start goes on with them."""
        self._closed = True
        async with self._changing:
            await self._end(*self._lines)
            await self._follow()

    @asynccontextmanager
    async def paused(self, webhook_id: str) -> AsyncIterator[None]:
        """Holds a webhook's deliveries while the block changes it; then they go on as it is now."""
        async with self._changing:
            try:
                await self._end(webhook_id)
                yield
            finally:
                webhook = await self._means.store.get(webhook_id)
                if webhook is not None and webhook.enabled and not self._closed:
                    self._begin(webhook)
                await self._follow()

    async def test(self, webhook: Webhook) -> Delivery:
        """Sends what is no event, once or as often as the webhook's format says, and returns what came of it.
        If it is taken, what waits goes too."""
        delivery = Delivery(
            id=new_id(),
            webhook_id=webhook.id,
            event_id=None,
            type=TEST_EVENT,
            status=DeliveryStatus.PENDING,
            created_at=self._means.now(),
        )
        done = await self._try(webhook, delivery)
        if done.status is DeliveryStatus.DELIVERED:
            self.hurry(webhook.id)
        return done

    async def redeliver(self, webhook: Webhook, delivery: Delivery, found: FoundEvent) -> Delivery:
        """Sends an event once more, beside the others, and returns what came of it."""
        return await self._once(webhook, delivery, found)

    def hurry(self, webhook_id: str) -> None:
        """Makes a webhook's next attempt at once, if it waits for one."""
        if webhook_id in self._lines:
            self._lines[webhook_id][0].hurry()

    async def _try(self, webhook: Webhook, delivery: Delivery) -> Delivery:
        telling = self._means.telling(webhook)
        retries = telling.format.retries if telling is not None else Retries(1, (0.0,))
        while True:
            delivery = await self._once(webhook, delivery, None)
            if delivery.status is DeliveryStatus.DELIVERED or delivery.attempts >= retries.attempts:
                return delivery
            wait = retries.wait_s(delivery.attempts) * (1 + JITTER * self._means.chance())
            await self._means.wait(asyncio.Event(), wait)

    async def _once(self, webhook: Webhook, delivery: Delivery, found: FoundEvent | None) -> Delivery:
        sender = self._means.make_sender()
        delivery = delivery.model_copy(update={"attempts": delivery.attempts + 1})
        try:
            answer = await self._means.attempt(sender, webhook, delivery, found, self._means.telling(webhook))
        finally:
            await sender.close()
        done = attempted(delivery, answer, self._means.now(), None)
        await self._means.store.record(done)
        return done

    def _begin(self, webhook: Webhook) -> None:
        line = Line(webhook, self._means)
        task = asyncio.create_task(line.run(), name=f"webhook {webhook.id}")
        task.add_done_callback(_report)
        self._lines[webhook.id] = (line, task)

    async def _end(self, *webhook_ids: str) -> None:
        ended = [self._lines.pop(each) for each in webhook_ids if each in self._lines]
        for _, task in ended:
            task.cancel()
        if ended:
            await asyncio.wait([task for _, task in ended])
        for line, _ in ended:
            try:
                await line.settle()
            except StoreError as error:  # it looks through the same events again, no more
                logger.warning("webhook %s keeps an older cursor: %s", line.webhook.id, error.message)

    async def _follow(self) -> None:
        """Sees to it that there is one follower when there are lines, with deltas when a line wants them."""
        lines = [line for line, _ in self._lines.values()]
        by_owner: defaultdict[str, list[Line]] = defaultdict(list)
        for line in lines:
            by_owner[line.webhook.owner].append(line)
        self._by_owner = dict(by_owner)
        deltas = any(line.wants_deltas for line in lines)
        if self._following is not None and lines and self._following[0] == deltas:
            return
        if self._following is not None:
            _, task = self._following
            self._following = None
            task.cancel()
            await asyncio.wait([task])
        if lines:
            after = await self._means.store.last_event_id()
            task = asyncio.create_task(self._dispatch(deltas, after), name="webhooks")
            task.add_done_callback(_report)
            self._following = (deltas, task)
            for line in lines:  # what came before `after` may have been seen by nobody
                line.wake()

    async def _dispatch(self, deltas: bool, after: int) -> None:
        """Wakes the lines that want an event."""
        while not self._closed:
            try:
                async for logged in self._source.follow(EventFilter(deltas=deltas), after):
                    after = logged.id
                    owner = self._source.owner_of(logged.event)
                    for line in self._by_owner.get(owner, ()):
                        line.offer(logged)
                return  # the log closes
            except HoldfastError as error:
                logger.warning("webhooks cannot follow the log: %s", error.message)
                await self._means.wait(asyncio.Event(), _FOLLOW_AGAIN_S)
                after = await self._newest(after)
                for line, _ in self._lines.values():
                    line.wake()

    async def _newest(self, after: int) -> int:
        try:
            return await self._means.store.last_event_id()
        except StoreError:
            return after  # the next follower meets the same trouble, and says it


def _report(task: asyncio.Task[None]) -> None:
    """Says a bug: nobody else awaits these tasks while the engine runs."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("%s ended", task.get_name(), exc_info=error)
