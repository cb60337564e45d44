"""Ways of working: what a mode and workflows make of a run. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from holdfast.core.domain.agents import AgentSpec, Way
from holdfast.core.domain.delegating import DELEGATE
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.text import sanitize_line, shorten

WAY_HEADER = "# Your way of working"
WORKFLOWS_HEADER = "# Workflows"
PLAN_TOOL = "update_plan"
SINGLE: Way = "single"
DEEP: Way = "deep"
_DELEGATING = (
    "Do what takes a step or two yourself. Hand other agents what one of them is made for, or what is "
    "large and stands for itself: with all that it needs to know, for it does not see this conversation."
)
_TEAM = (
    "You lead a team. Take the work apart and give each part to the agent that suits it best, those that "
    "do not wait for each other in one step. Do nothing yourself that one of them can do. Look at what "
    "comes back, have mended what is wrong or missing, then bring the results together into one answer of "
    "your own."
)
_DEEP = (
    "Work in passes. First say what is really asked, what you know and what you have to find out, and "
    "plan. Then carry the plan out, and look things up instead of guessing. Before you answer, check the "
    "result against the question: what is missing, what could be wrong, what speaks against it? Mend what "
    "you find, and check once more. Then answer, and say what stays uncertain."
)


def way_of(spec: AgentSpec, options: RunOptions) -> str | None:
    """Returns the mode of a run: its own, else the agent's."""
    return options.mode or spec.mode


def workflows_of(spec: AgentSpec, options: RunOptions) -> Mapping[str, tuple[str, ...]]:
    """Returns the workflows of a run: its own, else the agent's."""
    return spec.workflows if options.workflows is None else options.workflows


def chosen_steps(spec: AgentSpec, options: RunOptions) -> tuple[str, ...]:
    """Returns the steps of the workflow that a run is to follow in any case."""
    return workflows_of(spec, options).get(options.workflow or "", ())


def check_ways(spec: AgentSpec, options: RunOptions) -> None:
    """Raises `InvalidError` (`unknown_mode`, `unknown_workflow`) for what there is not."""
    if options.mode is not None and options.mode not in get_args(Way):
        raise InvalidError(
            f"There is no mode {shorten(sanitize_line(options.mode), 80)!r}: {', '.join(get_args(Way))}.",
            code="unknown_mode",
        )
    named, known = options.workflow, workflows_of(spec, options)
    if named is not None and named not in known:
        listed = ", ".join(shorten(sanitize_line(name), 80) for name in known) or "none"
        raise InvalidError(
            f"There is no workflow {shorten(sanitize_line(named), 80)!r}. Those of the run: {listed}.",
            code="unknown_workflow",
        )


def way_tools(spec: AgentSpec, options: RunOptions) -> tuple[str, ...]:
    """Returns the tool that shows how far a workflow is, where the run has one, unless its caller leaves it
    out or has one of the name."""
    taken = {tool.name for tool in options.client_tools}
    wanted = options.tools is None or PLAN_TOOL in options.tools
    return (PLAN_TOOL,) if workflows_of(spec, options) and wanted and PLAN_TOOL not in taken else ()


def way_sections(spec: AgentSpec, options: RunOptions, tools: tuple[str, ...]) -> tuple[str, ...]:
    """Returns what the model is told of its mode and of the workflows, as far as `tools` let it work so."""
    texts = {"delegating": _DELEGATING, "team": _TEAM} if DELEGATE in tools else {}
    said = {**texts, DEEP: _DEEP}.get(way_of(spec, options) or "")
    sections = (f"{WAY_HEADER}\n{said}" if said else "", _workflows(spec, options, PLAN_TOOL in tools))
    return tuple(section for section in sections if section)


def _workflows(spec: AgentSpec, options: RunOptions, planning: bool) -> str:
    found = workflows_of(spec, options)
    chosen = chosen_steps(spec, options)
    if not found:
        return ""
    plan = (
        f" Write its steps down with {PLAN_TOOL} before you begin, and keep them current." if planning else ""
    )
    if chosen:
        return f"{WORKFLOWS_HEADER}\nFollow these steps in their order.{plan}\n{_steps(chosen)}"
    head = f"Where the request is work of one of these kinds, follow the steps in their order.{plan}"
    lists = (f"\n## {sanitize_line(name)}\n{_steps(steps)}" for name, steps in found.items())
    return "\n".join((WORKFLOWS_HEADER, head, *lists))


def _steps(steps: tuple[str, ...]) -> str:
    return "\n".join(f"{number}. {sanitize_line(step)}" for number, step in enumerate(steps, 1))
