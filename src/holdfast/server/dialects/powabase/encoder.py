"""From the events of a run to Powabase's: frames without a name, told apart by the key `event`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import (
    RUN_ENDS,
    ApprovalRequested,
    ApprovalResolved,
    HookCompleted,
    LoggedEvent,
    PartCompleted,
    PartDelta,
    RunStarted,
    StepCompleted,
    StepStarted,
    ToolCallCompleted,
    ToolCallRequested,
)
from holdfast.server.dialects.powabase.mapping import wire_tool
from holdfast.server.dialects.powabase.mapping_hooks import event_of
from holdfast.server.dialects.powabase.mapping_retrieved import citations_of, items_in
from holdfast.server.dialects.powabase.mapping_runs import (
    call_of,
    context_of,
    error_of,
    status_of,
    steps_of,
    usage_of,
)
from holdfast.server.kit.answers import EventEncoder
from holdfast.server.kit.sse import write_frame

KEEPALIVE = b": keepalive\n\n"
KEEPALIVE_S = 30.0
PREVIEW = 200
"""Characters of a result in its preview."""

Record = dict[str, Any]


class RunEncoder(EventEncoder[bytes]):
    """Writes the records of one run. `text` is told piece by piece, and whole in `complete` alone: there it
    is without numbers that cite nothing."""

    def __init__(self, *, new_session: bool = False, reasoning: bool = False) -> None:
        """`reasoning`: whether it is told."""
        super().__init__()
        self._new_session = new_session
        self._reasoning = reasoning
        self._seq = 0

    def frames(self, logged: LoggedEvent) -> Iterator[bytes]:
        return map(_frame, self.records(logged))

    def cut(self, error: ErrorInfo) -> Iterable[bytes]:
        yield _frame({"event": "error", **_error(error.message, error.code), "run_id": self.state.run_id})

    def records(self, logged: LoggedEvent) -> Iterator[Record]:
        """Returns what is told of an event, numbered; `state` has taken it."""
        for record in self._told(logged):
            self._seq += 1
            beside = {"run_id": self.state.run_id, "seq": self._seq, "ts": logged.event.at.isoformat()}
            yield {**record, **beside}

    def _told(self, logged: LoggedEvent) -> Iterable[Record]:
        state, event = self.state, logged.event
        match event:
            case RunStarted():
                return [self._start()]
            case StepStarted():
                return [{"event": "step_started", **_step(event.step), "is_last_step": False}]
            case PartDelta():
                return self._piece(event)
            case PartCompleted(kind="reasoning_summary") if self._reasoning:
                summary = {"summary": event.text, "content": event.text, "step": state.step.number}
                return [{"event": "reasoning_summary", **summary}]
            case ToolCallRequested():
                call = {"tool_name": wire_tool(event.name), "arguments": event.arguments}
                return [{"event": "tool_call", **call, "call_id": event.call_id, "step": event.step}]
            case ToolCallCompleted():
                return [self._result(event)]
            case ApprovalRequested():
                return [_asked(event)]
            case ApprovalResolved():
                return [self._decided(event)]
            case HookCompleted():
                return [_hook(event)]
            case StepCompleted():
                why = {"finish_reason": event.reason, "has_tool_calls": bool(state.step.calls)}
                return [{"event": "step_completed", **_step(event.step), **why}]
            case _ if event.type in RUN_ENDS:
                return self._end()
        return ()

    def _start(self) -> Record:
        return {
            "event": "start",
            "session_id": self.state.session_id,
            "context_handler_id": context_of(self.state),
            "reasoning_requested": self.state.options.reasoning is True,
        }

    def _piece(self, event: PartDelta) -> Iterable[Record]:
        kind = self.state.part.kind if self.state.part else "text"
        if kind == "text":
            return [{"event": "chunk", "content": self.state.separator + event.text}]
        if kind != "reasoning" or not self._reasoning:
            return ()
        said = {"delta": event.text, "content": event.text, "step": self.state.step.number}
        return [{"event": "reasoning", **said, "source": "thinking"}]

    def _result(self, event: ToolCallCompleted) -> Record:
        call = self.state.calls[event.call_id]
        out = call_of(call)
        record: Record = {
            "event": "tool_result",
            "tool_name": out.tool_name,
            "result": out.result,
            "result_preview": out.result[:PREVIEW],
            "call_id": event.call_id,
            "step": call.step,
            "duration_ms": event.duration_ms,
            "is_error": out.is_error,
        }
        if call.executed is not None and call.executed != call.asked:
            record["effective_arguments"] = call.executed
        return record

    def _decided(self, event: ApprovalResolved) -> Record:
        return {
            "event": "approval_resolved",
            "call_id": event.call_id,
            "tool_name": wire_tool(self.state.calls[event.call_id].name),
            "approved": event.status == "approved",
            "reason": event.decision.reason if event.decision else "",
            "timed_out": event.status == "expired",
        }

    def _end(self) -> Iterable[Record]:
        state = self.state
        error = error_of(state)
        if error is not None:
            yield {"event": "error", **_error(error, state.error.code if state.error else "run_cancelled")}
        complete: Record = {
            "event": "complete",
            "session_id": state.session_id,
            "content": state.reply,
            "status": status_of(state),
            "steps": steps_of(state),
            "tool_calls": [call_of(call).model_dump() for call in state.calls.values()],
            "usage": usage_of(state.usage).model_dump(),
            "error": error,
            "context_handler_id": context_of(state),
            "retrieved_items": items_in(state.lookups),
            "is_new_session": self._new_session,
        }
        if state.options.citations:
            complete["citations"] = [each.model_dump() for each in citations_of(state.citations)]
        yield complete


def _frame(record: Record) -> bytes:
    # All in ASCII: what splits lines of text takes some characters of a reply for ends of lines.
    return write_frame(json.dumps(record, separators=(",", ":")))


def _step(number: int) -> Record:
    return {"step": number, "step_number": number}


def _error(message: str, code: str) -> Record:
    return {"message": message, "error": message, "code": code}


def _asked(event: ApprovalRequested) -> Record:
    approval = event.approval
    waits_s = None
    if approval.expires_at is not None:
        waits_s = max(0, round((approval.expires_at - approval.requested_at).total_seconds()))
    return {
        "event": "approval_requested",
        "call_id": approval.call_id,
        "tool_name": wire_tool(approval.tool),
        "tool_input": approval.arguments,
        "message": approval.reason,
        "timeout": waits_s,
    }


def _hook(event: HookCompleted) -> Record:
    return {
        "event": "hook_result",
        "hook_id": event.hook_id,
        "hook_event": event_of(event.point),
        "status": "failed" if event.error else "succeeded",
        "modified": event.outcome == "modify",
        "blocked": event.outcome == "deny",
        "latency_ms": event.duration_ms,
        "message": event.reason or event.error,
    }
