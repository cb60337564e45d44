"""What reading a document gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from holdfast.core.domain.knowledge import Place


class Style(StrEnum):
    """How a text is built, which decides where it is cut."""

    TEXT = "text"
    """Paragraphs and sentences."""
    MARKDOWN = "markdown"
    """Headings, lists, tables, code."""
    PYTHON = "python"
    """Lines, below classes and functions."""
    LINES = "lines"
    """Lines, of data or of code; blank ones part what belongs together."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a text."""

    start: int
    """Offset of its line."""
    end: int
    """Offset behind it."""
    level: int
    """It stands under those before it with a smaller one."""
    title: str
    """Empty: it only ends what stands before it."""


@dataclass(frozen=True, slots=True)
class Extract:
    """The text of a document, as its format gives it."""

    text: str
    style: Style
    title: str = ""
    pages: tuple[int, ...] | None = None
    """Offset in `text` at which each page begins; None for a document without pages."""
    has_lines: bool = False
    """Whether the lines of `text` are those of the file."""
    headings: tuple[Heading, ...] | None = None
    """Those that the format knows, in their order; None: those that the text's style shows."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a document: `text` is `Parsed.text[place.start:place.end]`."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document that has been read and cut."""

    text: str
    """All of it, without control characters; the places of the pieces refer to it."""
    title: str
    """What the document says its title is; empty when it says none."""
    media_type: str
    pages: int | None
    """How many pages, slides or sheets it has; None for a document without them."""
    digest: str
    """SHA-256 of its bytes, in hexadecimal."""
    size: int
    """In bytes."""
    modified_at: datetime | None
    """Of the file, in UTC."""
    chunks: tuple[Piece, ...]
    """In the order of the document, never empty."""
