"""Cursors of the index's listings: the sort key of a page's last row, as text."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.values import MAX_LIMIT


def within(limit: int) -> int:
    """Returns a page's length that is allowed."""
    return max(1, min(limit, MAX_LIMIT))


def write_cursor(*key: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def read_cursor(cursor: str, *kinds: type) -> list[Any]:
    """Returns the key in a cursor. Raises `InvalidError` (`invalid_cursor`)."""
    try:
        key = json.loads(base64.b64decode(cursor.encode("ascii"), b"-_", validate=True))
    except (ValueError, RecursionError):
        raise _invalid() from None
    if not isinstance(key, list) or not _fits(key, kinds):
        raise _invalid()
    return key


def _fits(key: Sequence[object], kinds: Sequence[type]) -> bool:
    if len(key) != len(kinds) or any(type(v) is not k for v, k in zip(key, kinds, strict=True)):
        return False
    return all(abs(value) < 1 << 63 for value in key if isinstance(value, int))


def _invalid() -> InvalidError:
    return InvalidError("The cursor is not one of this listing; begin without one.", code="invalid_cursor")
