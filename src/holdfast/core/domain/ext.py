"""What clients of other systems keep of a thing of ours, where we have no place for it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError, PydanticSerializationError, to_json

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.nesting import nested_deeper

MAX_BYTES = 64 * 1024
"""Of one map, as JSON."""
MAX_DEPTH = 16
"""Lists and mappings in each other."""


def _bounded(ext: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    if nested_deeper(ext, MAX_DEPTH):
        raise PydanticCustomError("ext", "is nested deeper than {most} levels", {"most": MAX_DEPTH})
    try:
        size = len(to_json(ext))
    except (PydanticSerializationError, UnicodeEncodeError):
        raise PydanticCustomError("ext", "holds what JSON cannot") from None
    if size > MAX_BYTES:
        raise PydanticCustomError("ext", "takes more than {most} KiB as JSON", {"most": MAX_BYTES // 1024})
    return ext


Ext = Annotated[
    dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")], dict[str, Any]],
    Field(max_length=20),
    AfterValidator(_bounded),
]
"""By the name of an API, what its clients keep here. Nothing else reads it, and no model is shown it."""


_EXT: TypeAdapter[Ext] = TypeAdapter(Ext)
_NOTHING = object()


def checked_ext(ext: Ext | None) -> Ext:
    """Returns what is kept of something new. Raises `InvalidError` (`invalid_ext`) for more than fits."""
    try:
        return _EXT.validate_python(ext or {})
    except ValidationError as error:
        raise InvalidError(f"ext: {error.errors()[0]['msg']}.", code="invalid_ext") from None


def differing(one: Ext, other: Ext) -> Ext:
    """Returns what one map has, by API, and the other has not, or otherwise."""
    found = {
        api: {key: value for key, value in kept.items() if other.get(api, {}).get(key, _NOTHING) != value}
        for api, kept in one.items()
    }
    return {api: kept for api, kept in found.items() if kept}


def annotated(before: Ext, said: Ext | None) -> Ext | None:
    """Returns a map with what is said anew: what is kept of APIs that are not named stays, and an empty map
    is taken out. None: nothing is said. Raises `InvalidError` (`invalid_ext`) for more than fits together."""
    if said is None:
        return None
    return checked_ext({name: each for name, each in {**before, **said}.items() if each})
