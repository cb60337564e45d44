"""A file's content, as far as a preview needs it."""

from __future__ import annotations

import base64
import hashlib
from typing import Literal

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.files import FileContent, Workspace
from holdfast.core.domain.media import image_type, is_text, media_type
from holdfast.core.domain.tools import BlobStore

MAX_TEXT_BYTES = 256 * 2**10
MAX_IMAGE_BYTES = 2 * 2**20

_KINDS: dict[str, Literal["markdown", "csv", "json"]] = {
    "text/markdown": "markdown",
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
    "application/json": "json",
}


def read_for_preview(workspace: Workspace, path: str) -> FileContent:
    """Returns what a preview of the file shows. Raises what `Workspace.read` raises."""
    path = workspace.relative(path)
    size = workspace.stat(path).size
    data = workspace.read(path, MAX_TEXT_BYTES)
    image = image_type(data)
    if image is not None:
        return _image(workspace, path, image, size)
    kind = media_type(data, path)
    digest = hashlib.sha256(data).hexdigest() if size == len(data) else None
    if not is_text(data):
        return FileContent(path=path, kind="binary", media_type=kind, size=size, digest=digest)
    return FileContent(
        path=path,
        kind=_KINDS.get(kind, "text"),
        media_type=kind,
        size=size,
        text=data.decode(errors="replace"),
        truncated=size > len(data),
        digest=digest,
    )


def kept_image(blobs: BlobStore, digest: str) -> FileContent:
    """Returns what a preview of an image that was kept shows; a large one comes without its data. Raises
    `NotFoundError` for what is no image."""
    try:
        size = blobs.path(digest).stat().st_size
    except OSError:
        size = 0
    data = blobs.get(digest) if 0 < size <= MAX_IMAGE_BYTES else b""
    kind = image_type(data) if data else "image/*"
    if kind is None or not size:
        raise NotFoundError("That content is no image, or it is gone.", code="image_not_found")
    encoded = base64.b64encode(data).decode("ascii")
    return FileContent(
        path=digest,
        kind="image",
        media_type=kind,
        size=size,
        data=encoded,
        truncated=not data,
        digest=digest if data else None,
    )


def _image(workspace: Workspace, path: str, kind: str, size: int) -> FileContent:
    if size > MAX_IMAGE_BYTES:
        return FileContent(path=path, kind="image", media_type=kind, size=size, truncated=True)
    content = workspace.read(path, MAX_IMAGE_BYTES)
    data = base64.b64encode(content).decode("ascii")
    digest = hashlib.sha256(content).hexdigest() if len(content) == size else None
    return FileContent(path=path, kind="image", media_type=kind, size=size, data=data, digest=digest)
