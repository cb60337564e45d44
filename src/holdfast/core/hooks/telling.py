"""What one webhook is told of events in the words of another system."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.core.domain.webhook_formats import EventPlace, EventWriter, Message, Notice, WebhookFormat
from holdfast.core.domain.webhooks import Delivery, FoundEvent, Webhook, WebhookStore

_KEPT = 50
"""Runs and sessions whose writers are kept: so many may go on at once; of other runs the beginning is read
again."""


@dataclass(slots=True)
class _Told:
    """A run, or what happens in a session beside runs, as far as it was told."""

    writer: EventWriter
    through: int = 0
    """The last event that its writer has had."""
    notices: tuple[Notice, ...] = ()
    """What that event is."""


class Telling:
    """Tells the events that one webhook gets. What it has read of a run it does not read again."""

    def __init__(
        self, format: WebhookFormat, store: WebhookStore, own_tools: Callable[[str], Collection[str]]
    ) -> None:
        """`own_tools` returns the names of a user's own tools."""
        self.format = format
        self._store = store
        self._own_tools = own_tools
        self._told: OrderedDict[tuple[str, str | None], _Told] = OrderedDict()
        """By session and run."""

    async def notices(self, webhook: Webhook, found: FoundEvent) -> Sequence[Notice]:
        """Returns what is said of an event; nothing for one that has no counterpart, or whose content is
        lost. Raises `StoreError`."""
        if found.event is None:
            return ()
        event = found.event.event
        key = (event.session_id, event.run_id)
        told = self._told.pop(key, None)
        if told is None or told.through > found.id:
            told = _Told(self.format.writer(webhook, await self._place(webhook, event.session_id)))
        if told.through < found.id:
            # A run's later events mean what they do by those before, also where those are not wanted.
            events = [found.event]
            if event.run_id is not None:
                through = (told.through, found.id)
                events = await self._store.events_of_run(webhook.owner, event.run_id, *through)
            told.notices, told.through = (), found.id
            for each in events:
                said = tuple(told.writer.take(each))
                if each.id == found.id:  # what came before was said before
                    told.notices = said
        self._told[key] = told
        while len(self._told) > _KEPT:
            self._told.popitem(last=False)
        return told.notices

    async def _place(self, webhook: Webhook, session_id: str) -> EventPlace:
        session = await self._store.session(session_id, webhook.owner) if session_id else None
        return EventPlace(session, frozenset(self._own_tools(webhook.owner)))

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
