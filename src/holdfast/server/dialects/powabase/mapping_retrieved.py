"""What was retrieved for a run or kept for some, and what a reply cites of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdfast.core.domain.knowledge import Citation, ContextRecord, Lookup, Retrieved
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.passages import used_tokens
from holdfast.core.domain.text import shorten
from holdfast.server.dialects.powabase.mapping_bases import use_of
from holdfast.server.dialects.powabase.wire_runs import CitationOut, ContextLine, ContextOut, KnowledgeUseIn

CONTEXT_TOKENS = 32_000
"""Tokens of retrieved context where neither the request nor the agent says how many."""
EXCERPT = 300
"""Characters of a passage where it is only to be recognised."""


def uses_of(given: Iterable[KnowledgeUseIn]) -> tuple[KnowledgeUse, ...]:
    """Returns the collections that knowledge bases of a request are."""
    return tuple(use_of(each.id, each) for each in given)


def citations_of(found: Iterable[Citation]) -> tuple[CitationOut, ...]:
    """Returns what was cited, by number, each once."""
    by_number = {each.number: each for each in found}
    return tuple(
        CitationOut(
            key=str(number),
            item_id=None if each.chunk_id is None else str(each.chunk_id),
            source_id=each.document_id,
            source_name=each.document,
            text_excerpt=each.excerpt[:EXCERPT],
        )
        for number, each in sorted(by_number.items())
    )


def candidates_of(lookups: Iterable[Lookup]) -> dict[str, CitationOut]:
    """Returns all that could be cited, by number."""
    return {
        str(item.number): CitationOut(
            key=str(item.number),
            item_id=_item_id(item),
            source_id=item.passage.document_id if item.passage else None,
            source_name=item.passage.document if item.passage else "",
            text_excerpt=shorten(item.content, EXCERPT),
            meta=item.meta,
        )
        for lookup in lookups
        for item in lookup.items
        if item.number is not None
    }


def _item_id(item: Retrieved) -> str | None:
    return str(item.passage.chunk_id) if item.passage else None


def retrieved_of(lookups: Iterable[Lookup]) -> tuple[dict[str, Any], ...]:
    """Returns what was retrieved: for each look-up its diagnostics, then its items."""
    return tuple(each for lookup in lookups for each in _of_lookup(lookup))


_SOURCES = {"text": "manual_override", "items": "context_items", "stored": "", "knowledge": ""}


def _of_lookup(lookup: Lookup) -> Iterable[dict[str, Any]]:
    used = [number for number, item in enumerate(lookup.items) if item.used]
    about: dict[str, Any] = {
        "_type": "retrieval_diagnostics",
        "total_items": len(lookup.items),
        "items_included": len(used),
        "items_dropped": len(lookup.items) - len(used),
        "token_limit": lookup.max_tokens,
        "estimated_tokens_used": lookup.tokens,
        "included_indices": used,
    }
    if name := _SOURCES[lookup.source]:
        about["source"] = name
    if lookup.error is not None:
        about["error"] = lookup.error.message
    yield about
    for item in lookup.items:
        passage = item.passage
        yield {
            "_type": "item",
            "id": _item_id(item),
            "text": item.content if item.used else shorten(item.content, EXCERPT),
            "score": passage.score if passage else None,
            "retrieval_score": passage.vector_score if passage else None,
            "reranker_score": passage.rerank_score if passage else None,
            "source_id": passage.document_id if passage else None,
            "source_name": passage.document if passage else "",
            "knowledge_base_id": passage.collection_id if passage else None,
            "kb_name": passage.collection if passage else "",
            "retrieval_method": lookup.method,
            "meta": {**(passage.metadata if passage else {}), **item.meta},
            "included_in_context": item.used,
        }


def items_in(lookups: Iterable[Lookup]) -> int:
    """Returns how many retrieved items the model was shown."""
    return sum(item.used for lookup in lookups for item in lookup.items)


def context_line(kept: ContextRecord) -> ContextLine:
    """Returns a kept context of a listing."""
    return ContextLine(**_context(kept))


def context_out(kept: ContextRecord, asked: Iterable[KnowledgeUseIn]) -> ContextOut:
    """Returns a kept context; `asked` is where it was looked for, as far as that is known."""
    return ContextOut(
        **_context(kept),
        knowledge_base_configs=tuple(each.model_dump(exclude_none=True) for each in asked),
        formatted_context=kept.text,
        retrieved_context=retrieved_of([_lookup(kept)]),
    )


def _context(kept: ContextRecord) -> dict[str, Any]:
    dropped = [_item_id(item) for item in kept.items if not item.used]
    cut = {"type": "context_truncation", "items_dropped": len(dropped), "dropped_item_ids": dropped}
    return {
        "id": kept.id,
        "query": kept.query,
        "status": "completed",
        "max_context_tokens": kept.max_tokens,
        "metadata": {},
        "errors": (cut,) if dropped else (),
        "created_at": kept.created_at,
    }


def _lookup(kept: ContextRecord) -> Lookup:
    return Lookup(
        source="stored",
        context_id=kept.id,
        query=kept.query,
        method=kept.retrieval.method,
        items=kept.items,
        tokens=used_tokens(kept.items),
        max_tokens=kept.max_tokens,
    )
