"""The bound on pages, for callers in this process; the API's bound is in the type of the parameter."""

from __future__ import annotations

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.values import MAX_LIMIT


def checked_limit(limit: int) -> int:
    """Returns the limit of a page. Raises `InvalidError` when it is not 1 to `MAX_LIMIT`."""
    if not 1 <= limit <= MAX_LIMIT:
        message = f"must be 1 to {MAX_LIMIT}"
        raise InvalidError(
            f"limit: {message}",
            code="invalid_request",
            details={"fields": [{"field": "limit", "message": message}]},
        )
    return limit
