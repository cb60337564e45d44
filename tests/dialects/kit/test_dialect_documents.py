"""A dialect's OpenAPI document and the page that shows it."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from typing import Annotated, Any, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate
from pydantic import BaseModel, Field, TypeAdapter

from holdfast.server.kit.openapi import document, json_of, yaml_of
from holdfast.server.kit.operations import Dialect, Document, Operation
from holdfast.server.kit.schemas import PlainSchemas, as_of_3_0


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int | None = None
    """How many are left."""


class Dog(BaseModel):
    kind: Literal["dog"]
    friend: Cat | None = None
    size: Annotated[float, Field(gt=0, lt=9)] = 1


class Zoo(BaseModel):
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = []
    place: tuple[int, int] = (0, 0)
    const: dict[str, int | str | None] = {}
    mode: Literal["a", "b"] | None = None
    anyOf: str = Field("x", examples=["y"], alias="any-of")


async def nothing(call: Any) -> None:
    """Does nothing; really.

    But for this.
    """


OPERATIONS = (
    Operation("get_zoo", "GET", "/api/v1/zoos/{id:uuid}/{n:int}/{name}", nothing, result=Zoo, query=Zoo),
    Operation("put_zoo", "PUT", "/api/v1/zoos", nothing, 201, body=Zoo, required=False, public=True),
    Operation("upload", "PUT", "/api/v1/files", nothing, takes="multipart/form-data", result=Cat),
    Operation("stream", "POST", "/api/v1/talk", nothing, result=Dog, gives="application/jsonl", body=dict),
    Operation("file", "GET", "/file", nothing, gives="application/octet-stream"),
)
DIALECT = Dialect("zoo", "/zoo", "A <zoo>", OPERATIONS, lambda *_, **__: None, error=Cat, omit_null=True)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_the_document_is_valid_and_says_what_the_table_says(version: Any) -> None:
    made = document(DIALECT, Document("/api-spec.yaml", version))
    validate(made)
    rows = {row["operationId"]: row for methods in made["paths"].values() for row in methods.values()}
    assert set(rows) == {one.id for one in OPERATIONS}
    assert set(rows["put_zoo"]["responses"]) == {"201", "default"}
    assert (rows["put_zoo"]["security"], rows["put_zoo"]["requestBody"]["required"]) == ([], False)
    assert list(rows["stream"]["responses"]["200"]["content"]) == ["application/json", "application/jsonl"]
    assert list(rows["upload"]["requestBody"]["content"]) == ["multipart/form-data"]
    assert rows["file"]["responses"]["200"]["content"].keys() == {"application/octet-stream"}
    assert rows["file"]["summary"] == "Does nothing; really"
    in_path = {each["name"]: each["schema"] for each in rows["get_zoo"]["parameters"] if each["in"] == "path"}
    assert in_path["id"] == {"type": "string", "format": "uuid"}
    assert (in_path["n"]["type"], in_path["name"]) == ("integer", {"type": "string"})
    assert made["servers"] == [{"url": "."}]


def test_paths_are_told_below_one_of_them() -> None:
    made = document(DIALECT, Document("/api-spec.yaml", "3.0.3", below="/api/v1"))
    validate(made)
    assert list(made["paths"]) == ["/zoos/{id}/{n}/{name}", "/zoos", "/files", "/talk"]
    assert made["servers"] == [{"url": "api/v1"}]
    nested = document(DIALECT, Document("/api/openapi.json", below="/api/v1"))
    assert nested["servers"] == [{"url": "v1"}]


def test_yaml_and_json_say_the_same() -> None:
    made = document(DIALECT, Document("/api-spec.yaml", "3.0.3"))
    assert yaml.safe_load(yaml_of(made)) == json.loads(json_of(made)) == json.loads(json.dumps(made))


def test_fields_that_are_left_out_of_answers_are_not_required() -> None:
    class Answer(BaseModel):
        a: int
        b: int | None

    operations = (Operation("get", "GET", "/a", nothing, result=Answer, body=Answer),)
    for omits, required in ((True, ["a"]), (False, ["a", "b"])):
        zoo = replace(DIALECT, operations=operations, omit_null=omits)
        schemas = document(zoo, Document("/a", "3.0.3"))["components"]["schemas"]
        given = [each for name, each in schemas.items() if name in ("Answer", "Answer-Output")]
        assert [each["required"] for each in given] == [required]


def test_texts_under_fields_are_in_the_document() -> None:
    made = document(DIALECT, Document("/a", "3.0.3"))
    cat = made["components"]["schemas"]["Cat"]
    assert cat["properties"]["lives"] == {
        "type": "integer",
        "nullable": True,
        "default": None,
        "description": "How many are left.",
    }


PETS = st.one_of(st.none(), st.integers(), st.just("a"), st.just({}), st.builds(dict, kind=st.just("cat")))
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "pets": st.lists(
            st.fixed_dictionaries(
                {"kind": st.sampled_from(["cat", "dog", "cow"])},
                optional={"lives": PETS, "friend": PETS, "size": st.sampled_from([0, 1, 9, None])},
            ),
            max_size=2,
        ),
        "place": st.lists(st.integers(0, 2), max_size=3),
        "const": st.dictionaries(st.sampled_from(["a", "const"]), PETS, max_size=2),
        "mode": st.sampled_from(["a", "c", None]),
        "any-of": PETS,
    },
)


def _schemas(kind: Any) -> tuple[Any, Any]:
    new = TypeAdapter(kind).json_schema(schema_generator=PlainSchemas, ref_template="#/components/{model}")
    components = new.pop("$defs", {})
    old = {name: as_of_3_0(one) for name, one in components.items()}
    return {"components": components, "allOf": [new]}, {"components": old, "allOf": [as_of_3_0(new)]}


NEW, OLD = _schemas(Zoo)


@given(VALUES)
def test_a_schema_in_older_words_takes_the_same(value: Any) -> None:
    """But for null in place of an object, for which the older words have no name."""
    nulls = any(pet.get("friend", ...) is None for pet in value.get("pets", ()))
    if not nulls:
        assert OAS30Validator(OLD).is_valid(value) == Draft202012Validator(NEW).is_valid(value)


# --- as it is served


async def test_the_document_and_its_page_need_no_key(ask) -> None:
    async with ask(word="") as http:
        spec = await http.get("/spec.yaml")
        assert (spec.status_code, spec.headers["content-type"]) == (200, "application/yaml")
        validate(yaml.safe_load(spec.content))
        again = await asyncio.gather(*(http.get("/spec.yaml") for _ in range(3)))
        assert {answer.content for answer in again} == {spec.content}
        moved = await http.get("/ui")
        assert (moved.status_code, moved.headers["location"]) == (307, "ui/")
        page = await http.get("/ui/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        names = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(names) == 4
        for name in names:
            assert (await http.get(f"/ui/{name}")).status_code == 200
        assert 'url: "../spec.yaml"' in (await http.get("/ui/start.js")).text
        assert (await http.get("/ui/other.js")).status_code == 401


def test_a_title_is_text_and_no_markup() -> None:
    from holdfast.server.kit.swagger import SwaggerPage

    assert "<title>A &lt;zoo></title>" in SwaggerPage("A <zoo>", "a", folder="")._page
