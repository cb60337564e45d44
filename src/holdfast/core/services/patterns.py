"""Patterns of paths, such as `**/*.md`, in which `**` stands for any folders."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from holdfast.core.domain.errors import InvalidError, TooLargeError
from holdfast.core.domain.text import shorten
from holdfast.core.services.sources import Walk

LONGEST_PATTERN = 1_000
MOST_SEGMENTS = 50
MOST_FITTING = 5_000
"""Files that one pattern names: each stands in the record of the job."""


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


def fitting(walk: Walk, named: Iterable[Path], pattern: str) -> list[Path]:
    """Returns the files that are meant by `pattern`: of folders those that fit. Raises `InvalidError` where
    none does, `TooLargeError` for too many. Blocks."""
    found: list[Path] = []
    for path in named:
        if not path.is_dir():
            found.append(path)
            continue
        files = walk(str(path)).files
        found += [Path(file.real or file.path) for file in files if fits(file.path, str(path), pattern)]
        if len(found) > MOST_FITTING:
            raise TooLargeError(
                f"More than {MOST_FITTING} files fit {shorten(pattern, 100)!r}; take them in by several "
                "patterns, or the whole folder without one.",
                code="too_many_files",
                details={"limit": MOST_FITTING},
            )
    if not found:
        raise InvalidError(f"No file fits {pattern!r}.", code="nothing_to_add")
    return found


def _onward(places: set[int], wanted: list[str]) -> set[int]:
    """Adds the places that are reached by `**` for no folder at all."""
    reached = set(places)
    for at, segment in enumerate(wanted):
        if segment == "**" and at in reached:
            reached.add(at + 1)
    return reached
