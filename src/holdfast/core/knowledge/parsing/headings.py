"""Where the headings of a text stand, so that each of its pieces can say what it is under."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.knowledge.parsing.model import Heading, Style

MAX_HEADING = 200
"""Characters of a heading that are kept."""
MAX_DEPTH = 12
"""Headings of a path that are kept, the innermost."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_NO_PARAGRAPH = re.compile(r" {0,3}(?:[-+*>|#]|\d{1,9}[.)] | {4})")
_DEFINITION = re.compile(r"([ \t]*)(?:async[ \t]+def|def|class)[ \t]+(\w+)")
_EMPHASIS = re.compile(r"\*([^*\s][^*]*)\*")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")


def headings_of(text: str, style: Style) -> Iterator[Heading]:
    """Yields the headings of `text` in their order, in linear time; none for a style that has none."""
    if style is Style.MARKDOWN:
        yield from _of_markdown(text)
    elif style is Style.PYTHON:
        yield from _of_python(text)


class HeadingPath:
    """The headings that a place stands under, for places that are asked for in their order."""

    def __init__(self, text: str, headings: Sequence[Heading]) -> None:
        self._text = text
        self._headings = headings
        self._coming = 0
        """How many of the headings were passed."""
        self._stack: list[Heading] = []

    def at(self, start: int, end: int) -> tuple[str, ...]:
        """Returns the titles over the part from `start` to `end`, outermost first.

        Headings that the part itself begins with count, since what follows them stands under them; but not
        one that another of its rank or above follows in the part: that would be said of both.
        """
        begin = start
        while self._coming < len(self._headings) and self._headings[self._coming].start <= start:
            heading = self._headings[self._coming]
            self._coming += 1
            while self._stack and self._stack[-1].level >= heading.level:
                self._stack.pop()
            if heading.title:
                self._stack.append(heading)
            if heading.start >= begin:
                start = max(start, self._content(heading.end, end))
        highest = self._highest(end)
        over = [h for h in self._stack if h.start < begin or h.level < highest]
        return tuple(h.title for h in over[-MAX_DEPTH:])

    def _highest(self, end: int) -> float:
        """Returns the level of the outermost heading that comes before `end`; infinite when none does."""
        highest = math.inf
        for at in range(self._coming, len(self._headings)):
            if self._headings[at].start >= end:
                break
            highest = min(highest, self._headings[at].level)
        return highest

    def _content(self, start: int, end: int) -> int:
        """Returns where the next thing that is no white space stands, if before `end`."""
        while start < end and self._text[start].isspace():
            start += 1
        return min(start, end - 1)


def _of_markdown(text: str) -> Iterator[Heading]:
    fence = ""
    paragraph: tuple[int, str] | None = None  # the line before, when it could be a heading's
    for start, line in _lines(text, _front_matter_end(text)):
        if not line:
            paragraph = None
            continue
        end = start + len(line)
        probe = line[:1_000]
        mark = _FENCE.match(probe)
        if fence:
            if mark and mark[1].startswith(fence) and not probe[mark.end() :].strip():
                fence = ""
            continue
        if mark:
            fence, paragraph = mark[1], None
            continue
        if head := _HEADING.match(probe):
            paragraph = None
            if title := title_of(probe[head.end(1) :].strip().rstrip("#")):
                yield Heading(start, end, len(head[1]), title)
            continue
        under = _UNDERLINE.match(probe) if len(line) < 1_000 else None
        if under and paragraph is not None:
            if title := title_of(paragraph[1]):
                yield Heading(paragraph[0], end, 1 if under[1][0] == "=" else 2, title)
            paragraph = None
            continue
        alone = paragraph is None and probe.strip() and not _NO_PARAGRAPH.match(probe) and len(line) < 200
        paragraph = (start, probe) if alone else (None if not probe.strip() else (-1, ""))


def _of_python(text: str) -> Iterator[Heading]:
    depth = 0
    for start, line in _lines(text, 0):
        probe = line[:1_000]
        bare = probe.lstrip(" \t")
        if not bare or bare[0] in "#)]}\"'":
            continue  # a comment, and what closes a bracket or a docstring, ends no function
        indent = len(probe) - len(bare)
        found = _DEFINITION.match(probe)
        if found:
            depth = indent + 1
            yield Heading(start, start + len(line), depth, found[2])
        elif indent < depth:
            depth = indent
            yield Heading(start, start, indent + 1, "")


def _lines(text: str, start: int) -> Iterator[tuple[int, str]]:
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, text[start:end]
        start = end + 1


def _front_matter_end(text: str) -> int:
    """Returns where the body begins behind YAML front matter, whose last line would make a heading of it."""
    if not text.startswith("---\n"):
        return 0
    end = text.find("\n---", 3, 65_536)
    if end < 0 or (line_end := text.find("\n", end + 1)) < 0:
        return 0
    return line_end + 1


def title_of(raw: str) -> str:
    """Returns a heading as it is shown in a path: one line without marks."""
    plain = _LINK.sub(r"\1", raw).replace("**", "").replace("__", "").replace("`", "")
    plain = _EMPHASIS.sub(r"\1", plain)
    return shorten(sanitize_line(plain).strip(), MAX_HEADING)
