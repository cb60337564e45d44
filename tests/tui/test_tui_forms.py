"""Forms made from JSON Schemas: their fields, and what is filled in as an object or as mistakes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.tui.presenters.forms.fields import MOST_CHOICES, MOST_FIELDS, WHOLE, Field, Raw, form_of
from holdfast.tui.presenters.forms.values import NEEDED, raw_of, read_form

EVIL = "x\x1b]0;pwn\x07y\x9bz"


def only(one: Any, **more: Any) -> Field:
    """Returns the field of a schema with one property."""
    return form_of({"properties": {"a": one}, **more}).fields[0]


def told(one: dict[str, Any], raw: Raw, *, required: bool = False) -> Any:
    """Returns the value that a field gives; what is wrong with it, after a !; None where it is left out."""
    form = form_of({"properties": {"a": one}, "required": ["a"] if required else []})
    values, wrong = read_form(form, {"a": raw})
    return f"!{wrong['a']}" if wrong else values.get("a")


@pytest.mark.parametrize(
    ("schema", "kind", "hint"),
    [
        ({"type": "string"}, "text", "text"),
        ({"type": "string", "format": "email", "maxLength": 9}, "text", "text (email), at most 9 characters"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "integer", "whole number, 1 to 9"),
        ({"type": ["number", "null"]}, "number", "number"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer", "whole number"),
        ({"type": "boolean"}, "choice", ""),
        ({"enum": ["a", "b"]}, "choice", ""),
        ({"oneOf": [{"const": 1, "title": "one"}]}, "choice", ""),
        ({"type": "array", "items": {"enum": ["a"]}}, "choices", "any of them"),
        ({"type": "array", "items": {"type": "string"}}, "json", "JSON, a list: [ … ]"),
        ({"type": "object"}, "json", "JSON, an object: { … }"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "json", "JSON"),
        ({}, "json", "JSON"),
        (True, "json", "JSON"),
    ],
)
def test_a_property_becomes_a_field_of_its_kind(schema: Any, kind: str, hint: str) -> None:
    made = only(schema)
    assert (made.kind, made.hint) == (kind, hint)


def test_a_reference_inside_the_schema_is_followed_and_no_other() -> None:
    inside = only({"$ref": "#/defs/Mode"}, defs={"Mode": {"enum": ["r", "w"]}})
    assert [one.label for one in inside.options] == ["r", "w"]
    assert only({"$ref": "https://example.org/schema"}).kind == "json"
    assert only({"$ref": "#/$defs/Gone"}).kind == "json"


def test_what_is_needed_comes_first_and_pinned_arguments_are_not_asked_for() -> None:
    schema = {"properties": {"a": {}, "b": {}, "c": {}}, "required": ["c"]}
    assert [one.name for one in form_of(schema, without=["b"]).fields] == ["c", "a"]


def test_a_title_is_shown_where_it_says_more_than_the_name() -> None:
    assert only({"title": "A"}).label == "a"
    assert only({"title": "How far?"}).label == "How far?"


def test_a_hostile_schema_gives_few_and_clean_fields() -> None:
    many: dict[str, Any] = {"properties": {f"p{n}": {} for n in range(MOST_FIELDS + 1)}}
    assert [one.name for one in form_of(many).fields] == [WHOLE]
    evil = only({"title": EVIL, "description": EVIL * 500, "format": EVIL, "type": "string"})
    assert evil.label == "x]0;pwnyz"
    assert "\x1b" not in evil.about + evil.hint and len(evil.about) <= 400
    assert only({"enum": [EVIL]}).options[0].label == "x]0;pwnyz"
    assert only({"type": "string", "enum": [str(n) for n in range(MOST_CHOICES + 1)]}).kind == "text"


@pytest.mark.parametrize(
    "schema", [{"properties": 3}, {"properties": {"a": {}}, "required": 7}, {"additionalProperties": {}}, {}]
)
def test_a_schema_that_is_none_still_gives_a_form(schema: dict[str, Any]) -> None:
    assert len(form_of(schema).fields) == 1


@pytest.mark.parametrize(
    ("schema", "raw", "value"),
    [
        ({"type": "string"}, " x ", " x "),
        ({"type": "integer"}, "12", 12),
        ({"type": "integer"}, "1.5", "!Is no whole number."),
        ({"type": "number"}, "1.5", 1.5),
        ({"type": "number"}, "nan", "!Is no number."),
        ({"type": "number", "exclusiveMinimum": 0}, "0", "!Must be more than 0."),
        ({"type": "number", "maximum": 5}, "6", "!Must be at most 5."),
        ({"type": "string", "minLength": 3}, "ab", "!Needs 3 characters at least; these are 2."),
        ({"type": "string", "maxLength": 1}, "ab", "!Takes 1 characters at most; these are 2."),
        ({"type": "string", "format": "email"}, "x@", "!Is no address of mail: somebody@example.org."),
        ({"type": "string", "format": "uri"}, "here", "!Is no address: https://example.org."),
        ({"type": "string", "format": "date"}, "soon", "!Is no date: 2026-03-14."),
        ({"type": "string", "format": "date-time"}, "2026-03-14T15:09:26Z", "2026-03-14T15:09:26Z"),
        ({"type": "boolean"}, 1, False),
        ({"enum": [1, True, "1"]}, 1, True),
        ({"type": "array", "items": {"enum": ["a", "b", "c"]}}, (2, 0), ["a", "c"]),
        ({"type": "array", "items": {"enum": ["a"]}, "minItems": 2}, (0,), "!Needs 2 at least."),
        ({"type": "array"}, "[1, 2]", [1, 2]),
        ({"type": "array"}, "{}", "!Must be a list: [ … ]"),
        ({"type": "object"}, "[]", "!Must be an object: { … }"),
        ({"type": "object"}, "[" * 100_000, "!Is nested too deep."),
        ({}, "NaN", "!Is not JSON: NaN is no number of JSON"),
    ],
)
def test_what_is_filled_in_becomes_a_value_or_a_mistake(schema: Any, raw: Raw, value: Any) -> None:
    found = told(schema, raw)
    assert found == value and type(found) is type(value)


def test_an_empty_field_is_left_out_or_asked_for() -> None:
    for schema, empty in (({"type": "string"}, ""), ({"type": "integer"}, "  "), ({"type": "boolean"}, None)):
        assert told(schema, empty) is None
    assert told({"type": "string"}, "", required=True) == f"!{NEEDED}"
    assert told({"type": "boolean"}, None, required=True) == "!Choose one."


def test_a_default_stands_in_its_field_where_it_fits() -> None:
    assert only({"type": "integer", "default": 3}).begin == "3"
    assert only({"type": "integer", "default": "much"}).begin == ""
    assert only({"type": "boolean", "default": False}).begin == 1
    assert only({"enum": ["a", "b"], "default": "b"}).begin == 1
    assert only({"enum": [0, 1], "default": True}).begin is None
    assert only({"const": "x"}).begin == 0
    assert only({"type": "array", "items": {"enum": ["a", "b"]}, "default": ["b", "z"]}).begin == (1,)


def test_an_object_that_cannot_be_taken_apart_is_written_as_json() -> None:
    form = form_of({"additionalProperties": {"type": "string"}})
    assert read_form(form, {WHOLE: '{"k": "v"}'}) == ({"k": "v"}, {})
    assert read_form(form, {WHOLE: "[]"})[1] == {WHOLE: "Must be an object: { … }"}
    assert raw_of(form, {"k": "v"}) == {WHOLE: '{\n  "k": "v"\n}'}


def test_a_field_without_a_name_is_a_field_like_others() -> None:
    form = form_of({"properties": {"": {"type": "string"}, "a": {"type": "string"}}})
    values = {"": "x", "a": "y"}
    assert raw_of(form, values) == values
    assert read_form(form, values) == (values, {})


@pytest.mark.parametrize("text", ["1e999", "[-1e999]", '{"a": Infinity}', "NaN"])
def test_json_has_no_number_without_an_end(text: str) -> None:
    assert "is no number of JSON" in read_form(form_of({"properties": {"j": {}}}), {"j": text})[1]["j"]


_values = st.fixed_dictionaries(
    {"t": st.text(min_size=1).filter(str.strip), "i": st.integers(-(10**20), 10**20), "b": st.booleans()},
    optional={
        "n": st.floats(allow_nan=False, allow_infinity=False).filter(lambda n: len(repr(n)) < 50),
        "e": st.sampled_from(["a", "b", 1, None]),
        "m": st.lists(st.sampled_from(["x", "y"]), unique=True, min_size=1).map(sorted),
        "j": st.dictionaries(st.text(), st.integers()),
    },
)


@given(_values)
def test_what_a_form_is_filled_with_is_what_it_gives(values: dict[str, Any]) -> None:
    form = form_of(
        {
            "properties": {
                "t": {"type": "string"},
                "i": {"type": "integer"},
                "b": {"type": "boolean"},
                "n": {"type": "number"},
                "e": {"enum": ["a", "b", 1, None]},
                "m": {"type": "array", "items": {"enum": ["x", "y"]}},
                "j": {"type": "object"},
            }
        }
    )
    given_back, wrong = read_form(form, raw_of(form, values))
    assert wrong == {}
    assert json.dumps(given_back, sort_keys=True) == json.dumps(values, sort_keys=True)
