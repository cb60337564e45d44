"""Sessions and runs, as listings and as the log's projections know them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.delegating import ChildOf
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.messages import Message, ResultPart, UserPart
from holdfast.core.domain.models import ModelSettings, ToolSchema
from holdfast.core.domain.options import (
    ContextSource,
    KnowledgeTool,
    KnowledgeUse,
    McpServerUse,
    MemoryUse,
    SubAgentUse,
    Workflows,
)
from holdfast.core.domain.tools import DisplayBlock
from holdfast.core.domain.values import Value

IMPORTED = "imported"
"""Stands for the model of a run that was read from a file, where it is not known which it was."""
FROM_EXPORT = "holdfast"
"""What a session was imported from, where that was one of our own exports as JSON."""
NOT_IMPORTED = "Files and the sessions of sub-agents are not taken over."
"""What is said of such an import."""


class RunStatus(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    WAITING = "waiting"
    """For an approval or for the answer to a question."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


SessionWorkspace = Literal["session", "agent"]
"""Where a session's files are: in a folder of its own, or in the one that all of the user's sessions with its
agent have together."""


class RunOptions(Value):
    """What one run overrides; what is left out is as the agent says. One type for every door.

    Limits that are given here take the place of the agent's for this run.
    """

    model: str | None = None
    model_settings: ModelSettings | None = None
    """Laid over the agent's, setting by setting; one that is null or empty stays as the agent has it."""
    reasoning: bool | None = None
    """True: the model is to reason, with effort `medium` unless the settings name another. False: it is
    not to (effort `none`), whatever the settings say."""
    agent_name: str = Field(default="", max_length=200)
    """What the agent is called in this run, and is told that it is; empty: nothing is said of that."""
    instructions_prefix: str = ""
    """Text that is put before the agent's instructions."""
    instructions_suffix: str = ""
    """Text that is put behind the agent's instructions."""
    tools: tuple[str, ...] | None = None
    """Narrows the agent's tools to these."""
    own_tools: tuple[str, ...] = Field(default=(), max_length=200)
    """Tools of the owner's own, by name, that the run has beside the agent's."""
    own_servers: tuple[str, ...] = Field(default=(), max_length=50)
    """MCP servers of the owner's own, by name, whose tools the run has beside the agent's."""
    client_tools: tuple[ToolSchema, ...] = ()
    """Tools that the caller executes. When the model calls one, the run ends with the reason
    `client_tools`; the results are parts of the session's next message."""
    tool_phases: bool | None = None
    """Whether tools are called in phases: the model first says which tools it needs, if any, then for each
    of them the arguments. Where something is missing that only the person knows, the run ends with a question
    for it instead of a call. When no tool is needed any more, the agent replies, without tools. None: where
    the agent has a `plan`."""
    history: tuple[Message, ...] | None = None
    """What the model sees as the conversation before the message, instead of what the session holds. Later
    runs of the session go on from it. Without system messages: `instructions_prefix` is for those."""
    approve: ApproveMode | None = None
    """How much the run may do without asking. None: as the mode of the session says, and `ask` where it has
    none. A change of that mode holds from the next tool call of the run on, whatever stands here."""
    approvals: Literal["wait", "deny"] = "wait"
    """What becomes of a call that needs a person, an approval or a question: it waits, or it is denied at
    once, with a reason that the model sees. `approve` decides which calls those are."""
    questions: Literal["wait", "deny"] | None = None
    """The same of questions alone, those of MCP servers too: where nobody answers them on the way, the agent
    asks in its reply. None: as `approvals` says."""
    timeout_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_steps: int | None = Field(default=None, gt=0)
    """Model calls in the run."""
    max_cost_usd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Refused (`unpriced_model`) when the model has no known price, for the limit could not be kept;
    fall-back models without one are not used then."""
    max_context_tokens: int | None = Field(default=None, ge=1_000)
    """Older messages give way to a summary when the request would be larger than this, counted by a rule
    of four characters a token, even where the model's window is wider. What is looked up or given before the
    first step fills at most half of it."""
    response_format: dict[str, Any] | None = None
    """JSON Schema that the reply must satisfy: validated, with one attempt at repair."""
    skills: tuple[str, ...] | None = None
    """Narrows the agent's skills to these."""
    knowledge: tuple[KnowledgeUse, ...] | None = None
    """The collections of the owner that the run may search, in the place of the agent's. One that the agent
    has too is searched as the agent says, the others when the model wants to."""
    knowledge_tools: tuple[KnowledgeTool, ...] | None = Field(default=None, max_length=3)
    """The tools that come with the run's knowledge, in the place of `search_knowledge` and `read_document`.
    `analyse_documents` only comes to an agent that may run programs anyway."""
    sub_agents: tuple[SubAgentUse, ...] | None = Field(default=None, max_length=50)
    """The agents that the run may hand work to, in the place of the agent's own."""
    hand_over: bool = True
    """Whether one of them may be handed the conversation for good. False: the caller goes on with this agent.
    With `history` it is never handed over."""
    mcp_servers: tuple[McpServerUse, ...] = ()
    """Beside the agent's own."""
    workflows: Workflows | None = None
    """Named lists of steps, in the place of the agent's: it follows one where the message is such work."""
    workflow: str | None = None
    """The one of these, or of the agent's, that it is to follow in any case."""
    mode: str | None = None
    """The way of working in the place of the agent's: `single`, `delegating`, `team` or `deep`."""
    memory: MemoryUse | None = None
    """Which entries the run recalls and keeps, with the tools for it, and the block in the place of the
    agent's own."""
    context_source: ContextSource | None = None
    """What the model is shown beside the conversation, in the place of what the agent's knowledge would be
    searched for before the first step."""
    citations: bool = True
    """Whether the model is told to cite passages by their numbers."""
    analysis: bool | None = None
    """Whether the run's model judges how it went, behind the reply. None: as the agent says."""
    suggestions: bool | None = None
    """Whether questions that could follow are suggested after the reply. None: as the agent says."""
    force_summary: bool = False
    """Whether the run ends with a summary of what was done, in a last step without tools, even where the
    reply says it all. Where a limit is reached, and with the offline model, it ends without."""

    @property
    def asks_people(self) -> bool:
        """Whether questions wait for an answer."""
        return (self.questions or self.approvals) == "wait"


class Usage(Value):
    """Tokens and money, added up."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float = 0.0
    estimated: bool = False
    """True when a part of it was counted by us because the provider reported nothing."""
    unpriced: bool = False
    """True when a part of it has no known price."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
            estimated=self.estimated or other.estimated,
            unpriced=self.unpriced or other.unpriced,
        )


class Run(Value):
    id: str
    session_id: str
    agent: str
    model: str
    """Empty for a tool that was run directly."""
    status: RunStatus
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    error: ErrorInfo | None = None
    steps: int = 0
    usage: Usage = Usage()
    first_event_id: int = 0
    last_event_id: int = 0
    parent_run_id: str | None = None
    """The run that has started this one, where a sub-agent makes it."""
    child_runs: tuple[str, ...] = ()
    """Runs of sub-agents that it has started, oldest first. Their usage is not in this one's."""


class Session(Value):
    id: str
    owner: str = LOCAL
    """Id of the user whose session it is; nobody else sees it."""
    title: str
    titled: bool = False
    """Whether the title was given; else it is made of the first message."""
    agent: str
    model: str | None = None
    """Set when the person chose one for this session."""
    project: str
    """The folder the session was started in."""
    workspace: str
    """The folder its files are in."""
    created_at: AwareDatetime
    updated_at: AwareDatetime
    forked_from: str | None = None
    child_of: ChildOf | None = None
    """Set where a sub-agent works in it. Such a session is in no listing, takes no messages, and shares the
    life of the one that it belongs to."""
    run_id: str | None = None
    """The latest run."""
    status: RunStatus | None = None
    """Of the latest run; None before the first."""
    pending: int = 0
    """Approvals and questions that wait."""
    messages: int = 0
    turns: int = 0
    """Runs that messages have begun."""
    starred: bool = False
    archived: bool = False
    """Left out of the listing, unless it is asked for."""
    shared: bool = False
    """Whether everybody who knows its id may read what is said in it."""
    unread: int = 0
    """Runs that have ended since the owner last looked."""
    imported_from: str = ""
    """What it was read from; empty when it was made here."""
    deleted_at: AwareDatetime | None = None
    """When it was put into the trash."""
    ext: Ext = Field(default={})
    usage: Usage = Usage()
    """Of all its runs, with those of sub-agents in it."""
    last_event_id: int = 0
    """Of its events and of those of sub-agents' sessions in it: what is told here holds up to there."""


class SessionCounts(Value):
    """How many sessions one user has; archived and deleted ones count for themselves only."""

    sessions: int = 0
    starred: int = 0
    unread: int = 0
    """In which runs have ended since the owner last looked."""
    waiting: int = 0
    """In which something waits for a person."""
    archived: int = 0
    trash: int = 0
    agents: dict[str, int] = Field(default={})
    """By the name of their agent, archived ones too."""


FollowUpKind = Literal["default", "background"]
"""What a follow-up is: something that a person says, or news of something that has gone on meanwhile."""


class QueuedMessage(Value):
    """A message that waits until the run before it has ended."""

    id: str
    session_id: str
    parts: tuple[UserPart, ...]
    options: RunOptions = RunOptions()
    key: str = ""
    """Id of the API key that sent it; empty: none."""
    queued_at: AwareDatetime
    steer: bool = False
    """Whether it enters the run under way before its next step; without one it waits like any other."""
    kind: FollowUpKind | None = None
    """Set where it is a follow-up: it starts no run while the session is idle, and enters the run under way,
    or else the next one, before a step of it; all that wait enter as one message."""


class ToolRun(Value):
    """A tool that was run directly: a run that is one call."""

    session_id: str
    run_id: str
    call_id: str
    tool: str
    status: RunStatus
    """`waiting`: for an approval, or for the answer to a question."""
    outcome: Literal["ok", "error", "denied", "cancelled", "timeout"] | None = None
    """None while it goes on. The run completes also when the call was an error or was denied."""
    content: tuple[ResultPart, ...] = ()
    """What a model would see of the result."""
    display: tuple[DisplayBlock, ...] = ()
    """What people see of it."""
    duration_ms: float = 0.0
    error: ErrorInfo | None = None
    """Why the run failed, for example because its time was over."""


class Submitted(Value):
    """What became of a message: it started a run, or it waits in the queue."""

    session_id: str
    message_id: str
    """Empty for a run that no message has started."""
    run_id: str | None = None
    """None when queued."""


TextRole = Literal["user", "assistant", "tool"]


class TextMatch(Value):
    """A text of a session in which another one stands."""

    session_id: str
    event_id: int
    """Of the message, the part of a reply, or the result of a call."""
    role: TextRole
    """`tool`: what a tool gave."""
    matched: str
    """What was looked for, as it stands there first."""
    excerpt: str
    """What is around it: at most 50 characters on each side, with `...` where there is more."""
    at: AwareDatetime


class SessionMatches(Value):
    """A session in which a text stands."""

    session_id: str
    count: int
    """Texts in which it stands."""
    first: TextMatch
    """The best of them."""


class TextMatches(Value):
    """Where a text stands."""

    total: int
    items: tuple[TextMatch, ...]
    """A part of them, best first: those that are it and nothing else, then those that have it as whole words;
    of equal ones the latest first."""
    sessions: tuple[SessionMatches, ...]
    """All sessions that have it, most texts first, of equal ones the latest first."""


class SearchHit(Value):
    """A place in a session where the words stand."""

    session_id: str
    session_title: str
    event_id: int
    role: str
    excerpt: str
    """With the hits between U+0002 and U+0003."""
    at: AwareDatetime
