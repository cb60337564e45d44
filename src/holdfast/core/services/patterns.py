"""Patterns of paths, such as `**/*.md`, in which `**` stands for any folders."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePath

from holdfast.core.domain.errors import InvalidError

LONGEST_PATTERN = 1_000
MOST_SEGMENTS = 50


def checked_pattern(pattern: str) -> str:
    """Returns a pattern of paths below a folder. Raises `InvalidError` (`invalid_pattern`)."""
    segments = pattern.split("/")
    if not pattern.strip() or pattern.startswith("/") or ".." in segments:
        raise InvalidError(
            "A pattern is of paths below the folder, such as `**/*.md`.", code="invalid_pattern"
        )
    if len(pattern) > LONGEST_PATTERN or len(segments) > MOST_SEGMENTS:
        raise InvalidError(
            f"A pattern has at most {LONGEST_PATTERN} characters and {MOST_SEGMENTS} segments.",
            code="invalid_pattern",
        )
    return pattern


def fits(path: str, folder: str, pattern: str) -> bool:
    """Says whether what `path` is called below `folder` fits a pattern."""
    wanted = [segment for segment in pattern.split("/") if segment not in ("", ".")]
    # The places in the pattern that can be reached with the segments read until now.
    places = _onward({0}, wanted)
    for name in PurePath(path).relative_to(folder).parts:
        stayed = {at for at in places if at < len(wanted) and wanted[at] == "**"}
        moved = {
            at + 1
            for at in places
            if at < len(wanted) and wanted[at] != "**" and fnmatchcase(name, wanted[at])
        }
        places = _onward(stayed | moved, wanted)
    return len(wanted) in places


def _onward(places: set[int], wanted: list[str]) -> set[int]:
    """Adds the places that are reached by `**` for no folder at all."""
    reached = set(places)
    for at, segment in enumerate(wanted):
        if segment == "**" and at in reached:
            reached.add(at + 1)
    return reached
