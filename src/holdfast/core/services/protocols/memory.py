"""The noun `memory` of a workbench."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from pydantic import AwareDatetime

from holdfast.core.domain.identity import Scope
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
from holdfast.core.domain.values import Cursor, Limit, Page
from holdfast.core.services.needs import needs


class Memory(Protocol):
    """Text that outlives sessions. A block is named by its id, one of the user's own also by its name."""

    @needs(Scope.READ)
    async def blocks(
        self,
        query: str = "",
        limit: Limit = 200,
        cursor: Cursor | None = None,
        changed_since: AwareDatetime | None = None,
    ) -> Page[MemoryBlock]:
        """Returns the blocks that the user may see (own, shared, public), by name; `query`: a part of it."""
        ...

    @needs(Scope.READ)
    async def count_blocks(self, query: str = "", changed_since: AwareDatetime | None = None) -> int:
        """Returns how many blocks `blocks` has."""
        ...

    @needs(Scope.READ)
    async def block(self, block: str) -> MemoryBlock:
        """Returns a block. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def create_block(
        self,
        name: str,
        content: str = "",
        instructions: str = "",
        injection: Injection = "system_prompt",
        access: MemoryAccess = "read_write",
        max_chars: int = 10_000,
    ) -> MemoryBlock:
        """Makes a block. Raises `ConflictError` (`block_exists`), `InvalidError` for what is too long."""
        ...

    @needs(Scope.CHAT)
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
        """Changes what is given; who is not the owner may change the content alone. `expected` is the SHA-256
        of the content that the writer had read (None: no matter). Raises `ForbiddenError`, `ConflictError`
        (`block_changed`: the content is another now, `block_exists`), `InvalidError`."""
        ...

    @needs(Scope.ADMIN)
    async def delete_block(self, block: str) -> None:
        """Puts a block of the user's own into the trash."""
        ...

    @needs(Scope.READ)
    async def shares(self, block: str) -> tuple[MemoryShare, ...]:
        """Returns with whom a block of the user's own is shared."""
        ...

    @needs(Scope.ADMIN)
    async def share(self, block: str, user: str, can_edit: bool = False) -> tuple[MemoryShare, ...]:
        """Shares a block of the user's own with another user. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def unshare(self, block: str, user: str) -> tuple[MemoryShare, ...]:
        """Takes a share back."""
        ...

    @needs(Scope.ADMIN)
    async def publish(self, block: str, public: bool = True, can_edit: bool = False) -> MemoryBlock:
        """Lets all users see a block of the user's own, or no longer."""
        ...

    @needs(Scope.READ)
    async def defaults(self) -> MemoryDefaults:
        """Returns the blocks of runs whose agent names none."""
        ...

    @needs(Scope.ADMIN)
    async def set_default(self, scope: DefaultScope, block: str | None = None) -> MemoryDefaults:
        """Sets the block of such runs; None: none."""
        ...

    @needs(Scope.READ)
    async def entries(
        self,
        tag: str | None = None,
        source: Literal["user", "agent", "system"] | None = None,
        pinned: bool | None = None,
        limit: Limit = 200,
        cursor: Cursor | None = None,
    ) -> Page[MemoryEntry]:
        """Returns the user's entries, latest changed first; `tag`: those that have it."""
        ...

    @needs(Scope.READ)
    async def entry(self, entry_id: str) -> MemoryEntry:
        """Returns an entry. Raises `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def search(self, query: str, limit: Limit = 20) -> tuple[MemoryHit, ...]:
        """Returns the entries that fit, best first."""
        ...

    @needs(Scope.CHAT)
    async def remember(
        self,
        content: str,
        tags: tuple[str, ...] = (),
        source: Literal["user", "system"] = "user",
        pinned: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> MemoryEntry:
        """Keeps an entry; of the same content there is one, which gets the tags. Raises `InvalidError`,
        `ConflictError` (`too_many_memories`)."""
        ...

    @needs(Scope.CHAT)
    async def update_entry(
        self,
        entry_id: str,
        content: str | None = None,
        tags: tuple[str, ...] | None = None,
        pinned: bool | None = None,
        metadata: dict[str, Any] | None = None,
        source: Literal["user", "system"] | None = None,
    ) -> MemoryEntry:
        """Changes what is given. Raises `NotFoundError`, `InvalidError`."""
        ...

    @needs(Scope.CHAT)
    async def forget(self, entry_id: str) -> None:
        """Puts an entry into the trash. Raises `NotFoundError`."""
        ...
