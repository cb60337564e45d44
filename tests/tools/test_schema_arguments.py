import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from holdfast.core.domain.errors import InvalidError
from holdfast.core.tools.registry import schema, validate_arguments
from holdfast.core.tools.schema_arguments import arguments_model

QUICK_S = 30.0
"""Seconds of work, not of waiting: the machine may be busy."""
WEATHER = {
    "type": "object",
    "title": "Weather",
    "properties": {
        "city": {"type": "string", "default": "Oslo"},
        "days": {"type": "integer", "minimum": 1},
        "pattern": {"type": "string", "pattern": "^[a-z]+$"},
    },
    "required": ["city"],
    "additionalProperties": False,
}


def tool_of(parameters: dict[str, Any]) -> Any:
    """As much of a tool as validation and schemas look at."""
    return _Tool(arguments_model("weather", parameters))


class _Tool:
    name = "weather"
    description = "The weather."

    def __init__(self, arguments: type[BaseModel]) -> None:
        self.arguments = arguments


def mistake(parameters: dict[str, Any], arguments: dict[str, Any]) -> str:
    with pytest.raises(InvalidError) as caught:
        validate_arguments(tool_of(parameters), arguments)
    assert caught.value.code == "invalid_arguments"
    return caught.value.message


def refusal(parameters: Any) -> str:
    with pytest.raises(InvalidError) as caught:
        arguments_model("weather", parameters)
    assert caught.value.code == "invalid_schema"
    return caught.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_arguments_come_out_as_they_went_in(arguments: dict[str, Any]) -> None:
    made = arguments_model("any", {}).model_validate(arguments)
    for dumped in (made.model_dump(), made.model_dump(exclude_unset=True)):
        assert json.dumps(dumped) == json.dumps(arguments)


def test_a_model_sees_the_schema_as_it_was_given() -> None:
    assert schema(tool_of(WEATHER)).parameters == WEATHER
    assert arguments_model("weather", WEATHER).model_json_schema() == WEATHER


def test_a_schema_that_says_little_is_still_an_object_for_models() -> None:
    assert schema(tool_of({})).parameters == {"type": "object", "properties": {}}


def test_mistakes_are_told_as_those_of_other_tools() -> None:
    told = mistake(WEATHER, {"days": 0, "place": "x"})
    assert told.startswith("The arguments of weather are not valid: ")
    assert "city is missing" in told
    assert "days: 0 is less than the minimum of 1" in told
    assert "place is unknown (arguments: city, days, pattern)" in told


def test_an_expression_is_held_against_a_text() -> None:
    assert "pattern: 'A1' does not match" in mistake(WEATHER, {"city": "x", "pattern": "A1"})


def test_local_references_stand_in_their_place() -> None:
    parameters = {
        "properties": {"at": {"$ref": "#/$defs/Place", "description": "Where."}},
        "$defs": {"Place": {"type": "object", "required": ["x"], "description": "A place."}},
    }
    at = schema(tool_of(parameters)).parameters["properties"]["at"]
    assert at == {"type": "object", "required": ["x"], "description": "Where."}
    assert "at.x is missing" in mistake(parameters, {"at": {}})


def test_a_reference_and_what_contradicts_it_both_hold() -> None:
    parameters = {
        "properties": {"n": {"$ref": "#/$defs/N", "minimum": 5}},
        "$defs": {"N": {"type": "integer", "minimum": 1, "maximum": 9}},
    }
    assert "minimum of 5" in mistake(parameters, {"n": 3})
    assert "maximum of 9" in mistake(parameters, {"n": 10})


def test_an_endless_reference_takes_anything_from_the_second_turn_on() -> None:
    tree = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}}
    assert validate_arguments(tool_of(tree), {"kids": [{"kids": 3}]})
    assert "kids" in mistake(tree, {"kids": 3})


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ([], "no JSON object"),
        ({"type": "string"}, "`object`"),
        ({"properties": 3}, "properties"),
        ({"required": "x"}, "required"),
        ({"properties": {"a": []}}, "where a schema must be"),
        ({"properties": {"a": {"$ref": "http://169.254.169.254/x"}}}, "169.254"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "into itself"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "not in it"),
        ({"$dynamicRef": "#a"}, "$dynamicRef"),
        ({"properties": {"a": {"enum": ["x" * 300_000]}}}, "characters"),
        ({"properties": {f"a{n}": {} for n in range(6_000)}}, "schemas"),
    ],
)
def test_a_schema_that_is_none_is_refused(parameters: Any, word: str) -> None:
    assert word in refusal(parameters)


def test_a_schema_that_is_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(50_000):
        deep = {"items": deep}
    assert "too deep" in refusal(deep)


def test_references_that_double_at_each_turn_are_refused_at_once() -> None:
    twice = {
        f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]} for n in range(15)
    }
    began = process_time()
    assert "schemas" in refusal({"$ref": "#/$defs/d0", "$defs": {**twice, "d15": {}}})
    assert process_time() - began < QUICK_S


def test_an_expression_that_would_never_be_done_with_is_matched_at_once() -> None:
    tool = tool_of({"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}})
    began = process_time()
    with pytest.raises(InvalidError):
        validate_arguments(tool, {"a": "a" * 5_000 + "!"})
    assert process_time() - began < QUICK_S


def test_what_cannot_be_matched_so_never_refuses() -> None:
    ahead = {"type": "string", "pattern": "(?=x)y"}
    parameters = {
        "properties": {
            "plain": ahead,
            "never": {"not": ahead},
            "one": {"oneOf": [ahead, {"type": "string"}]},
            "case": {"if": ahead, "then": {"const": 1}},
        },
        "patternProperties": {"^x-": {"type": "integer"}},
        "additionalProperties": False,
    }
    given_ = {"plain": "a", "never": "a", "one": "a", "case": "a", "x-1": "a"}
    assert validate_arguments(tool_of(parameters), given_).model_dump() == given_


def test_a_schema_that_multiplies_with_its_arguments_is_given_up_in_time() -> None:
    parameters = {"anyOf": [{"properties": {"a": {"items": {"type": "string"}}}} for _ in range(1_000)]}
    began = process_time()
    assert "too many" in mistake(parameters, {"a": [1] * 10_000})
    assert process_time() - began < QUICK_S


@pytest.mark.parametrize(
    ("items", "value"),
    [
        pytest.param({"allOf": [{}] * 4_000}, [0] * 200, id="many schemas"),
        pytest.param({"enum": list(range(9_000))}, [-1] * 500, id="many values"),
        pytest.param({"uniqueItems": True}, [[{"n": n} for n in range(100)]] * 200, id="compared items"),
        pytest.param({"anyOf": [{"type": "string"}] * 4_000}, [[{"a": "x" * 50}] * 10_000], id="told"),
    ],
)
def test_a_keyword_counts_for_the_work_that_it_is(items: dict[str, Any], value: list[Any]) -> None:
    parameters = {"type": "object", "properties": {"a": {"items": items}}}

    began = process_time()
    assert "too many" in mistake(parameters, {"a": value})
    assert process_time() - began < QUICK_S


def test_a_list_of_ordinary_length_is_held_against_its_schema() -> None:
    edit = {
        "type": "object",
        "properties": {"old": {"type": "string"}, "line": {"type": "integer"}},
        "required": ["old"],
        "additionalProperties": False,
    }
    parameters = {"type": "object", "properties": {"edits": {"type": "array", "items": edit}}}
    edits = [{"old": "x", "line": 1}] * 1_000

    assert arguments_model("edit", parameters).model_validate({"edits": edits}).root == {"edits": edits}
    assert "line" in mistake(parameters, {"edits": [*edits, {"old": "x", "line": "1"}]})


def test_arguments_that_are_nested_too_deep_are_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(500):
        deep = {"a": deep}
    assert "nested too deep" in mistake({}, deep)


def test_a_model_of_arguments_is_a_class_of_its_tool() -> None:
    first, second = arguments_model("a", WEATHER), arguments_model("b", {})
    assert issubclass(first, BaseModel)
    assert (first.__name__, second.__name__) == ("a", "b")
    assert second.model_validate({"anything": 1})
