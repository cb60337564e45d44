"""The JSON Schemas of all that the native API takes and gives, made from the types of the workbench."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from holdfast.core.domain.events import EVENT
from holdfast.server.kit.schemas import REF, PlainSchemas, Schema, describe, name_of, reached
from holdfast.server.native.codec import codec
from holdfast.server.native.operation import Operation
from holdfast.server.native.operations import OPERATIONS, operations
from holdfast.server.native.words import meanings

_EVENT = "Event"
_EVENT_ID = {
    "type": "integer",
    "minimum": 1,
    "description": "Given by the log when the event is committed; it only grows, over all sessions.",
}


@dataclass(frozen=True, slots=True)
class Schemas:
    """Everything by the names of operations, with references into `components`."""

    components: dict[str, Schema]
    arguments: dict[str, Schema]
    """An object with all parameters, wherever on the wire they stand."""
    results: dict[str, Schema]
    """Of operations that answer with JSON; of streams, what an item is."""


def make_schemas() -> Schemas:
    """Returns the schemas. Takes a good part of a second: call it off the loop."""
    wanted: list[tuple[tuple[str, str], Any, TypeAdapter[Any]]] = [(("", _EVENT), "serialization", EVENT)]
    for operation in OPERATIONS:
        wire = codec(operation)
        wanted.append((("in", operation.name), "validation", TypeAdapter(wire.arguments)))
        if has_result(operation):
            wanted.append((("out", operation.name), "serialization", TypeAdapter(wire.answer_type)))
    found, more = TypeAdapter.json_schemas(
        wanted, ref_template=REF + "{model}", schema_generator=PlainSchemas
    )
    components: dict[str, Schema] = more["$defs"]
    by_direction: dict[str, dict[str, Schema]] = {"": {}, "in": {}, "out": {}}
    for ((direction, name), _), schema in found.items():
        by_direction[direction][name] = schema
    arguments = {name: components.pop(name_of(schema["$ref"])) for name, schema in by_direction["in"].items()}
    components["LoggedEvent"] = _as_sent(by_direction[""][_EVENT], components)
    describe(components, _hints())
    results = by_direction["out"]
    _require(components, arguments.values(), results.values())
    for schema in (*components.values(), *arguments.values()):
        schema.pop("title", None)
    for name, schema in arguments.items():
        for parameter, text in meanings(operations()[name]).items():
            schema["properties"][parameter]["description"] = text
    renamed = _renaming(components)
    return Schemas(
        components={renamed(name): components[name] for name in sorted(components, key=renamed)},
        arguments=_renamed(arguments, renamed),
        results=_renamed(results, renamed),
    )


def has_result(operation: Operation) -> bool:
    """Says whether an operation answers with JSON."""
    return operation.status != 204 and not operation.raw_out


def _as_sent(union: Schema, components: dict[str, Schema]) -> Schema:
    """Returns the schema of events as they are sent: with their ids among their own keys."""
    for part in union["oneOf"]:
        event = components[name_of(part["$ref"])]
        event["properties"] = {"id": _EVENT_ID, **event["properties"]}
        # An event is sent as it was written, perhaps by a version that knew less of it.
        event["required"] = ["id", "type", "at", *(n for n in event.get("required", ()) if n != "at")]
        event.pop("additionalProperties", None)
    return {"description": "What happened; `type` says what.", **union}


def _hints() -> list[Any]:
    return [EVENT, *(codec(o).arguments for o in OPERATIONS), *(codec(o).answer_type for o in OPERATIONS)]


def _require(components: dict[str, Schema], taken: Iterable[Schema], given: Iterable[Schema]) -> None:
    """Says of records that are only given that every key is there, and that more may come with a later
    version; what is taken may leave keys out, and has no unknown ones."""
    optional = reached(components, taken) | reached(components, [components["LoggedEvent"]])
    for name in reached(components, given) - optional:
        if "properties" in components[name]:
            components[name]["required"] = list(components[name]["properties"])
            components[name].pop("additionalProperties", None)


def _renaming(components: dict[str, Schema]) -> Callable[[str], str]:
    """Returns what gives each component the name that people would give it."""
    names = {name: re.sub(r"^Page_(\w+)_$", r"\1Page", name) for name in components}
    names |= {"LoggedEvent": _EVENT, "Page_LoggedEvent_": f"{_EVENT}Page"}
    for schema in components.values():
        schema.update(_renamed(schema, lambda name: names.get(name, name)))
    return lambda name: names.get(name, name)


def _renamed(schema: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(schema, list):
        return [_renamed(each, rename) for each in schema]
    if isinstance(schema, dict):
        return {key: _renamed(value, rename) for key, value in schema.items()}
    if isinstance(schema, str) and schema.startswith(REF):
        return REF + rename(name_of(schema))
    return schema
