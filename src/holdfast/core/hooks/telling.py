"""What one webhook is told of events in the words of another system."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.core.domain.webhook_formats import EventWriter, Message, Notice, WebhookFormat
from holdfast.core.domain.webhooks import Delivery, FoundEvent, Webhook, WebhookStore

_KEPT_RUNS = 20
"""Runs whose writers are kept: so many may go on at once; of others the beginning is read again."""


@dataclass(slots=True)
class _Told:
    """A run, as far as it was told."""

    writer: EventWriter
    through: int = 0
    """The last event that its writer has had."""
    notices: tuple[Notice, ...] = ()
    """What that event is."""


class Telling:
    """Tells the events that one webhook gets. What it has read of a run it does not read again."""

    def __init__(self, format: WebhookFormat, store: WebhookStore) -> None:
        self.format = format
        self._store = store
        self._runs: OrderedDict[str, _Told] = OrderedDict()

    async def notices(self, webhook: Webhook, found: FoundEvent) -> Sequence[Notice]:
        """Returns what is said of an event; nothing for one that has no counterpart, or whose content is
        lost. Raises `StoreError`."""
        if found.event is None:
            return ()
        run_id = found.event.event.run_id
        if run_id is None:
            return tuple(self.format.writer(webhook).take(found.event))
        told = self._runs.pop(run_id, None)
        if told is None or told.through > found.id:
            told = _Told(self.format.writer(webhook))
        if told.through < found.id:
            # A run's later events mean what they do by those before, also where those are not wanted.
            for each in await self._store.events_of_run(webhook.owner, run_id, told.through, found.id):
                told.notices = tuple(told.writer.take(each))
            told.through = found.id
        self._runs[run_id] = told
        while len(self._runs) > _KEPT_RUNS:
            self._runs.popitem(last=False)
        return told.notices

    async def messages(
        self, webhook: Webhook, delivery: Delivery, found: FoundEvent | None, secret: str, at: datetime
    ) -> list[Message]:
        """Returns the requests of an attempt; `found`: the event, or None for a trial."""
        if found is None:
            return [self.format.trial(webhook, delivery, secret, at)]
        notices = await self.notices(webhook, found)
        return [
            self.format.message(webhook, delivery, notice, number, secret)
            for number, notice in enumerate(notices)
        ]
