"""What requests of a dialect say, read as tolerantly as its upstream reads it, and then checked exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json
from starlette.requests import Request

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.text import shorten
from holdfast.server.kit.body import check_values, spooled
from holdfast.server.kit.mistakes import explained, mistakes_in, unaskable

Refuse = Callable[[ValidationError, Any], InvalidError]
"""Makes the error that tells of mistakes in what was to be of a type."""

_SHOWN = 5
_MOST = 20
_LONGEST_FIELD = 200


async def read_anyhow(request: Request, limit: int) -> Any:
    """Returns the JSON of a body, whatever its `Content-Type` says; None for an empty body.

    Raises `InvalidError` for what is no JSON, `TooLargeError` for more than `limit` bytes or too many values.
    """
    async with spooled(request, limit, "send large content as a file") as file:
        body = file.read()
    return json_of_bytes(body)


def json_of_bytes(body: bytes, *, cut: bool = False) -> Any:
    """Returns the JSON that a body is; None for an empty one. Of one that is `cut` off, what is whole of it.
    Raises what `read_anyhow` raises."""
    if not body.strip():
        return None
    check_values(body)
    try:
        # Unlike `json.loads` it refuses what is nested too deep, halves of characters, and `NaN`.
        return from_json(body, allow_inf_nan=False, allow_partial=cut)
    except ValueError as error:
        raise InvalidError(f"The body is no JSON: {error}", code="invalid_json") from None


def parsed(kind: Any, given: Any, refuse: Refuse | None = None) -> Any:
    """Returns `given` as a value of the type `kind`. Raises the `InvalidError` that `refuse` makes; without
    it one whose `details.fields` has each mistake as `{field, message}`."""
    try:
        value = adapter_of(kind).validate_python(given)
    except ValidationError as error:
        raise (refuse or mistaken)(error, kind) from None
    if isinstance(value, BaseModel):
        check_plain(dict(value))
    return value


def check_plain(given: Mapping[str, Any]) -> None:
    """Raises `InvalidError` for parameters that neither the database nor a file system can be asked for."""
    for name, value in given.items():
        if wrong := unaskable(value):
            field = shorten(name, _LONGEST_FIELD)
            fields = [{"field": field, "message": wrong}]
            raise InvalidError(f"{field}: {wrong}", code="invalid_request", details={"fields": fields})


def mistaken(error: ValidationError, kind: Any = None) -> InvalidError:
    """Returns the error that tells of the mistakes in what was sent."""
    found = mistakes_in(error)[:_MOST]
    fields = [
        {"field": shorten(".".join(map(str, one["loc"])), _LONGEST_FIELD), "message": explained(one)}
        for one in found
    ]
    shown = "; ".join(f"{one['field'] or 'body'}: {one['message']}" for one in fields[:_SHOWN])
    return InvalidError(shown, code="invalid_request", details={"fields": fields})


@cache
def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """Returns what reads and writes values of the type `kind`; made once."""
    return TypeAdapter(kind)


def query_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Returns the parameters of a query; of one that is there several times, the last counts. Empty ones are
    left out: clients send them for what they have no value for."""
    return {name: value for name, value in pairs if value != ""}


def json_value(text: str, field: str) -> Any:
    """Returns the JSON that is the text of a field. Raises `InvalidError` for what is none, `TooLargeError`
    for too many values."""
    check_values(text.encode())
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidError(f"{field} is no JSON: {error}", code="invalid_json") from None


def json_object(text: str | None, field: str) -> dict[str, Any]:
    """Returns the object that a parameter holds as JSON; empty where it is not there. Raises what
    `json_value` raises."""
    value = json_value(text, field) if text else {}
    if not isinstance(value, dict):
        raise InvalidError(f"{field} must be a JSON object.", code="invalid_request")
    check_plain(value)
    return value


def ids_of(joined: str) -> tuple[str, ...]:
    """Returns the ids of a list that is joined by commas."""
    return tuple(each for part in joined.split(",") if (each := part.strip()))
