"""Memory through the native API: the same as in the engine's own process."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.memory import MemoryDefaults, MemoryShare


@pytest.fixture
def door() -> str:
    return "remote"


async def test_blocks_are_made_changed_shared_and_deleted(open_bench: Any) -> None:
    async with open_bench() as bench:
        memory = bench.workbench.memory
        block = await memory.create_block("how to", "Größe", injection="file", access="read", max_chars=9)
        assert await memory.block("how to") == await memory.block(block.id) == block
        with pytest.raises(ConflictError) as exists:
            await memory.create_block("how to")
        assert exists.value.code == "block_exists"
        with pytest.raises(InvalidError) as long:
            await memory.update_block("how to", content="0123456789")
        assert long.value.code == "memory_too_long"
        changed = await memory.update_block("how to", content="", name="so")
        assert (changed.id, changed.content, changed.injection) == (block.id, "", "file")
        await bench.workbench.users.add("ann")
        assert await memory.share("so", "ann", can_edit=True) == (MemoryShare(user="ann", can_edit=True),)
        assert await memory.shares("so") == (MemoryShare(user="ann", can_edit=True),)
        assert await memory.unshare("so", "ann") == ()
        assert (await memory.publish("so")).public
        assert await memory.set_default("agent", "so") == MemoryDefaults(agent=block.id)
        assert [each.id for each in (await memory.blocks("s")).items] == [block.id]
        await memory.delete_block("so")
        assert await memory.defaults() == MemoryDefaults()
        with pytest.raises(NotFoundError) as gone:
            await memory.block("so")
        assert gone.value.code == "memory_block_not_found"
        events = (await bench.workbench.events.read(EventFilter(), 0, 100)).items
        changes = [e.event.change for e in events if e.event.type == "memory.changed"]
        assert (changes[0], changes[-1]) == ("created", "deleted")


async def test_entries_are_kept_found_changed_and_forgotten(open_bench: Any) -> None:
    async with open_bench() as bench:
        memory = bench.workbench.memory
        entry = await memory.remember("Likes tea & cake", ("a,b", "ü"), metadata={"n": [1.5, None]})
        assert await memory.entry(entry.id) == entry
        assert (await memory.entries(tag="a,b", pinned=False)).items == (entry,)
        assert [hit.entry for hit in await memory.search("tea&cake?", limit=3)] == [entry]
        pinned = await memory.update_entry(entry.id, pinned=True, tags=())
        assert (pinned.pinned, pinned.tags, pinned.metadata) == (True, (), {"n": [1.5, None]})
        await memory.forget(entry.id)
        with pytest.raises(NotFoundError) as gone:
            await memory.forget(entry.id)
        assert gone.value.code == "memory_not_found"
