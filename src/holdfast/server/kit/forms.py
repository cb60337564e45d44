"""Forms of pages without files, as browsers and clients of OAuth send them."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from holdfast.core.domain.errors import InvalidError
from holdfast.server.kit.body import spooled

FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 100
_LONGEST = 256 * 1024
"""Bytes of a form."""


async def sent_fields(request: Request) -> tuple[tuple[str, str], ...]:
    """Returns the names and values of a form, as often as they are there, empty ones too.

    Raises `InvalidError` for a body of another type or with too many of them, `TooLargeError`.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise InvalidError(f"The body must be a form: {FORM}.", code="malformed_form")
    async with spooled(request, _LONGEST, "a form is short") as file:
        body = file.read()
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise InvalidError(f"The form cannot be read: {error}", code="malformed_form") from None
    return tuple(fields)
