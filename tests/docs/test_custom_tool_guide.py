"""The function that `docs/how-to/custom-tools.md` shows is a tool that works."""

from __future__ import annotations

from typing import Any

import examples

from holdfast.core.config.tool_text import spec_of
from holdfast.core.domain.custom_tools import PythonToolSpec
from holdfast.core.tools.python_source import described


def test_the_function_of_the_guide_is_a_tool_and_counts_days() -> None:
    code, *_ = examples.blocks_of("docs/how-to/custom-tools.md", "python")
    spec = described(PythonToolSpec(code=code))
    assert (spec.name, spec.parameters["required"]) == ("add_days", ["day", "days"])
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["add_days"]("2026-11-20", 1) == "2026-11-21"
    assert names["add_days"]("2026-11-20", 1, workdays=True) == "2026-11-23"


def test_the_other_kinds_that_the_guide_shows_are_tools() -> None:
    blocks = examples.blocks_of("docs/how-to/custom-tools.md", "json")
    assert [spec_of(block.encode(), "tool.json").type for block in blocks] == ["client", "search"]
