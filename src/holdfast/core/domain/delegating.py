"""Sub-agents: agents that a run may hand work to, and the port of tools to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, Protocol

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from holdfast.core.domain.options import SubAgentUse
from holdfast.core.domain.values import Value

DELEGATE = "delegate"
"""The tool that starts a run of another agent."""
CHILD_RUNS = "child_runs"
"""The tool that looks after the runs which were started in the background."""
HAND_OVER = "hand_over"
"""The tool by which another agent takes the conversation over."""
DELEGATION_TOOLS = (DELEGATE, CHILD_RUNS, HAND_OVER)

SubAgentName = Annotated[
    str,
    Field(
        pattern=r"^([a-z0-9][a-z0-9_-]{0,63}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$",
        description="An agent's name or id.",
    ),
]


class SubAgentAssignment(Value):
    """An agent that another one may hand work to. In a file its name alone says the same."""

    agent: SubAgentName
    """The agent's name or id, among those that the run's owner can see."""
    id: str | None = Field(default=None, pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    """Of this sub-agent at this agent. None in a file without one, never in an agent that was found."""
    description: str = Field(default="", max_length=2_000)
    """When to hand work to it. Empty: what its own file says of it."""


def _assignment(value: Any) -> Any:
    if isinstance(value, str):
        return {"agent": value}
    if isinstance(value, (dict, SubAgentAssignment)):
        return value
    raise PydanticCustomError("sub_agent_assignment", "is neither a name nor a mapping with the key `agent`")


AssignedSubAgent = Annotated[
    SubAgentAssignment, BeforeValidator(_assignment, json_schema_input_type=str | SubAgentAssignment)
]
"""An agent's name, or a mapping `{agent: NAME, id: UUID, description: TEXT}`."""


class ChildOf(Value):
    """What a session that a sub-agent works in belongs to."""

    session_id: str
    """The session of the run that has started it."""
    run_id: str
    call_id: str
    root_id: str
    """The session that a person knows: the outermost one. Mode and grants are its own."""
    depth: int = Field(ge=1)
    """1 for what a person's own run has started."""
    described: SubAgentUse | None = None
    """The agent, where the run's options describe it and no file does."""


class SubAgent(Value):
    """An agent that one run may hand work to."""

    name: str
    description: str = ""
    model: str | None = None
    inherits_model: bool = False
    """Whether it uses the model of the run above: neither its file nor the run's options name one."""
    tools: tuple[str, ...] | None = None
    """Narrows the tools that it has to these."""
    described: SubAgentUse | None = None
    """None: it has a file."""

    @property
    def takes_over(self) -> bool:
        """Whether a conversation can become its own: it works there as its file says and in no other way."""
        return self.described is None and self.tools is None and self.model is None


ChildStatus = Literal["running", "completed", "failed", "cancelled"]


class ChildReport(Value):
    """How a child run stands, for the model above it and for people."""

    run_id: str
    session_id: str
    agent: str
    status: ChildStatus
    waiting: bool = False
    """Whether a person has to decide something before it goes on."""
    reply: str = ""
    """What it said last."""
    reason: str = ""
    """Why it did not come to its end."""
    calls: tuple[str, ...] = ()
    """Its tool calls, a line each."""


class DelegationDesk(Protocol):
    """The sub-agents of one run: what its tools may ask. All methods raise `HoldfastError`."""

    async def delegate(
        self, agent: str, task: str, call_id: str, progress: Callable[[str], None]
    ) -> ChildReport:
        """Starts a run of a sub-agent and returns when it has ended; for a call that has started one
        already, waits for that. `progress` is told its calls meanwhile."""
        ...

    async def start(self, agent: str, task: str, call_id: str) -> ChildReport:
        """Starts a run of a sub-agent, and returns at once."""
        ...

    async def reports(self) -> tuple[ChildReport, ...]:
        """Returns how the runs stand that were started in the background."""
        ...

    async def wait(self, run_id: str) -> ChildReport:
        """Returns when a run that was started in the background has ended."""
        ...

    async def cancel(self, run_id: str) -> ChildReport:
        """Ends a run that was started in the background."""
        ...

    async def hand_over(self, agent: str) -> str:
        """Checks that the session can become another agent's at the end of this step; returns its name."""
        ...
