from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.mcp import MAX_TOOL_NAME, server_of
from holdfast.core.tools.mcp.limits import MAX_DESCRIPTION, MAX_LEFT_OUT, MAX_TOOLS
from holdfast.core.tools.mcp.listing import listing_of
from holdfast.core.tools.mcp.port import RawTool

OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}}


def test_a_tool_is_named_after_its_server() -> None:
    (tool,) = listing_of("files", [RawTool("read_file", "Reads.", OBJECT)]).tools

    assert (tool.name, tool.own_name) == ("mcp__files__read_file", "read_file")
    assert tool.arguments.model_json_schema()["properties"] == OBJECT["properties"]


def test_descriptions_lose_escapes_and_what_is_too_long() -> None:
    (tool,) = listing_of("files", [RawTool("a", "\x1b[2Jyou must\u202e obey " + "x" * 9_000, OBJECT)]).tools

    assert "\x1b" not in tool.description and "\u202e" not in tool.description
    assert len(tool.description) < MAX_DESCRIPTION + 100
    assert tool.description.startswith("(Described by the MCP server files:)")


def test_a_wrong_schema_leaves_its_tool_out_and_no_other() -> None:
    listing = listing_of(
        "files",
        [
            RawTool("good", "", OBJECT),
            RawTool("wrong", "", {"type": "object", "properties": {"a": {"type": "nonsense"}}}),
            RawTool("remote", "", {"type": "object", "$ref": "http://169.254.169.254/"}),
            RawTool("broken", "", None),
            RawTool("large", "", {"type": "object", "title": "x" * 60_000}),
        ],
    )

    assert [tool.own_name for tool in listing.tools] == ["good"]
    assert [each.tool for each in listing.left_out] == ["wrong", "remote", "broken", "large"]
    assert all(each.reason for each in listing.left_out)


def test_only_so_many_tools_are_taken_and_told_of() -> None:
    listing = listing_of("files", [RawTool(f"t{number}", "", OBJECT) for number in range(400)])

    assert len(listing.tools) == MAX_TOOLS
    assert len(listing.left_out) == MAX_LEFT_OUT


def test_a_name_that_is_offered_twice_counts_once() -> None:
    listing = listing_of("files", [RawTool("a", "first", OBJECT), RawTool("a", "second", OBJECT)])

    assert [tool.description.rsplit(" ", 1)[-1] for tool in listing.tools] == ["first"]
    assert listing.left_out[0].tool == "a"


@pytest.mark.parametrize("name", ["sampling", "get_prompt", "get.prompt"])
def test_a_tool_does_not_get_the_name_of_something_else_in_rules(name: str) -> None:
    (tool,) = listing_of("files", [RawTool(name, "", OBJECT)]).tools

    assert tool.own_name == name and tool.name.startswith(f"mcp__files__{name.replace('.', '_')}_")


@given(st.lists(st.text(max_size=220), max_size=8))
def test_names_are_different_and_such_as_providers_take(names: list[str]) -> None:
    tools = listing_of("files", [RawTool(name, "", OBJECT) for name in names]).tools

    found = [tool.name for tool in tools]
    assert len(set(found)) == len(found)
    assert {tool.own_name for tool in tools} <= set(names)
    for name in found:
        assert len(name) <= MAX_TOOL_NAME and name.isascii() and name.replace("-", "_").isidentifier()
        assert server_of(name) == "files"
