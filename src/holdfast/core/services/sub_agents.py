"""The agents that a run may hand work to, and what it must not exceed when it is itself a sub-agent's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.domain.agents import AgentInfo, AgentSpec
from holdfast.core.domain.approvals import PolicyAnswer
from holdfast.core.domain.delegating import CHILD_RUNS, DELEGATE, HAND_OVER, SubAgent
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.options import SubAgentUse
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.tools import Judged
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.options import check_options
from holdfast.core.runs.ways import SINGLE, way_of

SUB_AGENTS_HEADER = "# Agents that you can hand work to"
Evaluate = Callable[[Judged, tuple[str, ...]], PolicyAnswer]


async def run_sub_agents(
    registry: AgentRegistry, session: Session, spec: AgentSpec, options: RunOptions, *, trusted: bool
) -> tuple[SubAgent, ...]:
    """Returns the sub-agents of a run: those of the options, else the agent's. One that the owner cannot see
    any more, or whose file has mistakes, is left out. A folder that is not trusted hands nothing on."""
    if not trusted or way_of(spec, options) == SINGLE:
        return ()
    if options.sub_agents is None:
        uses = [
            (each.agent, SubAgentUse(name=each.agent, description=each.description))
            for each in spec.subagents
        ]
    else:
        uses = [(each.name, each) for each in options.sub_agents]
    found: dict[str, SubAgent] = {}
    for named, use in uses:
        if use.instructions:
            agent = SubAgent(
                name=use.name,
                description=use.description,
                model=use.model,
                inherits_model=use.model is None,
                tools=use.tools,
                described=use,
            )
        else:
            info = await _visible(registry, session, named)
            if info is None or info.spec is None:
                continue
            agent = SubAgent(
                name=info.name,
                description=use.description or info.description,
                model=use.model,
                inherits_model=use.model is None and info.spec.model is None,
                tools=use.tools,
            )
        found.setdefault(agent.name, agent)
    return tuple(found.values())


async def check_sub_agents(
    registry: AgentRegistry, session: Session, spec: AgentSpec, options: RunOptions, *, trusted: bool
) -> None:
    """Raises `InvalidError` for sub-agents of the options that there are not, or cannot be."""
    if options.sub_agents is None:
        return
    if options.sub_agents and not trusted:
        raise InvalidError(
            "The agent comes from a folder that is not trusted, and hands no work to others.",
            code="unknown_agent",
        )
    names = [use.name for use in options.sub_agents]
    if len(set(names)) < len(names):
        raise InvalidError("Two sub-agents of the options have the same name.", code="unknown_agent")
    for use in options.sub_agents:
        base = spec
        if not use.instructions:
            info = await _visible(registry, session, use.name)
            if info is None or info.spec is None:
                raise InvalidError(
                    f"There is no agent {use.name} that could be a sub-agent; with instructions it would be "
                    "described.",
                    code="unknown_agent",
                )
            base = info.spec
        check_options(RunOptions(tools=use.tools), base)


async def _visible(registry: AgentRegistry, session: Session, name: str) -> AgentInfo | None:
    try:
        return await asyncio.to_thread(registry.get, name, Path(session.project), session.owner)
    except NotFoundError:
        return None


def described(spec: AgentSpec, session: Session) -> AgentSpec:
    """Returns the agent of a session: its file's, or the one that the options of the run above describe."""
    use = session.child_of.described if session.child_of is not None else None
    if use is None:
        return spec
    return spec.model_copy(
        update={
            "name": use.name,
            "display_name": "",
            "description": use.description,
            "instructions": use.instructions,
            "subagents": (),
            "script": None,
            "prompts": (),
        }
    )


def delegation_tools(
    agents: tuple[SubAgent, ...], options: RunOptions, parent: ActiveRun | None, spec: AgentSpec
) -> tuple[str, ...]:
    """Returns the tools that sub-agents bring to a run, unless its caller leaves them out or has some of the
    name. At the lowest level that may be there are none."""
    left = spec.limits.max_depth if parent is None else min(spec.limits.max_depth, parent.depth_left - 1)
    if not agents or left < 1:
        return ()
    # A caller that keeps the conversation itself would not learn who goes on with it.
    may = parent is None and options.hand_over and options.history is None
    to_whom = may and any(agent.takes_over for agent in agents)
    brought = (DELEGATE, CHILD_RUNS, HAND_OVER) if to_whom else (DELEGATE, CHILD_RUNS)
    callers = {tool.name for tool in options.client_tools}
    wanted = brought if options.tools is None else tuple(name for name in brought if name in options.tools)
    return tuple(name for name in wanted if name not in callers)


def sub_agents_section(agents: tuple[SubAgent, ...]) -> str:
    """Returns what the model is told of the agents that it may hand work to."""
    lines = [
        f"- {agent.name}: {shorten(sanitize_line(agent.description), 500)}".removesuffix(": ")
        for agent in agents
    ]
    return "\n".join((SUB_AGENTS_HEADER, *lines))


def within(own: Evaluate, parent: ActiveRun) -> Evaluate:
    """Returns the policy of a child run: of its own answer and that of the run above it the stricter one."""

    def answer(tool: Judged, subjects: tuple[str, ...]) -> PolicyAnswer:
        mine, above = own(tool, subjects), parent.evaluate(tool, subjects)
        if mine.strictness >= above.strictness:
            return mine
        return PolicyAnswer(
            verdict=above.verdict, reason=f"{above.reason}, in the run of {parent.spec.name} above"
        )

    return answer


def within_cost(spec: AgentSpec, file: AgentSpec) -> AgentSpec:
    """Returns the agent of a child run with the cost limit of its own `file`, where that is the lower one.
    The options bring along what the runs above are let, and those keep to it themselves."""
    own, above = file.limits.max_cost_usd, spec.limits.max_cost_usd
    if own is None or above is None or own >= above:
        return spec
    return spec.model_copy(update={"limits": spec.limits.model_copy(update={"max_cost_usd": own})})


def within_tools(names: tuple[str, ...], session: Session, parent: ActiveRun | None) -> tuple[str, ...]:
    """Returns the tools that a run may have of `names`: an agent that the run above describes stands on that
    run's own agent, and has none that the run was not given."""
    is_described = session.child_of is not None and session.child_of.described is not None
    if parent is None or parent.options.tools is None or not is_described:
        return names
    return tuple(name for name in names if name in parent.options.tools)
