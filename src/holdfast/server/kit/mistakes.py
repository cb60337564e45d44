"""What is wrong with what was sent, as far as it can be told. Imports no web framework: clients use it."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from holdfast.core.domain.errors import InvalidError

_MOST = 1_000


def mistakes_in(error: ValidationError) -> list[ErrorDetails]:
    """Returns the mistakes, without what was sent. Raises `InvalidError` when there are too many."""
    count = error.error_count()
    if count > _MOST:  # to tell the first ones, a list of all would be made
        raise InvalidError(f"There are {count} mistakes in the request", code="invalid_request")
    return error.errors(include_input=False, include_url=False, include_context=False)
