"""Memories of Dexto's users."""

from __future__ import annotations

from functools import partial

from holdfast.core.domain.memory import MemoryEntry
from holdfast.core.domain.values import all_items
from holdfast.server.dialects.dexto.mapping_memory import changes_of, memories, memory, new_entry
from holdfast.server.dialects.dexto.wire_memory import (
    Memories,
    MemoryBody,
    MemoryChanges,
    MemoryDeleted,
    MemoryQuery,
    OneMemory,
)
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.reading import ids_of


async def create_memory(call: Call) -> OneMemory:
    """Keeps something to remember."""
    return OneMemory(memory=memory(await call.workbench.memory.remember(**new_entry(call.body))))


async def list_memories(call: Call) -> Memories:
    """Lists what is remembered, the last that was changed first; of several tags each counts."""
    entries = call.workbench.memory.entries
    found: dict[str, MemoryEntry] = {}
    for tag in ids_of(call.query.tags) or (None,):
        page = partial(entries, tag, None, None)
        found |= {each.id: each for each in await all_items(page)}
    return Memories(memories=memories(found.values(), call.query))


async def get_memory(call: Call) -> OneMemory:
    """Gets one memory."""
    return OneMemory(memory=memory(await call.workbench.memory.entry(call.path["id"])))


async def update_memory(call: Call) -> OneMemory:
    """Changes what is given of a memory; the metadata is laid over what there is."""
    entry = await call.workbench.memory.entry(call.path["id"])
    changed = await call.workbench.memory.update_entry(entry.id, **changes_of(entry, call.body))
    return OneMemory(memory=memory(changed))


async def delete_memory(call: Call) -> MemoryDeleted:
    """Forgets one memory."""
    await call.workbench.memory.forget(call.path["id"])
    return MemoryDeleted()


_ALL, _ONE = "/api/memory", "/api/memory/{id}"

OPERATIONS = (
    Operation("create_memory", "POST", _ALL, create_memory, 201, result=OneMemory, body=MemoryBody),
    Operation("list_memories", "GET", _ALL, list_memories, result=Memories, query=MemoryQuery),
    Operation("get_memory", "GET", _ONE, get_memory, result=OneMemory),
    Operation("update_memory", "PUT", _ONE, update_memory, result=OneMemory, body=MemoryChanges),
    Operation("delete_memory", "DELETE", _ONE, delete_memory, result=MemoryDeleted),
)
