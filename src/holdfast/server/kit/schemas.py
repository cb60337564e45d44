"""JSON Schemas for OpenAPI documents, made from types."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from holdfast.core.config.texts import field_texts
from holdfast.server.kit.records import records_in

Schema = dict[str, Any]

REF = "#/components/schemas/"
NULL = {"type": "null"}
_NOTHING: Schema = {"type": "string", "nullable": True, "enum": [None]}
"""What `NULL` is in OpenAPI 3.0."""

_BY_NAME = ("properties", "patternProperties", "$defs")
"""Keywords whose value has names of its own for keys."""
_VERBATIM = ("default", "enum", "const", "examples", "required", "mapping")
_NEWER = (
    "contentMediaType",
    "contentSchema",
    "contentEncoding",
    "propertyNames",
    "patternProperties",
    "$schema",
)
"""Keywords that OpenAPI 3.0 does not know."""


class PlainSchemas(GenerateJsonSchema):
    """Makes schemas without titles."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """No: they only say the names again."""
        return False


def without_null(schema: Schema) -> Schema:
    """Returns a schema of what can stand in a path or a query, where nothing is null."""
    choices = [each for each in schema.get("anyOf", ()) if each != NULL]
    if len(choices) == len(schema.get("anyOf", ())):
        return dict(schema)
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if rest.get("default", ...) is None:
        del rest["default"]
    return {**choices[0], **rest} if len(choices) == 1 else {"anyOf": choices, **rest}


def describe(components: dict[str, Schema], hints: Iterable[Any]) -> None:
    """Gives the fields of the records that `hints` name the texts that stand under them in the code."""
    models: dict[str, type[BaseModel]] = {}
    for hint in hints:
        models |= {re.sub(r"\W", "_", record.__name__): record for record in records_in(hint)}
    for name, schema in components.items():
        model = models.get(re.sub(r"-(In|Out)put$", "", name))
        for field, text in field_texts(model).items() if model is not None else ():
            alias = model.model_fields[field].alias if model and field in model.model_fields else None
            if (said := alias or field) in schema.get("properties", {}):
                schema["properties"][said].setdefault("description", text)


def reached(components: dict[str, Schema], start: Iterable[Any]) -> set[str]:
    """Returns the names of all components that schemas refer to, directly or not."""
    found: set[str] = set()
    pending = [name for schema in start for name in names_in(schema)]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(names_in(components[name]))
    return found


def names_in(schema: Any) -> list[str]:
    """Returns the names of the components that a schema refers to."""
    if isinstance(schema, list):
        return [name for each in schema for name in names_in(each)]
    if not isinstance(schema, dict):
        return []
    own = [name_of(schema["$ref"])] if isinstance(schema.get("$ref"), str) else []
    return [*own, *(name for each in schema.values() for name in names_in(each))]


def inlined(components: dict[str, Schema]) -> dict[str, Schema]:
    """Returns the components with what they refer to in place of the references, but where something holds
    itself."""
    return {name: _inlined(schema, components, (name,)) for name, schema in components.items()}


def _inlined(schema: Any, components: dict[str, Schema], above: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_inlined(each, components, above) for each in schema]
    if not isinstance(schema, dict):
        return schema
    own = {key: _inlined(each, components, above) for key, each in schema.items() if key != "discriminator"}
    name = name_of(own["$ref"]) if isinstance(own.get("$ref"), str) else ""
    if not name or name in above:
        return own
    del own["$ref"]
    return {**_inlined(components[name], components, (*above, name)), **own}


def name_of(reference: str) -> str:
    """Returns the name of the component that a reference leads to."""
    return reference.removeprefix(REF)


# --- OpenAPI 3.0


def as_of_3_0(schema: Any) -> Any:
    """Returns a schema of JSON Schema 2020-12 in the older words that OpenAPI 3.0 has."""
    if not isinstance(schema, dict):
        return schema
    made = {key: _inside(key, value) for key, value in schema.items() if key not in _NEWER}
    if "patternProperties" in schema and "additionalProperties" not in made:
        made["additionalProperties"] = as_of_3_0(next(iter(schema["patternProperties"].values())))
    for change in (_bounds, _constants, _nullable, _reference):
        made = change(made)
    if made.get("default", ...) is None and not made.get("nullable"):
        del made["default"]  # in answers it says of a field that it may be missing; null it never is
    return made


def _inside(key: str, value: Any) -> Any:
    if key in _VERBATIM:
        return value
    if key in _BY_NAME:
        return {name: as_of_3_0(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_of_3_0(each) for each in value]
    return as_of_3_0(value)


def _bounds(schema: Schema) -> Schema:
    for new, old in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(new), int | float) and not isinstance(schema[new], bool):
            schema[old], schema[new] = schema[new], True
    if "prefixItems" in schema:
        parts = schema.pop("prefixItems")
        schema["items"] = {"anyOf": parts} if parts else {}
    if schema.get("type") == "array":
        schema.setdefault("items", {})
    return schema


def _constants(schema: Schema) -> Schema:
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if "examples" in schema:
        schema["example"] = schema.pop("examples")[0]
    return schema


def _nullable(schema: Schema) -> Schema:
    if schema == NULL or schema.get("type") == "null":
        return {**schema, **_NOTHING}
    for key in ("anyOf", "oneOf"):
        choices = [each for each in schema.get(key, ()) if each.get("enum") != [None]]
        if len(choices) == len(schema.get(key, ())):
            continue
        rest = {name: value for name, value in schema.items() if name != key}
        if all("$ref" in each for each in choices):  # what it refers to takes no null
            return {key: [*choices, _NOTHING], **rest}
        choices = [_or_null(each) for each in choices]
        return {**(choices[0] if len(choices) == 1 else {key: choices}), **rest, "nullable": True}
    return schema


def _or_null(schema: Schema) -> Schema:
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    return schema if "$ref" in schema else {**schema, "nullable": True}


def _reference(schema: Schema) -> Schema:
    """Beside a reference nothing else counts in 3.0."""
    if "$ref" not in schema or len(schema) == 1:
        return schema
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    return {"allOf": [{"$ref": schema["$ref"]}], **rest}
