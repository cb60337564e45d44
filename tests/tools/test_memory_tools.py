"""The tools of memory by themselves: what rules match, and what is said where there is no memory."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.approvals.suggest import suggest_rule
from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.tools import Risk


def test_rules_match_tags_and_without_them_the_content(bench: Any) -> None:
    assert bench.subjects("remember", {"content": "x", "tags": [" a ", "b"]}) == ("a", "b")
    assert bench.subjects("remember", {"content": "x"}) == ("x",)


def test_always_never_covers_another_long_content_that_begins_alike(bench: Any) -> None:
    contents = ["x" * 300 + end for end in ("a", "b")]
    one, other = [bench.subjects("remember", {"content": content}) for content in contents]
    assert one != other
    rule = suggest_rule("remember", Risk.WRITE, one)
    assert rule is not None
    assert rule.matches("remember", one[0])
    assert not rule.matches("remember", other[0])


def test_several_tags_are_not_allowed_for_always_by_one_click(bench: Any) -> None:
    subjects = bench.subjects("remember", {"content": "x", "tags": ["a", "b"]})
    assert suggest_rule("remember", Risk.WRITE, subjects) is None


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("search_memory", {"query": "x"}),
        ("remember", {"content": "x"}),
        ("forget_memory", {"id": "x"}),
        ("update_memory_block", {"name": "x", "content": "y"}),
    ],
)
async def test_without_memory_a_tool_says_so(bench: Any, tool: str, given: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="no memory"):
        await bench.run(tool, given)
