"""How passages, places in documents and citations are written on a terminal."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from holdfast.cli.output import colored, terminal_width
from holdfast.core.domain.text import sanitize_line

if TYPE_CHECKING:
    from holdfast.core.domain.knowledge import Citation, Passage, Place, Retrieval

_INDENT = "    "
_WIDTH = 100
_EXCERPT = 400
"""Characters of a passage that a listing shows."""
_WORD = re.compile(r"\w+")
_SHORTEST = 3
"""Shorter words of a query are everywhere."""
_ENDINGS = re.compile(r"(?:ings?|ed|es|s|e)$", re.IGNORECASE)


def where(document: str, place: Place | None) -> str:
    """Returns a document and a place in it: `guide.md:12-20`, or `report.pdf, page 3`."""
    name = sanitize_line(document)
    if place is None:
        return name
    if place.page is None and place.line is not None:
        return f"{name}:{_range(place.line, place.last_line)}"
    return ", ".join(filter(None, (name, span(place))))


def span(place: Place) -> str:
    """Returns the pages or lines of a place in words; empty in a document that has neither."""
    if place.page is not None:
        return _counted("page", place.page, place.last_page)
    return _counted("line", place.line, place.last_line) if place.line is not None else ""


def headings(place: Place | None) -> str:
    """Returns the headings that a place stands under, outermost first."""
    return " › ".join(sanitize_line(heading) for heading in place.headings) if place else ""


def say_passages(found: Retrieval) -> None:
    """Prints the passages of a search, best first, each with how it was found."""
    on, off = ("\x1b[1m", "\x1b[0m") if colored(sys.stdout) else ("", "")
    pattern = _pattern(found.query)
    for rank, passage in enumerate(found.passages, start=1):
        print(f"{rank:>2}  {on}{where(passage.document, passage.place)}{off}  {_scores(passage)}")
        above = headings(passage.place)
        if above:
            print(f"{_INDENT}{above}")
        for line in _excerpt(passage.text):
            print(_INDENT + (pattern.sub(rf"{on}\g<0>{off}", line) if on and pattern else line))
    if not found.passages:
        print("Nothing was found.")


def source_lines(citations: Iterable[Citation]) -> Iterator[str]:
    """Yields a line for each citation, in the order of their numbers, each number once."""
    by_number = {citation.number: citation for citation in citations}
    for number in sorted(by_number):
        cited = by_number[number]
        place = where(cited.document or cited.source or "a text that was given", cited.place)
        above = headings(cited.place)
        yield f"[{number}] {place}{f'  {above}' if above else ''}"


def _scores(passage: Passage) -> str:
    ranks = [
        f"{name} {rank}{f' ({score:.2f})' if score is not None else ''}"
        for name, rank, score in (
            ("meaning", passage.vector_rank, passage.vector_score),
            ("words", passage.lexical_rank, passage.lexical_score),
        )
        if rank is not None
    ]
    if passage.rerank_score is not None:
        ranks.append(f"rerank {passage.rerank_score:.2f}")
    return "  ".join((f"{passage.score:.3f}", " · ".join(ranks))).rstrip()


def _excerpt(text: str) -> list[str]:
    flat = sanitize_line(" ".join(text.split()))
    width = min(terminal_width() or _WIDTH, _WIDTH) - len(_INDENT)
    return textwrap.wrap(textwrap.shorten(flat, _EXCERPT, placeholder=" …"), max(20, width))


def _pattern(query: str) -> re.Pattern[str] | None:
    """Returns what finds the words of a query, inflected ones too."""
    words = {_ENDINGS.sub("", word) or word for word in _WORD.findall(query) if len(word) >= _SHORTEST}
    if not words:
        return None
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(re.escape(word) for word in longest_first)})\w*", re.IGNORECASE)


def _counted(noun: str, first: int, last: int | None) -> str:
    return f"{noun}{'' if last in (None, first) else 's'} {_range(first, last)}"


def _range(first: int, last: int | None) -> str:
    return f"{first}" if last in (None, first) else f"{first}-{last}"
