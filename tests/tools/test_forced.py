from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.agents import ToolAssignment
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.tools.builtin.catalog import builtin_tools
from holdfast.core.tools.forced import called_with, forced
from holdfast.core.tools.registry import schema, validate_arguments
from holdfast.core.tools.schema_arguments import arguments_model

TOOLS = {tool.name: tool for tool in builtin_tools(ChildProcesses())}
VALUES = st.none() | st.booleans() | st.integers() | st.text()


def pin(name: str, **arguments: Any) -> Any:
    return forced(TOOLS, [ToolAssignment(tool=name, arguments=arguments)])[name]


def test_a_pinned_argument_is_not_offered_to_models() -> None:
    offered = schema(pin("write_file", path="report.md")).parameters
    assert list(offered["properties"]) == ["content"]
    assert offered["required"] == ["content"]
    assert list(schema(TOOLS["write_file"]).parameters["properties"]) == ["path", "content"]
    everything = schema(pin("write_file", path="report.md", content="x")).parameters
    assert everything["properties"] == {}
    assert "required" not in everything


@given(st.dictionaries(st.sampled_from(["path", "content"]), st.text()))
def test_a_call_has_what_is_pinned_whatever_is_asked_for(asked: dict[str, str]) -> None:
    tool = pin("write_file", path="report.md")
    found = validate_arguments(tool, {"content": "", **asked})
    assert found.model_dump(exclude_unset=True) == {"content": "", **asked, "path": "report.md"}
    assert tool.subjects(found) == ("report.md",)
    assert called_with(tool, asked) == {**asked, "path": "report.md"}


@given(st.dictionaries(st.text(), VALUES, max_size=3))
def test_a_schema_s_argument_is_pinned_alike(asked: dict[str, Any]) -> None:
    class Outside:
        name = "outside"
        description = ""
        arguments = arguments_model("outside", {"properties": {"n": {"type": "integer"}}})

    tools: Any = {"outside": Outside()}
    tool = forced(tools, [ToolAssignment(tool="outside", arguments={"n": 7, "unknown": 1})])["outside"]
    assert validate_arguments(tool, asked).model_dump() == {**asked, "n": 7}
    assert schema(tool).parameters["properties"] == {}


def test_what_a_tool_does_not_know_is_dropped() -> None:
    assert pin("write_file", unknown=1) is TOOLS["write_file"]
    assert forced(TOOLS, [ToolAssignment(tool="gone", arguments={"path": "a"})]) == TOOLS
