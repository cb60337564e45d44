"""Places in a session to jump to, and its outline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from holdfast.core.domain.text import shorten
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.entries import DiffView, Entry, ImageView
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.presenters.words import words_of

JumpKind = Literal["message", "call", "file", "approval", "error"]

FAILED = ("error", "timeout", "denied")
DETAIL = 4_000
"""Characters of an entry that are shown beside the outline."""

_KINDS: dict[JumpKind, Callable[[Entry], bool]] = {
    "message": lambda entry: entry.kind in ("user", "queued") or bool(entry.speaker),
    "call": lambda entry: entry.kind == "tool",
    "file": lambda entry: (
        any(isinstance(view, DiffView | ImageView) for view in entry.blocks)
        or (entry.kind == "notice" and bool(entry.subject))
    ),
    "approval": lambda entry: entry.asked or entry.kind == "question",
    "error": lambda entry: entry.kind == "error" or (entry.kind == "tool" and entry.state in FAILED),
}

NAMES: dict[JumpKind, str] = {
    "message": "message",
    "call": "tool call",
    "file": "change of a file",
    "approval": "approval or question",
    "error": "error",
}


def is_a(entry: Entry, kind: JumpKind) -> bool:
    """Says whether a jump of this kind stops at an entry."""
    return _KINDS[kind](entry)


def none_further(kind: JumpKind, step: int) -> str:
    """Returns what is said when there is nothing to jump to."""
    return f"No {NAMES[kind]} {'below' if step > 0 else 'above'}."


_SIGNS = {"reasoning": "…", "tool": "▸", "notice": "·", "error": "✗", "question": "?", "queued": "┆"}


def outline(entries: Sequence[Entry]) -> list[Choice]:
    """Returns the entries of a session as a list to choose from, in their order: who speaks at the margin,
    what they do below."""
    return [
        Choice(entry.id, _row(entry), _detail(entry), _words(entry)) for entry in entries if _worth(entry)
    ]


def _worth(entry: Entry) -> bool:
    return entry.kind != "reasoning" and bool(entry.text.strip() or entry.title or entry.blocks)


def _row(entry: Entry) -> Line:
    text = shorten(" ".join(entry.text[:400].split()), 120)
    if entry.kind == "user":
        return line(("▌ ", "accent"), (text or "a file", "strong"))
    if entry.kind == "reply":
        return line(("  ", ""), text)
    failed = is_a(entry, "error")
    title = shorten(entry.title or text, 60)
    spans = [("    ", ""), (f"{'✗' if failed else _SIGNS[entry.kind]} ", "error" if failed else "muted")]
    spans.append((title, "error" if failed else "muted" if entry.kind == "notice" else ""))
    if entry.subject:
        spans.append((f"  {shorten(entry.subject, 60)}", "muted"))
    if entry.asked:
        spans.append(("  asked you", "warning"))
    return tuple(spans)


def _words(entry: Entry) -> str:
    names = [NAMES[kind] for kind in _KINDS if is_a(entry, kind)]
    return " ".join([words_of(entry)[:DETAIL], entry.speaker, *names])


def _detail(entry: Entry) -> list[Line]:
    head = " · ".join(filter(None, (entry.speaker, entry.title, entry.subject, entry.state)))
    body = words_of(entry)[:DETAIL] if entry.kind not in ("user", "reply") else entry.text[:DETAIL]
    lines: list[Line] = [line((head, "muted")), ()] if head else []
    return lines + [line(one.expandtabs(4)) for one in body.split("\n")]
