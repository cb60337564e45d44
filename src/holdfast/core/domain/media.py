"""What kind of data some bytes are: by what they begin with, then by the file's name."""

from __future__ import annotations

import mimetypes
from pathlib import PurePosixPath

_TEXT_TYPES = {
    ".csv": "text/csv",
    ".htm": "text/html",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".py": "text/x-python",
    ".toml": "application/toml",
    ".tsv": "text/tab-separated-values",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
_PROBE = 8192
"""Bytes that are looked at to tell text from the rest."""


def image_type(data: bytes) -> str | None:
    """Returns the media type of a PNG, JPEG, GIF or WebP image by its first bytes, else None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def is_text(data: bytes) -> bool:
    """Says whether the beginning of `data` is UTF-8 without NUL; a character cut at the end is no fault."""
    probe = data[:_PROBE]
    if b"\0" in probe:
        return False
    try:
        probe.decode()
    except UnicodeDecodeError as error:
        return len(probe) == _PROBE and error.start >= _PROBE - 3
    return True


def media_type(data: bytes, name: str) -> str:
    """Returns the media type of `data`: images and PDF by content, text and the rest by suffix.

    A suffix never makes an image or a PDF of other bytes, nor text of bytes that are none.
    """
    image = image_type(data)
    if image is not None:
        return image
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    suffix = PurePosixPath(name).suffix.lower()
    if is_text(data):
        return _TEXT_TYPES.get(suffix, "text/plain")
    guess = mimetypes.guess_type(name)[0] or ""
    return (
        guess
        if guess.startswith(("application/", "audio/", "video/", "font/"))
        and guess
        not in (
            "application/pdf",
            "application/json",
        )
        else "application/octet-stream"
    )
