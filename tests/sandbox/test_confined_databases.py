"""The program of `sql_query` and `sql_write` works where programs are confined."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.tool_contexts import tool_context

from holdfast.core.domain.confinement import Guard
from holdfast.core.tools.databases import Statement, Target, execute


@pytest.mark.parametrize("guard", [Guard.BUBBLEWRAP, Guard.LANDLOCK])
async def test_a_confined_statement_changes_the_file_of_the_workspace(
    tmp_path: Path, confine: Any, guard: Guard
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shared = Path(tempfile.gettempdir())
    processes = confine(guard, home=home, temporary=(shared,))
    context = tool_context(tmp_path)
    assert (await processes.protection()).guard is guard
    target = Target("a.db", None, True)
    for text in ("CREATE TABLE t (a)", "INSERT INTO t VALUES (7)"):
        await execute(processes, context, target, Statement(text, (), write=True), keep=True)
    done = await execute(processes, context, target, Statement("SELECT a FROM t ORDER BY a", ()))
    assert done.answer.rows == (("7",),)
