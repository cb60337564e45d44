"""Documents, chunks and tags between h2oGPTe's words and ours. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.knowledge import Chunk as KeptChunk
from holdfast.core.domain.knowledge import Document as Kept
from holdfast.core.domain.knowledge import DocumentOrder, Passage, Place
from holdfast.server.dialects.h2ogpte.mapping_ext import ext_with, said_of
from holdfast.server.dialects.h2ogpte.wire_documents import (
    Chunk,
    CollectionDocumentsQuery,
    Document,
    DocumentsQuery,
    DocumentUpdate,
    FoundChunk,
)
from holdfast.server.kit.reading import ids_of, json_object

MOST_CHUNKS = 1_000
"""That are read at once."""
_CHUNK_ID = re.compile(r"[0-9]{1,19}")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = re.compile(r"[0-9]{1,14}")
_BIGGEST_ID = 2**63 - 1
_ORDERS: dict[str, DocumentOrder] = {
    "name": "name",
    "size": "size",
    "page_count": "pages",
    "type": "media_type",
    "original_type": "media_type",
}
"""The others are the same for all documents here, or not kept: these stand in the order of their times."""


def document_of(document: Kept, username: str) -> Document:
    """Returns a document of the caller's."""
    said = said_of(document)
    kind = PurePosixPath(document.name).suffix[1:].lower() or document.media_type.partition("/")[2]
    address = document.source if document.source.startswith(("http://", "https://")) else None
    return Document(
        id=document.id,
        name=document.name,
        username=username,
        type=kind,
        size=document.size,
        page_count=document.pages or 1,
        connector=said.get("connector"),
        original_type=kind,
        original_mtime=_modified(str(said.get("mtime") or ""), document),
        created_at=document.added_at,
        updated_at=document.added_at,
        uri=said.get("uri") or address,
        summary=document.summary or None,
        metadata_dict=document.metadata or None,
    )


def _modified(said: str, document: Kept) -> str | None:
    """Returns when the original was changed: as who sent it has said, in milliseconds since 1970, or as it
    says itself."""
    if _MILLISECONDS.fullmatch(said):
        return (_BEGINNING + timedelta(milliseconds=int(said))).isoformat()
    return said or (document.modified_at.isoformat() if document.modified_at else None)


def listing_of(asked: CollectionDocumentsQuery) -> dict[str, Any]:
    """Returns what is wanted as `knowledge.every_document` takes it. Raises `InvalidError`."""
    given: dict[str, Any] = {"where": json_object(asked.metadata_filter, "metadata_filter") or None}
    if isinstance(asked, DocumentsQuery):
        given |= {
            "order": _ORDERS.get(asked.sort_column, "added_at"),
            "descending": not asked.ascending,
        }
    return given


def changes_of(asked: DocumentUpdate, document: Kept) -> dict[str, Any]:
    """Returns changes as `knowledge.describe` takes them."""
    ext = None if asked.uri is None else ext_with(document, uri=asked.uri)
    return {"name": asked.name, "ext": ext}


# --- chunks


def chunk_ids_of(joined: str) -> tuple[int, ...]:
    """Returns the numbers in a path. Raises `InvalidError`."""
    named = ids_of(joined)
    if not named or len(named) > MOST_CHUNKS:
        raise InvalidError(f"Name 1 to {MOST_CHUNKS} chunks.", code="invalid_request")
    if not all(map(_CHUNK_ID.fullmatch, named)) or any(int(each) > _BIGGEST_ID for each in named):
        raise InvalidError("The ids of chunks are numbers.", code="invalid_request")
    return tuple(map(int, named))


def chunks_of(passages: Sequence[Passage], wanted: Sequence[int]) -> tuple[Chunk, ...]:
    """Returns the chunks that are wanted. Raises `NotFoundError` for one that there is not."""
    found = {each.chunk_id: each for each in passages}
    missing = next((id for id in wanted if id not in found), None)
    if missing is not None:
        raise NotFoundError(f"There is no chunk {missing} in this collection.", code="chunk_not_found")
    return tuple(Chunk(**_fields(found[id].text, id, found[id].document, found[id].place)) for id in wanted)


def found_chunk(passage: Passage) -> FoundChunk:
    """Returns what a search has found."""
    fields = _fields(passage.text, passage.chunk_id, passage.document, passage.place)
    return FoundChunk(**fields, score=passage.score)


def chunk_of(chunk: KeptChunk, document: Kept) -> FoundChunk:
    """Returns a chunk of a document, which nothing was searched for."""
    return FoundChunk(**_fields(chunk.text, chunk.id, document.name, chunk.place))


def pages_of(place: Place) -> str:
    """Returns the pages that a passage stands on, as JSON. Where in a page is not known."""
    pages = range(place.page, (place.last_page or place.page) + 1) if place.page else ()
    return json.dumps({"selections": [{"page": page, "polygons": []} for page in pages]})


def _fields(text: str, id: int, name: str, place: Place) -> dict[str, Any]:
    return {"text": text, "id": id, "name": name, "size": len(text), "pages": pages_of(place)}
