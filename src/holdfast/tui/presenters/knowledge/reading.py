"""A document's text with one passage marked: a window on it, for it may be of any length."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.tui.presenters.spans import Line, Span, line

WINDOW = 40_000
"""Characters that are shown at once."""
LEAD = 8_000
"""Characters before the passage."""
PROBE = 80
"""Characters of a passage by which it is found again where its place is not right any more."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a document's text, as it is stored: offsets refer to it, so it is sanitised when shown."""

    start: int
    text: str
    total: int
    """Characters of the whole document."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def holds(self, start: int, end: int) -> bool:
        """Says whether a range is in it, or as much of it as fits."""
        return self.start <= start and (end <= self.end or self.end >= self.total)


def window_start(start: int | None, total: int) -> int:
    """Returns where a window begins in which a passage is seen with what stands before it."""
    if start is None or total <= WINDOW:
        return 0
    return max(0, min(start - LEAD, total - WINDOW))


def found_again(window: Window, start: int, end: int, excerpt: str) -> tuple[int, int] | None:
    """Returns where a passage stands in the text; None when the document says something else now.

    Documents are taken in anew when they change, so what was cited may have moved.
    """
    inside = window.text[max(0, start - window.start) : max(0, end - window.start)]
    probe = "".join(excerpt.split())[:PROBE].rstrip("…")
    if not probe or "".join(sanitize(inside).split()).startswith(probe):
        return start, end
    words = excerpt.split("\n")[0][:PROBE].rstrip("…").strip()
    at = window.text.find(words) if words else -1
    return (window.start + at, window.start + at + end - start) if at >= 0 else None


def text_lines(window: Window, marked: tuple[int, int] | None) -> tuple[list[Line], int]:
    """Returns the lines of a window, those of the marked range with a bar, and the number of the first."""
    begin, end = (max(0, min(at - window.start, len(window.text))) for at in marked or (window.start,) * 2)
    page = _Page()
    page.add(window.text[:begin], inside=False)
    page.add(window.text[begin:end], inside=True)
    page.add(window.text[end:], inside=False)
    page.end_line()
    first = page.first or 0
    if window.start > 0:
        page.lines[:0] = [line((f"… {window.start:,} characters before this", "muted")), ()]
        first += 2
    if window.end < window.total:
        page.lines += [(), line((f"… {window.total - window.end:,} more characters", "muted"))]
    return page.lines, first


@dataclass(slots=True)
class _Page:
    """Lines as they are made of pieces of text, some of them marked."""

    lines: list[Line] = field(default_factory=list)
    first: int | None = None
    """The number of the first line with something marked."""
    _spans: list[Span] = field(default_factory=list)
    _marked: bool = False
    """Whether something on the present line is marked."""

    def add(self, text: str, *, inside: bool) -> None:
        # Sanitised piece by piece: offsets are those of the text as it is stored.
        parts = sanitize(text).split("\n")
        for number, part in enumerate(parts):
            if number:
                self.end_line()
            if part:
                self._spans.append((part.expandtabs(4), "passage" if inside else ""))
            # An empty line is marked when it ends inside, too.
            self._marked |= inside and bool(part or number < len(parts) - 1)

    def end_line(self) -> None:
        bar = ("▌ ", "bar") if self._marked else ("  ", "indent")
        if self._marked and self.first is None:
            self.first = len(self.lines)
        self.lines.append((bar, *self._spans))
        self._spans, self._marked = [], False


@dataclass(frozen=True, slots=True)
class ChunkView:
    """A piece of a document in the list beside its text."""

    id: int
    number: int
    start: int
    end: int
    where: str
    headings: str
    text: str


def chunk_row(chunk: ChunkView, width: int) -> tuple[Line, Line]:
    """Returns a chunk as two lines: number, place and heading; how it begins."""
    head = " · ".join(filter(None, (chunk.where, chunk.headings.rpartition(" › ")[2])))
    return (
        line((f"{chunk.number + 1} ", "number"), (shorten(head, max(4, width - 6)), "muted")),
        line("  ", shorten(sanitize_line(chunk.text.strip()), max(4, width - 3))),
    )
