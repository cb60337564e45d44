"""Taking bytes in as a part of a message."""

from __future__ import annotations

from pathlib import PurePath

from holdfast.core.domain.errors import TooLargeError
from holdfast.core.domain.media import media_type
from holdfast.core.domain.messages import FilePart, ImagePart
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.tools import BlobStore

MAX_ATTACHMENT_BYTES = 32 * 2**20


def attach(data: bytes, name: str, blobs: BlobStore) -> ImagePart | FilePart:
    """Keeps `data` as a blob and returns the part that names it. Raises `TooLargeError`."""
    name = sanitize_line(PurePath(name).name) or "file"
    if len(data) > MAX_ATTACHMENT_BYTES:
        raise TooLargeError(
            f"{name} has {len(data)} bytes; a message takes at most {MAX_ATTACHMENT_BYTES} a file"
        )
    kind = media_type(data, name)
    digest = blobs.put(data)
    if kind.startswith("image/"):
        return ImagePart(blob=digest, media_type=kind, name=name)
    return FilePart(blob=digest, media_type=kind, name=name, size=len(data))
