"""Mode `edits` is about exactly the tools that write the file which their subject names."""

from __future__ import annotations

from holdfast.core.approvals.policy import EDIT_TOOLS
from holdfast.core.domain.tools import Risk
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.tools.builtin.catalog import builtin_tools


def test_the_tools_of_mode_edits_are_those_that_write_a_file_of_the_workspace() -> None:
    writing = {tool.name for tool in builtin_tools(ChildProcesses()) if tool.risk is Risk.WRITE}
    in_memory = {name for name in writing if "memory" in name or name == "remember"}
    # `sql_write` may name a database instead of a file, and how it changes rows is no edit to look at.
    # `hand_over` writes no file at all.
    assert writing - in_memory - {"sql_write", "hand_over"} == EDIT_TOOLS
