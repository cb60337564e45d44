"""A file's content, as far as a preview needs it."""

from __future__ import annotations

import base64
import hashlib
from typing import Literal

from holdfast.core.domain.files import FileContent, Workspace
from holdfast.core.domain.media import image_type, is_text, media_type

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


def _image(workspace: Workspace, path: str, kind: str, size: int) -> FileContent:
    if size > MAX_IMAGE_BYTES:
        return FileContent(path=path, kind="image", media_type=kind, size=size, truncated=True)
    content = workspace.read(path, MAX_IMAGE_BYTES)
    data = base64.b64encode(content).decode("ascii")
    digest = hashlib.sha256(content).hexdigest() if len(content) == size else None
    return FileContent(path=path, kind="image", media_type=kind, size=size, data=data, digest=digest)
