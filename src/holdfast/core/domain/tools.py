"""The port to tools, and what they show to people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

from pydantic import AwareDatetime, BaseModel, Field

from holdfast.core.domain.asking import CallDesk
from holdfast.core.domain.databases import DatabaseSpec
from holdfast.core.domain.delegating import ChildStatus, DelegationDesk
from holdfast.core.domain.files import Workspace
from holdfast.core.domain.knowledge import Document, Retrieved
from holdfast.core.domain.memory import MemoryBlock, MemoryEntry, MemoryHit
from holdfast.core.domain.messages import ResultPart, TextPart
from holdfast.core.domain.models import UsageReport
from holdfast.core.domain.skills import SkillDesk
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import Value

MISSING_TOOL = "ask_for_missing"
"""What models call in the place of a tool, in steps for arguments, where they do not know what it needs."""


class Risk(StrEnum):
    """The worst that a tool can do."""

    READ = "read"
    """Looks at the workspace or at the conversation only."""
    WRITE = "write"
    """Changes files in the workspace, what is remembered, or whose the conversation is."""
    NETWORK = "network"
    """Talks to other machines."""
    EXECUTE = "execute"
    """Runs programs."""


class TextBlock(Value):
    type: Literal["text"] = "text"
    text: str


class DiffBlock(Value):
    """A change of one file as a unified diff."""

    type: Literal["diff"] = "diff"
    path: str
    diff: str
    created: bool = False


class CommandBlock(Value):
    """A command line, and after it has run its output (stdout and stderr interleaved)."""

    type: Literal["command"] = "command"
    command: str
    cwd: str
    output: str = ""
    exit_code: int | None = None
    whole: str = ""
    """The file of the workspace that has the whole output, when `output` is only its two ends."""
    whole_bytes: int = 0


class CodeBlock(Value):
    type: Literal["code"] = "code"
    language: str
    text: str


class TableBlock(Value):
    type: Literal["table"] = "table"
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class ImageBlock(Value):
    type: Literal["image"] = "image"
    blob: str
    media_type: str
    name: str = ""


class ArgumentsBlock(Value):
    """The arguments of a call, for tools that have nothing better to show."""

    type: Literal["arguments"] = "arguments"
    arguments: dict[str, Any]


class PlanItem(Value):
    text: str
    status: Literal["pending", "in_progress", "completed"] = "pending"


class PlanBlock(Value):
    type: Literal["plan"] = "plan"
    items: tuple[PlanItem, ...]


class ChildRunBlock(Value):
    """A run of another agent that the call has started."""

    type: Literal["child_run"] = "child_run"
    session_id: str
    """The session that has all of it."""
    run_id: str
    agent: str
    status: ChildStatus
    calls: tuple[str, ...] = ()
    """Its tool calls, a line each."""
    reply: str = ""
    reason: str = ""
    """Why it did not come to its end."""


DisplayBlock = Annotated[
    TextBlock
    | DiffBlock
    | CommandBlock
    | CodeBlock
    | TableBlock
    | ImageBlock
    | ArgumentsBlock
    | PlanBlock
    | ChildRunBlock,
    Field(discriminator="type"),
]


class Preview(Value):
    """Exactly what a call will do, shown before it is allowed."""

    blocks: tuple[DisplayBlock, ...]
    fingerprint: str = ""
    """Hash of the state that the preview was made from (the file's content …). When it differs at
    execution time, the preview is stale and the call is asked again. Empty: cannot become stale."""


class ToolOutput(Value):
    """What a call gave: content for the model, blocks for people."""

    content: tuple[ResultPart, ...]
    display: tuple[DisplayBlock, ...] = ()
    is_error: bool = False

    @classmethod
    def text(cls, text: str, *display: DisplayBlock, is_error: bool = False) -> ToolOutput:
        """Returns an output of one text."""
        return cls(content=(TextPart(text=text),), display=display, is_error=is_error)


class Question(Value):
    """What an agent asks a person in the middle of a run."""

    id: str
    session_id: str
    run_id: str
    call_id: str
    agent: str = ""
    """The name of the sub-agent that asks; empty: the session's own agent."""
    parent_session_id: str = ""
    """The session that a person knows, where a sub-agent asks; empty: its own."""
    text: str
    choices: tuple[str, ...] = ()
    free_text: bool = True
    """Whether an answer outside the choices is taken."""
    server: str = ""
    """The MCP server that asks, in the middle of a call. Its words are data. Empty: the agent asks."""
    form: dict[str, Any] | None = None
    """The fields that are asked for, as a JSON Schema of a flat object: the answer has `fields`."""
    url: str | None = None
    """An address that the server wants the person to visit instead."""
    asked_at: AwareDatetime | None = None
    """Set where those are listed that wait."""

    @property
    def acted(self) -> bool:
        """Whether it is answered with an action (`accept`, `decline`, `cancel`), not with words."""
        return self.form is not None or self.url is not None


class ToolInfo(Value):
    """One tool, as it is listed."""

    name: str
    description: str
    """What models read."""
    risk: Risk
    parameters: dict[str, Any]
    """JSON Schema of the arguments."""
    source: str = "builtin"
    """Where it comes from: `builtin`, `custom` for one of the user's own, `mcp` for one of an MCP server."""
    id: str | None = None
    """Of one of the user's own."""


class BlobStore(Protocol):
    """Bytes by their SHA-256."""

    def put(self, data: bytes) -> str: ...

    def get(self, digest: str) -> bytes: ...

    def path(self, digest: str) -> Path: ...


class KnowledgeDesk(Protocol):
    """The knowledge of one run: what its tools may ask."""

    async def search(
        self, query: str, call_id: str, *, collections: Sequence[str] = (), top_k: int | None = None
    ) -> tuple[Retrieved, ...]:
        """Searches in the run's collections (`collections`: names of some of them), records it in the log,
        and returns what was found, numbered, within the token budget. Raises `HoldfastError`."""
        ...

    async def read(self, document: str, start: int = 0, characters: int = 4_000) -> tuple[Document, str]:
        """Returns a document of the run's collections, by id or name, and a part of its text. Raises
        `NotFoundError`."""
        ...

    async def texts(
        self, documents: Sequence[str] = (), max_chars: int = 1_000_000
    ) -> tuple[tuple[Document, str], ...]:
        """Returns documents of the run's collections, by id or name, or all of them, with their whole texts.
        Raises `NotFoundError`, and `TooLargeError` when they have more than `max_chars` together."""
        ...

    async def ask(self, questions: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Returns what the run's model answers to questions, each about a text of its own; what it takes is
        counted. Raises `ModelError`, `UnsupportedError` for the offline model."""
        ...


class MemoryDesk(Protocol):
    """The memory of one run: what its tools may ask, on behalf of its owner."""

    async def search(self, query: str, limit: int = 10) -> tuple[MemoryHit, ...]:
        """Returns entries that fit, pinned ones included, best first."""
        ...

    async def remember(self, content: str, tags: tuple[str, ...] = ()) -> MemoryEntry:
        """Keeps an entry; the same content is kept once."""
        ...

    async def entry(self, entry_id: str) -> MemoryEntry:
        """Returns an entry. Raises `NotFoundError`."""
        ...

    async def forget(self, entry_id: str) -> None:
        """Deletes an entry. Raises `NotFoundError`."""
        ...

    async def blocks(self) -> tuple[MemoryBlock, ...]:
        """Returns the blocks that the run may read or write, as they are now."""
        ...

    async def plan_block(
        self, name: str, content: str, *, append: bool = False
    ) -> tuple[MemoryBlock | None, str]:
        """Returns the block of this name as it is, None where writing makes it, and the content that it
        would have: `content`, or with `append` the present one with it behind. Ids are not taken: rules
        match names. Raises `NotFoundError`, `ForbiddenError`, `InvalidError` for what is too long."""
        ...

    async def write_block(self, name: str, content: str, *, append: bool = False) -> MemoryBlock:
        """Changes a block to what `plan_block` returns, and raises what that does."""
        ...


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a call may use. A tool gets nothing else: no globals, no environment."""

    session_id: str
    run_id: str
    call_id: str
    workspace: Workspace
    blobs: BlobStore
    progress: Callable[[str], None]
    """Shows output while the call goes on; text is appended."""
    environment: Mapping[str, str]
    """The environment for child processes: already without keys."""
    max_output_chars: int = 30_000
    timeout_s: float = 120.0
    """Default time limit of one call, in seconds."""
    allow_private_hosts: bool = False
    """Whether tools that use the web may reach loopback and private addresses."""
    knowledge: KnowledgeDesk | None = None
    """The collections that the run may search; None: there are none."""
    memory: MemoryDesk | None = None
    """The memory that the run may read and write; None: there is none."""
    skills: SkillDesk | None = None
    """The skills that the run may load; None: there are none."""
    owner: str = ""
    """Id of the user whose session it is."""
    may_spend: Callable[[str], Awaitable[None]] | None = None
    """Asked before a call asks a model, by its name; raises `HoldfastError` where a budget is used up or
    could not be kept. None: there are no budgets."""
    spend: Callable[[str, UsageReport], Awaitable[None]] | None = None
    """Records what a model took that the call has asked, by the model's name; None: nobody counts."""
    databases: tuple[DatabaseSpec, ...] = ()
    """The only databases that the run may use; none: every SQLite file of the workspace."""
    connections: bool = False
    """Whether it may use those that the settings name: its agent is trusted, and the local user's."""
    sub_agents: DelegationDesk | None = None
    """The agents that the run may hand work to; None: there are none."""
    desk: CallDesk | None = None
    """What the call may ask while it executes; None: nothing."""


class Tool(Protocol):
    """One thing that an agent can do.

    `subjects` is what a policy rule's pattern is matched with: the path, the address, or a command line
    and each of the commands in it. An allow rule must match all of them, an ask or deny rule any; the
    first is the one that people are shown. It is never empty: a tool with nothing to match gives `("",)`.
    `run` raises `ToolError` when it cannot do its work; the model sees the message.
    Both get arguments that `arguments` has validated. A cancelled task must leave nothing running.
    """

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def arguments(self) -> type[BaseModel]: ...

    @property
    def risk(self) -> Risk: ...

    def subjects(self, arguments: Any) -> tuple[str, ...]: ...

    async def preview(self, arguments: Any, context: ToolContext) -> Preview: ...

    async def run(self, arguments: Any, context: ToolContext) -> ToolOutput: ...

    def __hash__(self) -> int: ...


_ABOUT = ("path", "command", "url", "query", "pattern", "question", "document", "database", "agent")
"""Arguments that say what a call is about, the most telling first."""


def line_of(tool: str, arguments: Mapping[str, Any], limit: int) -> str:
    """Returns a tool and what it is used on, in one line of at most `limit` characters."""
    about = next((value for name in _ABOUT if isinstance(value := arguments.get(name), str) and value), "")
    return shorten(sanitize_line(f"{tool} {about}").strip(), limit)


class Judged(Protocol):
    """What policy needs to know of a tool."""

    @property
    def name(self) -> str: ...

    @property
    def risk(self) -> Risk: ...


@dataclass(frozen=True, slots=True)
class Besides:
    """What a call does besides its own work, as a call of the tool that is there for it."""

    name: str
    """The tool that rules speak of."""
    risk: Risk
    subjects: tuple[str, ...]


@runtime_checkable
class DoesMore(Protocol):
    """A tool that does what another one is there for: it saves what it fetched as a file, for example. Policy
    judges that too, so that no rule for files is passed by, and of all answers the strictest holds."""

    def besides(self, arguments: Any) -> tuple[Besides, ...]: ...
