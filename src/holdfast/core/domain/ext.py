"""What clients of other systems keep of a thing of ours, where we have no place for it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError, PydanticSerializationError, to_json

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


def annotated(before: Ext, said: Ext | None) -> Ext | None:
    """Returns a map with what is said anew: what is kept of APIs that are not named stays, and an empty map
    is taken out. None: nothing is said."""
    return None if said is None else {name: each for name, each in {**before, **said}.items() if each}
