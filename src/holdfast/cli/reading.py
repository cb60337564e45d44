"""Reads files that a person names on the command line."""

from __future__ import annotations

from pathlib import Path

from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.paths import path_of


def read_text(named: str | Path) -> str:
    """Returns the text of a file. Raises `NotFoundError` for one that cannot be read, `InvalidError` for one
    that is no UTF-8."""
    try:
        return path_of(named).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {named}", code="file_not_found") from None
    except OSError as error:
        raise NotFoundError(f"{named} cannot be read: {error.strerror}") from error
    except ValueError as error:  # other bytes; or a NUL in the name
        raise InvalidError(f"{named} cannot be read as text: {error}") from error
