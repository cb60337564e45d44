"""Citations in a reply: what its numbers in brackets stand for; those that stand for nothing are removed.

A marker is `[3]`, or several in one: `[1, 3]`. What stands in code, in a Markdown link (`[1](address)`) or in
the definition of one (`[1]: address`) is none, nor is a number of four digits that no passage has: a year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from holdfast.core.domain.events import PartCompleted, RunEvent
from holdfast.core.domain.knowledge import Citation, Retrieved
from holdfast.core.domain.passages import source_line
from holdfast.core.domain.text import shorten
from holdfast.core.runs.knowledge.code import code_spans

EXCERPT = 300
"""Characters of a passage that stand in its citation."""

_MARKER = re.compile(r"\[[ \t]*\d{1,9}(?:[ \t]*[,;][ \t]*\d{1,9})*[ \t]*\](?!\()")
_NUMBER = re.compile(r"\d+")
_DEFINITION = re.compile(
    r"^ {0,3}\[[^\[\]\n]{1,999}\]:[ \t]*\S+(?:[ \t]+[\"'(][^\n]*[\"')])?[ \t]*$", re.MULTILINE
)
_LABEL = re.compile(r"\[[ \t]*(\d+)[ \t]*\]:[ \t]*<?[A-Za-z][A-Za-z0-9+.-]*:")
_OPEN = re.compile(r"\[[\d,; \t]*$")
_DEFINES = re.compile(r"\s*\[[^\[\]\n]*\]:")
_CLOSED = re.compile(r"[\d,; \t]*\]")
_NEAR = 200
"""Characters around a marker that are looked at."""
_YEARS = range(1_000, 10_000)


def cited(
    text: str, sources: Mapping[int, Retrieved], *, searched: bool = False
) -> tuple[str, tuple[Citation, ...]]:
    """Returns a reply without the numbers that stand for no source, and what the others stand for, in the
    order in which they first stand there. Without sources the text is as it was, but where the run has
    `searched` and found nothing: then no number stands for anything."""
    if not (sources or searched) or "[" not in text:
        return text, ()
    written = _Written()
    numbers: dict[int, None] = {}
    at = 0
    for match in _markers(text):
        stand = _numbers(match)
        numbers.update(dict.fromkeys(number for number in stand if number in sources))
        kept = [number for number in stand if number in sources or number in _YEARS]
        if len(kept) == len(stand):
            continue
        between, end = text[at : match.start()], match.end()
        if kept:
            written.add(between)
            written.add(f"[{', '.join(map(str, kept))}]")
        elif _removable(written.near(between), text[end : end + _NEAR]):
            written.add(_without_space(between))
            end += _space_behind(written.near(), text[end : end + 2])
        else:
            continue
        at = end
    written.add(text[at:])
    return "".join(written.pieces), tuple(citation(number, sources[number]) for number in numbers)


class _Written:
    """A text in the making, and how it ends."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._end = ""

    def add(self, piece: str) -> None:
        self._end = self.near(piece)
        self.pieces.append(piece)

    def near(self, piece: str = "") -> str:
        """Returns the end of the text as it would be with a piece more."""
        return (self._end + piece[-_NEAR:])[-_NEAR:]


def citation(number: int, item: Retrieved) -> Citation:
    """Returns what a number stands for."""
    passage, excerpt = item.passage, shorten(item.content.strip(), EXCERPT)
    if passage is None:
        return Citation(number=number, document=source_line(item), excerpt=excerpt)
    return Citation(
        number=number,
        document=passage.document,
        document_id=passage.document_id,
        collection_id=passage.collection_id,
        chunk_id=passage.chunk_id,
        source=passage.source,
        place=passage.place,
        excerpt=excerpt,
        score=passage.score,
        vector_rank=passage.vector_rank,
        lexical_rank=passage.lexical_rank,
    )


def with_citations(
    events: Iterable[RunEvent], sources: Mapping[int, Retrieved], *, searched: bool
) -> list[RunEvent]:
    """Returns events that end a run, their texts with citations; `searched` as in `cited`."""
    return [
        _completed(event, sources, searched)
        if isinstance(event, PartCompleted) and event.kind == "text"
        else event
        for event in events
    ]


def _completed(event: PartCompleted, sources: Mapping[int, Retrieved], searched: bool) -> PartCompleted:
    text, citations = cited(event.text, sources, searched=searched)
    return event.model_copy(update={"text": text, "citations": citations})


def _markers(text: str) -> Iterator[re.Match[str]]:
    """Yields the markers of a text, those in code, links and definitions left out."""
    definitions = [match.span() for match in _DEFINITION.finditer(text)]
    labels = {int(match[1]) for match in _LABEL.finditer(text) if _in(match.start(1), definitions)}
    skipped = sorted([*code_spans(text), *definitions])
    index = 0
    for match in _MARKER.finditer(text):
        start = match.start()
        while index < len(skipped) and skipped[index][1] <= start:
            index += 1
        if index < len(skipped) and skipped[index][0] <= start:
            continue
        if start and text[start - 1] in "\\!^":
            continue
        if not labels.isdisjoint(_numbers(match)):
            continue
        yield match


def _in(at: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= at < end for start, end in spans)


def _numbers(match: re.Match[str]) -> list[int]:
    return [int(number) for number in _NUMBER.findall(match[0])]


def _removable(before: str, after: str) -> bool:
    """Says whether what stands around a marker means the same without it: no new marker, no new code."""
    if _OPEN.search(before) and _CLOSED.match(after):
        return False
    line = before[before.rfind("\n") + 1 :]
    if after.startswith(":") if line.lstrip().startswith("[") else not line.strip() and _DEFINES.match(after):
        return False  # what stands beside it would become the definition of a link
    if after.startswith(("`", "~")):
        return bool(line.strip()) and not line.endswith(after[0])
    return bool(line.strip()) or not after.startswith(("    ", "\t"))


def _space_behind(before: str, after: str) -> int:
    """Returns 1 where a marker that began a line has one space behind it, which then goes too."""
    return int(before[-1:] in ("", "\n") and after[:1] == " " and after[1:].isalnum())


def _without_space(before: str) -> str:
    """Returns what stands before a removed marker without the one space that separated it."""
    if before.endswith(" ") and before[:-1].strip("\n") and before[-2] not in " \n\t\\!^":
        return before[:-1]
    return before
