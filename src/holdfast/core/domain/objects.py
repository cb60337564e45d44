"""Objects: files that are kept to be fetched by their address alone, by browsers and by models."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Protocol

from pydantic import AwareDatetime

from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.transfer import Download
from holdfast.core.domain.values import Value

SAFE_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What a browser may show instead of saving it: nothing of it is executed."""
_ACTIVE = ("html", "xml", "svg", "script")
_LONGEST_PART = 200
_LONGEST_KEY = 900


class StoredObject(Value):
    """An object that a user keeps."""

    id: str
    """Cannot be guessed: who has it may fetch the object."""
    owner: str
    key: str
    """What its keeper calls it: the only one of his that is called so."""
    name: str
    """A plain file name: the end of its key."""
    media_type: str
    """By its content."""
    size: int
    """In bytes."""
    created_at: AwareDatetime


class ObjectDownload:
    """An object with its content."""

    def __init__(self, object: StoredObject, download: Download) -> None:
        self.object = object
        self.download = download


class ObjectPlace(Protocol):
    """Where contents are. All of it blocks: call it from a thread. What fails raises `UnavailableError`."""

    def put(self, name: str, copy: Callable[[IO[bytes]], None]) -> None:
        """Makes the content of this name; `copy` writes it. Nothing stays of one that is not whole."""
        ...

    def open(self, name: str) -> IO[bytes]: ...

    def delete(self, name: str) -> None:
        """Removes a content; one that is not there is no error."""
        ...


def sent_type(media_type: str) -> str:
    """Returns the media type that a content is sent with: never one that a browser executes."""
    return "application/octet-stream" if any(each in media_type for each in _ACTIVE) else media_type


def checked_key(path: str, file_name: str, stamp: str) -> str:
    """Returns the key of an object. Without a path it is the name behind `stamp`, the time; a path is the
    whole key, unless it ends with a slash or has no extension: then it is a folder."""
    name = plain_name(file_name)
    parts = [plain_part(part) for part in sanitize_line(path).replace("\\", "/").split("/")]
    parts = [part for part in parts if part not in ("", ".", "..")]
    if not parts:
        return f"{stamp}_{name}"
    if path.rstrip().endswith("/") or "." not in parts[-1]:
        parts.append(name)
    return "/".join(parts)[-_LONGEST_KEY:].lstrip("/")


def plain_name(name: str) -> str:
    """Returns a file's name without folders, that can be part of a key."""
    last = plain_part(sanitize_line(name).replace("\\", "/").rpartition("/")[2])
    return last if last not in ("", ".", "..") else "file"


def plain_part(part: str) -> str:
    part = part.strip()
    if len(part) <= _LONGEST_PART:
        return part
    stem, dot, suffix = part.rpartition(".")
    return (
        f"{stem[: _LONGEST_PART - len(suffix) - 1]}.{suffix}"
        if dot and len(suffix) < 20
        else part[:_LONGEST_PART]
    )
