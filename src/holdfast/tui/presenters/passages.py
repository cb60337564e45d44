"""Passages of documents as people read them: what a search found, and what a number in a reply stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.tui.presenters.spans import Line, Span, fit_end, line, space

if TYPE_CHECKING:
    from holdfast.core.domain.knowledge import Citation, Passage, Place, Retrieved

EXCERPT = 600
"""Characters of a passage that are kept to be shown beside it; the document has the rest."""

GIVEN = "a given text"


@dataclass(frozen=True, slots=True)
class PassageView:
    """A passage, sanitised. It can be opened when its document is known."""

    number: int | None = None
    """What it is cited by in its session."""
    document: str = ""
    where: str = ""
    """Line or page: `12–18`, `p. 3`."""
    headings: str = ""
    excerpt: str = ""
    collection: str = ""
    source: str = ""
    """The path or the address that the document came from."""
    document_id: str | None = None
    chunk_id: int | None = None
    start: int | None = None
    """Offset in the document's text; None: the place is not known."""
    end: int | None = None
    score: float | None = None
    vector_rank: int | None = None
    lexical_rank: int | None = None
    rerank_score: float | None = None
    used: bool = True

    @property
    def label(self) -> str:
        """Document and place: `setup.md:12–18`, `handbook.pdf p. 3`."""
        return place_label(self.document, self.where)


def place_label(document: str, where: str) -> str:
    """Returns where something stands, in a few characters."""
    if not where:
        return document
    return f"{document} {where}" if where.startswith("p.") else f"{document}:{where}"


def where_of(place: Place | None) -> str:
    """Returns line or page of a place: `12`, `12–18`, `p. 3–4`; empty when it has neither."""
    if place is None:
        return ""
    if place.page is not None:
        return f"p. {_span(place.page, place.last_page)}"
    return _span(place.line, place.last_line) if place.line is not None else ""


def _span(first: int, last: int | None) -> str:
    return f"{first}–{last}" if last is not None and last != first else str(first)


def headings_of(place: Place | None) -> str:
    """Returns the headings that a place stands under, outermost first."""
    return " › ".join(sanitize_line(one) for one in place.headings) if place is not None else ""


def passage_of(item: Retrieved) -> PassageView:
    """Returns a passage as a retrieval brought it; a caller's own text is one without a document."""
    if item.passage is not None:
        return found_passage(item.passage, item.number, used=item.used)
    return PassageView(item.number, GIVEN, excerpt=_excerpt(item.text), used=item.used)


def found_passage(passage: Passage, number: int | None = None, *, used: bool = True) -> PassageView:
    """Returns a passage that a search found."""
    place = passage.place
    return PassageView(
        number=number,
        document=sanitize_line(passage.document),
        where=where_of(place),
        headings=headings_of(place),
        excerpt=_excerpt(passage.text),
        collection=sanitize_line(passage.collection),
        source=sanitize_line(passage.source),
        document_id=passage.document_id,
        chunk_id=passage.chunk_id,
        start=place.start,
        end=place.end,
        score=passage.score,
        vector_rank=passage.vector_rank,
        lexical_rank=passage.lexical_rank,
        rerank_score=passage.rerank_score,
        used=used,
    )


def cited_passage(citation: Citation) -> PassageView:
    """Returns what a number in a reply stands for."""
    place = citation.place
    return PassageView(
        number=citation.number,
        document=sanitize_line(citation.document) or GIVEN,
        where=where_of(place),
        headings=headings_of(place),
        excerpt=_excerpt(citation.excerpt),
        source=sanitize_line(citation.source),
        document_id=citation.document_id,
        chunk_id=citation.chunk_id,
        start=place.start if place is not None else None,
        end=place.end if place is not None else None,
        score=citation.score,
        vector_rank=citation.vector_rank,
        lexical_rank=citation.lexical_rank,
    )


def _excerpt(text: str) -> str:
    return shorten(sanitize(text).strip(), EXCERPT)


def mark_of(passage: PassageView) -> str:
    """Returns the number in brackets; a dash for what the model never saw."""
    return f"[{passage.number}]" if passage.number is not None else "–"


def figures_of(passage: PassageView) -> str:
    """Returns why it was found: its ranks in both searches."""
    ranks = [("meaning", passage.vector_rank), ("words", passage.lexical_rank)]
    return " · ".join(f"{name} {rank}" for name, rank in ranks if rank is not None)


def score_of(passage: PassageView) -> str:
    """Returns the score with two digits, small ones with three."""
    if passage.score is None:
        return ""
    return f"{passage.score:.3f}" if 0 < passage.score < 0.1 else f"{passage.score:.2f}"


def passage_row(passage: PassageView, width: int) -> tuple[Line, Line]:
    """Returns a passage as two lines of a list: number, place and score; ranks, state and headings."""
    mark, score = mark_of(passage), score_of(passage)
    room = max(4, width - len(mark) - len(score) - 3)
    label = fit_end(passage.label, room)
    first = line(
        (mark, "number" if passage.number is not None else "muted"),
        " ",
        (label, "strong" if passage.used else "muted"),
        (f"{space(label, room)}{score}", "muted"),
    )
    facts: list[Span] = [("    ", "")]
    if not passage.used:
        facts.append(("dropped", "warning"))
    for text in (figures_of(passage), passage.headings):
        if text:
            facts.append((" · " if len(facts) > 1 else "", "muted"))
            facts.append((text, "muted"))
    return first, tuple(facts)


def passage_detail(passage: PassageView, *, by_person: bool = False) -> list[Line]:
    """Returns all that is known of a passage, for the space below a list. `by_person`: no model asked."""
    shown, dropped = ("shown to the model", "success"), ("dropped: the budget was full", "warning")
    state = ("found", "success") if by_person else shown if passage.used else dropped
    lines = [line((passage.label, "heading"))]
    if passage.headings:
        lines.append(line((passage.headings, "muted")))
    facts = [("score", score_of(passage)), ("", figures_of(passage))]
    if passage.rerank_score is not None:
        facts.append(("reranked", f"{passage.rerank_score:.2f}"))
    said = " · ".join(f"{name} {value}".strip() for name, value in facts if value)
    lines.append(line(state, (f" · {said}" if said else "", "muted")))
    lines.append(())
    lines += [line(one.expandtabs(4)) for one in passage.excerpt.split("\n")]
    return lines
