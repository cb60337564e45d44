"""From the events of a run to those of Dexto's stream: named frames, each a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import (
    ApprovalRequested,
    ApprovalResolved,
    ContextCompacted,
    LoggedEvent,
    MessageAdded,
    MessageDequeued,
    MessageQueued,
    PartCompleted,
    PartDelta,
    QuestionAnswered,
    QuestionAsked,
    RunCompleted,
    RunFailed,
    RunStarted,
    SessionRenamed,
    StepCompleted,
    StepStarted,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
    UsageRecorded,
)
from holdfast.core.domain.messages import ImagePart
from holdfast.core.domain.runs import Usage
from holdfast.server.dialects.dexto.errors import typed
from holdfast.server.dialects.dexto.mapping_approvals import (
    DENIED,
    answered_out,
    approval_out,
    display,
    question_out,
    resolved_out,
    timeout_ms,
)
from holdfast.server.dialects.dexto.mapping_messages import (
    of_model,
    parts_out,
    succeeded,
    thought,
    usage_out,
)
from holdfast.server.dialects.dexto.mapping_providers import dexto_model
from holdfast.server.dialects.dexto.names import ToolNames
from holdfast.server.kit.answers import EventEncoder
from holdfast.server.kit.errors import plain_message
from holdfast.server.kit.run_state import BETWEEN, usage_of
from holdfast.server.kit.sse import write_frame

Data = dict[str, Any]
Named = tuple[str, Data]

_REASONS = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "client_tools": "tool-calls",
    "handed_over": "stop",
}
"""Why a step or a run has ended, in Dexto's words."""
_MAX_STEPS = "step_limit"
"""The code of a run that was not allowed another step: in Dexto that is an end like others."""


class TurnEncoder(EventEncoder[bytes]):
    """Writes the events of one run, and of the queue of its session meanwhile."""

    def __init__(self, session_id: str, names: ToolNames) -> None:
        """`session_id` is what clients call the session."""
        super().__init__()
        self._session_id = session_id
        self._names = names
        self._waiting: list[str] = []
        self._usage: Usage | None = None
        self._step: StepStarted | None = None
        self._asked: dict[str, Approval] = {}
        self._settled: dict[str, str] = {}
        """How the approvals of calls have ended."""

    def frames(self, logged: LoggedEvent) -> Iterator[bytes]:
        return (self._frame(name, data) for name, data in self._told(logged))

    def cut(self, error: ErrorInfo) -> Iterable[bytes]:
        yield self._frame("llm:error", {"error": {"message": plain_message(error)}})

    def refused(self, error: ErrorInfo) -> Iterable[bytes]:
        """Returns the frames of a run that could not begin."""
        yield self._frame("llm:error", _failure(error))

    def events(self, logged: LoggedEvent) -> list[Named]:
        """Takes the next event; returns Dexto's events, as who does not get a stream is told of them."""
        self.state.take(logged)
        return list(self._told(logged))

    def _frame(self, name: str, data: Data) -> bytes:
        if not name.startswith("approval:"):
            data = {"name": name, "sessionId": self._session_id, **data}
        # All in ASCII: what splits lines of text takes some characters of a reply for ends of lines.
        return write_frame(json.dumps(data, separators=(",", ":")), event=name)

    def _told(self, logged: LoggedEvent) -> Iterable[Named]:
        event = logged.event
        match event:
            case RunStarted():
                return [("llm:thinking", {})]
            case MessageQueued() if event.kind is not None:  # else it has a run of its own
                self._waiting.append(event.message_id)
                return [("message:queued", {"position": len(self._waiting), "id": event.message_id})]
            case MessageDequeued():
                self._waiting = [id for id in self._waiting if id != event.message_id]
            case MessageAdded(origin="steer"):
                return [("message:dequeued", _dequeued(event))]
            case SessionRenamed(automatic=False):
                return [("session:title-updated", {"title": event.title})]
            case ContextCompacted():
                return [("context:compacted", _compacted(event))]
            case StepStarted() | PartDelta() | PartCompleted() | UsageRecorded() | StepCompleted():
                return self._of_step(event)
            case ToolCallRequested() | ToolCallStarted() | ToolCallCompleted():
                return self._of_call(event)
            case ApprovalRequested() | ApprovalResolved() | QuestionAsked() | QuestionAnswered():
                return self._of_person(event)
            case RunCompleted():
                return [self._end(_REASONS[event.reason])]
            case RunFailed():
                return self._failed(event.error)
        return ()

    # --- what the model says

    def _of_step(
        self, event: StepStarted | PartDelta | PartCompleted | UsageRecorded | StepCompleted
    ) -> Iterable[Named]:
        match event:
            case StepStarted():
                self._step, self._usage = event, None
            case PartDelta():
                return self._chunk(event)
            case PartCompleted(kind="text") if self._step is None and event.text:
                return [self._response(event.text, "stop")]  # a script says it, outside of steps
            case UsageRecorded() if self._step is not None:
                used = usage_of(event)
                self._usage = used if self._usage is None else self._usage + used
            case StepCompleted():
                begun, self._step = self._step, None
                step = self.state.step
                replies = begun is None or begun.purpose == "reply"
                answered = replies and not step.calls and event.reason in _REASONS
                if (step.text and event.reason in _REASONS) or answered:
                    said = thought(step.reasoning, step.reasoning_summary)
                    return [self._response(step.text, _REASONS[event.reason], said)]
        return ()

    def _chunk(self, event: PartDelta) -> Iterable[Named]:
        part = self.state.part
        if part is None or not event.text:
            return
        text = event.text
        if part.kind == "text":
            before = any(one.text for one in self.state.step.parts if one.kind == "text" and one is not part)
            text = BETWEEN + text if before and len(part.pieces) == 1 else text
        yield "llm:chunk", {"chunkType": "text" if part.kind == "text" else "reasoning", "content": text}

    def _response(self, text: str, reason: str, reasoning: str | None = None) -> Named:
        provider, model = dexto_model(self.state.model)
        data: Data = {"content": text, "provider": provider, "model": model, "finishReason": reason}
        if reasoning:
            data["reasoning"] = reasoning
        if self._usage is not None:
            data["tokenUsage"] = usage_out(self._usage).model_dump(by_alias=True)
        return "llm:response", data

    # --- what tools do

    def _of_call(self, event: ToolCallRequested | ToolCallStarted | ToolCallCompleted) -> Iterable[Named]:
        name = self._names.wire(self.state.calls[event.call_id].name)
        match event:
            case ToolCallRequested():
                yield "llm:tool-call", {"toolName": name, "args": event.arguments, "callId": event.call_id}
            case ToolCallStarted():
                yield "tool:running", {"toolName": name, "toolCallId": event.call_id}
            case ToolCallCompleted() if event.outcome not in ("cancelled", "client"):
                yield from self._result(event, name)

    def _result(self, event: ToolCallCompleted, name: str) -> Iterable[Named]:
        success = succeeded(event.name, event.outcome)
        data: Data = {"toolName": name, "callId": event.call_id, "success": success}
        settled = self._settled.get(event.call_id)
        if settled is not None:
            status = "approved" if settled == "approved" else "rejected"
            data |= {"requireApproval": True, "approvalStatus": status}
        if success:
            yield "llm:tool-result", {**data, "sanitized": _sanitized(event, name)}
            return
        error = self._why(event, name, settled)
        yield "llm:tool-result", {**data, "error": error}
        yield (
            "llm:error",
            {
                "error": _error("ToolExecutionError", error),
                "context": f"Tool execution failed: {name}",
                "recoverable": True,
                "toolCallId": event.call_id,
            },
        )

    def _why(self, event: ToolCallCompleted, name: str, settled: str | None) -> str:
        """Returns why a call has failed."""
        if settled == "expired":
            waited = timeout_ms(self._asked[event.call_id])
            return f"Tool '{name}' was denied. The request timed out after {waited}ms"
        if settled == "denied":
            return f"Tool '{name}' was denied. {DENIED}"
        return "\n".join(part.text for part in event.content if part.type == "text")

    # --- what a person is asked

    def _of_person(
        self, event: ApprovalRequested | ApprovalResolved | QuestionAsked | QuestionAnswered
    ) -> Iterable[Named]:
        match event:
            case ApprovalRequested():
                self._asked[event.approval.call_id] = event.approval
                out = approval_out(event.approval, self._session_id, self._names)
                yield "approval:request", out.model_dump(by_alias=True)
            case QuestionAsked():
                asks = question_out(event.question, event.at, self._session_id)
                yield "approval:request", asks.model_dump(by_alias=True)
            case ApprovalResolved():
                asked = self._asked.get(event.call_id)
                if event.status in ("approved", "denied", "expired"):
                    self._settled[event.call_id] = event.status
                yield "approval:response", resolved_out(event, timeout_ms(asked) if asked else None)
            case QuestionAnswered():
                yield "approval:response", answered_out(event)

    # --- the end

    def _failed(self, error: ErrorInfo) -> Iterable[Named]:
        if error.code == _MAX_STEPS:
            return [self._end("max-steps")]
        of_provider = of_model(error, self.state.model)
        if of_provider is not None:
            failure = _failure(of_provider, "AI_APICallError")
            return [("llm:error", failure), self._end("unknown", of_provider)]
        return [("llm:error", _failure(error)), self._end("error", error)]

    def _end(self, reason: str, error: ErrorInfo | None = None) -> Named:
        state = self.state
        took = 0.0
        if state.started_at is not None and state.ended_at is not None:
            took = (state.ended_at - state.started_at).total_seconds()
        data: Data = {
            "finishReason": reason,
            "stepCount": max(0, len(state.steps) - 1),
            "durationMs": max(0, round(took * 1000)),
        }
        return "run:complete", data if error is None else {**data, "error": typed(error)}


def _failure(error: ErrorInfo, name: str = "DextoRuntimeError") -> Data:
    return {
        "error": _error(name, plain_message(error)),
        "context": "run_failed",
        "recoverable": False,
    }


def _error(name: str, message: str) -> Data:
    """Returns an error as JavaScript has them; what it says stands for where it happened."""
    return {"name": name, "message": message, "stack": f"{name}: {message}"}


def _dequeued(event: MessageAdded) -> Data:
    ids = list(event.follow_ups) or [event.message_id]
    content = [part.model_dump(by_alias=True) for part in parts_out(event.parts)]
    return {"count": len(ids), "ids": ids, "coalesced": len(ids) > 1, "content": content}


def _compacted(event: ContextCompacted) -> Data:
    return {
        "originalTokens": event.tokens_before,
        "compactedTokens": event.tokens_after,
        "originalMessages": event.messages_dropped + event.messages_kept,
        "compactedMessages": event.messages_kept + 1,
        "strategy": "summary",
        "reason": "overflow",
    }


def _sanitized(event: ToolCallCompleted, name: str) -> Data:
    meta: Data = {"toolName": name, "toolCallId": event.call_id, "success": event.outcome == "ok"}
    shown = next((found for block in event.display if (found := display(block))), None)
    images = [part for part in event.content if isinstance(part, ImagePart)]
    told: Data = {
        "content": [part.model_dump(by_alias=True) for part in parts_out(event.content)],
        "meta": meta if shown is None else {**meta, "display": shown},
    }
    if images:
        told["resources"] = [
            {"uri": f"blob:{one.blob}", "kind": "image", "mimeType": one.media_type} for one in images
        ]
    return told
