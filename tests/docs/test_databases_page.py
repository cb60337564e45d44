"""The agent that `docs/how-to/databases.md` shows keeps to its databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import examples
import pytest
import yaml
from tests.fakes.tool_contexts import tool_context

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import ForbiddenError, ToolError
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.tools.builtin.sql_query import SqlQuery, SqlQueryArguments
from holdfast.core.tools.builtin.sql_write import SqlWrite, SqlWriteArguments

PAGE = "docs/how-to/databases.md"


def test_the_agent_of_the_page_names_a_connection_and_tables_with_their_schemas() -> None:
    *_, text = examples.blocks_of(PAGE, "yaml")
    (shop,) = AgentSpec.model_validate({"version": 1, "name": "example", **yaml.safe_load(text)}).databases
    assert (shop.path, shop.postgres, shop.pairs) == (None, "shop", (("public", "sale"), ("stock", "item")))


async def test_the_agent_of_the_page_sees_what_it_lists(tmp_path: Path) -> None:
    _, listed, _ = examples.blocks_of(PAGE, "yaml")
    spec = AgentSpec.model_validate({"version": 1, "name": "example", **yaml.safe_load(listed)})
    data = tmp_path / "workspace" / "data"
    data.mkdir(parents=True)
    for name in ("shop", "archive"):
        connection = sqlite3.connect(data / f"{name}.db")
        connection.executescript("CREATE TABLE sale (total); CREATE TABLE staff (name)")
        connection.close()
    context = tool_context(tmp_path, databases=spec.databases)
    ask, change = SqlQuery(ChildProcesses()), SqlWrite(ChildProcesses())
    await change.run(
        SqlWriteArguments(database="shop", statement="INSERT INTO sale VALUES (?)", parameters=[9]), context
    )
    found = await ask.run(SqlQueryArguments(database="shop", query="SELECT * FROM sale"), context)
    assert [part.text for part in found.content] == ["total\n9\n[1 row]"]
    with pytest.raises(ToolError, match="the table staff"):
        await ask.run(SqlQueryArguments(database="shop", query="SELECT * FROM staff"), context)
    with pytest.raises(ForbiddenError):
        await change.run(SqlWriteArguments(database="archive", statement="DELETE FROM sale"), context)
