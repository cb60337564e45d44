"""Memory as a service: blocks and entries of one principal, and the defaults of his runs."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Literal

from holdfast.core.domain.errors import ForbiddenError, InvalidError
from holdfast.core.domain.memory import (
    DefaultScope,
    Injection,
    MemoryAccess,
    MemoryBlock,
    MemoryDefaults,
    MemoryEntry,
    MemoryHit,
    MemoryShare,
)
from holdfast.core.domain.values import Page, new_id, utc_now
from holdfast.core.memory.rules import (
    checked_content,
    checked_entry,
    checked_instructions,
    checked_max_chars,
    checked_metadata,
    checked_name,
    checked_tags,
)
from holdfast.core.services.access import Access
from holdfast.core.services.identity import user_named
from holdfast.core.services.memory_store import MemoryStore, no_block, no_entry
from holdfast.core.services.paging import checked_limit


class MemoryService:
    """Implements the `Memory` of a workbench."""

    def __init__(self, access: Access, store: MemoryStore) -> None:
        self._access = access
        self._store = store

    # --- blocks

    async def blocks(
        self,
        query: str = "",
        limit: int = 200,
        cursor: str | None = None,
        changed_since: datetime | None = None,
    ) -> Page[MemoryBlock]:
        blocks = self._store.blocks
        return await blocks.page(self._access.owner, query, checked_limit(limit), cursor, changed_since)

    async def count_blocks(self, query: str = "", changed_since: datetime | None = None) -> int:
        return await self._store.blocks.count(self._access.owner, query, changed_since)

    async def block(self, block: str) -> MemoryBlock:
        found = await self._store.blocks.find(self._access.owner, block)
        if found is None:
            raise no_block(block)
        return found

    async def create_block(
        self,
        name: str,
        content: str = "",
        instructions: str = "",
        injection: Injection = "system_prompt",
        access: MemoryAccess = "read_write",
        max_chars: int = 10_000,
    ) -> MemoryBlock:
        max_chars = checked_max_chars(max_chars)
        now = utc_now()
        block = MemoryBlock(
            id=new_id(),
            owner=self._access.owner,
            owner_name=self._access.principal.name,
            name=checked_name(name),
            content=checked_content(self._store.redact(content), max_chars),
            instructions=checked_instructions(self._store.redact(instructions)),
            injection=injection,
            access=access,
            max_chars=max_chars,
            created_at=now,
            updated_at=now,
        )
        return await self._store.add_block(block)

    async def update_block(
        self,
        block: str,
        name: str | None = None,
        content: str | None = None,
        instructions: str | None = None,
        injection: Injection | None = None,
        access: MemoryAccess | None = None,
        max_chars: int | None = None,
        expected: str | None = None,
    ) -> MemoryBlock:
        found = await self.block(block)
        changes: dict[str, Any] = {"injection": injection, "access": access}
        if name is not None:
            changes["name"] = checked_name(name)
        if instructions is not None:
            changes["instructions"] = checked_instructions(self._store.redact(instructions))
        if max_chars is not None:
            changes["max_chars"] = checked_max_chars(max_chars)
        changes = {name: value for name, value in changes.items() if value is not None}
        if changes and found.owner != self._access.owner:
            raise _not_owner(found, "only its content can be changed by others")
        if not found.can_edit:
            raise _not_owner(found, "it is shared for reading")
        if content is not None:
            longest = changes.get("max_chars", found.max_chars)
            changes["content"] = checked_content(self._store.redact(content), longest)
        if not changes:
            return found
        digest = expected.lower() if expected is not None else None
        return await self._store.change_block(self._access.owner, found, changes, expected=digest)

    async def delete_block(self, block: str) -> None:
        found = await self._own(block)

        async def delete() -> None:
            if not await self._store.blocks.remove(found.id):
                raise no_block(block)
            await self._store.block_changed(found, "deleted", "person")

        await self._store.whole(delete())

    async def _own(self, block: str) -> MemoryBlock:
        found = await self.block(block)
        if found.owner != self._access.owner:
            raise _not_owner(found, "only its owner can do this")
        return found

    # --- sharing

    async def shares(self, block: str) -> tuple[MemoryShare, ...]:
        return await self._store.blocks.shares((await self._own(block)).id)

    async def share(self, block: str, user: str, can_edit: bool = False) -> tuple[MemoryShare, ...]:
        found = await self._own(block)
        other = await user_named(self._store.accounts, user)
        if other.id == self._access.owner:
            raise InvalidError("The block is yours already; name another user.", code="invalid_memory")
        await self._changed(found, self._store.blocks.share(found.id, other.id, can_edit))
        return await self.shares(found.id)

    async def unshare(self, block: str, user: str) -> tuple[MemoryShare, ...]:
        found = await self._own(block)
        other = await user_named(self._store.accounts, user)
        await self._changed(found, self._store.blocks.unshare(found.id, other.id))
        return await self.shares(found.id)

    async def publish(self, block: str, public: bool = True, can_edit: bool = False) -> MemoryBlock:
        found = await self._own(block)
        await self._changed(found, self._store.blocks.publish(found.id, public, can_edit, utc_now()))
        return await self.block(found.id)

    async def _changed(self, block: MemoryBlock, work: Coroutine[Any, Any, None]) -> None:
        async def change() -> None:
            await work
            await self._store.block_changed(block, "updated", "person")

        await self._store.whole(change())

    # --- defaults

    async def defaults(self) -> MemoryDefaults:
        return await self._store.blocks.defaults(self._access.owner)

    async def set_default(self, scope: DefaultScope, block: str | None = None) -> MemoryDefaults:
        found = None if block is None else (await self.block(block)).id
        await self._store.blocks.set_default(self._access.owner, scope, found)
        return await self.defaults()

    # --- entries

    async def entries(
        self,
        tag: str | None = None,
        source: Literal["user", "agent", "system"] | None = None,
        pinned: bool | None = None,
        limit: int = 200,
        cursor: str | None = None,
    ) -> Page[MemoryEntry]:
        return await self._store.entries.page(
            self._access.owner, tag, source, pinned, checked_limit(limit), cursor
        )

    async def entry(self, entry_id: str) -> MemoryEntry:
        found = await self._store.entries.get(self._access.owner, entry_id)
        if found is None:
            raise no_entry(entry_id)
        return found

    async def search(self, query: str, limit: int = 20) -> tuple[MemoryHit, ...]:
        return await self._store.entries.search(self._access.owner, query, checked_limit(limit))

    async def remember(
        self,
        content: str,
        tags: tuple[str, ...] = (),
        source: Literal["user", "system"] = "user",
        pinned: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> MemoryEntry:
        now = utc_now()
        entry = MemoryEntry(
            id=new_id(),
            owner=self._access.owner,
            content=checked_entry(self._store.redact(content)),
            tags=checked_tags(tags),
            source=source,
            pinned=pinned,
            metadata=checked_metadata(metadata or {}),
            created_at=now,
            updated_at=now,
        )
        return await self._store.keep(entry)

    async def update_entry(
        self,
        entry_id: str,
        content: str | None = None,
        tags: tuple[str, ...] | None = None,
        pinned: bool | None = None,
        metadata: dict[str, Any] | None = None,
        source: Literal["user", "system"] | None = None,
    ) -> MemoryEntry:
        changes: dict[str, Any] = {}
        if content is not None:
            changes["content"] = checked_entry(self._store.redact(content))
        if tags is not None:
            changes["tags"] = checked_tags(tags)
        if pinned is not None:
            changes["pinned"] = pinned
        if metadata is not None:
            changes["metadata"] = checked_metadata(metadata)
        if source is not None:
            changes["source"] = source
        if not changes:
            return await self.entry(entry_id)
        return await self._store.whole(self._update(entry_id, changes, utc_now()))

    async def _update(self, entry_id: str, changes: dict[str, Any], at: datetime) -> MemoryEntry:
        changed = await self._store.entries.change(self._access.owner, entry_id, changes, at)
        if changed is None:
            raise no_entry(entry_id)
        await self._store.entry_changed(self._access.owner, entry_id, "updated", "person")
        return changed

    async def forget(self, entry_id: str) -> None:
        await self._store.forget(self._access.owner, entry_id)


def _not_owner(block: MemoryBlock, why: str) -> ForbiddenError:
    return ForbiddenError(
        f"The memory block {block.name!r} is another user's: {why}.", code="not_your_memory"
    )
