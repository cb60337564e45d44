"""The tool that `docs/how-to/add-a-tool.md` makes is a tool that works."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import examples
import pytest
from tests.fakes.tool_contexts import tool_context

from holdfast.core.domain.errors import OutsideWorkspace
from holdfast.core.domain.tools import Risk
from holdfast.core.tools.registry import ToolRegistry, schema, validate_arguments

PAGE = "docs/how-to/add-a-tool.md"


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    """The tool's module, saved beside its description as the page says."""
    code, _ = examples.blocks_of(PAGE, "python")
    [description] = examples.blocks_of(PAGE, "text")
    path = tmp_path / "count_lines.py"
    path.write_text(code)
    path.with_suffix(".md").write_text(description)
    spec = importlib.util.spec_from_file_location("count_lines", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_the_tool_of_the_guide_counts_lines_inside_the_jail(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A class finds its description through its module, which has to be known by name.
    monkeypatch.setitem(sys.modules, "count_lines", module)
    tool = ToolRegistry([module.CountLines()]).get("count_lines")
    context = tool_context(tmp_path)
    context.workspace.write("notes.md", b"one\ntwo\n")
    arguments = validate_arguments(tool, {"path": "notes.md"})
    output = await tool.run(arguments, context)
    assert [part.text for part in output.content] == ["notes.md has 2 lines."]
    assert tool.subjects(arguments) == ("notes.md",)
    assert tool.risk is Risk.READ
    assert schema(tool).description.startswith("Counts the lines")
    with pytest.raises(OutsideWorkspace):
        await tool.run(validate_arguments(tool, {"path": "../secret"}), context)


def test_the_test_of_the_guide_is_a_test() -> None:
    _, test = examples.blocks_of(PAGE, "python")
    compile(test, PAGE, "exec")
    assert "async def test_" in test
