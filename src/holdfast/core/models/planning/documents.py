"""Answers from passages of documents: read as models are shown them, quoted with their numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.core.domain.messages import FOUND_AGAIN
from holdfast.core.models.planning.answers import code_block
from holdfast.core.models.planning.passages import best_passages
from holdfast.core.models.planning.reports import CODE_SUFFIXES

_ITEM = re.compile(r"^\[(?P<number>\d{1,9})\] (?P<source>\S.*)\n(?P<text>(?:^>.*(?:\n|\Z))+)", re.MULTILINE)
_QUOTE = re.compile(r"^> ?", re.MULTILINE)
_AGAIN = re.compile(rf"^{re.escape(FOUND_AGAIN)}(.*)$", re.MULTILINE)
_FENCE = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)
SEARCH = "search_knowledge"
"""The tool that finds passages."""
MAX_QUOTES = 3
_NEAREST = 400
"""Characters of the passage that is shown when none holds the question's words."""


@dataclass(frozen=True, slots=True)
class Found:
    """One passage with the number that it is cited by."""

    number: int
    source: str
    """The document, and where in it, in words."""
    text: str


def passages_in(text: str) -> tuple[Found, ...]:
    """Returns the numbered passages that a text shows, in its order."""
    return tuple(
        Found(int(item["number"]), item["source"], _QUOTE.sub("", item["text"]).rstrip("\n"))
        for item in _ITEM.finditer(text)
    )


def numbers_again(text: str) -> tuple[int, ...]:
    """Returns the numbers of the passages that a text only names, for they were shown before."""
    named = _AGAIN.search(text)
    return tuple(map(int, re.findall(r"\d+", named[1]))) if named else ()


def quote(question: str, found: Sequence[Found]) -> str | None:
    """Returns the places in the passages that hold most of the question's words, each with its number.

    None when no passage was found. When none holds a word of the question the first one is shown, as what
    is nearest by meaning.
    """
    if not found:
        return None
    by_number = {str(each.number): each for each in found}
    best = best_passages(question, [(number, each.text) for number, each in by_number.items()], MAX_QUOTES)
    if not best:
        return _nearest(found[0])
    quotes: dict[str, list[str]] = {}
    for passage in best:
        quotes.setdefault(passage.source, []).append(passage.text)
    parts = [
        f"{by_number[number].source}:\n\n" + "\n\n".join(_quoted(text, by_number[number]) for text in texts)
        for number, texts in quotes.items()
    ]
    return "The documents say:\n\n" + "\n\n".join(parts)


def _nearest(found: Found) -> str:
    beginning = found.text[:_NEAREST].rstrip()
    shown = _quoted(beginning, found)
    return (
        "No passage holds the words of the question. The nearest by meaning, which may be beside the point, "
        f"is {found.source}:\n\n{shown}"
    )


def _quoted(text: str, found: Found) -> str:
    """Returns a quotation with its number behind it: code as code; what a text leaves open of code is
    closed."""
    if _name_of(found).endswith(CODE_SUFFIXES):
        return f"{code_block(text)}\n\n[{found.number}]"
    lines = text.strip("\n").splitlines()
    fenced = _FENCE.search(text) is not None
    if len(_FENCE.findall(text)) % 2:
        lines.append("```")
    quoted = "\n".join(f"> {line}".rstrip() for line in lines)
    apart = fenced or lines[-1].lstrip().startswith("|")
    return f"{quoted}{chr(10) * 2 if apart else ' '}[{found.number}]"


def _name_of(found: Found) -> str:
    """Returns the document's name; where it holds a comma, the beginning of it."""
    return found.source.split(", ", 1)[0].lower()
