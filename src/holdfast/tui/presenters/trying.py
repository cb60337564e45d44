"""A tool that a person tries: what it was called with, how far it is, what it gave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.blocks import argument_lines, lines_of, text_lines
from holdfast.tui.presenters.figures import duration
from holdfast.tui.presenters.previews import json_lines
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.runs import ToolRun

OUTCOMES = {
    "ok": ("✓ done", "success"),
    "error": ("✗ it says that it failed", "error"),
    "denied": ("✗ denied", "error"),
    "cancelled": ("✗ cancelled", "warning"),
    "timeout": ("✗ its time was over", "error"),
}
WAITING = "? It waits for your word: what it would do is in the approvals."
RUNNING = "… running"


def tried_lines(run: ToolRun | None, arguments: dict[str, Any], width: int = 100) -> list[Line]:
    """Returns what is known of the call; `run` None: it is about to begin."""
    return [*_state(run), BLANK, *argument_lines(arguments), *_result(run, width)]


def _state(run: ToolRun | None) -> list[Line]:
    if run is None:
        return [line((RUNNING, "accent"))]
    if run.outcome is not None:
        words, role = OUTCOMES[run.outcome]
        return [line((words, role), (f"  {duration(run.duration_ms)}" if run.duration_ms else "", "muted"))]
    if run.error is not None:
        return [line((f"✗ {sanitize_line(run.error.message)}", "error"))]
    if run.status.ended:
        return [line((f"✗ {run.status.value}", "error"))]
    waits = run.status.value == "waiting"
    return [line((WAITING if waits else RUNNING, "warning" if waits else "accent"))]


def _result(run: ToolRun | None, width: int) -> list[Line]:
    if run is None or run.outcome is None:
        return []
    lines = lines_of(run.display, width) if run.display else _content(run)
    return [BLANK, line(("Result", "heading")), *(lines or [line(("It gave nothing.", "muted"))])]


def _content(run: ToolRun) -> list[Line]:
    lines: list[Line] = []
    for part in run.content:
        text = getattr(part, "text", None)
        if text is None:
            lines.append(line((f"[{sanitize_line(str(part.type))}]", "muted")))
        else:
            lines += json_lines(text) if _is_json(text) else text_lines(text)
    return lines


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
