"""The log: append, read and follow. Live and replayed events come through the same call.

The promises: nothing is seen before it is committed; a follower sees every event that its filter admits
exactly once, in the order of ids; a follower that does not keep up costs only its cursor.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from holdfast.core.domain.errors import NotFoundError, StoreError
from holdfast.core.domain.events import EVENT, AnyEvent, EventFilter, LoggedEvent
from holdfast.core.domain.tools import BlobStore
from holdfast.core.store.broadcast import Broadcast, Follower
from holdfast.core.store.index import rebuild
from holdfast.core.store.reader import Reader
from holdfast.core.store.tally import Tally
from holdfast.core.store.writer import Storable, Writer

logger = logging.getLogger(__name__)

_PAGE = 1_000
_SLICE = 200
"""Events that are made ready to be stored at once: some milliseconds."""
_FOLLOWED_PAGE = 200
"""A follower that stops reading keeps its page for as long: it is small."""

_SORTS = frozenset({"type", "kind", "status", "role", "origin", "reason", "change", "purpose", "outcome"})
"""Keys of events whose values are words of our own."""


def _said(value: Any, redact: Callable[[str], str]) -> Any:
    """Returns JSON with its texts redacted, but for those that say of which sort something is."""
    if isinstance(value, dict):
        return {name: each if name in _SORTS else _said(each, redact) for name, each in value.items()}
    if isinstance(value, list):
        return [_said(each, redact) for each in value]
    return redact(value) if isinstance(value, str) else value


def _whole_characters(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_whole_characters(key): _whole_characters(each) for key, each in value.items()}
        case list() | tuple():
            return [_whole_characters(each) for each in value]
        case _:
            return value


class EventLog:
    """The append-only log of one data directory."""

    def __init__(
        self, path: Path, blobs: BlobStore, redact: Callable[[str], str] = lambda text: text
    ) -> None:
        self._path = path
        self._blobs = blobs
        self._redact = redact
        self._followers = Broadcast()
        self._closing = asyncio.Event()
        self.tally = Tally()
        self.writer = Writer(path, blobs, self._publish)
        self.reader: Reader

    @classmethod
    async def open(
        cls, path: Path, blobs: BlobStore, redact: Callable[[str], str] = lambda text: text
    ) -> EventLog:
        """Opens or makes the database at `path`. `redact` removes secrets from the JSON of each event.

        Raises `StoreError` when it cannot be opened, `StoreTooNew` when a newer version wrote it.
        """
        log = cls(path, blobs, redact)
        log.reader = await Reader.open(path, blobs)
        log._followers.know(await log.reader.owners())
        return log

    async def close(self) -> None:
        """Ends all followers, commits what waits and closes the database."""
        self._closing.set()
        for follower in self._followers:
            follower.wake.set()
        await self.writer.close()
        await self.reader.close()

    def append(self, *events: AnyEvent, durable: bool = False) -> asyncio.Future[list[LoggedEvent]]:
        """Appends events, committed together; await the future to know that they are. Raises `StoreError`."""
        return self.writer.append([self._storable(event) for event in events], durable=durable)

    async def append_many(self, events: Sequence[AnyEvent]) -> list[LoggedEvent]:
        """Appends many events, committed together, and lets others have their turn while they are made ready.
        Raises `StoreError`."""
        ready: list[Storable] = []
        for start in range(0, len(events), _SLICE):
            ready += [self._storable(event) for event in events[start : start + _SLICE]]
            await asyncio.sleep(0)
        return await self.writer.append(ready)

    def _storable(self, event: AnyEvent) -> Storable:
        """Returns the event with its JSON, without secrets and without what JSON cannot hold."""
        try:
            text = event.model_dump_json()
        except PydanticSerializationError:
            # Half of a surrogate pair, from a model or a file's name.
            event = EVENT.validate_python(_whole_characters(event.model_dump()))
            text = event.model_dump_json()
        redacted = self._redact(text)
        if redacted == text:
            return event, text
        try:
            event = EVENT.validate_json(redacted)
        except ValidationError:
            # A secret that is also the name of a field, such as `metadata`: what is said alone is redacted.
            event = EVENT.validate_json(json.dumps(_said(json.loads(text), self._redact)))
        return event, event.model_dump_json()

    def _publish(self, batch: list[LoggedEvent]) -> None:
        self.tally.add(batch)
        self._followers.publish(batch)

    def owner_of(self, event: AnyEvent) -> str:
        """Returns the id of the user whose session an event is of."""
        return self._followers.owner_of(event)

    async def read(
        self, filter: EventFilter, after: int = 0, limit: int = _PAGE, owner: str | None = None
    ) -> list[LoggedEvent]:
        """Returns the next committed events over `after`, of `owner`'s sessions (None: of all)."""
        return await self.reader.events(filter, after, limit, owner)

    async def read_all(
        self, filter: EventFilter, after: int = 0, owner: str | None = None
    ) -> list[LoggedEvent]:
        """Returns all committed events over `after`, of `owner`'s sessions (None: of all)."""
        found: list[LoggedEvent] = []
        while True:
            page = await self.read(filter, found[-1].id if found else after, owner=owner)
            found.extend(page)
            if len(page) < _PAGE:
                return found

    async def rebuild_index(self) -> int:
        """Makes the index anew from the log; returns how many events were read."""
        return await self.writer.run(lambda db: rebuild(db, self._body))

    def _body(self, digest: str) -> str | None:
        try:
            return self._blobs.get(digest).decode()
        except (NotFoundError, StoreError) as error:
            logger.error("an event is left out of the index: %s", error.message)
            return None

    async def follow(
        self, filter: EventFilter, after: int | None = None, owner: str | None = None
    ) -> AsyncIterator[LoggedEvent]:
        """Yields events over `after` (None: from now), for ever; ends when the log closes.

        With `owner` only those of his sessions.
        """
        # Subscribe first, then read, then follow: what is committed in between is in both, and dropped once.
        follower = Follower(filter, owner)
        self._followers.add(follower)
        try:
            cursor = await self.reader.last_event_id() if after is None else after
            follower.lagging = after is not None
            while not self._closing.is_set():
                if follower.lagging:
                    follower.lagging = False
                    page = await self.read(filter, cursor, _FOLLOWED_PAGE, owner)
                    follower.lagging = follower.lagging or len(page) == _FOLLOWED_PAGE
                else:
                    page, follower.waiting = follower.waiting, []
                for logged in page:
                    if logged.id > cursor:
                        cursor = logged.id
                        yield logged
                if not follower.waiting and not follower.lagging:
                    follower.wake.clear()
                    if not self._closing.is_set():
                        await follower.wake.wait()
        finally:
            self._followers.discard(follower)
