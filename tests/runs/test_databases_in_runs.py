"""SQLite files in a run: policy before every change, an approval that goes stale, undo, the agent's list."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.messages import text_of

AGENT = """
version: 1
name: counter
model: scripted
instructions: You count.
tools: [sql_query, sql_write]
workspace: session
databases:
  - { name: sales, path: data/sales.db, tables: [orders], writable: true }
"""
MAKE = {"database": "sales.db", "statement": "CREATE TABLE orders (id INTEGER, total REAL)"}
ADD = {"database": "sales.db", "statement": "INSERT INTO orders VALUES (?, ?)", "parameters": [1, 9.5]}


def rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    (count,) = connection.execute("SELECT count(*) FROM orders").fetchone()
    connection.close()
    return count


async def approve(bench, started) -> str:
    approval = await bench.approval()
    assert approval.run_id == started.run_id
    await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
    return text_of((await bench.workbench.tools.result(started.run_id, 20)).content)


async def test_a_change_waits_for_a_person_and_undo_takes_it_back(open_bench) -> None:
    async with open_bench() as bench:
        session, tools = await bench.session(), bench.workbench.tools
        path = Path(session.workspace) / "sales.db"
        await approve(bench, await tools.run(session.id, "sql_write", MAKE))
        started = await tools.run(session.id, "sql_write", ADD)
        approval = await bench.approval()
        assert approval.preview[-1].text == "It would change 1 row of sales.db."
        assert rows(path) == 0
        assert await approve(bench, started) == "Changed 1 row of sales.db."
        assert rows(path) == 1
        asked = {"database": "sales.db", "query": "SELECT total FROM orders"}
        found = await tools.run(session.id, "sql_query", asked, wait_s=20)
        assert text_of(found.content) == "total\n9.5\n[1 row]", "looking is not asked for"
        await bench.workbench.files.undo(session.id, started.run_id)
        assert rows(path) == 0


async def test_an_approval_is_asked_again_when_the_file_has_changed(open_bench) -> None:
    async with open_bench() as bench:
        session, tools = await bench.session(), bench.workbench.tools
        path = Path(session.workspace) / "sales.db"
        await approve(bench, await tools.run(session.id, "sql_write", MAKE))
        started = await tools.run(
            session.id, "sql_write", {**ADD, "statement": "DELETE FROM orders", "parameters": []}
        )
        first = await bench.approval()
        connection = sqlite3.connect(path)
        connection.execute("INSERT INTO orders VALUES (7, 7)")
        connection.commit()
        connection.close()
        with pytest.raises(ConflictError):
            await bench.workbench.approvals.decide(first.id, Decision(outcome="approve"))
        again = await bench.approval()
        assert (again.run_id, again.preview[-1].text) == (
            started.run_id,
            "It would change 1 row of sales.db.",
        )
        assert rows(path) == 1, "nothing was deleted by what was approved for another file"


async def test_the_agents_list_holds_for_every_way_to_the_tool(open_bench) -> None:
    async with open_bench() as bench:
        (bench.project / "agents").mkdir(exist_ok=True)
        (bench.project / "agents" / "counter.yaml").write_text(AGENT)
        session = await bench.workbench.sessions.create("counter", str(bench.project))
        data = Path(session.workspace) / "data"
        data.mkdir()
        connection = sqlite3.connect(data / "sales.db")
        connection.executescript("CREATE TABLE orders (id); CREATE TABLE people (name)")
        connection.close()
        tools = bench.workbench.tools

        async def asked(database: str, query: str = "") -> str:
            done = await tools.run(session.id, "sql_query", {"database": database, "query": query}, wait_s=20)
            return text_of(done.content)

        assert await asked("sales") == "orders (id)"
        assert await asked("sales", "SELECT * FROM people") == (
            "Not allowed here: the table people. Allowed are: orders."
        )
        assert await asked("data/sales.db") == "There is no database 'data/sales.db'. There are: sales."
