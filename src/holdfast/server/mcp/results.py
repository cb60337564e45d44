"""What a call of a tool gives: the reply as text, and the same with its ids as structured content."""

from __future__ import annotations

from typing import Any

from mcp_types import CallToolResult, TextContent

from holdfast.core.domain.errors import ErrorInfo, ErrorKind, HoldfastError
from holdfast.core.domain.runs import Run, RunStatus
from holdfast.core.domain.text import sanitize
from holdfast.core.domain.tools import Question
from holdfast.server.tasks.watched import Waiting, Watched, about

GET_RUN = "get_run"
"""The tool that fetches what a run has come to."""

_NOTHING = "(The agent has said nothing.)"

OUTPUT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "session_id": {"type": "string", "description": "Give it again to go on with the conversation."},
        "run_id": {"type": "string"},
        "status": {"type": "string", "enum": [status.value for status in RunStatus]},
        "reply": {"type": "string", "description": "What the agent has said; empty until it has ended."},
        "usage": {
            "type": "object",
            "properties": {
                "input_tokens": {"type": "integer"},
                "output_tokens": {"type": "integer"},
                "cost_usd": {"type": "number"},
            },
            "required": ["input_tokens", "output_tokens", "cost_usd"],
        },
        "waiting": {
            "type": "array",
            "description": "What a person has to decide or answer before the run goes on.",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "kind": {"type": "string", "enum": ["approval", "question"]},
                    "about": {"type": "string"},
                },
                "required": ["id", "kind", "about"],
            },
        },
    },
    "required": ["session_id", "run_id", "status", "reply", "usage", "waiting"],
}
"""Of every result that is no error."""


def result_of(run: Run, watched: Watched, run_id: str) -> CallToolResult:
    """Returns the result of a call whose run has ended, waits for a person, or goes on. `run_id` is the run
    that the call began with, which may have handed over to `run`."""
    run = run.model_copy(update={"id": run_id})
    if run.error is not None:
        return failure(run.error, run)
    if run.status is RunStatus.CANCELLED:
        cancelled = ErrorInfo(
            kind=ErrorKind.CONFLICT, code="run_cancelled", message="The run was cancelled in Holdfast."
        )
        return failure(cancelled, run)
    waiting = list(watched.waiting.values())
    reply = sanitize(watched.reply) if run.status is RunStatus.COMPLETED else ""
    found = {
        "session_id": run.session_id,
        "run_id": run.id,
        "status": run.status.value,
        "reply": reply,
        "usage": {
            "input_tokens": run.usage.input_tokens,
            "output_tokens": run.usage.output_tokens,
            "cost_usd": run.usage.cost_usd,
        },
        "waiting": [_shown(one) for one in waiting],
    }
    text = reply or _NOTHING if run.status is RunStatus.COMPLETED else _not_yet(run, waiting)
    return CallToolResult(content=[TextContent(text=text)], structured_content=found)


def failure(error: ErrorInfo | HoldfastError, run: Run | None = None) -> CallToolResult:
    """Returns the result of a call that has failed: the message and the stable code, and where the run is."""
    info = error.info if isinstance(error, HoldfastError) else error
    found: dict[str, Any] = {"error": {"code": info.code, "message": info.message}}
    if run is not None:
        found |= {"session_id": run.session_id, "run_id": run.id, "status": run.status.value}
    text = f"{sanitize(info.message)} ({info.code})"
    return CallToolResult(content=[TextContent(text=text)], structured_content=found, is_error=True)


def _shown(waiting: Waiting) -> dict[str, Any]:
    kind = "question" if isinstance(waiting, Question) else "approval"
    return {"id": waiting.id, "kind": kind, "about": about(waiting)}


def _not_yet(run: Run, waiting: list[Waiting]) -> str:
    later = f"Then call {GET_RUN} with run_id {run.id} for the reply."
    if not waiting:
        return f"The agent is still at work. Call {GET_RUN} with run_id {run.id} to wait for its reply."
    lines = [f"- {_shown(one)['kind']}: {about(one)}" for one in waiting]
    return "\n".join(
        [
            "The agent waits for a person; no tool can decide it:",
            *lines,
            f"Ask the user to decide it in Holdfast (the app, or `holdfast approvals list`). {later}",
        ]
    )
