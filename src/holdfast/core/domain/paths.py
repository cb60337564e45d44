"""Paths as people write them, and where they lead."""

from __future__ import annotations

import os
from pathlib import Path

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.text import sanitize_line, shorten


def path_of(named: str | Path) -> Path:
    """Returns the path that is meant, `~` and `~USER` replaced. Raises `NotFoundError` for a user that there
    is not."""
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        shown = shorten(sanitize_line(str(named)), 200)
        raise NotFoundError(
            f"{shown}: there is no such home folder; write the whole path", code="file_not_found"
        ) from error


def real_path(path: Path) -> Path:
    """Returns where a path leads, links followed; one that leads in a circle leads to what is there instead
    of failing, as `Path.resolve` does."""
    return Path(os.path.realpath(path))
