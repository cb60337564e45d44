"""From LiteLLM's chunks to deltas, and the merging of deltas that follow each other closely."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from holdfast.core.domain.models import ModelDelta, ReasoningDelta, TextDelta, ToolCallDelta

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
}


@dataclass(slots=True)
class ChunkReader:
    """Reads the chunks of one call. Pieces of tool calls are told apart by index and id together:
    some servers send several calls under one index."""

    summaries: bool = False
    """Whether reasoning arrives as the provider's summary of it."""
    saw_call: bool = False
    saw_anything: bool = False
    _keys: dict[int, str] = field(default_factory=dict)
    _named: set[str] = field(default_factory=set)

    def read(self, delta: Any) -> Iterator[ModelDelta]:
        """Yields what one chunk's delta holds."""
        reasoning = getattr(delta, "reasoning_content", None)
        if reasoning:
            self.saw_anything = True
            yield ReasoningDelta(text=reasoning, summary=self.summaries)
        if delta.content:
            self.saw_anything = True
            yield TextDelta(text=delta.content)
        for call in delta.tool_calls or ():
            yield from self._call(call)

    def finish(self, reason: str | None) -> FinishReason:
        """Returns the reason in our words; a `stop` after tool calls is about the calls."""
        known = _FINISH.get(reason or "stop", "stop")
        return "tool_calls" if known == "stop" and self.saw_call else known

    def _call(self, call: Any) -> Iterator[ModelDelta]:
        index = call.index if isinstance(call.index, int) else 0
        if call.id or index not in self._keys:
            self._keys[index] = f"{index}:{call.id or ''}"
        key = self._keys[index]
        name = (call.function.name or "") if call.function and key not in self._named else ""
        arguments = (call.function.arguments or "") if call.function else ""
        if name:
            self._named.add(key)
        self.saw_call = self.saw_anything = True
        if name or arguments:
            yield ToolCallDelta(key=key, name=name, arguments=arguments)


@dataclass(slots=True)
class Coalescer:
    """Collects deltas between two sendings; neighbours of the same kind become one.

    Text is joined when it is taken out, so that a long wait costs time linear in its length.
    """

    _runs: list[list[ModelDelta]] = field(default_factory=list)

    def add(self, delta: ModelDelta) -> None:
        if self._runs and _joins(self._runs[-1][0], delta):
            self._runs[-1].append(delta)
        else:
            self._runs.append([delta])

    def take(self) -> list[ModelDelta]:
        """Returns what was collected, and starts anew."""
        runs, self._runs = self._runs, []
        return [_join(run) for run in runs]


def _joins(first: ModelDelta, second: ModelDelta) -> bool:
    match first, second:
        case TextDelta(), TextDelta():
            return True
        case ReasoningDelta(), ReasoningDelta():
            return first.summary == second.summary
        case ToolCallDelta(), ToolCallDelta():
            return first.key == second.key and not second.name
        case _:
            return False


def _join(run: list[ModelDelta]) -> ModelDelta:
    first = run[0]
    if len(run) == 1:
        return first
    if isinstance(first, ToolCallDelta):
        fragments = "".join(d.arguments for d in run if isinstance(d, ToolCallDelta))
        return first.model_copy(update={"arguments": fragments})
    text = "".join(d.text for d in run if isinstance(d, TextDelta | ReasoningDelta))
    return first.model_copy(update={"text": text})
