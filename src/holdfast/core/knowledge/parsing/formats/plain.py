"""Text, source code and data whose lines are read as they stand."""

from __future__ import annotations

from holdfast.core.knowledge.parsing.decoding import clean, decode
from holdfast.core.knowledge.parsing.media import PYTHON, TEXT
from holdfast.core.knowledge.parsing.model import Extract, Style

_PROSE = frozenset({TEXT, "text/x-rst", "text/x-tex", "text/x-asciidoc", "text/x-org"})


def extract_plain(data: bytes, media_type: str) -> Extract:
    """Returns the text as it is."""
    style = Style.PYTHON if media_type == PYTHON else Style.TEXT if media_type in _PROSE else Style.LINES
    return Extract(clean(decode(data)), style, has_lines=True)
