"""The offline model: answers without a key, a network or a language model.

It is a deterministic planner over the same tools as every other model (see `planning`): explicit requests
become tool calls, questions are answered by quoting the files with numbered citations.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator

from holdfast.core.domain.errors import ModelRequestRefused
from holdfast.core.domain.messages import Message, TextPart, ToolCallPart, ToolResultPart
from holdfast.core.domain.models import (
    Finished,
    ModelDelta,
    ModelRequest,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from holdfast.core.models.planning.steps import Call
from holdfast.core.models.planning.turn import decide

CHARS_PER_TOKEN = 4
_WORDS = re.compile(r"\s*\S+\s*")
_FRAGMENT = 64
"""Characters in one piece of a call's arguments."""


class OfflineModel:
    """The `ModelClient` named `offline`."""

    def __init__(self, read_blob: Callable[[str], bytes]) -> None:
        """`read_blob` reads attached files, by their SHA-256."""
        self._read_blob = read_blob

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelDelta]:
        """Yields the answer word by word, or one tool call. Raises `ModelRequestRefused` for a format."""
        if request.response_format is not None:
            raise ModelRequestRefused(
                "`offline` cannot answer in a given format, it is no language model: choose another model",
                details={"model": request.model},
            )
        # In a thread: what it reads may be large, and the loop is the engine's.
        step = await asyncio.to_thread(decide, request, self._read_blob)
        said = 0
        deltas = _call(request, step) if isinstance(step, Call) else _words(step.text)
        for delta in deltas:
            said += len(delta.text) if isinstance(delta, TextDelta) else len(delta.arguments)
            yield delta
            await asyncio.sleep(0)
        yield UsageReport(
            input_tokens=sum(_length(m) for m in request.messages) // CHARS_PER_TOKEN,
            output_tokens=said // CHARS_PER_TOKEN,
            cost_usd=0.0,
        )
        yield Finished(reason="tool_calls" if isinstance(step, Call) else "stop")

    async def close(self) -> None:
        """Holds nothing that needs closing."""


def _words(text: str) -> Iterator[TextDelta]:
    for match in _WORDS.finditer(text):
        yield TextDelta(text=match[0])


def _call(request: ModelRequest, call: Call) -> Iterator[TextDelta | ToolCallDelta]:
    if call.say:
        yield from _words(call.say)
    key = f"call-{len(request.messages)}"
    text = json.dumps(call.arguments, ensure_ascii=False)
    for at in range(0, len(text), _FRAGMENT):
        yield ToolCallDelta(key=key, name=call.tool if at == 0 else "", arguments=text[at : at + _FRAGMENT])


def _length(message: Message) -> int:
    total = 0
    for part in message.parts:
        match part:
            case TextPart():
                total += len(part.text)
            case ToolCallPart():
                total += len(json.dumps(part.arguments))
            case ToolResultPart():
                total += sum(len(c.text) for c in part.content if isinstance(c, TextPart))
            case _:
                continue
    return total
