"""Blocks of the transcript before they are laid out: what they say and how high they may become."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Protocol

from holdfast.tui.widgets.transcript import styles
from holdfast.tui.widgets.transcript.highlight import colour
from holdfast.tui.widgets.transcript.line import INDENT, Gutter, Line, gutter_width, plain
from holdfast.tui.widgets.transcript.markdown import CODE_BAR, render

CHUNK = 60
"""Lines of code or plain text in one block at most, so that a long one is laid out as it is seen."""


class Source(Protocol):
    """A block: gives its logical lines for a width, and a guess of its rows that costs nothing."""

    def lines(self, width: int) -> Sequence[Line]: ...

    def guess(self, width: int) -> int: ...


@dataclass(slots=True, frozen=True)
class Markdown:
    """One or more top-level Markdown blocks."""

    text: str
    first: Gutter = INDENT
    rest: Gutter = INDENT
    style: str = ""
    cites: Container[int] = ()
    """Numbers in brackets that are links."""

    def lines(self, width: int) -> Sequence[Line]:
        lines = render(self.text, width, self.first, self.rest, self.cites)
        if not self.style:
            return lines
        return [Line(one.content.stylize_before(self.style), one.first, one.rest, one.fill) for one in lines]

    def guess(self, width: int) -> int:
        """A paragraph flows, everything else keeps its lines."""
        room = max(4, width - 2)
        if self.text.startswith((" ", "-", "*", "+", "|", ">", "1")):
            return guess_rows(self.text, room)
        return 1 + len(self.text) // room


@dataclass(slots=True, frozen=True)
class Code:
    """Lines of a fence that stands at the top level."""

    text: str
    language: str
    first: Gutter = INDENT

    def lines(self, width: int) -> Sequence[Line]:
        body = colour(self.text, self.language)
        gutter = self.first + CODE_BAR
        parts = body.split(allow_blank=True) or [body]
        return [Line(part, gutter, gutter, styles.CODE_FILL) for part in parts]

    def guess(self, width: int) -> int:
        return guess_rows(self.text, max(4, width - 3))


@dataclass(slots=True, frozen=True)
class Plain:
    """Text as it is, each line wrapped alone; nothing in it means anything."""

    text: str
    style: str = ""
    first: Gutter = INDENT
    fill: str = ""

    def lines(self, width: int) -> Sequence[Line]:
        return [
            Line(plain(one, self.style), self.first, self.first, self.fill) for one in self.text.split("\n")
        ]

    def guess(self, width: int) -> int:
        return guess_rows(self.text, max(4, width - gutter_width(self.first)))


@dataclass(slots=True, frozen=True)
class Fixed:
    """Lines that are made already."""

    made: tuple[Line, ...]

    def lines(self, width: int) -> Sequence[Line]:
        return self.made

    def guess(self, width: int) -> int:
        return len(self.made)


def guess_rows(text: str, room: int) -> int:
    """Returns about how many rows `text` takes when each of its lines is wrapped to `room` cells."""
    return text.count("\n") + 1 + len(text) // (room + room // 2)


def plain_chunks(
    text: str, style: str = "", gutter: Gutter = INDENT, fill: str = "", limit: int = 200_000
) -> list[Source]:
    """Returns plain text as blocks of a bounded size; what is beyond `limit` characters is only counted."""
    beyond = len(text) - limit
    if beyond > 0:
        text = text[:limit]
    lines = text.split("\n")
    chunks: list[Source] = []
    start, size = 0, 0
    for number, line in enumerate(lines):
        size += len(line)
        if number - start >= CHUNK - 1 or size > 8_000:
            chunks.append(Plain("\n".join(lines[start : number + 1]), style, gutter, fill))
            start, size = number + 1, 0
    if start < len(lines):
        chunks.append(Plain("\n".join(lines[start:]), style, gutter, fill))
    if beyond > 0:
        chunks.append(Plain(f"… {beyond:,} more characters", styles.MUTED, gutter))
    return chunks
