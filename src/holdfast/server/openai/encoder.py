"""From the events of a run to a chat completion: chunk by chunk, or whole. Both are one fold, so they agree.

A run may take many steps; the caller sees their texts as one reply, and of the tools only those that are
his to execute.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from holdfast.core.domain.errors import ErrorInfo, ErrorKind
from holdfast.core.domain.events import (
    LoggedEvent,
    PartDelta,
    RunCancelled,
    RunCompleted,
    RunFailed,
    ToolCallCompleted,
)
from holdfast.server.kit.answers import EventEncoder
from holdfast.server.kit.sse import write_frame
from holdfast.server.openai.errors import error_body
from holdfast.server.openai.wire import AssistantMessage, FunctionCall, ToolCall

_DONE = write_frame("[DONE]")

_FINISH = {"client_tools": "tool_calls", "handed_over": "stop"}
"""What callers are told of ends that they have no word for."""


class ChatEncoder(EventEncoder[bytes]):
    """Makes the frames of one reply. `whole` keeps the text back until the run has ended: a reply that has
    to fit a schema may be asked for a second time, and numbers in brackets that cite nothing are taken out
    when a part is complete. Who reads the chunks as they come has them as the model wrote them."""

    def __init__(
        self,
        head: dict[str, Any],
        said: Callable[[AssistantMessage], None],
        *,
        whole: bool = False,
        include_usage: bool = False,
    ) -> None:
        """`head` is in every chunk. `said` gets the reply, as the caller will send it back, when it is
        complete."""
        super().__init__()
        self._head = head
        self._said = said
        self._whole = whole
        self._include_usage = include_usage
        self._text = ""
        self._reasoning = ""
        self._calls: list[ToolCall] = []

    @property
    def error(self) -> ErrorInfo | None:
        """What the run ended with instead of a reply."""
        if self.state.status != "cancelled":
            return self.state.error
        why = f": {self.state.reason}" if self.state.reason else ""
        message = f"The run was cancelled{why}."
        return ErrorInfo(kind=ErrorKind.CONFLICT, code="run_cancelled", message=message)

    def begin(self) -> Iterable[bytes]:
        yield self._chunk({"role": "assistant", "content": ""})

    def frames(self, logged: LoggedEvent) -> Iterable[bytes]:
        match logged.event:
            case PartDelta() as event:
                return self._delta(event.text)
            case ToolCallCompleted(outcome="client") as event:
                return [self._call(event)]
            case RunCompleted():
                return self._end()
            case RunFailed() | RunCancelled() if self.error is not None:
                return self.cut(self.error)
        return ()

    def cut(self, error: ErrorInfo) -> Iterable[bytes]:
        yield _frame(error_body(error))

    def completion(self) -> dict[str, Any]:
        """Returns the whole reply of a run that was completed."""
        message: dict[str, Any] = {"role": "assistant", "content": self._content, "refusal": None}
        if self._reasoning:
            message["reasoning_content"] = self._reasoning
        if self._calls:
            message["tool_calls"] = [call.model_dump() for call in self._calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish_reason}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": self._usage()}

    def _delta(self, text: str) -> Iterable[bytes]:
        if self.state.part is not None and self.state.part.kind != "text":
            self._reasoning += text
            return [] if self._whole else [self._chunk({"reasoning_content": text})]
        text = self.state.separator + text
        self._text += text
        return [] if self._whole else [self._chunk({"content": text})]

    def _call(self, event: ToolCallCompleted) -> bytes:
        arguments = json.dumps(self.state.calls[event.call_id].asked, ensure_ascii=False)
        call = ToolCall(id=event.call_id, function=FunctionCall(name=event.name, arguments=arguments))
        self._calls.append(call)
        return self._chunk({"tool_calls": [{"index": len(self._calls) - 1, **call.model_dump()}]})

    def _end(self) -> Iterable[bytes]:
        calls = tuple(self._calls) or None
        self._said(AssistantMessage(role="assistant", content=self._content, tool_calls=calls))
        if self._whole and self._content:
            yield self._chunk({"content": self._content})
        yield self._chunk({}, self._finish_reason)
        if self._include_usage:
            yield _frame({**self._head, **_CHUNK, "choices": [], "usage": self._usage()})
        yield _DONE

    @property
    def _content(self) -> str | None:
        return (self.state.reply if self._whole else self._text) or None

    @property
    def _finish_reason(self) -> str:
        return _FINISH.get(self.state.reason, self.state.reason)

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _frame({**self._head, **_CHUNK, "choices": [choice]})

    def _usage(self) -> dict[str, Any]:
        used = self.state.usage
        return {
            "prompt_tokens": used.input_tokens,
            "completion_tokens": used.output_tokens,
            "total_tokens": used.input_tokens + used.output_tokens,
            "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        }


_CHUNK = {"object": "chat.completion.chunk"}


def _frame(chunk: dict[str, Any]) -> bytes:
    return write_frame(json.dumps(chunk, ensure_ascii=False, separators=(",", ":")))
