"""What goes through the pipes between a worker and its parser.

A request is a line of JSON. The parser says `TAKEN` as soon as it has it: what happens from then on is the
document's doing. An answer is two lengths (of a head, of a text), a head of JSON and the text in UTF-8:
pieces are sent as places only, for the text has them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from holdfast.core.domain.errors import ErrorInfo, HoldfastError, from_info
from holdfast.core.domain.knowledge import Chunking, Place
from holdfast.core.knowledge.parsing.model import Parsed, Piece

TAKEN = b"\x06"
"""In front of everything: the order has been read."""

LENGTHS = struct.Struct(">QQ")
"""In front of an answer: bytes of its head, bytes of its text."""


@dataclass(frozen=True, slots=True)
class Order:
    """A document to read."""

    path: Path
    name: str
    max_bytes: int
    timeout_s: float
    chunking: Chunking
    media_type: str = ""


def encode_order(order: Order) -> bytes:
    """Returns the line that asks for a document; any path can stand in it."""
    fields = {
        "path": str(order.path),
        "name": order.name,
        "max_bytes": order.max_bytes,
        "timeout_s": order.timeout_s,
        "chunking": order.chunking.model_dump(),
        "media_type": order.media_type,
    }
    return json.dumps(fields).encode() + b"\n"  # in ASCII: bytes of a path that are no UTF-8 survive


def decode_order(line: bytes) -> Order:
    """Returns what `encode_order` was given."""
    fields = json.loads(line)
    chunking = Chunking.model_validate(fields.pop("chunking"))
    return Order(path=Path(fields.pop("path")), chunking=chunking, **fields)


def encode_parsed(parsed: Parsed) -> tuple[bytes, bytes]:
    """Returns the lengths with the head, and the text."""
    head = {
        "title": parsed.title,
        "media_type": parsed.media_type,
        "pages": parsed.pages,
        "digest": parsed.digest,
        "size": parsed.size,
        "modified_at": parsed.modified_at.isoformat() if parsed.modified_at else None,
        "places": [_fields(piece.place) for piece in parsed.chunks],
    }
    return _framed(head, parsed.text.encode())


def encode_failure(error: HoldfastError) -> tuple[bytes, bytes]:
    """Returns the answer that says why there is none."""
    return _framed({"error": error.info.model_dump(mode="json")}, b"")


def decode_answer(head: bytes, text: bytes) -> Parsed:
    """Returns the document of an answer. Raises the error that it tells of instead."""
    fields = json.loads(head)
    if "error" in fields:
        raise from_info(ErrorInfo.model_validate(fields["error"]))
    whole = text.decode()
    modified = fields["modified_at"]
    return Parsed(
        text=whole,
        title=fields["title"],
        media_type=fields["media_type"],
        pages=fields["pages"],
        digest=fields["digest"],
        size=fields["size"],
        modified_at=datetime.fromisoformat(modified) if modified else None,
        chunks=tuple(_piece(whole, place) for place in fields["places"]),
    )


def _framed(head: Mapping[str, Any], text: bytes) -> tuple[bytes, bytes]:
    encoded = json.dumps(head).encode()
    return LENGTHS.pack(len(encoded), len(text)) + encoded, text


def _fields(place: Place) -> list[Any]:
    return [
        place.start,
        place.end,
        place.line,
        place.last_line,
        place.page,
        place.last_page,
        place.headings,
    ]


def _piece(text: str, fields: list[Any]) -> Piece:
    start, end, line, last_line, page, last_page, headings = fields
    place = Place(
        start=start,
        end=end,
        line=line,
        last_line=last_line,
        page=page,
        last_page=last_page,
        headings=tuple(headings),
    )
    return Piece(text[start:end], place)
