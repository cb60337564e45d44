"""What editors and newcomers get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.agents.loader import parse_agent
from holdfast.core.agents.scaffold import new_agent_text
from holdfast.core.agents.schema import agent_schema
from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import InvalidError


def objects(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [schema, *(part for part in schema["$defs"].values() if part["type"] == "object")]


def test_the_schema_knows_every_key_and_describes_it() -> None:
    schema = agent_schema()
    assert set(schema["properties"]) == set(AgentSpec.model_fields)
    for part in objects(schema):
        for key, value in part["properties"].items():
            assert value.get("description"), f"{part['title']}.{key}"


def test_the_schema_takes_no_other_keys() -> None:
    schema = agent_schema()
    assert all(part["additionalProperties"] is False for part in objects(schema))
    assert schema["required"] == ["version", "name"]


def test_the_schema_offers_the_tools_that_are_known() -> None:
    schema = agent_schema(["write_file", "read_file"])
    assert schema["properties"]["tools"]["items"]["examples"] == ["read_file", "write_file"]


def test_the_schema_is_json_and_the_same_each_time() -> None:
    assert json.dumps(agent_schema()) == json.dumps(agent_schema())


@pytest.mark.parametrize("name", ["mine", "a-b_c", "123", "0x1f", "true", "null", "1e5"])
def test_a_new_agent_is_valid_as_it_is(name: str) -> None:
    file = parse_agent(new_agent_text(name), Path(f"{name}.yaml"))
    assert file.problems == ()
    assert file.name == name


def test_a_new_agent_shows_every_key() -> None:
    text = new_agent_text("mine")
    assert all(f"{key}:" in text for key in AgentSpec.model_fields)


@pytest.mark.parametrize("name", ["", "Mine", "a b", "a/b", "../x", "-a", "a\n", "x" * 65])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidError):
        new_agent_text(name)
