"""Memory, as Dexto's clients send it and read it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from holdfast.server.dialects.dexto.wire import Flag, Said, Sent, StrictSent, absent

MemorySource = Literal["user", "system"]
Content = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
Tags = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=50)]], Field(max_length=10)]


class MemoryMetadata(BaseModel):
    """What is said of a memory beside its text; any other key is kept as it is."""

    model_config = ConfigDict(extra="allow", frozen=True)

    source: MemorySource | None = absent()
    pinned: bool | None = absent()


class MetadataSent(MemoryMetadata):
    """What a client says of a memory: keys that are there have a value."""

    source: MemorySource = "user"
    pinned: Flag = False


class MemoryBody(StrictSent):
    """A new memory."""

    content: Content
    tags: Tags = Field(default=[])
    metadata: MetadataSent = MetadataSent()


class MemoryChanges(StrictSent):
    """What changes of a memory."""

    content: Content | None = None
    tags: Tags = Field(default=[])
    metadata: MetadataSent = MetadataSent()


class MemoryQuery(Sent):
    """Which memories are asked for; what is no number counts for nothing."""

    tags: str = ""
    source: MemorySource | None = None
    pinned: str = ""
    limit: str = ""
    offset: str = ""


class Memory(Said):
    """A memory."""

    id: str
    content: str
    created_at: int
    """Milliseconds since 1970."""
    updated_at: int
    tags: list[str] | None = absent()
    metadata: MemoryMetadata | None = absent()


class OneMemory(Said):
    ok: Literal[True] = True
    memory: Memory


class Memories(Said):
    ok: Literal[True] = True
    memories: list[Memory]


class MemoryDeleted(Said):
    ok: Literal[True] = True
    message: str = "Memory deleted successfully"
