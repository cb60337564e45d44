"""The memory of one run: which blocks it has, what its tools may do with them, and what it recalls."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import ConflictError, ForbiddenError, NotFoundError
from holdfast.core.domain.memory import MemoryBlock, MemoryEntry, MemoryHit
from holdfast.core.domain.options import MemoryUse
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.domain.text import shorten
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.memory.rules import (
    appended,
    checked_content,
    checked_entry,
    checked_name,
    checked_tags,
    may_read,
    may_write,
)
from holdfast.core.services.memory_store import MemoryStore, no_block, no_entry


@dataclass(frozen=True, slots=True)
class Chosen:
    """The blocks that a run has, as they are named."""

    ids: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    """Names of the agent's that are no blocks yet."""


class RunMemory:
    """A `MemoryDesk`: acts on behalf of the owner of the run's session."""

    def __init__(
        self, store: MemoryStore, session: Session, agent: str, use: MemoryUse | None, chosen: Chosen
    ) -> None:
        self._store = store
        self._owner = session.owner
        self._session_id = session.id
        self._agent = agent
        self._only = session.id if use is not None and use.type == "session" else None
        """The session whose entries alone are recalled."""
        self._chosen = chosen

    # --- entries

    async def search(self, query: str, limit: int = 10) -> tuple[MemoryHit, ...]:
        """Returns entries that fit, best first, then pinned ones; of these at most half of `limit`, as far
        as the others leave no more room."""
        entries = self._store.entries
        hits = await entries.search(self._owner, query, limit, self._only)
        found = {hit.entry.id for hit in hits}
        pinned = [
            MemoryHit(entry=entry, score=0)
            for entry in await entries.pinned(self._owner, limit, self._only)
            if entry.id not in found
        ]
        room = max(limit - len(hits), limit // 2)
        pinned = pinned[:room]
        return (*hits[: limit - len(pinned)], *pinned)

    async def entry(self, entry_id: str) -> MemoryEntry:
        """Returns an entry. Raises `NotFoundError`."""
        found = await self._store.entries.get(self._owner, entry_id, self._only)
        if found is None:
            raise no_entry(entry_id)
        return found

    async def remember(self, content: str, tags: tuple[str, ...] = ()) -> MemoryEntry:
        """Keeps an entry; the same content is kept once."""
        now = utc_now()
        entry = MemoryEntry(
            id=new_id(),
            owner=self._owner,
            content=checked_entry(self._store.redact(content)),
            tags=checked_tags(tags),
            source="agent",
            session_id=self._session_id,
            agent=self._agent,
            created_at=now,
            updated_at=now,
        )
        return await self._store.keep(entry, self._only, "agent")

    async def forget(self, entry_id: str) -> None:
        """Deletes an entry. Raises `NotFoundError`."""
        await self._store.forget(self._owner, entry_id, self._only, "agent")

    # --- blocks

    async def blocks(self) -> tuple[MemoryBlock, ...]:
        """Returns the blocks that the run may read or write, as they are now; those that are the user's
        before those of others."""
        found = [
            *[await self._store.blocks.find(self._owner, each) for each in self._chosen.ids],
            *[await self._store.blocks.own(self._owner, name) for name in self._chosen.new],
        ]
        there = {block.id: block for block in found if block is not None}.values()
        return tuple(sorted(there, key=lambda block: block.owner != self._owner))

    async def new(self) -> tuple[str, ...]:
        """Returns the names of blocks that writing makes."""
        there = {block.name for block in await self.blocks()}
        return tuple(name for name in self._chosen.new if name not in there)

    async def may_write(self) -> bool:
        """Says whether there is a block that the run may change or make."""
        return any(writable(block) for block in await self.blocks()) or bool(await self.new())

    async def plan_block(
        self, name: str, content: str, *, append: bool = False
    ) -> tuple[MemoryBlock | None, str]:
        """Returns the block as it is, None where writing makes it, and the content that it would have."""
        content = self._store.redact(content)
        blocks = await self.blocks()
        block = next((block for block in blocks if block.name == name), None)
        if block is None:
            new = await self.new()
            if name not in new:
                raise _not_here(name, (*(block.name for block in blocks if writable(block)), *new))
            checked_name(name)
            return None, checked_content(content, _DEFAULT_CHARS)
        if not writable(block):
            raise ForbiddenError(
                f"The memory block {block.name!r} is only there to be read.", code="memory_read_only"
            )
        return block, checked_content(appended(block, content) if append else content, block.max_chars)

    async def write_block(self, name: str, content: str, *, append: bool = False) -> MemoryBlock:
        """Changes a block to what `plan_block` returns; what is appended goes behind what is there then."""
        block, whole = await self.plan_block(name, content, append=append)
        while block is not None:
            expected = hashlib.sha256(block.content.encode()).hexdigest() if append else None
            try:
                return await self._store.change_block(
                    self._owner, block, {"content": whole}, "agent", expected
                )
            except ConflictError as error:
                if not append or error.code != "block_changed":
                    raise
            block, whole = await self.plan_block(name, content, append=True)
        now = utc_now()
        fields: dict[str, Any] = {"id": new_id(), "owner": self._owner, "name": name, "content": whole}
        made = MemoryBlock(**fields, max_chars=_DEFAULT_CHARS, created_at=now, updated_at=now)
        return await self._store.add_block(made, "agent")


_DEFAULT_CHARS = int(MemoryBlock.model_fields["max_chars"].default)


def readable(block: MemoryBlock) -> bool:
    """Says whether a run's model sees the block."""
    return may_read(block.access)


def writable(block: MemoryBlock) -> bool:
    """Says whether a run may change the block: its access, and its owner, must allow it."""
    return may_write(block.access) and block.can_edit


async def choose_blocks(
    store: MemoryStore, session: Session, spec: AgentSpec, options: RunOptions, *, trusted: bool
) -> Chosen:
    """Returns the blocks of a run: that of its options, else the agent's, else the owner's default.

    An agent names blocks of the owner alone: another user's could take the place of one by its name. One that
    is not trusted has no others than those of the options. Raises `NotFoundError` for one of the options.
    """
    if options.memory is not None and options.memory.block is not None:
        block = await store.blocks.find(session.owner, options.memory.block)
        if block is None:
            raise no_block(options.memory.block)
        return Chosen(ids=(block.id,))
    if not trusted:
        return Chosen()
    if spec.memory.blocks:
        found = {name: await store.blocks.find(session.owner, name) for name in spec.memory.blocks}
        return Chosen(
            ids=tuple(block.id for block in found.values() if block is not None),
            new=tuple(name for name, block in found.items() if block is None),
        )
    defaults = await store.blocks.defaults(session.owner)
    default = defaults.agent if spec.tools else defaults.chat
    return Chosen(ids=() if default is None else (default,))


def _not_here(name: str, names: tuple[str, ...]) -> NotFoundError:
    there = f"There are: {', '.join(names)}." if names else "It has none that it may write."
    return NotFoundError(
        f"This run has no memory block {shorten(name, 100)!r}. {there}", code="memory_block_not_found"
    )
