"""The head of a GGUF file: what a model is, read without running anything of it.

The file may be anybody's: nothing is read past the bounds below, and what is longer is passed over.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from holdfast.core.domain.errors import ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.own_models import ModelFile
from holdfast.core.domain.text import sanitize_line, shorten

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_FORMATS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
"""Of the kinds of values that are one number."""
_MAX_ENTRIES = 10_000
_MAX_KEY = 65_535
_LONGEST_COUNTED = 200
"""Characters of a key with a number that is kept."""
_MAX_TEXT = 1_000_000
"""Bytes of a text that is kept; no key that counts here has more."""
_MAX_ITEMS = 4_000_000
"""Items of all lists together: vocabularies have some hundred thousand."""
_LONGEST_CONTEXT = 100_000_000
_ARCHITECTURE, _TITLE = "general.architecture", "general.name"
_TEMPLATE = "tokenizer.chat_template"
_CONTEXT = ".context_length"


def check_path(path: str) -> Path:
    """Returns the path of a file that could be a model. Raises `InvalidError`, `NotFoundError`,
    `ForbiddenError`."""
    shown = shorten(sanitize_line(path), 200)
    file = Path(path)
    if "\0" in path or not file.is_absolute():
        raise InvalidError(f"{shown!r} is not a whole path.", code="path_not_absolute")
    if file.suffix.lower() != ".gguf":
        raise InvalidError(f"{shown} does not end with .gguf.", code="not_gguf")
    try:
        if not file.exists():
            raise NotFoundError(f"There is no file {shown}.", code="file_not_found")
        if not file.is_file():
            raise InvalidError(f"{shown} is not a file.", code="not_a_file")
    except OSError as error:  # a name that is too long, a loop of links, a folder that is closed
        raise InvalidError(f"{shown} cannot be looked at: {error.strerror}.", code="not_readable") from None
    if not os.access(file, os.R_OK):
        raise ForbiddenError(f"{shown} cannot be read.", code="not_readable")
    return file


def read_head(path: Path) -> ModelFile:
    """Returns what the file says of its model. Raises `InvalidError` (`not_gguf`) for what is no such file,
    `ForbiddenError` for one that cannot be read."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            values = _Head(file, size).values()
    except OSError as error:
        raise ForbiddenError(
            f"{sanitize_line(str(path))} cannot be read: {error.strerror}.", code="not_readable"
        ) from None
    except (struct.error, UnicodeDecodeError, _NotGGUF):
        raise InvalidError(
            f"{sanitize_line(path.name)} is no GGUF file, or a broken one.", code="not_gguf"
        ) from None
    architecture = _text(values.get(_ARCHITECTURE), 64)
    context = values.get(f"{architecture}{_CONTEXT}")
    template = values.get(_TEMPLATE)
    return ModelFile(
        path=str(path),
        size_bytes=size,
        architecture=architecture,
        title=_text(values.get(_TITLE), 200),
        context_length=context if isinstance(context, int) and 0 < context <= _LONGEST_CONTEXT else None,
        has_template=isinstance(template, str),
        takes_tools=isinstance(template, str) and "tools" in template,
    )


def _text(value: object, most: int) -> str:
    return shorten(sanitize_line(value), most) if isinstance(value, str) else ""


class _NotGGUF(Exception):
    pass


class _Head:
    """Reads keys and values one after the other; what nobody asks for is skipped."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._items = 0

    def values(self) -> dict[str, Any]:
        if self._bytes(4) != MAGIC or self._number("<I") not in _VERSIONS:
            raise _NotGGUF
        self._number("<Q")  # tensors
        count = self._number("<Q")
        if count > _MAX_ENTRIES:
            raise _NotGGUF
        return dict(self._pairs(count))

    def _pairs(self, count: int) -> Iterator[tuple[str, Any]]:
        for _ in range(count):
            length = self._number("<Q")
            if length > _MAX_KEY:
                raise _NotGGUF
            key = self._bytes(length).decode()
            value = self._value(self._number("<I"))
            # Only what counts is kept: all texts of a hostile file together would fill the memory.
            text = isinstance(value, str) and key in (_ARCHITECTURE, _TITLE, _TEMPLATE)
            number = isinstance(value, int) and key.endswith(_CONTEXT) and length <= _LONGEST_COUNTED
            if text or number:
                yield key, value

    def _value(self, kind: int) -> Any:
        """Returns one value; None for a list and for a text that is too long."""
        if kind in _FORMATS:
            return self._number(_FORMATS[kind])
        if kind == _STRING:
            length = self._number("<Q")
            if length > _MAX_TEXT:
                self._skip(length)
                return None
            return self._bytes(length).decode(errors="replace")
        if kind != _ARRAY:
            raise _NotGGUF
        self._skip_list()
        return None

    def _skip_list(self) -> None:
        kind, count = self._number("<I"), self._number("<Q")
        self._items += count
        if self._items > _MAX_ITEMS:
            raise _NotGGUF
        if kind in _FORMATS:
            self._skip(count * struct.calcsize(_FORMATS[kind]))
        elif kind == _STRING:
            for _ in range(count):
                self._skip(self._number("<Q"))
        else:  # lists in lists: no file of a model has them
            raise _NotGGUF

    def _number(self, format: str) -> Any:
        return struct.unpack(format, self._bytes(struct.calcsize(format)))[0]

    def _bytes(self, length: int) -> bytes:
        found = self._file.read(length)
        if len(found) < length:
            raise _NotGGUF
        return found

    def _skip(self, length: int) -> None:
        if length > self._size - self._file.tell():
            raise _NotGGUF
        self._file.seek(length, os.SEEK_CUR)
