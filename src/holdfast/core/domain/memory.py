"""Memory: text that outlives sessions. Blocks are put before the model, entries are searched for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.values import Value

Injection = Literal["system_prompt", "user_instruction", "file"]
"""Where a block is put: behind the instructions, before the message, or into a file of the workspace."""
MemoryAccess = Literal["read", "write", "read_write"]
"""What agents may do with a block. `write`: they change it, but it is not put before them."""
DefaultScope = Literal["chat", "agent"]
"""Runs of agents without tools, and of those with tools."""

RECALL_TOOLS = ("search_memory", "remember", "forget_memory")
"""The tools of agents that recall entries."""
PREFACE = "The user keeps this as an instruction for each message; the message itself follows after it."
"""Begins the part of a message that holds blocks which are put before it."""
BLOCK_TOOL = "update_memory_block"
"""The tool of agents that may change a block."""

MemoryName = Field(pattern=r"^[^\x00-\x1f\x7f]{1,100}$")


class MemoryBlock(Value):
    """A text under a name, which is put before the model in every run that has it."""

    id: str
    owner: str = LOCAL
    owner_name: str = LOCAL
    name: str = MemoryName
    """Unique among its owner's."""
    content: str = ""
    instructions: str = ""
    """What the model is to do with it."""
    injection: Injection = "system_prompt"
    access: MemoryAccess = "read_write"
    max_chars: int = Field(default=10_000, ge=0, le=1_000_000)
    """Longest content; 0: as long as any can be, a million characters."""
    public: bool = False
    """Whether all users may read it."""
    public_edit: bool = False
    """Whether they may also change its content."""
    can_edit: bool = True
    """Whether who asks may change its content."""
    shared_with: int = 0
    """Users whom it is shared with by name."""
    created_at: AwareDatetime
    updated_at: AwareDatetime


class MemoryShare(Value):
    """Another user who may see a block."""

    user: str
    """The user's name."""
    can_edit: bool = False


class MemoryDefaults(Value):
    """The blocks that runs get when their agent names none, by id."""

    chat: str | None = None
    agent: str | None = None


class MemoryEntry(Value):
    """One thing to remember; agents search for it."""

    id: str
    owner: str = LOCAL
    content: str = Field(min_length=1, max_length=10_000)
    tags: tuple[str, ...] = Field(default=(), max_length=10)
    source: Literal["user", "agent", "system"] = "user"
    pinned: bool = False
    session_id: str | None = None
    """The session it was made in; None: none, or it is gone."""
    agent: str | None = None
    """The agent that made it."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    created_at: AwareDatetime
    updated_at: AwareDatetime


class MemoryHit(Value):
    """An entry that a search found."""

    entry: MemoryEntry
    score: float
    """BM25's, larger is better; 0 for a pinned entry that was not searched for."""


class MemorySpec(Value):
    """What memory an agent has."""

    blocks: tuple[str, ...] = ()
    """Names of blocks that are put before the model in every run. One that does not exist yet is made when
    the agent first writes to it."""
    recall: bool = False
    """Whether the agent gets the tools `search_memory`, `remember` and `forget_memory`."""
