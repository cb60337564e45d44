"""Between the log of runs and what GenLabs tells of calls. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.run_log import (
    MAX_TEXT,
    RunEntry,
    RunMap,
    RunReport,
    RunsFound,
    RunSort,
    StepReport,
    ToolReport,
)
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.server.dialects.genlabs.errors import said
from holdfast.server.dialects.genlabs.mapping_agents import moment
from holdfast.server.dialects.genlabs.wire_logs import (
    Log,
    LogDetails,
    LoggedMessage,
    LoggedQuery,
    LoggedToolCall,
    Logs,
    LogsWanted,
    MapEdge,
    MapNode,
    MappedSession,
)

SORTS: dict[str, RunSort] = {
    "agent_name": "agent",
    "timestamp": "time",
    "credits": "credits",
    "response_time": "response_time",
}
PER_PAGE = 50
MOST_PER_PAGE = 1_000
_MOST_PAGES = 1_000_000
_PREVIEW = 200


def wanted(body: LogsWanted) -> dict[str, Any]:
    """Returns what the log of runs is asked for, but the agent. Raises `InvalidError` in GenLabs' words."""
    sort = body.sort or "timestamp"
    if not isinstance(sort, str) or sort not in SORTS:
        raise said(f"Invalid sort selection: one of {', '.join(SORTS)}")
    order = body.order or ("asc" if sort == "agent_name" else "desc")
    if order not in ("asc", "desc"):
        raise said("Invalid order selection: asc or desc")
    if body.search is not None and not isinstance(body.search, str):
        raise said("Search must be a string")
    per_page = _number(body.per_page, PER_PAGE, MOST_PER_PAGE, "per_page")
    return {
        "text": (body.search or "")[:MAX_TEXT],
        "sort": SORTS[sort],
        "descending": order == "desc",
        "offset": (page_of(body) - 1) * per_page,
        "limit": per_page,
    }


def page_of(body: LogsWanted) -> int:
    """Returns which page is wanted, from 1. Raises `InvalidError`."""
    return _number(body.page, 1, _MOST_PAGES, "page")


def _number(given: Any, default: int, most: int, name: str) -> int:
    if given is None:
        return default
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= most:
        raise said(f"Invalid {name}: a number from 1 to {most}")
    return given


def logs(found: RunsFound, ids: Mapping[str, str], page: int, per_page: int) -> Logs:
    """Returns a page; `ids` are those of agents by name."""
    return Logs(
        logs=tuple(Log(**_log(entry, ids)) for entry in found.runs),
        total=found.total,
        page=page,
        pages=-(-found.total // per_page),
    )


def _log(entry: RunEntry, ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        "log_id": entry.id,
        "agent_id": ids.get(entry.agent),
        "agent_name": entry.agent_name or entry.agent,
        "timestamp": moment(entry.started_at),
        "credits": round(entry.credits, 6),
        "response_time_ms": None if entry.response_ms is None else round(entry.response_ms, 3),
        "tool_used": entry.tools > 0,
        "tool_call_time_ms": round(entry.choice_ms, 3),
        "tool_parameterization_time_ms": round(entry.parameters_ms, 3),
        "prompt": entry.prompt,
        "status": entry.status.value,
        "logging": entry.logged,
    }


def log_id(given: Any) -> str:
    """Returns the id of the log entry that a request is about. Raises `InvalidError` where there is none, and
    `NotFoundError` for what is no id of ours."""
    if given is None or given == "":
        raise said("Log ID is required")
    try:
        return str(UUID(given))
    except (ValueError, TypeError, AttributeError):
        raise NotFoundError("Log not found", code="run_not_found") from None


def log_details(report: RunReport, ids: Mapping[str, str]) -> LogDetails:
    """Returns one entry in full."""
    conversation = [LoggedMessage(role=each.role, content=each.text) for each in report.history]
    if report.prompt:
        conversation.append(LoggedMessage(role="user", content=report.prompt))
    error = report.error
    return LogDetails(
        **{**_log(report.run, ids), "prompt": report.prompt},
        session=report.run.session_id,
        conversation=tuple(conversation),
        response=report.response,
        tool_calls=tuple(_call(each) for each in report.way if isinstance(each, ToolReport)),
        queries=tuple(_query(each) for each in report.way if isinstance(each, StepReport)),
        key_name=report.run.key_name,
        error=None if error is None else error.message or error.code,
    )


def _call(each: ToolReport) -> LoggedToolCall:
    return LoggedToolCall(
        name=each.name,
        parameters=each.arguments,
        status=each.outcome or "running",
        time_ms=round(each.duration_ms, 3),
    )


def _query(each: StepReport) -> LoggedQuery:
    return LoggedQuery(
        model=each.model,
        purpose=each.purpose,
        prompt_tokens=each.usage.input_tokens,
        completion_tokens=each.usage.output_tokens,
        credits=round(each.credits, 6),
        time_to_first_token_ms=each.first_token_ms,
        time_ms=each.total_ms,
    )


def mapped(found: RunMap) -> MappedSession:
    """Returns the map of a session: what was said and done, each thing joined to what came before it."""
    nodes: list[MapNode] = []
    edges: list[MapEdge] = []
    callers: dict[str, str] = {}
    last = ""
    for report in found.runs:
        own = report.run.session_id == found.session_id
        before = last if own else callers.get(report.run.id, "")
        for node in _nodes(report, callers):
            nodes.append(node)
            edges += [MapEdge(source=before, target=node.id)] if before else []
            before = node.id
        last = before if own else last
    return MappedSession(session=found.session_id, title=found.title, nodes=tuple(nodes), edges=tuple(edges))


def _nodes(report: RunReport, callers: dict[str, str]) -> list[MapNode]:
    run = report.run

    def node(part: str, role: str, text: str, at: str, **more: Any) -> MapNode:
        shown = shorten(sanitize_line(text), _PREVIEW)
        known = {"ms": None, "credits": 0.0, "tool": None, **more}
        return MapNode(id=f"{run.id}:{part}", log_id=run.id, role=role, preview=shown, timestamp=at, **known)

    begin = moment(run.started_at)
    first = ("user", report.prompt) if run.parent_run_id is None else ("agent", report.prompt)
    found = [node("prompt", *first, begin)]
    calls: dict[str, str] = {}
    for each in report.way:
        match each.kind:
            case "step" if each.purpose != "reply":
                more = {"ms": each.total_ms, "credits": round(each.credits, 6)}
                text = f"{each.purpose}: {', '.join(each.chosen)}" if each.chosen else each.purpose
                found.append(node(str(each.event_id), "assistant", text, moment(each.at), **more))
            case "tool":
                made = node(
                    str(each.event_id),
                    "tool",
                    each.name,
                    moment(each.at),
                    ms=each.duration_ms,
                    tool=each.name,
                )
                calls[each.call_id] = made.id
                found.append(made)
            case "child":
                callers[each.run_id] = calls.get(each.call_id, found[-1].id)
    if report.response or run.response_ms is not None:
        more = {"ms": run.response_ms, "credits": round(run.credits, 6)}
        at = moment(report.way[-1].at if report.way else run.started_at)
        found.append(node("response", "assistant", report.response, at, **more))
    return found
