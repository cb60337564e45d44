"""Entries as blocks: headers, messages, tool calls, notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from textual.content import Content

from holdfast.tui.presenters.entries import Entry
from holdfast.tui.presenters.figures import duration
from holdfast.tui.presenters.passages import PassageView
from holdfast.tui.presenters.spans import fit_end
from holdfast.tui.widgets.transcript import styles
from holdfast.tui.widgets.transcript.inline import source_style
from holdfast.tui.widgets.transcript.line import INDENT, Gutter, Line, gutter_width, plain
from holdfast.tui.widgets.transcript.looks import Looks
from holdfast.tui.widgets.transcript.sources import Fixed, Source, plain_chunks
from holdfast.tui.widgets.transcript.views import BODY, view_blocks

SHORT_LINES = 12
"""Lines of a long message that are shown while it is collapsed."""

MOST_SOURCES = 12
"""Passages that are named below a reply."""

SOURCES: Gutter = (("  ", ""), ("Sources  ", styles.MUTED))
SOURCES_REST: Gutter = (("           ", ""),)
YOU: Gutter = (("▌ ", styles.YOU_BAR),)
AGENT: Gutter = (("▌ ", styles.AGENT_BAR),)
ERROR: Gutter = (("▌ ", styles.ERROR_BAR),)
ASKING: Gutter = (("▌ ", styles.WARNING),)
QUEUED: Gutter = (("┆ ", styles.MUTED),)

STATES = {
    "requested": ("…", styles.MUTED),
    "waiting": ("⚠ waiting", styles.WARNING),
    "running": ("● running", styles.WARNING),
    "ok": ("✓", styles.SUCCESS),
    "error": ("✗ failed", styles.ERROR),
    "denied": ("⊘ denied", styles.ERROR),
    "cancelled": ("■ cancelled", styles.MUTED),
    "timeout": ("✗ timed out", styles.ERROR),
    "client": ("↗ handed to the caller", styles.MUTED),
}


class Piece(NamedTuple):
    """A block of an entry: what it says, whether an empty line stands before it, whether it toggles."""

    source: Source
    gap: bool = False
    toggles: bool = False


def toggles(entry: Entry) -> bool:
    """Says whether there is something to open and close."""
    match entry.kind:
        case "tool":
            return bool(entry.blocks or entry.text)
        case "reasoning":
            return True
        case "notice":
            return bool(entry.text or entry.blocks)
        case "user":
            return _is_long(entry.text)
        case _:
            return False


def head(entry: Entry, collapsed: bool) -> list[Piece]:
    """Returns what stands above the text of an entry."""
    pieces: list[Piece] = []
    if entry.speaker:
        gutter, style = (YOU, styles.YOU) if entry.kind in ("user", "queued") else (AGENT, styles.AGENT)
        pieces.append(Piece(Fixed((Line(plain(entry.speaker, style), gutter, gutter),))))
    if entry.kind in ("tool", "reasoning") or (entry.kind == "notice" and toggles(entry)):
        pieces.append(Piece(Header(entry, collapsed), toggles=True))
    return pieces


def body(entry: Entry, collapsed: bool, looks: Looks) -> list[Piece]:
    """Returns what stands below the header; the text of replies and reasoning is not in it."""
    match entry.kind:
        case "user":
            return _message(entry, collapsed, looks)
        case "tool":
            return [] if collapsed else _call(entry, looks)
        case "notice":
            return _notice(entry, collapsed, looks)
        case "error":
            return _error(entry)
        case "question":
            return _question(entry)
        case "queued":
            return _queued(entry)
        case _:
            return []


def foot(entry: Entry) -> list[Piece]:
    """Returns what stands below a finished reply: the passages that it cites."""
    if entry.open or entry.kind != "reply" or not entry.sources:
        return []
    return [Piece(Cited(tuple(entry.sources.items())), gap=True)]


@dataclass(slots=True, frozen=True)
class Cited:
    """The passages that a reply cites: number and place of each, as many in a row as fit."""

    sources: tuple[tuple[int, PassageView], ...]

    def lines(self, width: int) -> Sequence[Line]:
        room = max(12, width - gutter_width(SOURCES_REST))
        rows: list[Content] = []
        for one in self._named(room):
            if rows and rows[-1].cell_length + 2 + one.cell_length <= room:
                rows[-1] = rows[-1] + plain("  ") + one
            else:
                rows.append(one)
        gutters = [SOURCES, *([SOURCES_REST] * (len(rows) - 1))]
        return [Line(row, gutter, SOURCES_REST) for row, gutter in zip(rows, gutters, strict=True)]

    def _named(self, room: int) -> list[Content]:
        named = []
        for number, passage in self.sources[:MOST_SOURCES]:
            mark = f"[{number}]"
            label = plain(f" {fit_end(passage.label, room - len(mark) - 1)}", styles.MUTED)
            named.append((plain(mark, styles.CITATION) + label).stylize(source_style(number)))
        if (more := len(self.sources) - MOST_SOURCES) > 0:
            named.append(plain(f"and {more} more: F5", styles.MUTED))
        return named

    def guess(self, width: int) -> int:
        return 1 + len(self.sources) // 2


@dataclass(slots=True, frozen=True)
class Header:
    """One row: a triangle, the name, what it is about, and at the right how it stands."""

    entry: Entry
    collapsed: bool

    def lines(self, width: int) -> Sequence[Line]:
        entry = self.entry
        triangle = ("▸" if self.collapsed else "▾") if toggles(entry) else "·"
        status = _status(entry)
        room = max(8, width - gutter_width(INDENT))
        name = plain(entry.title, styles.TOOL_NAME if entry.kind == "tool" else styles.MUTED)
        left = plain(f"{triangle} ", styles.MUTED) + name
        if entry.subject:
            left = left + plain("  ") + plain(entry.subject, styles.MUTED)
        space = room - status.cell_length - (2 if status else 0)
        left = left.truncate(max(6, space), ellipsis=True)
        if status:
            left = left.pad_right(max(1, room - left.cell_length - status.cell_length)) + status
        return [Line(left, INDENT, INDENT)]

    def guess(self, width: int) -> int:
        return 1


def _status(entry: Entry) -> Content:
    if entry.kind != "tool":
        return Content("")
    text, style = STATES.get(entry.state, ("", ""))
    mark = plain(text, style)
    if entry.duration_ms is None or entry.state not in ("ok", "error", "timeout"):
        return mark
    return plain(f"{duration(entry.duration_ms)}  ", styles.MUTED) + mark


def _is_long(text: str) -> bool:
    return text.count("\n") >= 2 * SHORT_LINES or len(text) > 4_000


def _message(entry: Entry, collapsed: bool, looks: Looks) -> list[Piece]:
    text = entry.text
    hidden = ""
    if collapsed and _is_long(text):
        short = "\n".join(text.split("\n")[:SHORT_LINES])[:1_200]
        rest = text[len(short) :]
        hidden = f"▸ {rest.count(chr(10)) or 1:,} more lines, {len(rest):,} characters"
        text = short
    pieces = [Piece(source) for source in plain_chunks(text, gutter=YOU)] if text else []
    if hidden:
        pieces.append(Piece(Fixed((Line(plain(hidden, styles.MUTED), YOU, YOU),)), toggles=True))
    files = tuple(Line(plain(f"+ {name}", styles.LIST_MARK), YOU, YOU) for name in entry.attachments)
    if files:
        pieces.append(Piece(Fixed(files)))
    return pieces + [Piece(one) for view in entry.blocks for one in view_blocks(view, looks=looks)]


def _call(entry: Entry, looks: Looks) -> list[Piece]:
    pieces: list[Piece] = []
    if entry.note:
        pieces.append(Piece(Fixed((Line(plain(entry.note, styles.MUTED), BODY, BODY),))))
    for view in entry.blocks:
        pieces += [Piece(source) for source in view_blocks(view, entry.subject, looks)]
    if entry.text:
        pieces += [Piece(source) for source in plain_chunks(entry.text.rstrip("\n"), gutter=BODY)]
    return pieces


def _notice(entry: Entry, collapsed: bool, looks: Looks) -> list[Piece]:
    if toggles(entry):
        shown = [] if collapsed else [one for view in entry.blocks for one in view_blocks(view, looks=looks)]
        if entry.text and not collapsed:
            shown += plain_chunks(entry.text, styles.MUTED, BODY)
        return [Piece(one) for one in shown]
    mark, style = ("⚠", styles.WARNING) if entry.state == "warning" else ("·", styles.MUTED)
    first: Gutter = (("  ", ""), (f"{mark} ", style))
    rest: Gutter = (("    ", ""),)
    lines = [
        Line(plain(text, styles.MUTED), rest if number else first, rest)
        for number, text in enumerate(entry.title.split("\n"))
    ]
    return [Piece(Fixed(tuple(lines)))]


def _error(entry: Entry) -> list[Piece]:
    lines = [Line(plain(f"✗ {entry.title}", styles.ERROR), ERROR, ERROR)]
    lines += [Line(plain(text), ERROR, ERROR) for text in entry.text.split("\n") if entry.text]
    if entry.note:
        lines.append(Line(plain(entry.note, styles.MUTED), ERROR, ERROR))
    return [Piece(Fixed(tuple(lines)))]


def _question(entry: Entry) -> list[Piece]:
    pieces = [Piece(source) for source in plain_chunks(entry.text, "bold", ASKING)]
    lines = [
        Line(plain(text), (*ASKING, (f"{number}. ", styles.LIST_MARK)), (*ASKING, ("   ", "")))
        for number, text in enumerate(entry.choices, 1)
    ]
    if entry.state == "waiting":
        lines.append(Line(plain("⚠ waiting for your answer", styles.WARNING), ASKING, ASKING))
    elif entry.note:
        lines.append(Line(plain(f"→ {entry.note}", styles.SUCCESS), ASKING, ASKING))
    return [*pieces, Piece(Fixed(tuple(lines)))] if lines else pieces


def _queued(entry: Entry) -> list[Piece]:
    text = "\n".join(entry.text.split("\n")[:3])[:400]
    if len(text) < len(entry.text):
        text += " …"
    files = "".join(f"  + {name}" for name in entry.attachments)
    lines = [Line(plain(entry.title or "queued", styles.MUTED), QUEUED, QUEUED)]
    lines += [Line(plain(one, styles.MUTED), QUEUED, QUEUED) for one in (text + files).split("\n")]
    return [Piece(Fixed(tuple(lines)))]
