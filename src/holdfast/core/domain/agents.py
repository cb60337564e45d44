"""Agents: what an agent file says."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from holdfast.core.domain.approvals import Rules
from holdfast.core.domain.databases import DatabaseSpec
from holdfast.core.domain.delegating import AssignedSubAgent
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.hooks import MAX_HOOKS, HookSpec
from holdfast.core.domain.knowledge import Method, RetrievalMode
from holdfast.core.domain.mcp import AssignedMcp
from holdfast.core.domain.memory import MemorySpec
from holdfast.core.domain.models import ModelSettings
from holdfast.core.domain.options import Workflows
from holdfast.core.domain.plans import Plan
from holdfast.core.domain.prompts import PromptTemplate
from holdfast.core.domain.scripts import AgentScript
from holdfast.core.domain.skills import SkillChoice
from holdfast.core.domain.values import Value

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
ID_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
"""A UUID as it is written everywhere: small letters, with hyphens."""


WORKSPACES = ("session", "project", "agent")
"""Words for workspaces; anything else is a path."""


Way = Literal["single", "delegating", "team", "deep"]
"""Ways of working: without sub-agents, handing work to them where that is worth it, leading them, in passes
with much thought."""


class Limits(Value):
    """Where a run ends at the latest."""

    max_steps: int = Field(default=50, gt=0)
    """Model calls in one run."""
    timeout_s: float = Field(default=3600, gt=0)
    """Seconds of work in one run; time spent waiting for a person does not count."""
    max_cost_usd: float | None = Field(default=None, gt=0)
    """Does not act with a model of unknown price; a limit in the run's options refuses such a model."""
    max_tool_output_chars: int = Field(default=30_000, ge=1_000)
    """Longer output is kept whole as a file and shown to the model shortened."""
    approval_expires_s: float | None = Field(default=None, gt=0)
    """Seconds after which an approval is decided by `on_expiry`; without it it waits for ever."""
    on_expiry: Literal["deny", "cancel"] = "deny"
    max_depth: int = Field(default=3, ge=0, le=10)
    """Levels of sub-agents below a run of this agent; 0: it hands no work to others. Also, how many agents
    may hand the conversation over in a row."""
    max_child_runs: int = Field(default=20, ge=1, le=1_000)
    """Runs of sub-agents that one run may start."""


class Prompt(PromptTemplate):
    """A text that is sent by name; what it asks for is given or asked."""

    name: str = Field(pattern=NAME_PATTERN)


class ToolAssignment(Value):
    """A tool that an agent may call. In a file its name alone says the same."""

    tool: str
    """The tool's name."""
    id: str | None = Field(default=None, pattern=ID_PATTERN)
    """Of this tool at this agent. None in a file that leaves it out, never in an agent that was found."""
    arguments: dict[str, Any] = Field(default={}, max_length=100)
    """Pinned: every call has them, whatever the model asks for, and models are not told of them. What the
    tool does not know is dropped."""
    ext: Ext = Field(default={})
    """What other systems' clients keep of it; nothing here reads it."""


def _assignment(value: Any) -> Any:
    if isinstance(value, str):
        return {"tool": value}
    if isinstance(value, (dict, ToolAssignment)):
        return value
    raise PydanticCustomError("tool_assignment", "is neither a name nor a mapping with the key `tool`")


AssignedTool = Annotated[
    ToolAssignment, BeforeValidator(_assignment, json_schema_input_type=str | ToolAssignment)
]
"""A tool's name, or a mapping `{tool: NAME, id: UUID, arguments: {…}}`."""

ALL_COLLECTIONS = "*"
"""In the place of a collection's name: all that the run's owner has."""


class RetrievalSpec(Value):
    """When and how an agent searches a collection; what is left out is as the collection says."""

    mode: RetrievalMode = "tool"
    """`tool`: the model searches when it wants to; the others retrieve before the first step."""
    top_k: int | None = Field(default=None, gt=0, le=200)
    """Passages that are taken at most."""
    method: Method | None = None
    max_tokens: int | None = Field(default=None, ge=100)
    """Tokens that the passages may take, four characters each."""
    min_score: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Passages of less are left out."""
    where: dict[str, Any] | None = None
    """A filter over the metadata of documents, as `KnowledgeUse.where`."""


class KnowledgeAssignment(Value):
    """A collection that an agent may search. In a file its name alone says the same."""

    collection: str = Field(min_length=1, max_length=200)
    """The collection's name or id, among those of the run's owner; `*`: all that he has."""
    id: str | None = Field(default=None, pattern=ID_PATTERN)
    """Of this collection at this agent. None in a file without one, never in an agent that was found."""
    path: str | None = Field(default=None, min_length=1, max_length=4_096)
    """A folder: the collection is made when there is none of the name, and kept in step with it. A relative
    path is of the project."""
    retrieval: RetrievalSpec = RetrievalSpec()
    ext: Ext = Field(default={})
    """What other systems' clients keep of it; nothing here reads it."""


def _collection(value: Any) -> Any:
    if isinstance(value, str):
        return {"collection": value}
    if isinstance(value, (dict, KnowledgeAssignment)):
        return value
    raise PydanticCustomError(
        "knowledge_assignment", "is neither a name nor a mapping with the key `collection`"
    )


AssignedKnowledge = Annotated[
    KnowledgeAssignment, BeforeValidator(_collection, json_schema_input_type=str | KnowledgeAssignment)
]
"""A collection's name, or a mapping `{collection: NAME, path: FOLDER, retrieval: {…}}`."""

Tag = Annotated[str, Field(min_length=1, max_length=64)]


class AgentSpec(Value):
    """One agent file after `extends` and defaults."""

    version: Literal[1]
    name: str = Field(pattern=NAME_PATTERN)
    """The slug: what it is called by and, in its folder, the only one of."""
    id: str | None = Field(default=None, pattern=ID_PATTERN)
    """None in a file that leaves it out, never in an agent that was found."""
    display_name: str = Field(default="", max_length=200)
    """What people are shown instead of the slug."""
    description: str = ""
    author: str = Field(default="", max_length=200)
    tags: tuple[Tag, ...] = Field(default=(), max_length=32)
    model: str | None = None
    """Omitted: the model order decides (settings, a key in the environment, Ollama, `offline`)."""
    fallback_models: tuple[str, ...] = ()
    model_settings: ModelSettings = ModelSettings()
    instructions: str = ""
    script: AgentScript | None = None
    """Python that drives the conversation in the place of the usual loop. With tools a model is asked first
    whether they are to be used."""
    tools: tuple[AssignedTool, ...] = ()
    knowledge: tuple[AssignedKnowledge, ...] = Field(default=(), max_length=100)
    """The collections that it may search."""
    databases: tuple[DatabaseSpec, ...] = Field(default=(), max_length=100)
    """The only databases that `sql_query` and `sql_write` may use. Omitted: the workspace's SQLite files."""
    mcp: tuple[AssignedMcp, ...] = Field(default=(), max_length=50)
    """The MCP servers whose tools it has: the user's by name, or described here."""
    hooks: tuple[HookSpec, ...] = Field(default=(), max_length=MAX_HOOKS)
    """What looks at its runs, model calls, tool calls and replies before and after them."""
    skills: tuple[SkillChoice, ...] = Field(default=(), max_length=100)
    """Names of skills that it may load, `*`: all that can be seen. Those beside its file come with it."""
    subagents: tuple[AssignedSubAgent, ...] = Field(default=(), max_length=50)
    """The agents that it may hand work to, by name or id."""
    mode: Way | None = None
    """How it works; None: as its instructions say."""
    workflows: Workflows = Field(default={})
    """Named lists of steps that it follows where a request is such work."""
    analysis: bool = False
    """Whether its model judges how each run went, behind the reply."""
    suggestions: bool = False
    """Whether questions that could follow are suggested after its replies."""
    plan: Plan | None = None
    """How its model calls are charged for in credits: `decentralized` by the query, `dedicated` by the token.
    On the first `temperature` and `top_p` have no effect. None: as the settings say of any model. The runs
    of an agent with a plan call tools in phases (`tool_phases`)."""
    region: str | None = Field(default=None, min_length=1, max_length=64)
    """Where it is to run, on the plan `dedicated`: one of the setting `limits.regions`."""
    logging: bool = True
    """Whether the log of runs keeps what is said in its runs, and in those that it starts; times, tokens and
    costs stand there in any case."""
    memory: MemorySpec = MemorySpec()
    approvals: Rules = Rules()
    workspace: str = "session"
    """`session`: a folder of the session's own; `project`: the folder it was started in; `agent`: one that
    all of the user's sessions with this agent have together; or a path."""
    limits: Limits = Limits()
    prompts: tuple[Prompt, ...] = ()
    extends: str | None = None
    ext: Ext = Field(default={})
    """What other systems' clients keep of it; nothing here reads it."""

    @property
    def tool_names(self) -> tuple[str, ...]:
        """The names of its tools, in the order of the file."""
        return tuple(assignment.tool for assignment in self.tools)


class Layer(StrEnum):
    """Where an agent was found; the first layer that has a name wins."""

    PROJECT = "project"
    USER = "user"
    SHIPPED = "shipped"
    SHARED = "shared"
    """Of another user, who shares it."""


class AgentInfo(Value):
    """One agent as a listing shows it; an invalid file is listed too, with its mistakes."""

    id: str
    """Its file's, or made of the owner, the layer and the name: it stays while the file is edited."""
    name: str
    display_name: str = ""
    description: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    layer: Layer
    owner: str = ""
    """Id of the user whose file it is; empty for a project's agents and the shipped ones."""
    owner_name: str = ""
    """What that user is called, where the agent is another's who shares it."""
    path: str
    """Empty for an agent that another user shares."""
    spec: AgentSpec | None = None
    """None when the file is invalid."""
    trusted: bool = True
    """False for a project's agent in a folder that the user has not trusted yet, and for another user's."""
    problems: tuple[Diagnostic, ...] = ()
    created_at: AwareDatetime | None = None
    """When it was made, as its id says or else its file; None where the file cannot be looked at."""
    updated_at: AwareDatetime | None = None
    """When its file was last changed."""

    @property
    def is_anothers(self) -> bool:
        """Whether it is another user's who shares it: what it says of itself is for people to read, who see
        whose it is, and not for models that choose among agents."""
        return self.layer is Layer.SHARED


class AgentShare(Value):
    """A user with whom an agent is shared."""

    user_id: str
    name: str


class SharedAgent(Value):
    """An agent that another user shares, and how it is found."""

    owner: str
    owner_name: str
    agent_id: str

    @property
    def name(self) -> str:
        """What it is called where it is shared: its own name is another's to choose, and could be one that
        means something there already."""
        digest = hashlib.sha256(f"{self.owner}\0{self.agent_id}".encode()).hexdigest()
        return f"shared-{digest[:24]}"


class AgentSource(Value):
    """An agent file as it is written."""

    text: str
    digest: str
    """SHA-256 of the text, in hex; an update may name it, and is refused when the file has changed since."""
    path: str
    values: dict[str, Any] = Field(default={})
    """What the text itself says, without what it extends; empty when it cannot be read."""


class AvailableAgent(Value):
    """An agent that comes with Holdfast and can be installed."""

    name: str
    display_name: str = ""
    description: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    installed: bool
    """Whether the user has an agent of this name already."""


class Trust(Value):
    """The user's word on one project folder."""

    path: str
    trusted: bool
    decided_at: AwareDatetime
