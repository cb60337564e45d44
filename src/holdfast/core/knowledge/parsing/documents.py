"""Reads one document: its bytes, its kind, its text, its pieces."""

from __future__ import annotations

from pathlib import Path

from holdfast.core.domain.errors import InvalidError, TooLargeError
from holdfast.core.domain.knowledge import Chunking
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.knowledge.parsing.formats.extracting import extract
from holdfast.core.knowledge.parsing.formats.questions import questions_of
from holdfast.core.knowledge.parsing.media import PDF, media_type_of, named_type
from holdfast.core.knowledge.parsing.model import Extract, Parsed
from holdfast.core.knowledge.parsing.reading import Source, read_source
from holdfast.core.knowledge.parsing.splitting import split

MAX_TITLE = 300
"""Characters of a title that are kept."""
MAX_TEXT = 128 * 2**20
"""Characters of text that one document may have."""


def read_document(
    path: Path, name: str, *, max_bytes: int, chunking: Chunking, media_type: str = ""
) -> Parsed:
    """Returns the document that a file holds.

    `name` is what it is known by, whose suffix helps to tell what it is; `media_type` what the sender said
    it is, if anybody did. Raises what `read_source` raises, `UnsupportedError` (`unsupported_format`,
    `doc_needs_converter`), `InvalidError` (`document_encrypted`, `document_no_text`, `document_empty`,
    `document_broken`, `not_questions`) and `TooLargeError` (`document_unpacks_too_large`,
    `document_too_complex`).
    """
    source = read_source(path, name, max_bytes)
    if chunking.unit == "questions":
        return _questions(source, name, media_type)
    kind, found = _extracted(source, name, media_type)
    if not found.text or found.text.isspace():
        raise _no_text(name, kind)
    if len(found.text) > MAX_TEXT:
        raise TooLargeError(
            f"{name} has {len(found.text):,} characters of text, more than {MAX_TEXT:,}: divide it",
            code="document_too_complex",
        )
    return Parsed(
        text=found.text,
        title=shorten(" ".join(sanitize_line(found.title).split()), MAX_TITLE),
        media_type=kind,
        pages=len(found.pages) if found.pages is not None else None,
        digest=source.digest,
        size=source.size,
        modified_at=source.modified_at,
        chunks=split(found, chunking),
    )


def _questions(source: Source, name: str, media_type: str) -> Parsed:
    kind, text, pieces = questions_of(source.data, name, _kind(source.data, name, media_type))
    return Parsed(
        text=text,
        title="",
        media_type=kind,
        pages=None,
        digest=source.digest,
        size=source.size,
        modified_at=source.modified_at,
        chunks=pieces,
    )


def _extracted(source: Source, name: str, media_type: str) -> tuple[str, Extract]:
    try:
        return extract(source.data, name, _kind(source.data, name, media_type))
    except MemoryError as error:
        raise TooLargeError(
            f"{name} needs more memory to read than a document may take: divide it, or save it as plain text",
            code="document_too_complex",
        ) from error
    except RecursionError as error:
        raise TooLargeError(
            f"{name} is nested too deeply to be read: save it in a simpler form",
            code="document_too_complex",
        ) from error


def _kind(data: bytes, name: str, media_type: str) -> str:
    kind = media_type_of(name, data[:65_536])
    said = media_type.partition(";")[0].strip().lower()
    if kind == "text/plain" and named_type(name) is None and said.startswith(("text/", "application/")):
        return said  # a text whose name says nothing: the sender's word counts
    return kind


def _no_text(name: str, kind: str) -> InvalidError:
    if kind == PDF:
        return InvalidError(
            f"{name} has no text; it looks scanned: run OCR over it first (for example with ocrmypdf)",
            code="document_no_text",
        )
    return InvalidError(f"{name} holds no text: there is nothing to take in", code="document_no_text")
