"""What run options are made of: the knowledge, context, agents and memory that one run may name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from holdfast.core.domain.knowledge import Method
from holdfast.core.domain.mcp import McpAssignment, ServerName
from holdfast.core.domain.values import Value

Workflows = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=100)],
        Annotated[
            tuple[Annotated[str, Field(min_length=1, max_length=2_000)], ...],
            Field(min_length=1, max_length=50),
        ],
    ],
    Field(max_length=50),
]
"""Lists of steps, by their names."""


KnowledgeTool = Literal["search_knowledge", "read_document", "analyse_documents"]


class KnowledgeUse(Value):
    """One collection, and how it is searched; what is left out is as the collection says."""

    collection: str
    """The collection's id or name."""
    top_k: int | None = Field(default=None, gt=0)
    """Chunks that are taken at most."""
    min_score: float | None = Field(default=None, ge=0)
    method: Method | None = None
    where: dict[str, Any] | None = None
    """A filter over the metadata of documents, in Chroma's form: `{"year": {"$gte": 2020}}`. `$name`,
    `$source` and `$media_type` are the document's own."""
    documents: tuple[str, ...] | None = None
    """Ids of the documents that alone are searched."""


class RetrievedContext(Value):
    """What a search with the message's own words finds."""

    type: Literal["knowledge"] = "knowledge"
    collections: tuple[KnowledgeUse, ...] = Field(min_length=1)


class StoredContext(Value):
    """What an earlier search has found and kept."""

    type: Literal["stored"] = "stored"
    id: str


class TextContext(Value):
    """A text as it stands."""

    type: Literal["text"] = "text"
    text: str


class ContextItem(Value):
    """A piece of context: a text, or the id of a chunk that is kept."""

    text: str = ""
    id: str | None = None
    meta: dict[str, Any] = Field(default_factory=dict)


class ItemsContext(Value):
    """Pieces that the caller has chosen, best first."""

    type: Literal["items"] = "items"
    items: tuple[ContextItem, ...] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, gt=0)
    """Tokens that they may take, four characters each: from the first that does not fit on, all are left
    out."""


ContextSource = Annotated[
    RetrievedContext | StoredContext | TextContext | ItemsContext, Field(discriminator="type")
]
"""Where a run's context beside the conversation comes from: one source, never several."""


class SubAgentUse(Value):
    """An agent that the run may hand work to: one that the owner can see, by its name or id, or one that is
    described here."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    description: str = Field(default="", max_length=2_000)
    """When to hand work to it. Empty: what its file says."""
    instructions: str = Field(default="", max_length=100_000)
    """Makes it an agent of this run alone: the run's own agent with these instructions in the place of its
    own, and without sub-agents. Empty: the agent of that name or id is meant."""
    model: str | None = None
    """None: its file's, else the model of the run."""
    tools: tuple[str, ...] | None = None
    """Narrows the tools that it has to these."""


class McpServerUse(Value):
    """An MCP server for this run only: at an address, or a program that is started. It ends with the run."""

    name: ServerName
    """None of the user's servers, nor one that the agent's file describes."""
    url: str | None = Field(default=None, max_length=2_000)
    command: tuple[str, ...] = Field(default=(), max_length=200)
    tools: tuple[str, ...] | None = Field(default=None, max_length=500)
    """Only these of its tools, as in an agent's file."""

    def assignment(self) -> McpAssignment:
        """Returns it as an agent's file would describe it. Raises `ValidationError` for one that does not say
        how it is reached."""
        made = McpAssignment(server=self.name, url=self.url, command=self.command, tools=self.tools)
        made.spec()
        return made


class MemoryUse(Value):
    """Which memory the run reads and writes."""

    type: Literal["session", "user"] = "session"
    """Of this session only, or of its owner over all sessions."""
    block: str | None = None
    """Id or name of the block whose text is put before the model; None: the agent's own."""
