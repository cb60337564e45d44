"""Rows of knowledge.db as values of the domain."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Any

from holdfast.core.domain.knowledge import (
    Chunk,
    Chunking,
    Collection,
    Document,
    Folder,
    Passage,
    Place,
    RetrievalSettings,
)
from holdfast.core.knowledge.index.embedded import Unembedded

CHUNK_COLUMNS = "k.id, k.number, k.start, k.end, k.line, k.last_line, k.page, k.last_page, p.headings, p.text"
"""Of `chunks k` and `passages p`; what `place` and `chunk` need."""

PASSAGE_COLUMNS = (
    f"{CHUNK_COLUMNS}, d.id AS document_id, d.name AS document, d.source, d.metadata, "
    "c.id AS collection_id, c.name AS collection"
)
"""Of `documents d` and `collections c` too; what `passage` needs."""


def dump(value: Any) -> str:
    """Returns a value of plain JSON as text."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def collection(row: sqlite3.Row) -> Collection:
    """Of a row with the counts `documents`, `chunks` and `size`."""
    return Collection(
        id=row["id"],
        owner=row["owner"],
        name=row["name"],
        description=row["description"],
        embedding_model=row["embedding_model"],
        dimensions=row["dimensions"],
        chunking=Chunking.model_validate_json(row["chunking"]),
        retrieval=RetrievalSettings.model_validate_json(row["retrieval"]),
        folders=tuple(Folder.model_validate(folder) for folder in json.loads(row["folders"])),
        metadata=json.loads(row["metadata"]),
        ext=json.loads(row["ext"]),
        documents=row["documents"],
        chunks=row["chunks"],
        size=row["size"],
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )


def document(row: sqlite3.Row) -> Document:
    """Of a row with `collection_id`."""
    modified_at = row["modified_at"]
    return Document(
        id=row["id"],
        collection_id=row["collection_id"],
        name=row["name"],
        source=row["source"],
        media_type=row["media_type"],
        size=row["size"],
        digest=row["digest"],
        title=row["title"],
        chunks=row["chunks"],
        pages=row["pages"],
        characters=row["characters"],
        metadata=json.loads(row["metadata"]),
        ext=json.loads(row["ext"]),
        summary=row["summary"],
        questions=tuple(json.loads(row["questions"])),
        modified_at=datetime.fromisoformat(modified_at) if modified_at else None,
        added_at=datetime.fromisoformat(row["added_at"]),
    )


def place(row: sqlite3.Row) -> Place:
    return Place(
        start=row["start"],
        end=row["end"],
        line=row["line"],
        last_line=row["last_line"],
        page=row["page"],
        last_page=row["last_page"],
        headings=tuple(json.loads(row["headings"])),
    )


def chunk(row: sqlite3.Row, document_id: str) -> Chunk:
    return Chunk(
        id=row["id"], document_id=document_id, number=row["number"], text=row["text"], place=place(row)
    )


def unembedded(row: sqlite3.Row, document: int) -> Unembedded:
    """Of a row with `id`, `headings` and `text` of a chunk, and its document's number."""
    return Unembedded.of(row["id"], document, json.loads(row["headings"]), row["text"])


def passage(row: sqlite3.Row) -> Passage:
    """Of a row of `PASSAGE_COLUMNS`; without scores."""
    return Passage(
        chunk_id=row["id"],
        number=row["number"],
        collection_id=row["collection_id"],
        collection=row["collection"],
        document_id=row["document_id"],
        document=row["document"],
        source=row["source"],
        text=row["text"],
        place=place(row),
        score=0.0,
        metadata=json.loads(row["metadata"]),
    )
