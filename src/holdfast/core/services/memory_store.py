"""Memory as it is kept: the tables, and the events that tell of every change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeVar

from holdfast.core.domain.errors import ConflictError, NotFoundError
from holdfast.core.domain.memory import MemoryBlock, MemoryEntry
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.user_events import MemoryChanged
from holdfast.core.domain.values import utc_now
from holdfast.core.memory.rules import merged, too_long
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.entries import MemoryEntries
from holdfast.core.store.log import EventLog
from holdfast.core.store.memory import MemoryBlocks, forget_owner

T = TypeVar("T")
By = Literal["person", "agent"]
MemoryChange = Literal["created", "updated", "deleted"]

MAX_BLOCKS = 200
"""Of one user."""
MAX_ENTRIES = 10_000
"""Of one user."""


class MemoryStore:
    """The tables of memory, and the events that tell of every change. Secrets that Holdfast knows are taken
    out of what is kept, as out of the log."""

    def __init__(self, log: EventLog, accounts: Accounts, redact: Callable[[str], str]) -> None:
        self.blocks = MemoryBlocks(log.writer, log.reader)
        self.entries = MemoryEntries(log.writer, log.reader)
        self.accounts = accounts
        self.redact = redact
        self._log = log
        self._going_on: set[asyncio.Task[Any]] = set()

    async def whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Returns what `work` returns. It goes on when the caller goes away: what is changed must have its
        event."""
        task = asyncio.create_task(work)
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)
        return await asyncio.shield(task)

    async def forget_user(self, user_id: str) -> None:
        """Removes what is left of a user who is gone: a run of his may have kept something since."""
        await self._log.writer.run(lambda db: forget_owner(db, user_id))

    async def block_changed(self, block: MemoryBlock, change: MemoryChange, by: By) -> None:
        """Tells the owner of a block what became of it."""
        event = MemoryChanged(
            owner=block.owner, kind="block", object_id=block.id, name=block.name, change=change, by=by
        )
        await self._log.append(event)

    async def entry_changed(self, owner: str, entry_id: str, change: MemoryChange, by: By) -> None:
        """Tells the owner of an entry what became of it."""
        await self._log.append(
            MemoryChanged(owner=owner, kind="entry", object_id=entry_id, change=change, by=by)
        )

    async def add_block(self, block: MemoryBlock, by: By = "person") -> MemoryBlock:
        """Keeps a new block. Raises `ConflictError`."""

        async def add() -> None:
            match await self.blocks.add(block, MAX_BLOCKS):
                case "exists":
                    raise _exists(block.name)
                case "many":
                    raise _too_many_blocks()
            await self.block_changed(block, "created", by)

        await self.whole(add())
        return block

    async def change_block(
        self,
        user: str,
        block: MemoryBlock,
        changes: dict[str, Any],
        by: By = "person",
        expected: str | None = None,
    ) -> MemoryBlock:
        """Changes a block on behalf of a user, and returns it; with `expected` only while that is the SHA-256
        of its content. Raises `NotFoundError` when it went away or is not his to change any more,
        `ConflictError`, `InvalidError`."""
        now = utc_now()

        async def change() -> MemoryBlock:
            match await self.blocks.change(block.id, user, changes, now, expected):
                case "gone":
                    raise no_block(block.name)
                case "changed":
                    raise _changed(block.name)
                case "exists":
                    raise _exists(changes.get("name", block.name))
                case "long":
                    new = block.model_copy(update=changes)
                    raise too_long("content", len(new.content), new.max_chars)
            changed = await self.blocks.find(user, block.id)
            if changed is None:
                raise no_block(block.name)
            await self.block_changed(changed, "updated", by)
            return changed

        return await self.whole(change())

    async def keep(self, entry: MemoryEntry, session: str | None = None, by: By = "person") -> MemoryEntry:
        """Keeps an entry; the same content is kept once, in a session or (None) of the user. Raises
        `ConflictError`."""

        async def keep() -> MemoryEntry:
            kept = await self.entries.keep(entry, merged, MAX_ENTRIES, session)
            if kept.entry is None:
                raise _too_many_entries()
            if kept.change:
                await self.entry_changed(entry.owner, kept.entry.id, kept.change, by)
            return kept.entry

        return await self.whole(keep())

    async def forget(self, owner: str, entry_id: str, session: str | None = None, by: By = "person") -> None:
        """Deletes an entry. Raises `NotFoundError`."""

        async def forget() -> None:
            if not await self.entries.remove(owner, entry_id, session):
                raise no_entry(entry_id)
            await self.entry_changed(owner, entry_id, "deleted", by)

        await self.whole(forget())

    async def restore_block(self, owner: str, block_id: str) -> None:
        """Brings a block back. Raises `NotFoundError`, `ConflictError`."""

        async def restore() -> None:
            hindered = await self.blocks.restore(owner, block_id, MAX_BLOCKS)
            if hindered == "gone":
                raise not_in_trash(block_id)
            if hindered == "exists":
                raise ConflictError(
                    "You have a memory block of its name now; give that one another name first.",
                    code="block_exists",
                )
            if hindered:
                raise _too_many_blocks()
            block = await self.blocks.find(owner, block_id)
            if block is not None:
                await self.block_changed(block, "created", "person")

        await self.whole(restore())

    async def restore_entry(self, owner: str, entry_id: str) -> None:
        """Brings an entry back. Raises `NotFoundError`, `ConflictError`."""

        async def restore() -> None:
            hindered = await self.entries.restore(owner, entry_id, MAX_ENTRIES)
            if hindered == "gone":
                raise not_in_trash(entry_id)
            if hindered:
                raise _too_many_entries()
            await self.entry_changed(owner, entry_id, "created", "person")

        await self.whole(restore())


def not_in_trash(id: str) -> NotFoundError:
    """Returns the error of what is not in the trash."""
    return NotFoundError(
        f"{shorten(sanitize_line(id), 100)} is not in the trash: it was restored, or is gone for good.",
        code="not_in_trash",
    )


def _too_many_blocks() -> ConflictError:
    return ConflictError(
        f"You have {MAX_BLOCKS} memory blocks already; remove one first.", code="too_many_memories"
    )


def _too_many_entries() -> ConflictError:
    return ConflictError(
        f"{MAX_ENTRIES} entries are remembered already; forget some first.", code="too_many_memories"
    )


def no_entry(entry_id: str) -> NotFoundError:
    """Returns the error of an entry that is not there."""
    return NotFoundError(f"There is no memory entry {shorten(entry_id, 100)}.", code="memory_not_found")


def no_block(named: str) -> NotFoundError:
    """Returns the error of a block that is not there."""
    return NotFoundError(
        f"There is no memory block {shorten(named, 100)!r}; `holdfast memory blocks` lists them.",
        code="memory_block_not_found",
    )


def _changed(name: str) -> ConflictError:
    return ConflictError(
        f"The memory block {shorten(name, 100)!r} was changed meanwhile; read it again.",
        code="block_changed",
    )


def _exists(name: str) -> ConflictError:
    return ConflictError(
        f"You have a memory block {shorten(name, 100)!r} already; change it, or take another name.",
        code="block_exists",
    )
