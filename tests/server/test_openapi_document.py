"""The OpenAPI document: complete, valid, and true of what goes over the wire."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from test_native_operations import CALLS

from holdfast.core.domain.identity import Role
from holdfast.server.native.codec import codec
from holdfast.server.native.examples import EXAMPLES
from holdfast.server.native.extra import EXTRA_ROUTES
from holdfast.server.native.openapi import document_json, openapi_document
from holdfast.server.native.operation import PREFIX, names_in
from holdfast.server.native.operations import OPERATIONS, operations, places
from holdfast.server.native.parameters import PARAMETERS

DOCUMENT: dict[str, Any] = json.loads(document_json())
ROWS = [(path, row) for path, methods in DOCUMENT["paths"].items() for row in methods.values()]

TAGS = sorted({row["tags"][0] for _, row in ROWS})
"""Operations are gone through by their tags: a test for each of them would take longer than the tests do."""


def rows_of(tag: str) -> list[tuple[str, Any]]:
    """Returns the operations of a tag, each with its path."""
    return [(path, row) for path, row in ROWS if row["tags"][0] == tag]


def row_of(name: str) -> dict[str, Any]:
    operation = operations()[name]
    found: dict[str, Any] = DOCUMENT["paths"][operation.path][operation.method.lower()]
    return found


def inside(value: Any) -> Iterator[dict[str, Any]]:
    """Yields every object in a value."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from inside(each)


def at(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def validator(schema: Any) -> Draft202012Validator:
    return Draft202012Validator({"components": DOCUMENT["components"], "allOf": [schema]})


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_each_schema_is_valid_json_schema() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_route_is_in_it_and_nothing_else() -> None:
    described = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    routes = {(place.path, place.operation.method.lower()) for place in places()}
    routes |= {(extra.path.removeprefix(PREFIX), "get") for extra in EXTRA_ROUTES}
    assert described == routes


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [row["operationId"] for methods in DOCUMENT["paths"].values() for row in methods.values()]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


def test_every_reference_leads_somewhere() -> None:
    references = [each["$ref"] for each in inside(DOCUMENT) if isinstance(each.get("$ref"), str)]
    references += [
        target for each in inside(DOCUMENT) if "mapping" in each for target in each["mapping"].values()
    ]
    assert len(references) > 500
    for reference in references:
        assert at(reference), reference


def test_no_component_is_there_for_nothing_or_twice() -> None:
    used = {each["$ref"] for each in inside(DOCUMENT) if isinstance(each.get("$ref"), str)}
    for kind in ("schemas", "responses", "headers"):
        names = DOCUMENT["components"][kind]
        # 502 and 504 are the errors of runs, which stand in events.
        idle = {name for name in names if f"#/components/{kind}/{name}" not in used}
        assert idle <= {"Upstream", "Timeout"}, idle
    schemas = [json.dumps(s, sort_keys=True) for s in DOCUMENT["components"]["schemas"].values()]
    doubled = {schema for schema in schemas if schemas.count(schema) > 1}
    # Requests that say the same, of operations that differ.
    assert {json.loads(schema)["type"] for schema in doubled} <= {"object"}


def test_a_discriminator_leads_to_the_part_that_has_its_value() -> None:
    unions = [each for each in inside(DOCUMENT) if "discriminator" in each]
    assert len(unions) > 5
    for union in unions:
        name = union["discriminator"]["propertyName"]
        for value, target in union["discriminator"]["mapping"].items():
            kind = at(target)["properties"][name]
            assert value in kind.get("enum", [kind.get("const")])
        parts = {part["$ref"] for part in union["oneOf"]}
        assert parts == set(union["discriminator"]["mapping"].values())


@pytest.mark.parametrize("tag", TAGS)
def test_an_operation_says_all_that_a_client_needs(tag: str) -> None:
    for path, row in rows_of(tag):
        says_all(path, row)


def says_all(path: str, row: Any) -> None:
    parameters = row.get("parameters", [])
    in_path = [each["name"] for each in parameters if each["in"] == "path"]
    assert sorted(in_path) == sorted(names_in(path))
    assert len({(each["in"], each["name"]) for each in parameters}) == len(parameters)
    for each in parameters:
        assert each["schema"].keys() & {"type", "anyOf", "$ref"}, each
        assert {"type": "null"} not in each["schema"].get("anyOf", ())
    assert row["summary"]
    assert row["summary"][0].isupper()
    assert len(row["summary"]) < 120
    for text in (row["summary"], row.get("description", "")):
        assert not re.search(r"\b(None|True|False|Raises|\w+Error)\b", text), text
        assert not text.endswith((",", ";", ":")), text
    assert not row["summary"].endswith("."), "it is a title"
    assert row["tags"][0] in [tag["name"] for tag in DOCUMENT["tags"]]
    succeeding = [status for status in row["responses"] if status.startswith("2")]
    assert len(succeeding) == 1
    assert (succeeding[0] == "204") == ("content" not in row["responses"][succeeding[0]])


def test_every_tag_says_what_it_is_about() -> None:
    assert [tag["name"] for tag in DOCUMENT["tags"] if not tag["description"]] == []


@pytest.mark.parametrize("tag", TAGS)
def test_every_parameter_says_what_it_means(tag: str) -> None:
    silent = {row["operationId"]: silent_in(row) for _, row in rows_of(tag)}
    assert {name: found for name, found in silent.items() if found} == {}


def silent_in(row: Any) -> list[str]:
    """Returns the parameters of which nothing is said."""
    said = {each["name"]: each.get("description", "") for each in row.get("parameters", [])}
    content = row.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        properties = at(content["application/json"]["schema"]["$ref"])["properties"]
        said |= {name: schema.get("description", "") for name, schema in properties.items()}
    return [name for name, text in said.items() if not text.endswith(".")]


def test_nothing_is_said_of_parameters_and_operations_that_are_not_there() -> None:
    known = {f"{name}.{each}" for name, row in operations().items() for each in codec(row).names}
    known |= {each.rpartition(".")[2] for each in known}
    assert set(PARAMETERS) - known == set()
    assert set(EXAMPLES) - set(operations()) == set()


@pytest.mark.parametrize("noun", sorted({name.partition(".")[0] for name in EXAMPLES}))
def test_an_example_of_a_body_is_one_that_is_taken(noun: str) -> None:
    for name in (each for each in EXAMPLES if each.partition(".")[0] == noun):
        is_taken(name)


def is_taken(name: str) -> None:
    """Raises for an example that the operation of this name would not take."""
    operation = operations()[name]
    content = row_of(name)["requestBody"]["content"]["application/json"]
    assert list(validator(content["schema"]).iter_errors(content["example"])) == [], name
    values = dict.fromkeys(names_in(operation.path), "x") | (
        {"kind": "agent"} if "kind" in operation.path else {}
    )
    codec(operation).parse(values, [], json.dumps(content["example"]).encode())


@pytest.mark.parametrize("noun", sorted({operation.noun for operation in OPERATIONS}))
def test_a_row_of_the_table_is_described_as_it_is(noun: str) -> None:
    for operation in (each for each in OPERATIONS if each.noun == noun):
        is_described(operation)


def is_described(operation: Any) -> None:
    """Raises for an operation of which the document says something else than the table."""
    row = row_of(operation.name)
    assert str(operation.status) in row["responses"]
    assert row["x-holdfast-scope"] == operation.needs.scope
    assert row.get("x-holdfast-role") == ("admin" if operation.needs.role is Role.ADMIN else None)
    assert ("requestBody" in row) == (operation.method not in ("GET", "DELETE"))
    headers = {each["name"] for each in row["parameters"] if each["in"] == "header"}
    assert ("Idempotency-Key" in headers) == (operation.once == "kept")
    for status in ("400", "401", "403", "429", "500", "503"):
        answer = at(row["responses"][status]["$ref"])
        assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def test_bounds_and_defaults_stand_beside_the_parameters() -> None:
    by_name = {each["name"]: each for each in row_of("sessions.list")["parameters"]}
    assert by_name["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 200}
    assert by_name["cursor"]["schema"] == {"type": "string", "minLength": 1, "maxLength": 1000}
    assert not by_name["cursor"]["required"]
    assert by_name["cursor"]["description"]


def test_a_stream_says_what_the_data_of_a_frame_is() -> None:
    frame = row_of("events.follow")["responses"]["200"]["content"]["text/event-stream"]["schema"]
    data = frame["properties"]["data"]
    assert data["contentMediaType"] == "application/json"
    assert data["contentSchema"] == {"$ref": "#/components/schemas/Event"}
    pages = row_of("events.read")["responses"]["200"]["content"]
    assert set(pages) == {"application/json", "text/event-stream"}
    names = {each["name"] for each in row_of("events.read")["parameters"]}
    assert "Last-Event-ID" in names


def test_texts_under_fields_are_in_the_schemas() -> None:
    session = DOCUMENT["components"]["schemas"]["Session"]
    assert session["properties"]["pending"]["description"] == "Approvals and questions that wait."
    assert set(session["required"]) == set(session["properties"])


def test_the_document_is_made_once_and_the_same_each_time() -> None:
    assert document_json() is document_json()
    assert json.loads(json.dumps(openapi_document())) == DOCUMENT


def test_calls_are_as_their_requests_are_described() -> None:
    checked = 0
    for name, arguments, _ in CALLS:
        body = codec(operations()[name]).request((), arguments).body
        if body is not None:
            schema = row_of(name)["requestBody"]["content"]["application/json"]["schema"]
            validator(schema).validate(json.loads(body))
            checked += 1
    assert checked > 30


def test_results_are_as_their_answers_are_described() -> None:
    checked = set()
    for name, _, result in CALLS:
        operation = operations()[name]
        if operation.status == 204 or operation.stream or operation.raw_out:
            continue
        content = row_of(name)["responses"][str(operation.status)]["content"]
        body = json.loads(codec(operation).write(result))
        validator(content["application/json"]["schema"]).validate(body)
        checked.add(name)
    assert len(checked) > 50


def test_what_is_not_described_is_no_valid_answer() -> None:
    schema = {"$ref": "#/components/schemas/SessionPage"}
    assert not validator(schema).is_valid({"items": []})
    assert not validator(schema).is_valid({"items": [{}], "next_cursor": None})
    assert not validator({"$ref": "#/components/schemas/Error"}).is_valid({"error": {"code": "x"}})
