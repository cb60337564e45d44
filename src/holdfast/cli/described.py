"""What options describe: values by their names, headers, and a thing of the domain made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from holdfast.core.domain.errors import InvalidError

if TYPE_CHECKING:
    from pydantic import BaseModel

_Model = TypeVar("_Model", bound="BaseModel")


def read_pairs(texts: Iterable[str] | None, option: str) -> dict[str, str]:
    """Returns what each `NAME=VALUE` says. Raises `InvalidError`, which repeats no value: it may be a key."""
    return dict(_pair(each, "=", f"{option}: write NAME=VALUE") for each in texts or ())


def read_headers(texts: Iterable[str] | None) -> dict[str, str]:
    """Returns what each `NAME: VALUE` says, as headers of a request. Raises `InvalidError` likewise."""
    pairs = (_pair(each, ":", "--header: write NAME: VALUE") for each in texts or ())
    return {name: value.strip() for name, value in pairs}


def made_of(kind: type[_Model], given: Mapping[str, Any], called: str) -> _Model:
    """Returns the `kind` that `given` describes, `called` so in messages. Raises `InvalidError` with what is
    wrong first."""
    from pydantic import ValidationError  # start-up time: commands that make nothing do not need it

    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or called
        raise InvalidError(f"{place}: {first['msg'].removeprefix('Value error, ')}") from error


def _pair(text: str, separator: str, otherwise: str) -> tuple[str, str]:
    name, found, value = text.partition(separator)
    if not found or not name.strip():
        raise InvalidError(otherwise)
    return name.strip(), value
