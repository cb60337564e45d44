"""JSON Schemas from outside, taken in: within limits, and without references when they are done.

Whoever describes a tool's arguments may be hostile. A schema that came through here is a finite tree: what
reads it later (models, validation) needs no reference, no address and no file.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.nesting import nested_deeper

MAX_DEPTH = 40
"""Schemas in each other."""
MAX_NODES = 5_000
"""Schemas in one, those that references stand for included."""
MAX_CHARACTERS = 200_000
"""Of the whole schema as JSON, what references stand for included."""
_TALL = 4 * MAX_DEPTH
"""Lists and objects in each other: between two schemas stand one or two of them."""

MAPS = frozenset(("properties", "patternProperties", "dependentSchemas"))
"""Keywords that hold schemas by name."""
LISTS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
"""Keywords that hold lists of schemas."""
SINGLES = frozenset(
    (
        *("additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"),
        *("unevaluatedItems", "unevaluatedProperties"),
    )
)
"""Keywords that hold a schema."""
_ANNOTATIONS = frozenset(("default", "deprecated", "description", "examples", "title"))
_GONE = frozenset(("$anchor", "$comment", "$defs", "$id", "$ref", "$schema", "definitions"))
_MOVING = ("$dynamicRef", "$recursiveRef")


def self_contained(schema: Any) -> dict[str, Any]:
    """Returns a schema of an object with what its references stand for in their place.

    A reference inside what it refers to becomes a schema that takes anything: there is no end to it. Nothing
    else is added or left out but `$schema` and the like. Raises `InvalidError` (`invalid_schema`) for what is
    no JSON Schema of an object, too large, or refers to something outside of itself.
    """
    if not isinstance(schema, dict):
        raise _unusable("it is no JSON object")
    if nested_deeper(schema, _TALL):
        raise _unusable("it is nested too deep")
    plain = _Inlining(schema).schema(schema, 0, frozenset(("#",)))
    assert isinstance(plain, dict)  # made of an object
    if plain.get("type", "object") != "object":
        raise _unusable("arguments are an object: its type must be `object`")
    _check(plain)
    return plain


class _Inlining:
    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._nodes = 0
        self._characters = 0

    def schema(self, node: Any, depth: int, within: frozenset[str]) -> dict[str, Any] | bool:
        """`within`: the references that led here."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _unusable(f"it has more than {MAX_NODES} schemas, references counted")
        if depth > MAX_DEPTH:
            raise _unusable(f"schemas stand in each other more than {MAX_DEPTH} deep, references counted")
        if isinstance(node, bool):
            return node
        if not isinstance(node, dict):
            raise _unusable(f"{str(node)[:80]!r} stands where a schema must be")
        if any(key in node for key in _MOVING):
            raise _unusable("$dynamicRef and $recursiveRef are not supported; write $ref")
        own = {key: self._value(key, value, depth, within) for key, value in node.items() if key not in _GONE}
        if "$ref" not in node:
            return own
        ref = node["$ref"]
        if ref in within:
            return {key: value for key, value in own.items() if key in _ANNOTATIONS}
        target = self.schema(self._target(ref), depth + 1, within | {ref})
        if isinstance(target, dict) and not (own.keys() & target.keys()) - _ANNOTATIONS:
            return {**target, **own}
        return {**own, "allOf": [*own.get("allOf", ()), target]}

    def _value(self, key: str, value: Any, depth: int, within: frozenset[str]) -> Any:
        self._characters += len(key) + 4
        if key in MAPS and isinstance(value, dict):
            return {name: self.schema(one, depth + 1, within) for name, one in self._named(value)}
        if key in LISTS and isinstance(value, list):
            return [self.schema(one, depth + 1, within) for one in value]
        if key in SINGLES:
            return self.schema(value, depth + 1, within)
        self._count(value)
        return value

    def _named(self, schemas: dict[str, Any]) -> list[tuple[str, Any]]:
        self._count(list(schemas))
        return list(schemas.items())

    def _count(self, value: Any) -> None:
        self._characters += len(json.dumps(value, default=str))
        if self._characters > MAX_CHARACTERS:
            raise _unusable(f"it has more than {MAX_CHARACTERS:,} characters, references counted")

    def _target(self, ref: Any) -> Any:
        if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")):
            raise _unusable(
                f"it refers to {str(ref)[:80]!r}; only references into itself (#/…) can be followed"
            )
        node: Any = self._root
        for part in ref.split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
                node = node[int(name)]
            elif isinstance(node, dict) and name in node:
                node = node[name]
            else:
                raise _unusable(f"it refers to {ref[:80]!r}, which is not in it")
        return node


def _check(schema: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator, FormatChecker  # takes a while; many engines need none
    from jsonschema.exceptions import SchemaError

    try:
        # Without formats: nothing is done with `pattern` here, and Python's own may take long to read one.
        Draft202012Validator.check_schema(schema, format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        raise _unusable(f"{error.json_path}: {error.message[:300]}") from error


def _unusable(why: str) -> InvalidError:
    return InvalidError(f"The JSON Schema cannot be used: {why}.", code="invalid_schema")
