"""The scripted model: says what a test or a benchmark wrote down beforehand.

As a file, for engines in processes of their own (model name `scripted/PATH.json`, only where the
catalogue and the router were told to allow it)::

    {"steps": [[DELTA, ...], ...], "delay_s": 0.04, "by": "call"}

A DELTA is a `ModelDelta` as JSON, with three conveniences: `arguments` of a tool call may be an object,
`repeat` says how many times a text comes, and `{"type": "error", "code": "model_rate_limited", "message":
"…", "retry_after_s": 1}` raises the `ModelError` with that code. `delay_s` is the pause between deltas, by
the clock of the start.

`by` says which step answers: `call` (the default) gives each call the next step; `conversation` counts the
assistant messages in the request, so that an engine that was started anew goes on where the conversation
stands, and several sessions can share one script. When the steps are used up, the reply is `EXHAUSTED`.

A step without `finished` gets one: `tool_calls` when it calls tools, else `stop`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from holdfast.core.domain.errors import ErrorInfo, ErrorKind, ModelError, ModelNotFound, from_info
from holdfast.core.domain.models import Finished, ModelDelta, ModelRequest, TextDelta, ToolCallDelta

EXHAUSTED = "The script is over."

Item = ModelDelta | BaseException
Step = Sequence[Item] | Callable[[ModelRequest], Sequence[Item]]

_DELTA: TypeAdapter[ModelDelta] = TypeAdapter(ModelDelta)


class ScriptedModel:
    """A `ModelClient` that plays steps; `requests` holds what it was asked."""

    def __init__(
        self,
        steps: Sequence[Step],
        *,
        delay_s: float = 0.0,
        by: Literal["call", "conversation"] = "call",
    ) -> None:
        self._steps = list(steps)
        self._delay_s = delay_s
        self._by = by
        self.requests: list[ModelRequest] = []

    @classmethod
    def load(cls, path: Path) -> ScriptedModel:
        """Returns the model that the file at `path` scripts. Raises `ModelNotFound` when it scripts none."""
        try:
            script = json.loads(path.read_text(encoding="utf-8"))
            steps = [[item for entry in step for item in _items(entry)] for step in script["steps"]]
            return cls(steps, delay_s=float(script.get("delay_s", 0)), by=script.get("by", "call"))
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise ModelNotFound(f"There is no model script in {path}: {error}") from error

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelDelta]:
        """Yields the deltas of the next step, or raises its error."""
        step = self._next(request)
        self.requests.append(request)
        called = finished = False
        clock = asyncio.get_running_loop().time
        began = clock()
        for number, item in enumerate(step(request) if callable(step) else step, start=1):
            # By the clock, as a provider would: a slow reader does not slow it down.
            await asyncio.sleep(max(0.0, began + number * self._delay_s - clock()))
            if isinstance(item, BaseException):
                raise item
            called = called or isinstance(item, ToolCallDelta)
            finished = isinstance(item, Finished)
            yield item
        if not finished:
            yield Finished(reason="tool_calls" if called else "stop")

    async def close(self) -> None:
        """Holds nothing that needs closing."""

    def _next(self, request: ModelRequest) -> Step:
        said = sum(m.role == "assistant" for m in request.messages)
        at = len(self.requests) if self._by == "call" else said
        return self._steps[at] if at < len(self._steps) else [TextDelta(text=EXHAUSTED)]


def _items(entry: dict[str, Any]) -> list[Item]:
    entry = dict(entry)
    repeat = int(entry.pop("repeat", 1))
    if entry.get("type") == "error":
        return [_error(entry)]
    if isinstance(entry.get("arguments"), dict):
        entry["arguments"] = json.dumps(entry["arguments"], ensure_ascii=False)
    return [_DELTA.validate_python(entry)] * repeat


def _error(entry: dict[str, Any]) -> ModelError:
    details = {"retry_after_s": entry["retry_after_s"]} if "retry_after_s" in entry else {}
    code = entry.get("code", "model_failed")
    kinds = {c.default_code: c for c in ModelError.__subclasses__()}
    known = kinds.get(code, ModelError)
    info = ErrorInfo(
        kind=known.kind if code in kinds else ErrorKind.UPSTREAM,
        code=code,
        message=entry.get("message", "A scripted error"),
        details=details,
        retryable=entry.get("retryable", known.default_retryable),
    )
    error = from_info(info)
    assert isinstance(error, ModelError)
    return error
