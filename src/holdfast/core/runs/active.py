"""One run while it executes: what it was given, where it stands, and the levers on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.approvals import PolicyAnswer, Verdict
from holdfast.core.domain.delegating import DelegationDesk, SubAgent
from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.events import AnyEvent, RunEvent
from holdfast.core.domain.files import Workspace
from holdfast.core.domain.limits import Spending
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.runs import FollowUpKind, RunOptions, Session
from holdfast.core.domain.skills import SkillDesk
from holdfast.core.domain.tools import Besides, DoesMore, Judged, MemoryDesk, Risk, Tool
from holdfast.core.runs.emitter import Emitter
from holdfast.core.runs.interception import RunHooks
from holdfast.core.runs.knowledge.begin import RunKnowledge
from holdfast.core.runs.modes import RunMode
from holdfast.core.runs.projections.context import ContextProjection
from holdfast.core.runs.projections.state import CallState, RunState
from holdfast.core.runs.timer import WorkTimer
from holdfast.core.tools.base import WORKSPACE_PATH
from holdfast.core.tools.builtin.read_file import plain_path
from holdfast.core.tools.client_tool import is_client_tool


@dataclass(frozen=True, slots=True)
class Steer:
    """A message that enters a run before its next step."""

    message_id: str
    parts: tuple[UserPart, ...]
    kind: FollowUpKind | None = None
    """Set for a follow-up, which enters as one with the others."""


@dataclass(slots=True)
class Levers:
    """What a person can do to a run from outside; the loop looks at them between two steps."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared while the run is to pause."""
    touched: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something was done: it wakes a run that waits for those in the background."""
    finish: bool = False
    steers: list[Steer] = field(default_factory=list)
    """Messages that enter before the next step; the log has them in the queue."""
    entered: set[str] = field(default_factory=set)
    """Ids of those that have entered, or are about to."""


class RunDesk(DelegationDesk, Protocol):
    """The sub-agents of a run, as the loop knows them."""

    async def next_end(self, touched: asyncio.Event) -> bool:
        """Returns when one of the runs in the background has ended, or on `touched`; False where none goes
        on."""
        ...

    async def close(self) -> None:
        """Ends the runs in the background."""
        ...


@dataclass(slots=True)
class ActiveRun:
    """Everything that the loop and the executor need to know of one run."""

    session_id: str
    owner: str
    """Id of the user whose session it is."""
    run_id: str
    spec: AgentSpec
    """The agent under the run's options."""
    options: RunOptions
    models: tuple[str, ...]
    """The chosen model and its fall-backs, in order."""
    system: Callable[[], tuple[str, ...]]
    """Builds the system prompt, section by section."""
    tools: Mapping[str, Tool]
    workspace: Workspace
    evaluate: Callable[[Judged, tuple[str, ...]], PolicyAnswer]
    """Policy on one thing that a call does: the user's rules, the agent's, the session's grants and the
    mode. `judge` asks it of the whole call."""
    mode: RunMode
    allow_always: Callable[[str], object]
    """Adds a rule to the allow list of the user whose run it is."""
    state: RunState
    emitter: Emitter
    timer: WorkTimer
    hooks: RunHooks
    """What looks at it on its way."""
    spending: Spending
    """The budgets of who pays for it."""
    memory: MemoryDesk | None = None
    """What tools may recall and write; None: nothing."""
    knowledge: RunKnowledge | None = None
    """What is looked up before the first step, and what tools may search; None: nothing."""
    skills: SkillDesk | None = None
    """What tools may load; None: nothing."""
    preface: str = ""
    """Put before the run's message."""
    connections: bool = False
    """Whether tools may use the databases that the settings name."""
    compacting: str | None = None
    """What a summary has to keep above all, where the run is to compact the context and nothing else."""
    suggesting: int = 0
    """How many questions it is to suggest, and to do nothing else; 0: it is an ordinary run."""
    levers: Levers = field(default_factory=Levers)
    model_index: int = 0
    parent: ActiveRun | None = None
    """The run that has started this one, where it is a sub-agent's."""
    children: dict[str, ActiveRun] = field(default_factory=dict)
    """The runs of sub-agents that it has started and that have not ended, by their ids."""
    sub_agents: tuple[SubAgent, ...] = ()
    """The agents that it may hand work to."""
    delegation: RunDesk | None = None
    """What does that; None before the run begins."""
    release: Callable[[], None] | None = None
    """Gives that back; None: it has nothing."""
    told: set[str] = field(default_factory=set)
    """Runs in the background whose end a call has shown to the model already."""
    end: RunEvent | None = None
    """How it has ended; None while it goes on, and where it waits for the next engine."""

    def give_back(self) -> None:
        """Gives back what the run alone has: it has ended, or never begins."""
        if self.release is not None:
            self.release()

    @property
    def phased(self) -> bool:
        """Whether tools are called in phases."""
        wanted = self.options.tool_phases
        return self.spec.plan is not None if wanted is None else wanted

    @property
    def logged(self) -> bool:
        """Whether the log of runs keeps what is said in it: not below a run of which it does not."""
        return self.spec.logging and (self.parent is None or self.parent.state.logged)

    @property
    def above(self) -> tuple[ActiveRun, ...]:
        """The runs above this one, the nearest first."""
        return () if self.parent is None else (self.parent, *self.parent.above)

    @property
    def root(self) -> ActiveRun:
        """The run that a person has started: itself, or the outermost above it."""
        return self if self.parent is None else self.parent.root

    @property
    def parent_session_id(self) -> str:
        """The session that a person knows, where this run is a sub-agent's; else empty."""
        return "" if self.parent is None else self.root.session_id

    @property
    def asker(self) -> dict[str, str]:
        """What a question of a sub-agent says of who asks; nothing for a person's own run."""
        if self.parent is None:
            return {}
        return {"agent": self.spec.name, "parent_session_id": self.parent_session_id}

    @property
    def takes_messages(self) -> bool:
        """Whether it is a turn of the conversation, which people's words can enter."""
        aside = bool(self.state.direct or self.suggesting) or self.compacting is not None
        return self.parent is None and not aside

    @property
    def depth_left(self) -> int:
        """Levels of sub-agents that may be below this run."""
        own = self.spec.limits.max_depth
        return own if self.parent is None else min(own, self.parent.depth_left - 1)

    @property
    def used(self) -> tuple[int, float]:
        """Model calls and US dollars of this run, and of all runs below it until now."""
        state = self.state
        below = [child.used for child in self.children.values()]
        steps = state.step + state.child_steps + sum(steps for steps, _ in below)
        return steps, state.cost_usd + state.child_usage.cost_usd + sum(cost for _, cost in below)

    @property
    def resumable(self) -> bool:
        """Whether another engine can take the run up as it stands, with those below it."""
        return self.state.resumable_if(lambda run_id: self._waits_below(run_id))

    def _waits_below(self, run_id: str) -> bool:
        child = self.children.get(run_id)
        return child is not None and child.resumable

    @property
    def executing(self) -> bool:
        """Whether a stop would cut something off: all but waiting for a person is."""
        return not self.resumable or self.state.under_way

    def is_clients(self, call: CallState) -> bool:
        """Says whether a call is of a tool that the caller executes."""
        return not call.invalid and self.is_clients_tool(call.name)

    def is_clients_tool(self, name: str) -> bool:
        """Says whether the caller executes the calls of a tool."""
        named = any(tool.name == name for tool in self.options.client_tools)
        return named or is_client_tool(self.tools.get(name))

    def subjects(self, tool: Tool, arguments: BaseModel) -> tuple[str, ...]:
        """Returns what rules are matched with: an absolute path of a file in the workspace is given as the
        tools take it, from the workspace's root, so that no rule is passed by with another spelling."""
        return self._plain(tool.risk, tool.subjects(arguments))

    def plain(self, tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the arguments of a call as hooks are told them: paths of the workspace as rules see them,
        so that no hook is passed by with another spelling."""
        fields = tool.arguments.model_fields
        paths = {name for name, each in fields.items() if WORKSPACE_PATH in each.metadata}
        return {
            name: self._plain(Risk.READ, (plain_path(value),))[0]
            if name in paths and isinstance(value, str)
            else value
            for name, value in given.items()
        }

    def judge(self, tool: Tool, arguments: BaseModel) -> PolicyAnswer:
        """Returns what policy says of a call with all that it does: the strictest answer."""
        own = self.evaluate(tool, self.subjects(tool, arguments))
        return max((own, self.judge_besides(tool, arguments)), key=lambda answer: answer.strictness)

    def judge_besides(self, tool: Tool, arguments: BaseModel) -> PolicyAnswer:
        """Returns what policy says of what a call does besides its own work."""
        strictest = PolicyAnswer(verdict=Verdict.ALLOW, reason="it does nothing besides")
        for each in tool.besides(arguments) if isinstance(tool, DoesMore) else ():
            answer = self._as_call_of(each)
            strictest = max((strictest, answer), key=lambda answer: answer.strictness)
        return strictest

    def _as_call_of(self, other: Besides) -> PolicyAnswer:
        subjects = self._plain(other.risk, other.subjects)
        answer = self.evaluate(other, subjects)
        return answer.model_copy(update={"reason": f"{answer.reason}, for {other.name}({subjects[0]})"})

    def _plain(self, risk: Risk, found: tuple[str, ...]) -> tuple[str, ...]:
        if risk not in (Risk.READ, Risk.WRITE):
            return found
        return tuple(self._inside(subject) if subject.startswith("/") else subject for subject in found)

    def _inside(self, path: str) -> str:
        try:
            return self.workspace.relative(path)
        except HoldfastError:
            return path  # not in the workspace: the tool refuses it

    @property
    def model(self) -> str:
        return self.models[self.model_index]

    @property
    def ids(self) -> dict[str, str]:
        """The two ids that every event of the run has."""
        return {"session_id": self.session_id, "run_id": self.run_id}


class Prepare(Protocol):
    """Makes what a run needs from its session; raises `HoldfastError` when it cannot run."""

    async def models(self, session: Session, options: RunOptions) -> tuple[str, ...]:
        """Returns the chosen model and its fall-backs, if the options can be kept to."""
        ...

    async def plan(self, session: Session) -> str:
        """Returns the plan of the session's agent; empty: it has none."""
        ...

    async def run(
        self,
        session: Session,
        options: RunOptions,
        state: RunState,
        context: ContextProjection,
        models: tuple[str, ...],
        *,
        tool: str | None = None,
        parent: ActiveRun | None = None,
    ) -> ActiveRun:
        """Returns the run, ready for the loop. With `tool` it has that one only, whatever the agent has.
        `parent` is the run that starts it, where it is a sub-agent's."""
        ...


class Begin(Protocol):
    """Appends a run's first events, and owns it from then on."""

    async def __call__(self, run: ActiveRun, *events: AnyEvent) -> None: ...


ModelsOf = Callable[[Session, RunOptions, str], Awaitable[tuple[str, ...]]]
"""Returns the models of a run on the account of a key."""
