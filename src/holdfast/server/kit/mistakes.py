"""What is wrong with what was sent, as far as it can be told. Imports no web framework: clients use it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from holdfast.core.domain.errors import InvalidError

_MOST = 1_000
_MAX_INTEGER = 2**63 - 1

_OF_PYDANTIC = (
    (r"^Value error, ", ""),
    (r"^\w+( \w+)? should ", "must "),
    (r"\bvalid (tuple|list)$", "list"),
    (r" after validation, not .*$|, unable to parse .*$", ""),
)
"""What turns pydantic's words into those of somebody who has not written Python."""


def mistakes_in(error: ValidationError) -> list[ErrorDetails]:
    """Returns the mistakes, without what was sent. Raises `InvalidError` when there are too many."""
    count = error.error_count()
    if count > _MOST:  # to tell the first ones, a list of all would be made
        raise InvalidError(f"There are {count} mistakes in the request", code="invalid_request")
    return error.errors(include_input=False, include_url=False, include_context=False)


def unaskable(value: object) -> str:
    """Returns why neither the database nor a file system can be asked for `value`; empty when they can."""
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        return "is too large a number"
    return "must not have a NUL character" if isinstance(value, str) and "\0" in value else ""


def explained(mistake: Mapping[str, Any]) -> str:
    """Returns what is wrong, as it can stand behind the name of the field."""
    match mistake["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not known here"
        case "model_type" | "dict_type" | "model_attributes_type":
            return "must be an object"
    text = str(mistake["msg"])
    for pattern, instead in _OF_PYDANTIC:
        text = re.sub(pattern, instead, text)
    return text
