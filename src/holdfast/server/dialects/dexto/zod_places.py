"""What a type takes at a place of what was sent, in JavaScript's words: read from the type's JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from holdfast.server.kit.reading import adapter_of

Schema = dict[str, Any]
Path = list[int | str]

_TYPES = {"integer": "number"}


class Places:
    """The places of one type."""

    def __init__(self, kind: Any) -> None:
        """`kind` is whatever pydantic checks values against."""
        self._whole: Schema = adapter_of(kind).json_schema()

    def at(self, place: Iterable[int | str]) -> tuple[Path, Schema]:
        """Returns a place as a client knows it, without the names that pydantic gives to the forms of a union
        that a key tells apart; and what is taken there."""
        here, path = self._whole, Path()
        for step in place:
            here = self._plain(here)
            forms = here.get("discriminator", {}).get("mapping", {})
            if step in forms:
                here = {"$ref": forms[step]}
                continue
            path.append(step)
            here = _under(here, step)
        return path, self._plain(here)

    def expected(self, schema: Schema) -> tuple[str, ...]:
        """Returns what is taken at a place: one type, or those of a union."""
        here = self._plain(schema)
        choices = here.get("enum") or ([here["const"]] if "const" in here else [])
        if choices:
            return (" | ".join(f"'{each}'" for each in choices),)
        if "discriminator" in here:
            return ("object",)
        forms = here.get("anyOf") or here.get("oneOf")
        if forms:
            return tuple(name for each in forms for name in self.expected(each))
        kind = here.get("type")
        return (_TYPES.get(kind, kind) if isinstance(kind, str) else "unknown",)

    def _plain(self, schema: Schema) -> Schema:
        """Returns a schema without references, and without null where that is its one other form."""
        while True:
            some = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
            if "$ref" in schema:
                schema = self._whole["$defs"][schema["$ref"].rpartition("/")[2]]
            elif len(some) == 1:
                schema = some[0]
            else:
                return schema


def _under(schema: Schema, step: int | str) -> Schema:
    more = schema.get("items") if isinstance(step, int) else schema.get("additionalProperties")
    found: Schema = schema.get("properties", {}).get(step) or (more if isinstance(more, dict) else {})
    return found


@cache
def places_of(kind: Any) -> Places:
    """Returns the places of a type; made once."""
    return Places(kind)
