"""Matching paths with glob patterns, in time that no pattern can blow up."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache


def path_matches(pattern: str, path: str) -> bool:
    """Says whether `path` fits `pattern`.

    `*`, `?` and `[…]` stay within one name, `**` stands for any number of folders. A pattern without a
    slash is matched with the last name only, as in `*.py`.
    """
    pattern = pattern.removeprefix("./")
    if "/" not in pattern and pattern != "**":
        return fnmatchcase(path.rsplit("/", 1)[-1], pattern)
    patterns = tuple(part for part in pattern.split("/") if part)
    names = tuple(path.split("/"))

    @cache
    def fits(i: int, j: int) -> bool:
        if i == len(patterns):
            return j == len(names)
        if patterns[i] == "**":
            return fits(i + 1, j) or (j < len(names) and fits(i, j + 1))
        return j < len(names) and fnmatchcase(names[j], patterns[i]) and fits(i + 1, j + 1)

    return fits(0, 0)
