"""The tool calls of a run in lines, for those who watch it from the run above."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from holdfast.core.domain.delegating import DELEGATE
from holdfast.core.domain.events import (
    AnyEvent,
    ApprovalRequested,
    QuestionAsked,
    ToolCallCompleted,
    ToolCallProgressed,
    ToolCallRequested,
)
from holdfast.core.domain.text import sanitize_line, shorten

KEPT = 200
"""Lines that are kept: the last ones."""
_SUBJECT = 100


class CallLines:
    """Folds the events of one run. Calls that hand work to others show the lines of those, indented."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._names: dict[str, str] = {}
        self._delegating: dict[str, str] = {}
        self._show: Callable[[str], None] | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self._lines)

    def show(self, show: Callable[[str], None]) -> None:
        """Tells `show` each line, those that are there and those to come, with its line feed."""
        for line in self._lines:
            show(f"{line}\n")
        self._show = show

    def take(self, event: AnyEvent) -> None:
        """Takes in the next event of the run."""
        match event:
            case ToolCallRequested():
                self._names[event.call_id] = f"{event.name} {_subject(event.arguments)}".strip()
                if event.name == DELEGATE:
                    self._delegating[event.call_id] = ""
            case ApprovalRequested(approval=approval):
                self._add(f"? {self._names.get(approval.call_id, approval.tool)} (waits for a person)")
            case QuestionAsked(question=question):
                self._add(f"? {question.text}")
            case ToolCallProgressed(call_id=call_id) if call_id in self._delegating:
                *whole, rest = (self._delegating[call_id] + event.text).split("\n")
                self._delegating[call_id] = rest
                for line in whole:
                    self._add(f"  {line}")
            case ToolCallCompleted():
                self._delegating.pop(event.call_id, None)
                name = self._names.pop(event.call_id, event.name)
                self._add(f"✓ {name}" if event.outcome == "ok" else f"✗ {name} ({event.outcome})")

    def _add(self, line: str) -> None:
        line = sanitize_line(line)
        self._lines.append(line)
        del self._lines[:-KEPT]
        if self._show is not None:
            self._show(f"{line}\n")


def _subject(arguments: Mapping[str, Any]) -> str:
    """Returns the first argument that is a text, in short."""
    text = next((value for value in arguments.values() if isinstance(value, str)), "")
    return shorten(sanitize_line(text), _SUBJECT)
