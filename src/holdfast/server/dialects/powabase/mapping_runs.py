"""Between runs as Powabase has them and ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.events import LoggedEvent, MessageAdded
from holdfast.core.domain.knowledge import Citation, ContextRecord, Lookup, Retrieved
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.models import ModelSettings
from holdfast.core.domain.options import (
    ContextItem,
    ContextSource,
    ItemsContext,
    KnowledgeUse,
    StoredContext,
    TextContext,
)
from holdfast.core.domain.passages import used_tokens
from holdfast.core.domain.runs import Run, RunOptions, RunStatus, Session
from holdfast.core.domain.runs import Usage as CoreUsage
from holdfast.core.domain.text import shorten
from holdfast.server.dialects.powabase.mapping import METHODS, wire_tool
from holdfast.server.dialects.powabase.wire_runs import (
    CitationOut,
    ContextLine,
    ContextOut,
    KnowledgeUseIn,
    MessageOut,
    RunLine,
    RunRecord,
    RunReply,
    RunRequest,
    SessionLine,
    SessionsQuery,
    ToolCallOut,
    Usage,
)
from holdfast.server.kit.run_state import CallState, RunState

CONTEXT_TOKENS = 32_000
"""Tokens of retrieved context where neither the request nor the agent says how many."""
EXCERPT = 300
FIRST = 100
"""Characters of a session's first message in a listing."""
MOST_ITEMS = 500
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


def uses_of(given: Iterable[KnowledgeUseIn]) -> tuple[KnowledgeUse, ...]:
    """Returns the collections that knowledge bases of a request are."""
    return tuple(
        KnowledgeUse(
            collection=each.id,
            top_k=each.top_k,
            min_score=each.similarity_threshold,
            method=METHODS[each.retrieval_method] if each.retrieval_method else None,
            where=each.filter_metadata or None,
            documents=each.source_ids,
        )
        for each in given
    )


def source_of(asked: RunRequest, max_tokens: int, stored: str | None) -> ContextSource | None:
    """Returns where the context of a run comes from; `stored` is the id of what was retrieved for it."""
    if stored is not None:
        return StoredContext(id=stored)
    if asked.context_override:
        return TextContext(text=asked.context_override)
    if not asked.context_items:
        return None
    items = [
        ContextItem(text=each.text, meta=each.meta)
        if each.text
        else ContextItem(id=str(each.id), meta=each.meta)
        for each in asked.context_items[:MOST_ITEMS]
        if each.text or (str(each.id or "").isascii() and str(each.id or "").isdigit())
    ]
    return ItemsContext(items=tuple(items), max_tokens=max_tokens) if items else None


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


def status_of_run(run: Run) -> WireStatus:
    """Returns the status of a run in a listing."""
    if not run.status.ended:
        return "running"
    return "completed" if run.status is RunStatus.COMPLETED else "failed"


def error_of(state: RunState) -> str | None:
    """Returns why a run has no good end."""
    if state.error is not None:
        return state.error.message
    if state.status == "cancelled":
        return f"The run was cancelled{': ' if state.reason else ''}{state.reason}."
    return None


def citations_of(found: Iterable[Citation]) -> tuple[CitationOut, ...]:
    """Returns what was cited, by number, each once."""
    by_number = {each.number: each for each in found}
    return tuple(
        CitationOut(
            key=str(number),
            item_id=None if each.chunk_id is None else str(each.chunk_id),
            source_id=each.document_id,
            source_name=each.document,
            text_excerpt=each.excerpt[:EXCERPT],
        )
        for number, each in sorted(by_number.items())
    )


def candidates_of(lookups: Iterable[Lookup]) -> dict[str, CitationOut]:
    """Returns all that could be cited, by number."""
    return {
        str(item.number): CitationOut(
            key=str(item.number),
            item_id=_item_id(item),
            source_id=item.passage.document_id if item.passage else None,
            source_name=item.passage.document if item.passage else "",
            text_excerpt=shorten(item.content, EXCERPT),
            meta=item.meta,
        )
        for lookup in lookups
        for item in lookup.items
        if item.number is not None
    }


def _item_id(item: Retrieved) -> str | None:
    return str(item.passage.chunk_id) if item.passage else None


def retrieved_of(lookups: Iterable[Lookup]) -> tuple[dict[str, Any], ...]:
    """Returns what was retrieved: for each look-up its diagnostics, then its items."""
    return tuple(each for lookup in lookups for each in _of_lookup(lookup))


_SOURCE_NAMES = {"text": "manual_override", "items": "context_items", "stored": "", "knowledge": ""}


def _of_lookup(lookup: Lookup) -> Iterable[dict[str, Any]]:
    used = [number for number, item in enumerate(lookup.items) if item.used]
    about: dict[str, Any] = {
        "_type": "retrieval_diagnostics",
        "total_items": len(lookup.items),
        "items_included": len(used),
        "items_dropped": len(lookup.items) - len(used),
        "token_limit": lookup.max_tokens,
        "estimated_tokens_used": lookup.tokens,
        "included_indices": used,
    }
    if name := _SOURCE_NAMES[lookup.source]:
        about["source"] = name
    if lookup.error is not None:
        about["error"] = lookup.error.message
    yield about
    for item in lookup.items:
        passage = item.passage
        yield {
            "_type": "item",
            "id": _item_id(item),
            "text": item.content if item.used else shorten(item.content, EXCERPT),
            "score": passage.score if passage else None,
            "retrieval_score": passage.vector_score if passage else None,
            "reranker_score": passage.rerank_score if passage else None,
            "source_id": passage.document_id if passage else None,
            "source_name": passage.document if passage else "",
            "knowledge_base_id": passage.collection_id if passage else None,
            "kb_name": passage.collection if passage else "",
            "retrieval_method": lookup.method,
            "meta": {**(passage.metadata if passage else {}), **item.meta},
            "included_in_context": item.used,
        }


def items_in(lookups: Iterable[Lookup]) -> int:
    """Returns how many retrieved items the model was shown."""
    return sum(item.used for lookup in lookups for item in lookup.items)


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


def reply_of(
    state: RunState, *, context_id: str | None, new_session: bool, cited: bool, warning: str | None
) -> RunReply:
    """Returns the answer of `/run`."""
    return RunReply(
        run_id=state.run_id,
        session_id=state.session_id,
        context_handler_id=context_id,
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


def record_of(
    state: RunState, events: Iterable[dict[str, Any]], *, child: bool, reasoning_requested: bool
) -> RunRecord:
    """Returns a run with everything that is told of it."""
    reasoning = "\n\n".join(step.reasoning for step in state.steps if step.reasoning)
    output: dict[str, Any] = {"role": "assistant", "content": state.reply}
    calls = tuple(call_of(call) for call in state.calls.values())
    if calls:
        output["tool_calls"] = [call.model_dump() for call in calls]
    if reasoning:
        output["reasoning"] = reasoning
    if reasoning_requested:
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
        steps=len([step for step in state.steps if step.number]),
        events=tuple(events),
        tool_calls=calls,
        reasoning_steps=tuple(_reasoning_steps(state)),
        created_at=state.started_at,
    )


# --- sessions and contexts


def in_time(session: Session, query: SessionsQuery) -> bool:
    """Says whether a session was made in the wanted time; a time without a zone is UTC."""
    after, before = _aware(query.created_after), _aware(query.created_before)
    return (after is None or session.created_at >= after) and (before is None or session.created_at <= before)


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def in_count(runs: int, query: SessionsQuery) -> bool:
    """Says whether a session has the wanted number of runs."""
    least, most = query.min_runs, query.max_runs
    return (least is None or runs >= least) and (most is None or runs <= most)


def session_line(session: Session, runs: int, begun: Iterable[LoggedEvent]) -> SessionLine:
    """Returns a session of a listing; `begun` are the first events of its first run."""
    said = (one.event.parts for one in begun if isinstance(one.event, MessageAdded))
    return SessionLine(
        session_id=session.id,
        run_count=runs,
        last_activity_at=session.updated_at,
        created_at=session.created_at,
        first_message=text_of(next(said, ()))[:FIRST],
    )


def messages_of(state: RunState) -> Iterable[MessageOut]:
    """Returns what was said in a run, by both."""
    asked = MessageOut(
        role="user", content=text_of(state.asked), run_id=state.run_id, timestamp=state.started_at
    )
    reasoning = "\n\n".join(step.reasoning for step in state.steps if step.reasoning)
    reply = MessageOut(
        role="assistant",
        content=state.reply,
        run_id=state.run_id,
        timestamp=state.ended_at,
        citations=citations_of(state.citations),
        reasoning=reasoning or None,
    )
    return (*((asked,) if state.asked else ()), *((reply,) if state.reply else ()))


def run_line(run: Run) -> RunLine:
    """Returns a run of a listing."""
    return RunLine(
        run_id=run.id,
        status=status_of_run(run),
        started_at=run.started_at,
        completed_at=run.ended_at,
        error=run.error.message if run.error else None,
        usage=usage_of(run.usage),
        steps=run.steps,
    )


def context_line(kept: ContextRecord) -> ContextLine:
    """Returns a kept context of a listing."""
    return ContextLine(**_context(kept))


def context_out(kept: ContextRecord, asked: Iterable[KnowledgeUseIn]) -> ContextOut:
    """Returns a kept context; `asked` is where it was looked for, as far as that is known."""
    return ContextOut(
        **_context(kept),
        knowledge_base_configs=tuple(each.model_dump(exclude_none=True) for each in asked),
        formatted_context=kept.text,
        retrieved_context=retrieved_of([_lookup(kept)]),
    )


def _context(kept: ContextRecord) -> dict[str, Any]:
    dropped = [_item_id(item) for item in kept.items if not item.used]
    cut = {"type": "context_truncation", "items_dropped": len(dropped), "dropped_item_ids": dropped}
    return {
        "id": kept.id,
        "query": kept.query,
        "status": "completed",
        "max_context_tokens": kept.max_tokens,
        "metadata": {},
        "errors": (cut,) if dropped else (),
        "created_at": kept.created_at,
    }


def _lookup(kept: ContextRecord) -> Lookup:
    return Lookup(
        source="stored",
        context_id=kept.id,
        query=kept.query,
        method=kept.retrieval.method,
        items=kept.items,
        tokens=used_tokens(kept.items),
        max_tokens=kept.max_tokens,
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
