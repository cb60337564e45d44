"""Mistakes in requests, in the words that Dexto's clients know."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from holdfast.server.dialects.dexto.wire_agents import CustomMetadata
from holdfast.server.dialects.dexto.wire_llm import KeyBody, SwitchBody
from holdfast.server.dialects.dexto.wire_mcp import ServerBody
from holdfast.server.dialects.dexto.wire_messages import MessageBody
from holdfast.server.dialects.dexto.wire_sessions import CancelBody, TitleBody
from holdfast.server.dialects.dexto.zod import issues_of


def issues(kind: Any, given: Any) -> list[dict[str, Any]]:
    with pytest.raises(ValidationError) as raised:
        kind.model_validate(given)
    return list(issues_of(raised.value.errors(include_url=False), kind))


def test_what_is_missing_is_told_with_the_type_that_is_expected() -> None:
    missing = {"code": "invalid_type", "received": "undefined", "message": "Required"}
    assert issues(TitleBody, {}) == [{**missing, "expected": "string", "path": ["title"]}]
    found = issues(CustomMetadata, {"author": "a", "description": "d"})
    assert found == [{**missing, "expected": "array", "path": ["tags"]}]
    provider, key = issues(KeyBody, {})
    assert provider["expected"].startswith("'openai' | 'openai-compatible' | ")
    assert key == {**missing, "expected": "string", "path": ["apiKey"]}


def test_a_missing_union_is_told_with_each_of_its_forms() -> None:
    content, session = issues(MessageBody, {})
    assert (content["code"], content["message"], content["path"]) == (
        "invalid_union",
        "Invalid input",
        ["content"],
    )
    told = [(one["expected"], one["path"]) for each in content["unionErrors"] for one in each["issues"]]
    assert told == [("string", ["content"]), ("array", ["content"])]
    assert (session["expected"], session["path"]) == ("string", ["sessionId"])


def test_paths_name_keys_and_not_the_forms_of_a_union() -> None:
    (command,) = issues(ServerBody, {"name": "a", "config": {"type": "stdio"}})
    assert (command["path"], command["expected"]) == (["config", "command"], "string")
    (unknown,) = issues(ServerBody, {"name": "a", "config": {"type": "stdio", "command": "x", "more": 1}})
    assert (unknown["code"], unknown["path"]) == ("unrecognized_keys", ["config"])
    (config,) = issues(ServerBody, {"name": "a"})
    assert (config["expected"], config["path"]) == ("object", ["config"])


@pytest.mark.parametrize("config", [{}, {"type": "ftp"}])
def test_a_form_that_no_key_tells_is_told_at_that_key(config: dict[str, str]) -> None:
    (issue,) = issues(ServerBody, {"name": "a", "config": config})
    assert issue == {
        "code": "invalid_union_discriminator",
        "options": ["stdio", "sse", "http"],
        "message": "Invalid discriminator value. Expected 'stdio' | 'sse' | 'http'",
        "path": ["config", "type"],
    }


def test_titles_are_refused_in_words_of_their_own() -> None:
    (empty,), (long,) = issues(TitleBody, {"title": ""}), issues(TitleBody, {"title": "x" * 121})
    assert (empty["code"], empty["minimum"], empty["message"]) == ("too_small", 1, "Title is required")
    assert (long["code"], long["maximum"], long["message"]) == ("too_big", 120, "Title too long")


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (CancelBody, {"clearQueue": "yes"}, "boolean"),
        (CancelBody, {"clearQueue": 1}, "boolean"),
        (SwitchBody, {"model": "m", "maxIterations": "5"}, "number"),
        (SwitchBody, {"model": "m", "maxIterations": True}, "number"),
        (SwitchBody, {"model": "m", "temperature": "0.5"}, "number"),
    ],
)
def test_a_value_of_another_type_does_not_pass(kind: Any, given: dict[str, Any], expected: str) -> None:
    (issue,) = issues(kind, given)
    assert (issue["code"], issue["expected"]) == ("invalid_type", expected)


def test_limits_are_numbers_as_javascript_writes_them() -> None:
    (issue,) = issues(SwitchBody, {"model": "m", "temperature": 3})
    assert (issue["maximum"], issue["message"]) == (1, "Number must be less than or equal to 1")
