"""From the events of a run to a chat completion: chunk by chunk, or whole. Both are one fold, so they agree.

A run may take many steps; the caller sees their texts as one reply, and of the tools only those that are
his to execute.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from holdfast.core.domain.errors import ErrorInfo, ErrorKind
from holdfast.core.domain.events import (
    RUN_ENDS,
    LoggedEvent,
    MessageAdded,
    PartCompleted,
    PartDelta,
    PartStarted,
    RunCancelled,
    RunCompleted,
    RunFailed,
    ToolCallCompleted,
    ToolCallRequested,
    UsageRecorded,
)
from holdfast.server.openai.wire import AssistantMessage, FunctionCall, ToolCall

_BETWEEN = "\n\n"
"""Stands between the texts of two steps."""

_FINISH = {"client_tools": "tool_calls", "handed_over": "stop"}
"""What callers are told of ends that they have no word for."""


@dataclass(slots=True)
class Reply:
    """What has come of a reply so far."""

    text: str = ""
    reasoning: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    finish_reason: str | None = None
    error: ErrorInfo | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def message(self) -> AssistantMessage:
        """The reply as the caller will send it back."""
        return AssistantMessage(
            role="assistant", content=self.text or None, tool_calls=tuple(self.calls) or None
        )


class ChatEncoder:
    """Folds the events of one run. `whole` keeps the text back until the run has ended: a reply that has
    to fit a schema may be asked for a second time, and numbers in brackets that cite nothing are taken out
    when a part is complete. Who reads the chunks as they come has them as the model wrote them."""

    def __init__(self, id: str, model: str, created: int, *, whole: bool = False) -> None:
        self.reply = Reply()
        self.ended = False
        self._head = {"id": id, "created": created, "model": model}
        self._whole = whole
        self._kinds: dict[str, str] = {}
        self._arguments: dict[str, str] = {}
        self._begun_part = False
        self._part_at: int | None = None

    def start(self) -> dict[str, Any]:
        """Returns the first chunk, which says whose turn it is."""
        return self._chunk({"role": "assistant", "content": ""})

    def take(self, logged: LoggedEvent) -> list[dict[str, Any]]:
        """Returns the chunks that the next event makes."""
        event = logged.event
        match event:
            case PartStarted():
                self._kinds[event.part_id] = event.kind
                self._begun_part, self._part_at = True, None
            case PartDelta():
                return self._text(self._kinds.get(event.part_id, "text"), event.text)
            case PartCompleted(kind="text") if self._whole and self._part_at is not None:
                self.reply.text = self.reply.text[: self._part_at] + event.text
            case MessageAdded(origin="repair"):
                self.reply.text = ""
            case ToolCallRequested():
                self._arguments[event.call_id] = json.dumps(event.arguments, ensure_ascii=False)
            case ToolCallCompleted(outcome="client"):
                return [self._call(event)]
            case UsageRecorded():
                self._add_usage(event)
            case RunCompleted() | RunFailed() | RunCancelled():
                return self._end(event)
        return []

    def _text(self, kind: str, text: str) -> list[dict[str, Any]]:
        if kind != "text":
            self.reply.reasoning += text
            return [] if self._whole else [self._chunk({"reasoning_content": text})]
        between = _BETWEEN if self._begun_part and self.reply.text else ""
        if self._begun_part:
            self._part_at = len(self.reply.text) + len(between)
        text = between + text
        self._begun_part = False
        self.reply.text += text
        return [] if self._whole else [self._chunk({"content": text})]

    def _call(self, event: ToolCallCompleted) -> dict[str, Any]:
        function = FunctionCall(name=event.name, arguments=self._arguments.get(event.call_id, "{}"))
        call = ToolCall(id=event.call_id, function=function)
        self.reply.calls.append(call)
        return self._chunk({"tool_calls": [{"index": len(self.reply.calls) - 1, **call.model_dump()}]})

    def _add_usage(self, event: UsageRecorded) -> None:
        for name in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"):
            setattr(self.reply, name, getattr(self.reply, name) + getattr(event, name))

    def _end(self, event: RunCompleted | RunFailed | RunCancelled) -> list[dict[str, Any]]:
        self.ended = event.type in RUN_ENDS
        if isinstance(event, RunFailed):
            self.reply.error = event.error
            return []
        if isinstance(event, RunCancelled):
            message = f"The run was cancelled{': ' if event.reason else ''}{event.reason}."
            self.reply.error = ErrorInfo(kind=ErrorKind.CONFLICT, code="run_cancelled", message=message)
            return []
        self.reply.finish_reason = _FINISH.get(event.reason, event.reason)
        held = [self._chunk({"content": self.reply.text})] if self._whole and self.reply.text else []
        return [*held, self._chunk({}, self.reply.finish_reason)]

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._head, "object": "chat.completion.chunk", "choices": [choice]}

    def usage_chunk(self) -> dict[str, Any]:
        """Returns the chunk for who asked for `include_usage`."""
        return {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": self._usage()}

    def completion(self) -> dict[str, Any]:
        """Returns the whole reply of a run that was completed."""
        message: dict[str, Any] = {"role": "assistant", "content": self.reply.text or None, "refusal": None}
        if self.reply.reasoning:
            message["reasoning_content"] = self.reply.reasoning
        if self.reply.calls:
            message["tool_calls"] = [call.model_dump() for call in self.reply.calls]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self.reply.finish_reason,
        }
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": self._usage()}

    def _usage(self) -> dict[str, Any]:
        reply = self.reply
        return {
            "prompt_tokens": reply.input_tokens,
            "completion_tokens": reply.output_tokens,
            "total_tokens": reply.input_tokens + reply.output_tokens,
            "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
        }
