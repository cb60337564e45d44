"""Cursors: the place where a page of a listing ended, as text that callers hand back."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from holdfast.core.domain.errors import InvalidError


class Keyset:
    """One listing with one set of filters; its cursors hold the sort key of a page's last row."""

    def __init__(self, listing: str, *filters: object) -> None:
        said = json.dumps([listing, *filters]).encode()
        self._mark = hashlib.sha256(said).hexdigest()[:12]

    def read(self, cursor: str | None, *kinds: type) -> list[Any] | None:
        """Returns the values in a cursor, each of its kind; None for the start of the listing.

        Raises `InvalidError` (`invalid_cursor`) for what this listing with these filters has not written.
        """
        if cursor is None:
            return None
        try:
            mark, *values = json.loads(base64.b64decode(cursor.encode("ascii"), b"-_", validate=True))
        except (ValueError, TypeError, RecursionError):
            raise _invalid() from None
        if mark != self._mark or len(values) != len(kinds):
            raise _invalid()
        if not all(_is(value, kind) for value, kind in zip(values, kinds, strict=True)):
            raise _invalid()
        return list(values)

    def write(self, *values: str | int | float) -> str:
        """Returns the cursor of a place."""
        return base64.b64encode(json.dumps([self._mark, *values]).encode(), b"-_").decode()

    def cut(
        self, rows: Sequence[sqlite3.Row], limit: int, *keys: str
    ) -> tuple[Sequence[sqlite3.Row], str | None]:
        """Returns the first `limit` rows, and the cursor after them when there are more.

        `keys` are the columns of the sort key.
        """
        if len(rows) <= limit:
            return rows, None
        kept = rows[:limit]
        return kept, self.write(*(kept[-1][key] for key in keys))


def _is(value: object, kind: type) -> bool:
    fits = not isinstance(value, int) or abs(value) < 1 << 63
    return type(value) is kind and fits


def _invalid() -> InvalidError:
    return InvalidError(
        "cursor: is not one of this listing with these filters; take `next_cursor` of the page before, or "
        "leave it out to begin anew.",
        code="invalid_cursor",
        details={"fields": [{"field": "cursor", "message": "is not one of this listing"}]},
    )
