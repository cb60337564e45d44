"""Run options: what of them can be done at all, and what an agent becomes under them. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from holdfast.core.domain.agents import AgentSpec, ToolAssignment
from holdfast.core.domain.delegating import DELEGATION_TOOLS
from holdfast.core.domain.errors import InvalidError, UnsupportedError
from holdfast.core.domain.mcp import McpAssignment, server_of
from holdfast.core.domain.memory import BLOCK_TOOL, RECALL_TOOLS
from holdfast.core.domain.messages import (
    FilePart,
    ImagePart,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    UserPart,
    results_in,
)
from holdfast.core.domain.models import ModelInfo, ModelSettings
from holdfast.core.domain.nesting import MAX_DEPTH, nested_deeper
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.skills import LOAD_TOOL
from holdfast.core.domain.text import sanitize_line
from holdfast.core.runs.knowledge.assigned import check_knowledge_tools, with_knowledge_tools
from holdfast.core.runs.ways import DEEP, SINGLE, check_ways, way_of, way_tools
from holdfast.core.tools.registry import near_names

_DIRECT = ("approve", "approvals", "questions", "timeout_s")
"""The options of a tool that is run directly."""
_DEFAULTS = RunOptions()
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PARTS: dict[str, tuple[type, ...]] = {
    "user": (TextPart, ImagePart, FilePart),
    "assistant": (TextPart, ToolCallPart),
    "tool": (ToolResultPart,),
}
"""What a message of the history may hold, by its role."""


def check_options(options: RunOptions, spec: AgentSpec) -> None:
    """Refuses options that a run of the agent could not keep to; asked before a message is taken in.

    Raises `InvalidError` with `unknown_tool`, `invalid_client_tool`, `invalid_history`, `unknown_mode`,
    `unknown_workflow`, `summary_not_possible` or `nested_too_deep`.
    """
    check_ways(spec, options)
    check_knowledge_tools(spec, options)
    if options.force_summary and (spec.script is not None or options.response_format is not None):
        raise InvalidError(
            "force_summary asks for a summary as the last text, and the reply of a script or in a given JSON "
            "form has to be the last. Leave one of them out.",
            code="summary_not_possible",
        )
    if nested_deeper(options.response_format, MAX_DEPTH):
        raise InvalidError("response_format is nested too deep.", code="nested_too_deep")
    spec = with_knowledge_tools(spec, options)
    brought = (
        BLOCK_TOOL,
        LOAD_TOOL,
        *way_tools(spec, options),
        *(DELEGATION_TOOLS if _delegates(spec, options) else ()),
    )
    known = tuple(dict.fromkeys((*spec.tool_names, *_recall_tools(spec, options), *brought)))
    servers = {each.server for each in spec.mcp} | {each.name for each in options.mcp_servers}
    for name in options.tools or ():
        if name not in known and server_of(name) not in servers:
            raise InvalidError(
                f"The agent {spec.name} has no tool {name[:80]!r}.{near_names(name, known)}",
                code="unknown_tool",
            )
    _check_client_tools(options, spec)
    _check_history(options.history or ())


def check_direct(options: RunOptions, arguments: dict[str, Any]) -> None:
    """Refuses what a tool that is run directly cannot keep to: it has no model, and no conversation.

    Raises `UnsupportedError` (`unsupported_option`), `InvalidError` (`nested_too_deep`).
    """
    said = options.model_copy(update={name: getattr(_DEFAULTS, name) for name in _DIRECT})
    unused = [name for name, value in said if value != getattr(_DEFAULTS, name)]
    if unused:
        raise UnsupportedError(
            f"A tool that is run directly has no use for {', '.join(unused)}; it takes {', '.join(_DIRECT)}.",
            code="unsupported_option",
            details={"fields": unused},
        )
    if nested_deeper(arguments, MAX_DEPTH):
        raise InvalidError("The arguments are nested too deep.", code="nested_too_deep")


def _check_client_tools(options: RunOptions, spec: AgentSpec) -> None:
    taken = {assignment.tool for assignment in _narrowed(spec, options)}
    taken.update(memory_tools(spec, options, writes=True))
    if spec.skills:
        taken.add(LOAD_TOOL)
    if _delegates(spec, options):
        taken.update(DELEGATION_TOOLS)
    for tool in options.client_tools:
        wrong = ""
        if not _TOOL_NAME.fullmatch(tool.name):
            wrong = "a name has 1 to 64 ASCII letters, digits, '_' or '-'"
        elif tool.name in taken:
            wrong = "two tools of a run cannot have the same name"
        elif nested_deeper(tool.parameters, MAX_DEPTH):
            wrong = "its parameters are nested too deep"
        if wrong:
            raise InvalidError(
                f"The client tool {tool.name[:80]!r} cannot be: {wrong}.", code="invalid_client_tool"
            )
        taken.add(tool.name)


def _delegates(spec: AgentSpec, options: RunOptions) -> bool:
    if way_of(spec, options) == SINGLE:
        return False
    return bool(spec.subagents if options.sub_agents is None else options.sub_agents)


def _check_history(history: tuple[Message, ...]) -> None:
    """Raises `InvalidError` (`invalid_history`) where providers would not take the messages."""
    open_calls: set[str] = set()
    for number, message in enumerate(history):
        calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
        results = [part.call_id for part in results_in(message.parts)]
        wrong = ""
        if message.role == "system":
            wrong = "a system message has no place there; use instructions_prefix"
        elif not all(isinstance(part, _PARTS[message.role]) for part in message.parts):
            wrong = f"a message of role {message.role} cannot hold such a part"
        elif len({call.call_id for call in calls}) < len(calls):
            wrong = "two calls have the same call_id"
        elif not open_calls.issuperset(results) or len(set(results)) < len(results):
            wrong = "a result must answer, once, a call of the assistant's message before it"
        elif any(nested_deeper(call.arguments, MAX_DEPTH) for call in calls):
            wrong = "the arguments of a call are nested too deep"
        if wrong:
            raise InvalidError(
                f"history[{number}]: {wrong}.", code="invalid_history", details={"message": number}
            )
        open_calls = (
            open_calls.difference(results) if message.role == "tool" else {call.call_id for call in calls}
        )


def check_results(parts: tuple[UserPart, ...], unanswered: Collection[str]) -> None:
    """Refuses results of calls that do not wait for one. Raises `InvalidError` (`unknown_call`)."""
    waiting = set(unanswered)
    for result in results_in(parts):
        if result.call_id not in waiting:
            raise InvalidError(
                f"No call {result.call_id[:80]!r} waits for a result: it was not left to the caller, or was "
                "answered, or another message came first.",
                code="unknown_call",
                details={"call_id": result.call_id},
            )
        waiting.remove(result.call_id)


def memory_tools(spec: AgentSpec, options: RunOptions, *, writes: bool) -> tuple[str, ...]:
    """Returns the tools that memory gives to a run; `writes`: whether it has a block that it may change."""
    given = (*_recall_tools(spec, options), *((BLOCK_TOOL,) if writes else ()))
    return given if options.tools is None else tuple(name for name in given if name in options.tools)


def _recall_tools(spec: AgentSpec, options: RunOptions) -> tuple[str, ...]:
    return RECALL_TOOLS if spec.memory.recall or options.memory is not None else ()


def with_options(spec: AgentSpec, options: RunOptions) -> AgentSpec:
    """Returns the agent as it is in a run with these options: instructions, tools, settings and limits."""
    name = sanitize_line(options.agent_name).strip()
    called = f"You are called {name}." if name else ""
    prefix, suffix = options.instructions_prefix.strip(), options.instructions_suffix.strip()
    texts = (called, prefix, spec.instructions, suffix)
    given = {name: getattr(options, name) for name in ("timeout_s", "max_steps", "max_cost_usd")}
    limits = spec.limits.model_copy(update={n: value for n, value in given.items() if value is not None})
    return spec.model_copy(
        update={
            "instructions": "\n\n".join(text for text in texts if text),
            "tools": _narrowed(with_knowledge_tools(spec, options), options),
            "limits": limits,
            "model_settings": _settings(spec, options),
        }
    )


def with_own_tools(spec: AgentSpec, options: RunOptions, names: Collection[str]) -> AgentSpec:
    """Returns the agent with the tools and the MCP servers of the owner that the run has beside its own;
    `names` are the tools that the owner has now."""
    servers = {each.server for each in spec.mcp}
    wanted = [name for name in options.own_tools if name in names and name not in spec.tool_names]
    tools = (*spec.tools, *(ToolAssignment(tool=name) for name in dict.fromkeys(wanted)))
    more = [name for name in dict.fromkeys(options.own_servers) if name not in servers]
    return spec.model_copy(
        update={"tools": tools, "mcp": (*spec.mcp, *(McpAssignment(server=name) for name in more))}
    )


def _narrowed(spec: AgentSpec, options: RunOptions) -> tuple[ToolAssignment, ...]:
    return spec.tools if options.tools is None else tuple(t for t in spec.tools if t.tool in options.tools)


def _settings(spec: AgentSpec, options: RunOptions) -> ModelSettings:
    settings = spec.model_settings
    if options.model_settings is not None:
        # By value, not by what was set: in the log and on the wire all fields stand, and these say nothing.
        given = options.model_settings.model_dump(exclude_defaults=True)
        settings = settings.model_copy(update=given)
    effort = settings.reasoning_effort
    if way_of(spec, options) == DEEP:
        effort = effort or "high"
    if options.reasoning is True and effort in (None, "none"):
        effort = "medium"
    elif options.reasoning is False:
        effort = "none"
    decided = {"temperature": None, "top_p": None} if spec.plan == "decentralized" else {}
    return settings.model_copy(update={**decided, "reasoning_effort": effort})


def affordable(models: Mapping[str, ModelInfo], options: RunOptions) -> tuple[str, ...]:
    """Returns the models that a run may use, by name, the chosen one first: with a cost limit those of
    known price. Raises `InvalidError` (`unpriced_model`) when the chosen one has none."""
    if options.max_cost_usd is None:
        return tuple(models)
    chosen, *_ = models
    if not _priced(models[chosen]):
        raise InvalidError(
            f"The price of {chosen} is not known, so a cost limit cannot be kept. "
            "Choose another model, or leave the limit out and use one on steps or time.",
            code="unpriced_model",
            details={"model": chosen},
        )
    return tuple(name for name, info in models.items() if _priced(info))


def _priced(model: ModelInfo) -> bool:
    return model.input_usd_per_million is not None and model.output_usd_per_million is not None
