"""Between memories as Dexto has them and our entries. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdfast.core.domain.memory import MemoryEntry
from holdfast.server.dialects.dexto.times import millis
from holdfast.server.dialects.dexto.wire_memory import (
    Memory,
    MemoryBody,
    MemoryChanges,
    MemoryMetadata,
    MemoryQuery,
    MetadataSent,
)

SAID = "dexto:said"
"""The key, in an entry's metadata, of what clients of Dexto have said of it: what they left out is left out
when it is read."""


def memory(entry: MemoryEntry) -> Memory:
    """Returns an entry as Dexto shows it."""
    said = _said(entry)
    values = {name: value for name, value in entry.metadata.items() if name != SAID}
    if entry.source != "user" or said is None or "source" in said:
        values["source"] = "user" if entry.source == "user" else "system"
    if entry.pinned or said is None or "pinned" in said:
        values["pinned"] = entry.pinned
    return Memory(
        id=entry.id,
        content=entry.content,
        created_at=millis(entry.created_at),
        updated_at=millis(entry.updated_at),
        tags=list(entry.tags) if entry.tags or (said and "tags" in said) else None,
        metadata=MemoryMetadata(**values) if values or (said and "metadata" in said) else None,
    )


def _said(entry: MemoryEntry) -> list[Any] | None:
    found = entry.metadata.get(SAID)
    return found if isinstance(found, list) else None


def new_entry(body: MemoryBody) -> dict[str, Any]:
    """Returns what `memory.remember` takes for a new memory."""
    return {
        "content": body.content,
        "tags": tuple(body.tags),
        "source": body.metadata.source,
        "pinned": body.metadata.pinned,
        "metadata": {**_own(body.metadata), SAID: _named(body)},
    }


def changes_of(entry: MemoryEntry, body: MemoryChanges) -> dict[str, Any]:
    """Returns what `memory.update_entry` takes: the metadata is laid over what there is, so that the time of
    the change is always a new one."""
    said, given = _said(entry), body.model_fields_set
    kept = {**entry.metadata, **_own(body.metadata)}
    if said is not None:
        kept[SAID] = sorted({*map(str, said), *_named(body)})
    changes: dict[str, Any] = {"metadata": kept}
    if "content" in given:
        changes["content"] = body.content
    if "tags" in given:
        changes["tags"] = tuple(body.tags)
    changes |= {name: getattr(body.metadata, name) for name in _NAMED & body.metadata.model_fields_set}
    return changes


_NAMED = {"source", "pinned"}


def _own(metadata: MetadataSent) -> dict[str, Any]:
    """Returns what is said that has no place of its own with us."""
    return {name: value for name, value in (metadata.model_extra or {}).items() if name != SAID}


def _named(body: MemoryBody | MemoryChanges) -> list[str]:
    """Returns what a client has said, by name."""
    return sorted((body.model_fields_set | (_NAMED & body.metadata.model_fields_set)) - {"content"})


def memories(entries: Iterable[MemoryEntry], query: MemoryQuery) -> list[Memory]:
    """Returns the memories that a query is for, the last that was changed first."""
    found = [memory(each) for each in sorted(entries, key=lambda each: each.updated_at, reverse=True)]
    if query.source is not None:
        found = [each for each in found if each.metadata and each.metadata.source == query.source]
    if query.pinned in ("true", "false"):
        wanted = query.pinned == "true"
        found = [each for each in found if bool(each.metadata and each.metadata.pinned) is wanted]
    start = _number(query.offset) or 0
    limit = _number(query.limit)
    return found[start:] if limit is None else found[start : start + limit]


def _number(text: str) -> int | None:
    return int(text[:9]) if text.isascii() and text.isdigit() else None
