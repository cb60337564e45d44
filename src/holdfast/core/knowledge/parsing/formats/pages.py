"""Texts of pages as one."""

from __future__ import annotations

from collections.abc import Iterable

_BETWEEN = "\n\n"


def joined(pages: Iterable[str]) -> tuple[str, tuple[int, ...]]:
    """Returns the text of all pages, a blank line between them, and the offset at which each begins."""
    starts: list[int] = []
    parts: list[str] = []
    offset = 0
    for page in pages:
        starts.append(offset)
        parts.append(page)
        offset += len(page) + len(_BETWEEN)
    return _BETWEEN.join(parts), tuple(starts)
