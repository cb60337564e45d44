"""The bytes of documents, as they were when they were taken in."""

from __future__ import annotations

import hashlib
from pathlib import Path

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.knowledge import Document
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.transfer import Download
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.files.fetch import as_download


def kept(blobs: FileBlobs, document: Document) -> Download | None:
    """Returns the bytes of a document that was uploaded, or fetched; None where they are not kept. Blocks."""
    try:
        return as_download(blobs.path(document.digest).open("rb"), document.name)
    except (FileNotFoundError, NotFoundError):
        return None


def unchanged(path: Path, document: Document) -> Download:
    """Returns the bytes of a document that is a file of the engine's machine. Raises `NotFoundError` where
    they are others now. Blocks."""
    try:
        if not path.is_file():
            raise gone(document)
        file = path.open("rb")
    except OSError:
        raise gone(document) from None
    if hashlib.file_digest(file, "sha256").hexdigest() != document.digest:
        file.close()
        raise gone(document)
    file.seek(0)
    return as_download(file, document.name)


def gone(document: Document) -> NotFoundError:
    """Returns the error of a document whose bytes are not there any more."""
    name = shorten(sanitize_line(document.name), 200)
    return NotFoundError(
        f"The original of {name} is not kept: its text is, and can be searched.", code="original_gone"
    )
