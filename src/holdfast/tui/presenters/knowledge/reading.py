"""A document's text with one passage marked: a window on it, for it may be of any length."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.tui.presenters.spans import Line, line

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
    lines: list[Line] = []
    if window.start > 0:
        lines += [line((f"… {window.start:,} characters before this", "muted")), ()]
    if marked is None:
        first = 0
        lines += _lines(window.text, inside=False)
    else:
        begin, end = (max(0, min(at - window.start, len(window.text))) for at in marked)
        before = window.text[:begin]
        # What stands before the passage on its own line belongs to that line.
        head, newline, same_line = before.rpartition("\n")
        lines += _lines(head, inside=False) if newline else []
        first = len(lines)
        body, rest = window.text[begin:end], window.text[end:]
        tail, _, after = rest.partition("\n")
        if body.endswith("\n"):
            body, tail, after = body[:-1], "", rest
        inner = _lines(body, inside=True)
        inner[0] = (inner[0][0], *line(_shown(same_line)), *inner[0][1:]) if same_line else inner[0]
        inner[-1] = (*inner[-1], *line(_shown(tail))) if tail else inner[-1]
        lines += inner
        lines += _lines(after, inside=False) if after else []
    if window.end < window.total:
        lines += [(), line((f"… {window.total - window.end:,} more characters", "muted"))]
    return lines, first


def _lines(text: str, *, inside: bool) -> list[Line]:
    bar, role = (("▌ ", "bar"), "passage") if inside else (("  ", "indent"), "")
    return [(bar, (one.expandtabs(4), role)) for one in sanitize(text).split("\n")]


def _shown(text: str) -> str:
    return sanitize(text).expandtabs(4)


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
