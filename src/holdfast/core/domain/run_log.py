"""The log of runs: what was asked of which agent, what came of it, how long each part took and what it cost.

Not to be confused with the log of events, which it is read from, nor with the engine's own log.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.delegating import ChildStatus
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import StepPurpose
from holdfast.core.domain.runs import RunStatus, Usage
from holdfast.core.domain.values import MAX_LIMIT, Value

RunSort = Literal["agent", "time", "credits", "cost", "response_time"]
RUN_SORTS: tuple[RunSort, ...] = ("agent", "time", "credits", "cost", "response_time")

MAX_PROMPT = 300
"""Characters of a prompt that a listing has."""
MAX_TEXT = 1_000
"""Characters that runs are looked for with."""


class RunQuery(Value):
    """Which runs of the log are wanted, and in which order."""

    agents: tuple[str, ...] | None = None
    """Names of agents; None: all."""
    session: str | None = None
    """Id of a session; of one that a sub-agent works in, it is that one's runs."""
    parent: str | None = None
    """Id of a run: those that its sub-agents have made. None: those that no sub-agent has made."""
    text: str = Field(default="", max_length=MAX_TEXT)
    """Words: each stands in the agent's name, or is the beginning of a word of the prompt."""
    status: RunStatus | None = None
    since: AwareDatetime | None = None
    """Those that have ended since then, and those that go on."""
    sort: RunSort = "time"
    descending: bool = True
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=MAX_LIMIT)


class RunEntry(Value):
    """One run in the log. Its times are in milliseconds."""

    id: str
    session_id: str
    session: bool = True
    """Whether the session is still there."""
    agent: str
    agent_name: str = ""
    """What people are shown instead of the agent's name; as that, where there is nothing else."""
    model: str
    """The first one; empty for a tool that was run directly."""
    status: RunStatus
    error: str = ""
    """The code of what it failed with."""
    started_at: AwareDatetime
    response_ms: float | None = None
    """From its start to its end, without what it waited for a person or was paused; None: it goes on. Of one
    that was interrupted, what its steps and tools took."""
    model_ms: float = 0.0
    """Of all its steps; those are parts of it in which the model chose tools, and their parameters:"""
    choice_ms: float = 0.0
    parameters_ms: float = 0.0
    steps: int = 0
    tools: int = 0
    """Calls that were executed or left to the caller."""
    tool_ms: float = 0.0
    usage: Usage = Usage()
    """With those of the runs below it, as `credits`."""
    credits: float = 0.0
    logged: bool = True
    """False: the log keeps nothing of what was said in it."""
    prompt: str = ""
    """The beginning of the message that it was started with."""
    key: str = ""
    """Id of the API key that asked for it; empty: none."""
    key_name: str = ""
    """Empty also where the key is gone."""
    parent_run_id: str | None = None
    """The run that a sub-agent has made it for."""
    below: int = 0
    """How many runs sub-agents have made for it."""


class RunsFound(Value):
    runs: tuple[RunEntry, ...]
    total: int
    """How many there are, before and behind this page too."""
    agents: dict[str, int] = Field(default={})
    """How many runs of each agent the log has, by its name, whatever is asked for."""


class Said(Value):
    role: Literal["system", "user", "assistant", "tool"]
    text: str


class _Happened(Value):
    event_id: int
    """Its place in the log of events."""
    at: AwareDatetime


class MessageReport(_Happened):
    """A message that came while the run was under way, or its first one."""

    kind: Literal["message"] = "message"
    origin: str
    text: str


class StepReport(_Happened):
    """A call of a model."""

    kind: Literal["step"] = "step"
    step: int
    purpose: StepPurpose = "reply"
    model: str
    request_ms: float = 0.0
    """Until the request was made."""
    first_token_ms: float | None = None
    total_ms: float | None = None
    """None: it goes on, or was cut off."""
    reason: str = ""
    """Why it ended."""
    usage: Usage = Usage()
    credits: float = 0.0
    chosen: tuple[str, ...] = ()
    """The tools that were chosen, in a step for that."""
    text: str = ""
    """What was said in it."""


class ModelReport(_Happened):
    """A call of a model outside of steps: for a summary, a search, or inside of a tool."""

    kind: Literal["model"] = "model"
    model: str
    usage: Usage
    credits: float = 0.0


class ToolReport(_Happened):
    """A call of a tool."""

    kind: Literal["tool"] = "tool"
    call_id: str
    step: int
    name: str
    arguments: dict[str, Any] = Field(default={})
    outcome: str = ""
    """Empty: it goes on."""
    duration_ms: float = 0.0


class WaitReport(_Happened):
    """An approval or a question: the run waits for a person."""

    kind: Literal["approval", "question"]
    id: str
    call_id: str
    text: str
    """What is asked."""
    outcome: str = ""
    """How it was decided, or `answered`; empty: it waits."""
    waited_ms: float | None = None


class ChildReport(_Happened):
    """A run of a sub-agent."""

    kind: Literal["child"] = "child"
    call_id: str
    run_id: str
    session_id: str
    agent: str
    task: str
    background: bool = False
    status: ChildStatus | None = None
    duration_ms: float | None = None


class NoteReport(_Happened):
    """Something else on its way: a model was asked again or given up, the context was made smaller, something
    was looked up, a hook has decided."""

    kind: Literal["note"] = "note"
    text: str
    duration_ms: float | None = None


Happening = Annotated[
    MessageReport | StepReport | ModelReport | ToolReport | WaitReport | ChildReport | NoteReport,
    Field(discriminator="kind"),
]


class RunReport(Value):
    """One run in full."""

    run: RunEntry
    prompt: str = ""
    """The whole message that it was started with."""
    history: tuple[Said, ...] = ()
    """What the caller gave as the conversation before it."""
    response: str = ""
    """All that it said."""
    error: ErrorInfo | None = None
    waited_ms: float = 0.0
    """What it waited for a person, or was paused."""
    way: tuple[Happening, ...] = ()
    """What happened, in order. Without texts and arguments where nothing of what was said is kept."""


class RunMap(Value):
    """The runs of a session, with all that sub-agents did for them."""

    session_id: str
    title: str
    runs: tuple[RunReport, ...]
    """Oldest first; those of sub-agents stand behind the one that they were made for."""
    older: str | None = None
    """The cursor of what comes before; None: nothing."""
