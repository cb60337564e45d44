"""Cuts a text into pieces for searching, and says where each stands.

The cutting itself is done by semantic-text-splitter, whose time grows with the square of a stretch without
line breaks. So it gets the text in parts of bounded size, and lines that are longer than any prose are cut
here: the whole is linear, whatever the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from holdfast.core.domain.knowledge import Chunking, Place
from holdfast.core.knowledge.parsing.headings import HeadingPath, headings_of
from holdfast.core.knowledge.parsing.model import Extract, Heading, Piece, Style

PART = 16_384
"""Characters that the splitter gets at once, about."""
LONG_LINE = 4_000
"""Characters of a line from which it is no prose; less where pieces are small."""
MAX_INDENT = 200
"""Blanks that are kept before the first word of a piece, as its line's indentation."""

_BREAKS = ("\n", "。", ". ", "! ", "? ", "; ", ", ", " ")
"""After what a long line is best cut, best first."""

Span = tuple[int, int]


def split(extract: Extract, chunking: Chunking) -> tuple[Piece, ...]:
    """Returns the pieces of a text, in its order; together they hold all of it but white space.

    None has more than `chunking.max_chars` characters. With an overlap (at most half of that), each but the
    first begins with words that stood before it.
    """
    overlap = min(chunking.overlap_chars, chunking.max_chars // 2)
    capacity = chunking.max_chars - overlap
    shown = headings_of(extract.text, extract.style) if extract.headings is None else extract.headings
    headings = list(shown)
    spans = _merged(_spans(extract, capacity, headings), capacity, headings)
    lapped = _overlapping(extract.text, spans, overlap)
    return _placed(extract, lapped, spans, headings)


def _spans(extract: Extract, capacity: int, headings: Sequence[Heading]) -> Iterator[Span]:
    """Yields spans without white space around them, none empty."""
    text = extract.text
    splitter = (
        MarkdownSplitter(capacity, trim=False)
        if extract.style is Style.MARKDOWN
        else TextSplitter(capacity, trim=False)
    )
    borders = [h.start for h in headings if h.title]
    for start, end, prose in _parts(text, capacity, borders):
        if not prose:
            found = list(_cut(text, start, end, capacity))
        elif end - start <= capacity:
            found = [(start, end)]
        else:
            pieces = splitter.chunk_indices(text[start:end])
            found = [(start + offset, start + offset + len(piece)) for offset, piece in pieces]
        yield from (span for s, e in found if (span := _trimmed(text, s, e)) is not None)


def _parts(text: str, capacity: int, borders: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
    """Yields the text in parts of bounded size: start, end, and whether it is prose.

    A part ends before a heading if there is one in its second half, else at a blank line, else at a line's
    end. A long line is a part of its own, which is no prose.
    """
    size = max(PART, 4 * capacity)
    begin = 0
    for start, end in _long_lines(text, min(LONG_LINE, 16 * capacity)):
        yield from ((s, e, True) for s, e in _prose(text, begin, start, size, borders))
        yield start, end, False
        begin = end
    yield from ((s, e, True) for s, e in _prose(text, begin, len(text), size, borders))


def _long_lines(text: str, limit: int) -> Iterator[Span]:
    start = 0
    while start < len(text):
        # The last line break within reach: lines before it are short or have been looked at.
        last = text.rfind("\n", start, start + limit + 1)
        if last >= 0:
            start = last + 1
            continue
        end = text.find("\n", start + limit)
        end = len(text) if end < 0 else end + 1
        if end - start > limit + 1:
            yield start, end
        start = end


def _prose(text: str, begin: int, end: int, size: int, borders: Sequence[int]) -> Iterator[Span]:
    while end - begin > size:
        half, limit = begin + size // 2, begin + size
        at = bisect_right(borders, limit)
        if at and borders[at - 1] > half:
            cut = borders[at - 1]
        elif (blank := text.rfind("\n\n", half, limit)) >= 0:
            cut = blank + 2
        else:  # no line is longer than a part
            cut = text.rfind("\n", begin, limit) + 1
        yield begin, cut
        begin = cut
    if begin < end:
        yield begin, end


def _cut(text: str, start: int, end: int, capacity: int) -> Iterator[Span]:
    """Yields the pieces of one long line, cut where a sentence or a word ends in the second half of each."""
    while end - start > capacity:
        half, limit = start + capacity // 2, start + capacity
        cut = next((at + len(b) for b in _BREAKS if (at := text.rfind(b, half, limit)) >= 0), limit)
        cut = _whole_character(text, start, cut)
        yield start, cut
        start = cut
    yield start, end


def _whole_character(text: str, start: int, cut: int) -> int:
    """Returns `cut`, or a little before it where it would part a character from its accents or joiners."""
    at = cut
    while at > start + 1 and cut - at < 16 and _continues(text[at], text[at - 1]):
        at -= 1
    return at if cut - at < 16 and at > start + 1 else cut


def _continues(char: str, before: str) -> bool:
    return before == "\u200d" or bool(_JOINED.match(char))


_JOINED = re.compile("[\u0300-\u036f\u200d\ufe00-\ufe0f\u20d0-\u20ff\U0001f3fb-\U0001f3ff]")


def _trimmed(text: str, start: int, end: int) -> Span | None:
    """Returns the span without white space around it; the indentation of a first line stays."""
    piece = text[start:end]
    inner = piece.strip()
    if not inner:
        return None
    first = start + len(piece) - len(piece.lstrip())
    last = start + len(piece.rstrip())
    line = text.rfind("\n", start, first) + 1 or (start if _begins_line(text, start) else first)
    return (line if first - line <= MAX_INDENT else first), last


def _begins_line(text: str, offset: int) -> bool:
    return offset == 0 or text[offset - 1] == "\n"


def _merged(spans: Iterator[Span], capacity: int, headings: Sequence[Heading]) -> list[Span]:
    """Joins a tiny span to its neighbour: a heading to what follows it, anything else to what it follows."""
    tiny = capacity // 8
    heads = {h.start for h in headings if h.title}
    merged: list[Span] = []
    for start, end in spans:
        first, last = merged[-1] if merged else (0, 0)
        goes_back = end - start < tiny and start not in heads
        goes_on = last - first < tiny and (first in heads or start not in heads)
        if merged and end - first <= capacity and (goes_back or goes_on):
            merged[-1] = (first, end)
        else:
            merged.append((start, end))
    return merged


def _overlapping(text: str, spans: Sequence[Span], overlap: int) -> list[Span]:
    if not overlap:
        return list(spans)
    lapped: list[Span] = list(spans[:1])
    for (before, _), (start, end) in pairwise(spans):
        reach = max(before, start - overlap)
        lapped.append((_word_start(text, reach, start), end))
    return lapped


def _word_start(text: str, reach: int, start: int) -> int:
    """Returns the first place from `reach` on at which a word begins; `reach` in a text without words."""
    at = reach
    if reach > 0 and not text[reach - 1].isspace():
        while at < start and not text[at].isspace():
            at += 1
        if at == start and not text[start - 1].isspace():
            return reach
    while at < start and text[at].isspace():
        at += 1
    return at


def _placed(
    extract: Extract, lapped: Sequence[Span], spans: Sequence[Span], headings: Sequence[Heading]
) -> tuple[Piece, ...]:
    path = HeadingPath(extract.text, headings)
    lines = _LineCounter(extract.text) if extract.has_lines else None
    pieces: list[Piece] = []
    for (start, end), (core, _) in zip(lapped, spans, strict=True):
        place = Place(
            start=start,
            end=end,
            line=lines.at(start) if lines else None,
            last_line=lines.at(end - 1) if lines else None,
            page=_page(extract.pages, start),
            last_page=_page(extract.pages, end - 1),
            headings=path.at(core, end),
        )
        pieces.append(Piece(extract.text[start:end], place))
    return tuple(pieces)


def _page(pages: Sequence[int] | None, offset: int) -> int | None:
    return max(1, bisect_right(pages, offset)) if pages else None


class _LineCounter:
    """The line of an offset, from 1; counts from the last one asked for, which is near."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0
        self._line = 1

    def at(self, offset: int) -> int:
        if offset >= self._offset:
            self._line += self._text.count("\n", self._offset, offset)
        else:
            self._line -= self._text.count("\n", offset, self._offset)
        self._offset = offset
        return self._line
