"""Between runs as Powabase has them and ours. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.models import ModelSettings
from holdfast.core.domain.options import ContextItem, ContextSource, ItemsContext, StoredContext, TextContext
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.runs import Usage as CoreUsage
from holdfast.server.dialects.powabase.mapping import wire_tool
from holdfast.server.dialects.powabase.mapping_agents import kept
from holdfast.server.dialects.powabase.mapping_retrieved import (
    CONTEXT_TOKENS,
    candidates_of,
    citations_of,
    items_in,
    retrieved_of,
)
from holdfast.server.dialects.powabase.wire_runs import (
    ContextItemIn,
    RunRecord,
    RunReply,
    RunRequest,
    ToolCallOut,
    Usage,
)
from holdfast.server.kit.run_state import BETWEEN, CallState, RunState

MOST_ITEMS = 500
_CHUNK = re.compile(r"[0-9]{1,18}")
_SOURCES = ("knowledge_bases", "context_handler_id", "context_override", "context_items")
WireStatus = Literal["pending", "running", "completed", "failed"]


def check_one_source(asked: RunRequest) -> None:
    """Raises `InvalidError` where more than one source of context is given; empty ones do not count."""
    given = [name for name in _SOURCES if getattr(asked, name)]
    if len(given) > 1:
        raise InvalidError(
            f"Only one context source per request: {', '.join(given)} were given.",
            code="several_context_sources",
        )


def tokens_of(asked: RunRequest, agent: AgentInfo) -> int:
    """Returns how many tokens the context of a run may have."""
    settings = kept(agent.spec.ext).get("settings", {}) if agent.spec else {}
    given = asked.max_context_tokens or settings.get("max_context_tokens")
    # Settings are anybody's JSON, in which `true` is no number.
    return given if type(given) is int and given > 0 else CONTEXT_TOKENS


def reasons(asked: RunRequest, agent: AgentInfo) -> bool:
    """Says whether the model is told to reason: by the request, or by the agent's settings."""
    effort = agent.spec.model_settings.reasoning_effort if agent.spec else None
    return bool(asked.reasoning_requested) or effort not in (None, "none")


def source_of(asked: RunRequest, max_tokens: int, stored: str | None) -> ContextSource | None:
    """Returns where the context of a run comes from; `stored` is the id of what was retrieved for it."""
    if stored is not None:
        return StoredContext(id=stored)
    if asked.context_override:
        return TextContext(text=asked.context_override)
    if not asked.context_items:
        return None
    found = map(_piece, asked.context_items[:MOST_ITEMS])
    items = tuple(piece for piece in found if piece is not None)
    return ItemsContext(items=items, max_tokens=max_tokens) if items else None


def _piece(asked: ContextItemIn) -> ContextItem | None:
    """Returns a piece of context; None for one that has no text, and no id that a chunk could have."""
    if asked.text.strip():
        return ContextItem(text=asked.text, meta=asked.meta)
    id = str(asked.id)
    return ContextItem(id=id, meta=asked.meta) if _CHUNK.fullmatch(id) else None


def options_of(asked: RunRequest, source: ContextSource | None, *, plain: bool) -> RunOptions:
    """Returns what the run overrides; `plain`: it is one call of a model, without tools."""
    options = RunOptions(
        model_settings=None if asked.temperature is None else ModelSettings(temperature=asked.temperature),
        reasoning=True if asked.reasoning_requested else None,
        timeout_s=asked.timeout_seconds,
        response_format=schema_of(asked.response_format),
        context_source=source,
        citations=bool(asked.citations_enabled),
        hand_over=False,
    )
    nothing = {"tools": (), "skills": (), "knowledge": (), "sub_agents": (), "mode": "single"}
    return options.model_copy(update=nothing) if plain else options


def schema_of(format: dict[str, Any] | None) -> dict[str, Any] | None:
    """Returns the JSON Schema that a `response_format` in LiteLLM's form asks for. Raises `InvalidError`."""
    if not format or format.get("type") == "text":
        return None
    if format.get("type") == "json_object":
        return {"type": "object"}
    inner = format.get("json_schema")
    schema = inner.get("schema") if isinstance(inner, dict) else None
    if format.get("type") != "json_schema" or not isinstance(schema, dict):
        raise InvalidError(
            "response_format: must be {type: json_object} or {type: json_schema, json_schema: {schema: …}}.",
            code="invalid_response_format",
        )
    return schema


# --- out


def usage_of(usage: CoreUsage) -> Usage:
    return Usage(
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cached_tokens=usage.cached_tokens,
    )


def status_of(state: RunState) -> WireStatus:
    """Returns the status on the wire, which has four; who waits is running, who was cancelled has failed."""
    return "failed" if state.status == "cancelled" else state.status


def error_of(state: RunState) -> str | None:
    """Returns why a run has no good end."""
    if state.error is not None:
        return state.error.message
    if state.status == "cancelled":
        return f"The run was cancelled{': ' if state.reason else ''}{state.reason}."
    return None


def call_of(call: CallState) -> ToolCallOut:
    """Returns a call of a tool, with the arguments that it was executed with."""
    return ToolCallOut(
        step=call.step,
        tool_name=wire_tool(call.name),
        arguments=call.arguments,
        result=call.text,
        duration_ms=call.duration_ms,
        call_id=call.call_id,
        is_error=call.outcome not in ("ok", "client", ""),
    )


def context_of(state: RunState) -> str | None:
    """Returns the id of the kept context that a run was given."""
    source = state.options.context_source
    return source.id if isinstance(source, StoredContext) else None


def steps_of(state: RunState) -> int:
    """Returns how often a model was asked."""
    return sum(step.number > 0 for step in state.steps)


def reasoning_of(state: RunState) -> str:
    """Returns what the model thought, in all steps."""
    return BETWEEN.join(step.reasoning for step in state.steps if step.reasoning)


def reply_of(state: RunState, *, new_session: bool, warning: str | None) -> RunReply:
    """Returns the answer of `/run`."""
    cited = state.options.citations
    return RunReply(
        run_id=state.run_id,
        session_id=state.session_id,
        context_handler_id=context_of(state),
        content=state.reply,
        error=error_of(state),
        usage=usage_of(state.usage),
        retrieved_items=items_in(state.lookups),
        status="completed" if state.status == "completed" else "failed",
        is_new_session=new_session,
        citations=citations_of(state.citations) if cited else None,
        citation_candidates=candidates_of(state.lookups) if cited else None,
        warning=warning or next((each.error.message for each in state.lookups if each.error), None),
    )


def record_of(state: RunState, events: Iterable[dict[str, Any]], *, child: bool) -> RunRecord:
    """Returns a run with everything that is told of it; `child`: it is a sub-agent's."""
    output: dict[str, Any] = {"role": "assistant", "content": state.reply}
    calls = tuple(call_of(call) for call in state.calls.values())
    if calls:
        output["tool_calls"] = [call.model_dump() for call in calls]
    if reasoning := reasoning_of(state):
        output["reasoning"] = reasoning
    if state.options.reasoning:
        output["reasoning_requested"] = True
    return RunRecord(
        id=state.run_id,
        run_id=state.run_id,
        session_id=None if child else state.session_id,
        parent_orchestration_run_id=None,
        parent_workflow_execution_id=None,
        status=status_of(state),
        input_messages=({"role": "user", "content": text_of(state.asked)},) if state.asked else (),
        output_messages=(output,) if state.reply or calls else (),
        content=state.reply,
        usage=usage_of(state.usage),
        retrieved_context=retrieved_of(state.lookups),
        error=error_of(state),
        started_at=state.started_at,
        completed_at=state.ended_at,
        steps=steps_of(state),
        events=tuple(events),
        tool_calls=calls,
        reasoning_steps=tuple(_reasoning_steps(state)),
        created_at=state.started_at,
    )


def _reasoning_steps(state: RunState) -> Iterable[dict[str, Any]]:
    for step in state.steps:
        found: dict[str, Any] = {"step": step.number}
        if step.reasoning or step.reasoning_summary:
            found["content"] = step.reasoning or step.reasoning_summary
        if step.calls:
            found["tool_calls"] = [wire_tool(call.name) for call in step.calls]
        if len(found) > 1:
            yield found
