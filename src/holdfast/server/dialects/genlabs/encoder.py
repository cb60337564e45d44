"""From the events of a run to GenLabs' answers: one JSON object, or the same as the end of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import (
    LoggedEvent,
    PartDelta,
    StepCompleted,
    StepStarted,
    ToolArgumentsMissing,
)
from holdfast.server.dialects.genlabs.errors import NO_CREDITS, SPENT
from holdfast.server.dialects.genlabs.mapping_calls import Offered, answer_of
from holdfast.server.dialects.genlabs.wire_calls import AnswerV1, AnswerV2
from holdfast.server.kit.answers import EventEncoder
from holdfast.server.kit.sse import write_frame

DONE = write_frame("[DONE]")


class CallEncoder(EventEncoder[bytes]):
    """Writes the frames of one call: pieces of the reply, the whole answer, `[DONE]`. Calls of tools and
    questions are never told piece by piece."""

    def __init__(self, tools: Mapping[str, Offered], session: str | None, *, pieces: bool = True) -> None:
        """`tools` are the agent's, by their names in runs; `session` is the conversation's name, where it has
        one. Without `pieces` the reply comes in one piece."""
        super().__init__()
        self._tools = tools
        self._session = session
        self._pieces = pieces
        self._missing: list[tuple[str, str]] = []
        self._replying = True

    @property
    def answer(self) -> AnswerV1 | AnswerV2:
        """What the run has come to; it has completed."""
        return answer_of(self.state, self._tools, self._missing, self._session)

    def frames(self, logged: LoggedEvent) -> Iterator[bytes]:
        event = logged.event
        match event:
            case StepStarted():
                self._replying = event.purpose == "reply"
                if event.purpose == "tool_choice":
                    self._missing.clear()
            case StepCompleted():
                self._replying = True
            case ToolArgumentsMissing():
                self._missing.append((event.name, event.question))
            case PartDelta() if self._pieces and self._replying:
                if self.state.part is not None and self.state.part.kind == "text":
                    yield _piece(self.state.separator + event.text)
        if self.state.ended:
            yield from self._end()

    def cut(self, error: ErrorInfo) -> Iterable[bytes]:
        return (_frame(failure(error)), DONE)

    def _end(self) -> Iterator[bytes]:
        error = self.state.error
        if self.state.status != "completed":
            yield _frame(failure(error))
            yield DONE
            return
        answer = self.answer
        response = getattr(getattr(answer, "data", None), "response", "")
        if not self._pieces and response:
            yield _piece(response)
        yield _frame(answer.model_dump())
        yield DONE


def failure(error: ErrorInfo | None) -> dict[str, Any]:
    """Returns what is said of a run that did not come to its end."""
    if error is None:
        text = "The request was cancelled."
    else:
        text = NO_CREDITS if error.code in SPENT else error.message
    return {"status": "error", "error": text}


def _piece(text: str) -> bytes:
    return _frame({"status": "streaming", "data": {"chunk": text}})


def _frame(record: dict[str, Any]) -> bytes:
    # All in ASCII: what splits lines of text takes some characters of a reply for ends of lines.
    return write_frame(json.dumps(record, separators=(",", ":")))
