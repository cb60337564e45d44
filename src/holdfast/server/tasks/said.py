"""What a message from outside says, whatever protocol it came by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json


@dataclass(frozen=True, slots=True)
class FilePiece:
    """A file inside of a message."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """A message, taken apart."""

    texts: tuple[str, ...] = ()
    data: tuple[Any, ...] = ()
    """Values of JSON."""
    files: tuple[FilePiece, ...] = ()
    links: tuple[str, ...] = ()
    """Addresses of files."""

    @property
    def words(self) -> str:
        """All of its text, without spaces around."""
        return "\n".join(self.texts).strip()

    def text(self, between: str = "\n") -> str:
        """Returns its text and its data for a model to read."""
        data = (json.dumps(each, ensure_ascii=False) for each in self.data)
        return between.join(each for each in (*self.texts, *data) if each.strip())

    @property
    def objects(self) -> Iterator[Mapping[str, Any]]:
        """The objects among its data; a text that is one counts too, for callers who can only send text."""
        yield from (each for each in self.data if isinstance(each, Mapping))
        if self.words.startswith("{"):
            try:
                read = from_json(self.words, allow_inf_nan=False)
            except ValueError:
                return
            if isinstance(read, dict):
                yield read
