"""A dialect as an OpenAPI document, made from its table of operations."""

from __future__ import annotations

import posixpath
import re
from typing import Any

import yaml
from pydantic import TypeAdapter
from pydantic_core import to_json

from holdfast import __version__
from holdfast.server.kit.operations import Dialect, Document, Operation
from holdfast.server.kit.schemas import (
    REF,
    PlainSchemas,
    Schema,
    as_of_3_0,
    describe,
    inlined,
    name_of,
    reached,
    without_null,
)

_PARAMETER = re.compile(r"{(\w+)(?::(\w+))?}")
_KINDS: dict[str | None, Schema] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    "float": {"type": "number"},
}
_FILE: Schema = {"type": "string", "format": "binary"}
_FORM: Schema = {"type": "object", "required": ["file"], "properties": {"file": _FILE}}

_TEXT: Schema = {"type": "string"}
_FRAME: Schema = {"type": "object", "required": ["data"], "properties": {"data": _TEXT}}
_OTHER = {
    "multipart/form-data": _FORM,
    "application/x-www-form-urlencoded": {"type": "object", "additionalProperties": {"type": "string"}},
    "application/json": {"anyOf": [{"type": "object"}, {"type": "array", "items": {}}]},
    "application/jsonl": _TEXT,
    "application/x-yaml": {"type": "object"},
    "text/plain": _TEXT,
    "text/html": _TEXT,
    "text/event-stream": _FRAME,
}


class _OmittedNull(PlainSchemas):
    """Of answers in which fields without a value are left out."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        inner = field["schema"]
        while inner["type"] == "default":
            inner = inner["schema"]
        nothing = self.mode == "serialization" and inner["type"] == "nullable"
        return not nothing and super().field_is_required(field, total)


def json_of(document: dict[str, Any]) -> bytes:
    """Writes a document as JSON."""
    return to_json(document)


def yaml_of(document: dict[str, Any]) -> bytes:
    """Writes a document as YAML."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True, encoding="utf-8")
    return bytes(text)


def document(dialect: Dialect, place: Document) -> dict[str, Any]:
    """Returns the document of a dialect, as `place` says. Takes a while: call it off the loop."""
    return _Writer(dialect, place).document()


def operation_path(operation: Operation) -> str:
    """Returns the path of an operation as OpenAPI writes it."""
    return _PARAMETER.sub(r"{\1}", operation.path)


class _Writer:
    def __init__(self, dialect: Dialect, place: Document) -> None:
        self._dialect = dialect
        self._place = place
        self._operations = [one for one in dialect.operations if one.path.startswith(place.below)]
        self._schemas, components = _schemas(dialect, self._operations)
        self._components = inlined(components) if place.flat else components

    def document(self) -> dict[str, Any]:
        place = self._place
        paths: dict[str, Schema] = {}
        for one in self._operations:
            path = operation_path(one).removeprefix(place.below)
            paths.setdefault(path, {})[one.method.lower()] = self._operation(one)
        used = reached(self._components, [paths])
        return {
            "openapi": place.version,
            "info": {"title": self._dialect.title, "version": __version__},
            "servers": [{"url": posixpath.relpath(place.below or "/", posixpath.dirname(place.path))}],
            "security": [{"key": []}],
            "paths": paths,
            "components": {
                "schemas": {name: self._worded(self._components[name]) for name in sorted(used)},
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            },
        }

    def _worded(self, schema: Schema) -> Any:
        return as_of_3_0(schema) if self._place.version.startswith("3.0") else schema

    def _operation(self, operation: Operation) -> Schema:
        found: Schema = {
            "operationId": operation.id,
            "summary": operation.summary.rstrip("."),
            "parameters": [*_in_path(operation), *self._in_query(operation)],
            "responses": {
                str(operation.status): self._success(operation),
                **{str(status): self._other(operation, status, hint) for status, hint in operation.also},
                "default": self._error(operation),
            },
        }
        if content := self._body(operation):
            required = bool(operation.takes) or operation.required
            found["requestBody"] = {"required": required, "content": content}
        return {**found, "security": []} if operation.public else found

    def _in_query(self, operation: Operation) -> list[Schema]:
        if operation.query is None:
            return []
        schema = self._schemas["query", operation.id]
        schema = self._components[name_of(schema["$ref"])] if "$ref" in schema else schema
        found = []
        for name, each in schema.get("properties", {}).items():
            shown = without_null(each)
            text = shown.pop("description", "")
            said = {"description": text} if text else {}
            required = name in schema.get("required", ())
            found.append(
                {"name": name, "in": "query", "required": required, **said, "schema": self._worded(shown)}
            )
        return found

    def _body(self, operation: Operation) -> Schema:
        if operation.takes:
            return {operation.takes: {"schema": _OTHER.get(operation.takes, _FILE)}}
        if operation.body is None:
            return {}
        return {"application/json": {"schema": self._worded(self._schemas["body", operation.id])}}

    def _success(self, operation: Operation) -> Schema:
        content: Schema = {}
        if operation.result is not None:
            content["application/json"] = {"schema": self._worded(self._schemas["result", operation.id])}
        if operation.gives:
            content[operation.gives] = {"schema": _OTHER.get(operation.gives, _FILE)}
        return {"description": "Done.", **({"content": content} if content else {})}

    def _other(self, operation: Operation, status: int, hint: Any) -> Schema:
        if hint is None:
            return {"description": "Done."}
        schema = self._worded(self._schemas[f"result {status}", operation.id])
        return {"description": "Done.", "content": {"application/json": {"schema": schema}}}

    def _error(self, operation: Operation) -> Schema:
        found: Schema = {"description": "An error."}
        page = {"text/html": {"schema": _TEXT}} if operation.pages else {}
        shaped = any(operation.path.startswith(f"{path}/") for path, _ in self._dialect.shapes)
        if self._dialect.error is None or shaped:
            return found
        return {
            **found,
            "content": {"application/json": {"schema": self._worded(self._schemas["error", ""])}, **page},
        }


def _in_path(operation: Operation) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _KINDS.get(kind or None, {"type": "string"})}
        for name, kind in _PARAMETER.findall(operation.path)
    ]


def _schemas(
    dialect: Dialect, operations: list[Operation]
) -> tuple[dict[tuple[str, str], Schema], dict[str, Schema]]:
    """Returns the schemas by what they are for and the operation's id, and the components that they use."""
    wanted: list[tuple[tuple[str, str], Any, TypeAdapter[Any]]] = []
    hints: list[Any] = []
    for one in operations:
        others = ((f"result {status}", hint) for status, hint in one.also)
        kinds = (("query", one.query), ("body", one.body), ("result", one.result), *others)
        for use, hint in kinds:
            if hint is not None:
                mode = "serialization" if use.startswith("result") else "validation"
                wanted.append(((use, one.id), mode, TypeAdapter(hint)))
                hints.append(hint)
    if dialect.error is not None:
        wanted.append((("error", ""), "serialization", TypeAdapter(dialect.error)))
        hints.append(dialect.error)
    generator = _OmittedNull if dialect.omit_null else PlainSchemas
    found, more = TypeAdapter.json_schemas(wanted, ref_template=REF + "{model}", schema_generator=generator)
    components: dict[str, Schema] = more.get("$defs", {})
    describe(components, hints)
    for schema in components.values():
        schema.pop("title", None)
    return {key: schema for (key, _), schema in found.items()}, components
