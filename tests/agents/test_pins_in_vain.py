"""Arguments that a file pins and the tool does not know."""

from __future__ import annotations

import pytest

from holdfast.core.agents.pins import pin_warnings

KNOWN = {"write_file": ("path", "content"), "update_plan": ()}


def warnings(text: str) -> list[str]:
    found = pin_warnings(text, "a.yaml", KNOWN.get)
    assert all(one.warning for one in found)
    return [str(one) for one in found]


def test_a_pin_that_the_tool_does_not_know_is_told_at_its_place_with_the_nearest() -> None:
    text = "tools:\n  - read_file\n  - tool: write_file\n    arguments: {content: x, paht: a.md}\n"
    assert warnings(text) == [
        "a.yaml:4:29: tools[1].arguments.paht: warning: write_file has no argument `paht`: it is dropped "
        "(expected one of content, path) did you mean `path`?"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "tools: [write_file]",
        "tools:\n  - {tool: write_file, arguments: {path: a}}",
        "tools:\n  - {tool: unknown, arguments: {x: 1}}",
        "tools:\n  - {arguments: {x: 1}}",
        "tools: 3",
        "[",
    ],
)
def test_what_is_known_unknown_or_broken_gives_no_warning(text: str) -> None:
    assert warnings(text) == []


def test_a_tool_without_arguments_takes_no_pin() -> None:
    (warning,) = warnings("tools:\n  - {tool: update_plan, arguments: {x: 1}}")
    assert "expected no arguments" in warning
