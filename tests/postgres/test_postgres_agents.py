"""Agents with PostgreSQL databases in a whole workbench: settings, the kept password, trust, and approval."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.assembly import open_workbench
from holdfast.core.config.paths import Paths
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.runs import RunOptions

pytestmark = pytest.mark.thorough

AGENT = """
version: 1
name: {name}
model: offline
tools: [sql_query, sql_write]
databases:
  - {{ name: shop, postgres: main, tables: [sale], writable: true }}
"""


@pytest.fixture
async def workbench(server: Any, tmp_path: Path, _own_home: Path) -> AsyncIterator[Any]:
    paths = Paths.resolve(os.environ)
    paths.make()
    paths.settings.write_text(f"tools:\n  postgres: {{ main: '{server.url('writer')}' }}\n")
    paths.agents.mkdir(exist_ok=True)
    (paths.agents / "clerk.yaml").write_text(AGENT.format(name="clerk"))
    theirs = tmp_path / "project" / ".holdfast" / "agents"
    theirs.mkdir(parents=True)
    (theirs / "stranger.yaml").write_text(AGENT.format(name="stranger"))
    opened = await open_workbench(paths, os.environ)
    await opened.keys.set_provider("postgres-main", "writer-word")
    try:
        yield opened
    finally:
        await opened.close()


async def call(workbench: Any, agent: str, project: str, tool: str, **arguments: Any) -> tuple[Any, str]:
    session = await workbench.sessions.create(agent, project)
    options = RunOptions(approve="all", approvals="deny")
    done = await workbench.tools.run(session.id, tool, {"database": "shop", **arguments}, options, 60)
    return done.outcome, text_of(done.content)


async def test_the_users_own_agent_asks_and_changes_its_database(workbench: Any, server: Any) -> None:
    found = await call(workbench, "clerk", "", "sql_query", query="SELECT count(*) AS n FROM sale")
    assert found == ("ok", "n\n3\n[1 row]")
    made = await call(workbench, "clerk", "", "sql_write", statement="DELETE FROM sale WHERE town = 'York'")
    assert made == ("ok", "Changed 2 rows of shop.")
    assert server.value("SELECT count(*) FROM sale") == 1


async def test_an_agent_of_a_project_uses_it_when_the_project_is_trusted(
    workbench: Any, tmp_path: Path
) -> None:
    project = str(tmp_path / "project")
    outcome, said = await call(workbench, "stranger", project, "sql_query", query="SELECT 1 AS one")
    assert (outcome, "trusted" in said) == ("error", True)
    await workbench.agents.trust(project, True)
    found = await call(workbench, "stranger", project, "sql_query", query="SELECT 1 AS one")
    assert found == ("ok", "one\n1\n[1 row]")
