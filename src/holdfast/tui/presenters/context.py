"""What a model was shown, as lists of parts: one request of a run, or what a compaction took out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.tui.presenters.blocks import text_lines
from holdfast.tui.presenters.figures import tokens
from holdfast.tui.presenters.spans import BLANK, Line, fit, line, space
from holdfast.tui.presenters.status import bar, percent, role_of

if TYPE_CHECKING:
    from holdfast.core.domain.context import Compaction, ContextPart, RunContext

KINDS: dict[str, tuple[str, str]] = {
    "instructions": ("instructions", "what the agent's file says"),
    "place": ("where it works", "the day, the folder, the rules of calling"),
    "knowledge": ("use of knowledge", "how to search and to cite"),
    "skills": ("skills", "which skills it may load, a line for each"),
    "rules": ("AGENTS.md", "the project's own notes, from a folder that you trust"),
    "memory": ("memory", "a block that outlives sessions"),
    "summary": ("summary", "what a compaction put in the place of older messages"),
    "passages": ("passages", "what was looked up in documents before the first step"),
    "note": ("run by you", "a tool that you ran yourself, and what it gave"),
    "message": ("message", "what was said to it"),
    "file": ("file", "attached to a message"),
    "reply": ("reply", "what it said before"),
    "call": ("call", "a tool that it asked for"),
    "result": ("result", "what that tool gave"),
    "tool": ("tool", "what it may call: name, description, arguments"),
    "format": ("form of the reply", "the JSON schema that the reply has to fit"),
}
"""How each kind is called, and what it is."""
_SUMS = (
    ("system", ("instructions", "place", "knowledge", "skills", "format")),
    ("AGENTS.md", ("rules",)),
    ("memory", ("memory",)),
    ("tools", ("tool",)),
    ("passages", ("passages",)),
    ("files", ("file",)),
    ("messages", ("message", "reply", "note")),
    ("results", ("call", "result")),
    ("summary", ("summary",)),
)
"""What is added up under which word."""
_LONGEST = 400_000
"""Characters of a part that are shown."""
BAR = 6


@dataclass(frozen=True, slots=True)
class PartView:
    """One part: a row of the list, and what stands beside it."""

    id: str
    kind: str
    """As `KINDS`; empty: a heading among the rows."""
    label: str
    name: str = ""
    tokens: int = 0
    share: float = 0.0
    """Of the largest part, for the bar."""
    text: str = ""
    about: str = ""
    struck: bool = False
    """Whether the model sees it no more."""


@dataclass(frozen=True, slots=True)
class PartsView:
    """All that the screen shows."""

    title: str
    note: str
    about: list[Line]
    parts: tuple[PartView, ...]
    step: int = 0
    """The step of the run whose request it is; 0: it is none."""


def request_view(found: RunContext) -> PartsView:
    """Returns one request, its parts in the order in which they were sent."""
    model = sanitize_line(found.model)
    views = _views(found.parts)
    counted = found.tokens if found.reported is None else found.reported
    about = "about " if found.reported is None else ""
    size = f"{about}{tokens(counted)} tokens"
    head = line((size, "strong"))
    if found.window:
        share = counted / found.window
        head = line(
            (bar(share), role_of(share)),
            (f" {percent(share)} of the window", "strong"),
            (f"   {size} of {tokens(found.window)}", "muted"),
        )
    else:
        head = line((size, "strong"), ("   how many the model takes is not known", "muted"))
    return PartsView(
        f"What the model saw in step {found.step}", model, [head, sums_line(found.parts)], views, found.step
    )


def compaction_view(found: Compaction) -> PartsView:
    """Returns what a compaction did: the summary, what gave way to it, what stays."""
    before, after = tokens(found.tokens_before), tokens(found.tokens_after)
    largest = max((part.tokens for part in (*found.dropped, *found.kept)), default=1)
    summary = PartView(
        "summary",
        "summary",
        "summary",
        tokens=len(found.summary) // 4 + 1,
        text=_text(found.summary),
        about=KINDS["summary"][1],
    )
    parts = [
        summary,
        PartView("dropped", "", f"{_messages(found.dropped)} that the model sees no more"),
        *(_view(f"d{n}", part, largest, struck=True) for n, part in enumerate(found.dropped)),
        PartView("kept", "", f"{_messages(found.kept)} that it still sees"),
        *(_view(f"k{n}", part, largest) for n, part in enumerate(found.kept)),
    ]
    head = line((f"{before} → {after} tokens", "strong"), ("   the log keeps every message", "muted"))
    return PartsView("What the compaction took out", "", [head], tuple(parts))


def _messages(parts: Sequence[ContextPart]) -> str:
    return "1 part" if len(parts) == 1 else f"{len(parts)} parts"


def _views(parts: Sequence[ContextPart]) -> tuple[PartView, ...]:
    largest = max((part.tokens for part in parts), default=1)
    return tuple(_view(str(number), part, largest) for number, part in enumerate(parts))


def _view(id: str, part: ContextPart, largest: int, *, struck: bool = False) -> PartView:
    label, about = KINDS[part.kind]
    name = sanitize_line(part.name) or _beginning(part)
    share = part.tokens / max(1, largest)
    return PartView(id, part.kind, label, name, part.tokens, share, _text(part.text), about, struck)


def _beginning(part: ContextPart) -> str:
    """Returns the first words of a message: its name."""
    if part.kind not in ("message", "reply", "passages", "note"):
        return ""
    return shorten(" ".join(sanitize_line(part.text[:300]).split()), 80)


def _text(text: str) -> str:
    shown = sanitize(text[:_LONGEST])
    left = len(text) - _LONGEST
    return f"{shown}\n[{left} characters more]" if left > 0 else shown


def sums_line(parts: Iterable[ContextPart]) -> Line:
    """Returns how the tokens are spread over the kinds, the largest first."""
    word_of = {kind: word for word, kinds in _SUMS for kind in kinds}
    sums: dict[str, int] = {}
    for part in parts:
        word = word_of[part.kind]
        sums[word] = sums.get(word, 0) + part.tokens
    ordered = sorted(sums.items(), key=lambda each: -each[1])
    spans: list[tuple[str, str]] = []
    for word, count in ordered:
        spans += [(" · " if spans else "", "muted"), (f"{word} ", "muted"), (f"~{tokens(count)}", "")]
    return line(*spans)


def part_row(part: PartView, width: int) -> list[Line]:
    """Returns the row of a part in a list of so many cells."""
    if not part.kind:
        return [line((fit(part.label, width), "heading"))]
    size = f"~{tokens(part.tokens)}"
    filled = max(1, round(part.share * BAR)) if part.tokens else 0
    end = f" {size:>6} {'▪' * filled:<{BAR}}"
    room = max(8, width - len(end))
    begin = fit(f"{part.label}  {part.name}" if part.name else part.label, room)
    label, name = begin[: len(part.label)], begin[len(part.label) :]
    role = "struck" if part.struck else "strong"
    return [line((label, role), (name, "muted"), space(begin, room - 1), (end, "muted"))]


def part_lines(part: PartView | None) -> list[Line]:
    """Returns the very text of a part, and what it is."""
    if part is None or not part.kind:
        return [line(("Choose a part to read its text.", "muted"))]
    head = line((part.label, "heading"), (f"  {part.name}" if part.name else "", "strong"))
    what = line((f"{part.about} · about {tokens(part.tokens)} tokens", "muted"))
    return [head, what, BLANK, *text_lines(part.text)]
