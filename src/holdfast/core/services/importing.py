"""Sessions out of files: what was read becomes the log of a new session, all of it or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from holdfast.core.domain.errors import AgentFileError, NotFoundError, StoreError, TooLargeError
from holdfast.core.domain.events import AnyEvent, RunCancelled, SessionCreated
from holdfast.core.domain.runs import Session
from holdfast.core.domain.session_events import SessionSeen
from holdfast.core.domain.transfer import Upload
from holdfast.core.domain.values import utc_now
from holdfast.core.runs.projections.state import RunState
from holdfast.core.sessions.imports.conversation import MAX_BYTES, Conversation, events_of
from holdfast.core.sessions.imports.formats import digests_in, read
from holdfast.core.sessions.imports.own import checked
from holdfast.core.store.log import EventLog

Begin = Callable[[str, str], Awaitable[SessionCreated]]
"""Makes the first event of a session that is not kept yet, of an agent and with a title."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Takes in what one user brings."""

    log: EventLog
    owner: str
    begin: Begin
    default_agent: Callable[[], Awaitable[str]]
    get: Callable[[str], Awaitable[Session]]
    forget: Callable[[str], None]
    """Removes the folder of a session that is not kept."""

    async def take_in(self, data: Upload, name: str, agent: str) -> tuple[Session, ...]:
        """Returns the new sessions. Every conversation is read before the first is kept, so that a file with
        a mistake leaves nothing behind. Raises `InvalidError`, `TooLargeError`, `NotFoundError`."""
        content = await asyncio.to_thread(_bytes, data)
        conversations = await asyncio.to_thread(lambda: list(read(content, name)))
        fallback = agent or await self.default_agent()
        begun: list[str] = []
        made: list[Session] = []
        try:
            prepared = [await self._prepared(one, agent, fallback, begun) for one in conversations]
            for events in prepared:
                await self._keep(events, begun)
                made.append(await self.get(events[0].session_id))
        finally:
            for session_id in begun:
                await asyncio.to_thread(self.forget, session_id)
        return tuple(made)

    async def _keep(self, events: list[AnyEvent], begun: list[str]) -> None:
        """Appends the log of a session, also when the caller goes away meanwhile: its folder stays then."""
        session_id = events[0].session_id
        begun.remove(session_id)
        try:
            await asyncio.shield(self.log.append_many(events))
        except StoreError:
            begun.append(session_id)
            raise

    async def _prepared(
        self, conversation: Conversation, agent: str, fallback: str, begun: list[str]
    ) -> list[AnyEvent]:
        """Returns the log of a new session, whose folder is there then: its id is put into `begun`."""
        named = agent or conversation.agent or fallback
        try:
            created = await self.begin(named, conversation.name)
        except (NotFoundError, AgentFileError):
            if agent:
                raise
            created = await self.begin(fallback, conversation.name)
        begun.append(created.session_id)
        now = utc_now()
        created = created.model_copy(update={"imported_from": conversation.source, "at": now})
        blobs = await self._own_blobs(conversation)
        events = await asyncio.to_thread(lambda: list(_events(conversation, created, blobs, now)))
        return [created, *events, SessionSeen(session_id=created.session_id)]

    async def _own_blobs(self, conversation: Conversation) -> set[str]:
        """Returns which contents that a log names the user has already: others stay out of his reach."""
        if not conversation.log:
            return set()
        named = await asyncio.to_thread(digests_in, conversation.log)
        return await self.log.reader.own_blobs(named, self.owner)


def _events(
    conversation: Conversation, created: SessionCreated, blobs: set[str], now: datetime
) -> Iterator[AnyEvent]:
    if not conversation.log:
        yield from events_of(conversation.said, created.session_id, created.agent, now)
        return
    state: RunState | None = None
    for event in checked(conversation.log, created.session_id, blobs, now):
        if event.type == "run.started":
            state = RunState(created.session_id, event.run_id)
        if state is not None:
            state.apply(event)
        yield event
    if state is not None and not state.ended:
        ending = RunCancelled(session_id=created.session_id, run_id=state.run_id, reason="imported")
        for event in (*state.closing("cancelled"), ending):
            yield event.model_copy(update={"at": now})


def _bytes(data: Upload) -> bytes:
    content = data if isinstance(data, bytes) else data.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TooLargeError(
            f"The file is larger than {MAX_BYTES // 2**20} MiB.",
            code="import_too_large",
            details={"limit_bytes": MAX_BYTES},
        )
    return content
