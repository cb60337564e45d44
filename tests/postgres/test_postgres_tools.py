"""`sql_query` and `sql_write` on a real PostgreSQL: what they return, and what the database refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.presence import missing
from tests.fakes.tool_contexts import tool_context

from holdfast.core.config.settings import ToolsSettings
from holdfast.core.domain.databases import DatabaseSpec
from holdfast.core.domain.errors import ForbiddenError, ToolError
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.tools import ToolOutput
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.tools.builtin.sql_query import SqlQuery, SqlQueryArguments
from holdfast.core.tools.builtin.sql_write import SqlWrite, SqlWriteArguments
from holdfast.core.tools.postgres import Postgres

pytestmark = pytest.mark.thorough

WORDS = {"reader": "reader-word", "writer": "writer-word", "wide": "wide-word"}


class Desk:
    """The tools of an agent with one database, to which `role` connects."""

    def __init__(self, server: Any, tmp_path: Path, role: str, spec: dict[str, Any]) -> None:
        password = WORDS.get(role, server.password)
        settings = ToolsSettings(postgres={"main": server.url(role)})
        keys = {"postgres-main": password}.get
        postgres = Postgres(lambda: settings, keys, ChildProcesses())
        self.query_tool = SqlQuery(ChildProcesses(), postgres)
        self.write_tool = SqlWrite(ChildProcesses(), postgres)
        self.context = tool_context(
            tmp_path,
            databases=(DatabaseSpec.model_validate({"name": "shop", "postgres": "main", **spec}),),
            connections=True,
        )

    async def ask(self, query: str, *parameters: Any) -> str:
        arguments = SqlQueryArguments(database="shop", query=query, parameters=list(parameters))
        return _text(await self.query_tool.run(arguments, self.context))

    async def change(self, statement: str, *parameters: Any) -> str:
        return _text(await self.write_tool.run(self._write(statement, parameters), self.context))

    async def preview(self, statement: str, *parameters: Any) -> Any:
        return await self.write_tool.preview(self._write(statement, parameters), self.context)

    def _write(self, statement: str, parameters: tuple[Any, ...]) -> SqlWriteArguments:
        return SqlWriteArguments(database="shop", statement=statement, parameters=list(parameters))


def _text(output: ToolOutput) -> str:
    return text_of(output.content)


@pytest.fixture
def desk(server: Any, tmp_path: Path) -> Callable[..., Desk]:
    return lambda role, **spec: Desk(server, tmp_path, role, spec)


async def test_rows_come_back_as_postgresql_writes_them(desk: Any) -> None:
    found = await desk("reader").ask(
        "SELECT town, total, sold, true AS yes FROM sale WHERE id >= $1 ORDER BY id", 2
    )
    assert found == "town,total,sold,yes\nYork,30,2026-11-22,t\nYork,NULL,2026-11-22,t\n[2 rows]"


async def test_without_a_query_the_tables_that_may_be_seen_are_told(desk: Any) -> None:
    assert await desk("reader", tables=["sale"]).ask("") == (
        "public.sale (id integer, town text, total numeric, sold date)"
    )
    listed = await desk("wide", schemas=["public", "other"]).ask("")
    assert listed.splitlines()[0] == "other.stock (item text, tags text[])"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO sale (town) VALUES ('x')",
        "WITH gone AS (DELETE FROM sale RETURNING 1) SELECT * FROM gone",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "CREATE TEMP TABLE t (a int)",
        "SELECT nextval('sale_id_seq')",
        "SELECT lo_import('/etc/passwd')",
        "COPY sale TO '/tmp/sale.csv'",
        "SELECT 1; DELETE FROM sale",
        "COMMIT; DELETE FROM sale",
    ],
)
async def test_a_query_changes_nothing_however_it_is_written(desk: Any, server: Any, statement: str) -> None:
    with pytest.raises(ToolError, match="PostgreSQL says") as refused:
        await desk("writer").ask(statement)
    assert refused.value.code == "sql_failed"
    assert server.value("SELECT count(*) FROM sale") == 3


async def test_a_query_notifies_nobody(desk: Any, server: Any) -> None:
    with server.admin() as listening:
        listening.execute("LISTEN news")
        assert (await desk("reader").ask("SELECT pg_notify('news', 'told')")).endswith("[1 row]")
        assert (
            await desk("writer", writable=True).change("NOTIFY news, 'written'") == "Changed 0 rows of shop."
        )
        told = [each.payload for each in listening.notifies(timeout=20, stop_after=1)]
    assert told == ["written"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("COPY sale TO STDOUT", "COPY needs a client"),
        ("-- nothing", "there is no statement"),
        ("DO $$ BEGIN RAISE WARNING 'look'; END $$", "returns no rows"),
    ],
)
async def test_what_is_no_query_is_told_in_plain_words(desk: Any, query: str, words: str) -> None:
    with pytest.raises(ToolError, match=words) as refused:
        await desk("reader").ask(query)
    assert refused.value.code == "sql_failed"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM staff",
        "SELECT query_to_xml('SELECT * FROM staff', true, true, '')",
        "SELECT * FROM sale WHERE town IN (SELECT name FROM staff)",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
async def test_what_is_not_granted_to_the_role_is_refused_by_the_database(desk: Any, query: str) -> None:
    with pytest.raises(ToolError, match="permission denied"):
        await desk("reader", tables=["sale"]).ask(query)


@pytest.mark.parametrize(
    ("role", "spec", "named"),
    [
        ("wide", {"tables": ["sale"]}, "other.stock, public.staff"),
        ("wide", {"tables": ["sale", "other.stock"]}, "public.staff"),
        ("wide", {"schemas": ["public"]}, "other.stock"),
        ("postgres", {"tables": ["sale"]}, "rights of postgres"),
        ("postgres", {}, "rights of postgres"),
    ],
)
async def test_a_role_that_reaches_more_than_is_listed_is_not_used_at_all(
    desk: Any, role: str, spec: dict[str, Any], named: str
) -> None:
    with pytest.raises(ToolError, match=named) as refused:
        await desk(role, **spec).ask("SELECT * FROM sale")
    assert refused.value.code == "sql_refused"
    assert "tools.postgres.main" in refused.value.message


@pytest.mark.parametrize(
    "grant",
    [
        "GRANT wide TO reader",
        "GRANT SELECT (name) ON staff TO reader",
        "GRANT pg_read_all_data TO reader",
        "GRANT SELECT ON staff TO PUBLIC",
        "CREATE VIEW seen AS SELECT * FROM staff; GRANT SELECT ON seen TO reader",
        "CREATE FUNCTION peek() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT name FROM staff'",
        "ALTER ROLE reader CREATEROLE",
        "ALTER ROLE reader NOINHERIT; GRANT pg_read_server_files TO reader",
        "GRANT pg_signal_backend TO reader",
        "ALTER ROLE reader REPLICATION",
        "ALTER ROLE reader BYPASSRLS",
        "CREATE SEQUENCE counted; GRANT USAGE ON SEQUENCE counted TO reader",
        "SELECT lo_from_bytea(0, 'x') AS made; DO $$ BEGIN EXECUTE format('GRANT SELECT ON LARGE OBJECT %s "
        "TO reader', (SELECT max(oid) FROM pg_largeobject_metadata)); END $$",
        "ALTER TABLE staff OWNER TO reader; REVOKE ALL ON staff FROM reader",
        "CREATE FUNCTION raw(text) RETURNS text LANGUAGE internal AS 'textin'",
    ],
)
async def test_every_way_to_more_is_seen(desk: Any, server: Any, grant: str) -> None:
    narrow = desk("reader", tables=["sale"])
    assert (await narrow.ask("SELECT count(*) FROM sale")).startswith("count\n3")
    with server.admin() as connection:
        connection.execute(grant)
    with pytest.raises(ToolError) as refused:
        await narrow.ask("SELECT count(*) FROM sale")
    assert refused.value.code == "sql_refused"


async def test_a_sequence_of_a_listed_table_belongs_to_it(desk: Any, server: Any) -> None:
    with server.admin() as connection:
        connection.execute("GRANT USAGE, SELECT ON SEQUENCE sale_id_seq TO reader")
    assert (await desk("reader", tables=["sale"]).ask("SELECT count(*) FROM sale")).startswith("count\n3")


@pytest.mark.parametrize(("extension", "used"), [("dblink", False), ("pg_trgm", True)])
async def test_only_extensions_that_stay_inside_the_database_are_let_through(
    desk: Any, server: Any, extension: str, used: bool
) -> None:
    if not server.value(f"SELECT count(*) FROM pg_available_extensions WHERE name = '{extension}'"):
        missing(f"PostgreSQL's extension {extension} is not installed")
    with server.admin() as connection:
        connection.execute(f"CREATE EXTENSION {extension}")
    asking = desk("reader", tables=["sale"]).ask("SELECT count(*) FROM sale")
    if used:
        assert (await asking).startswith("count\n3")
        return
    with pytest.raises(ToolError, match=f"the extension {extension}") as refused:
        await asking
    assert refused.value.code == "sql_refused"


async def test_a_preview_leaves_nothing_behind_in_the_database(desk: Any, server: Any) -> None:
    writer = desk("writer", tables=["sale"], writable=True)
    with server.admin() as connection:
        connection.execute("GRANT UPDATE ON SEQUENCE sale_id_seq TO writer")
    ahead = "SELECT setval('sale_id_seq', 900)"
    assert "not tried" in (await writer.preview(ahead)).blocks[-1].text
    assert server.value("SELECT last_value FROM sale_id_seq") == 3
    assert "setval\n900" in await writer.change(ahead)


async def test_a_change_is_tried_first_and_made_when_it_is_let_go(desk: Any, server: Any) -> None:
    writer = desk("writer", tables=["sale"], writable=True)
    raise_all = "UPDATE sale SET total = total + $1 WHERE town = 'York'"
    preview = await writer.preview(raise_all, 1)
    assert preview.blocks[-1].text == (
        "It would change 2 rows of shop (PostgreSQL: main). That cannot be taken back."
    )
    assert server.value("SELECT sum(total) FROM sale") == pytest.approx(42.5)
    assert await writer.change(raise_all, 1) == "Changed 2 rows of shop."
    assert server.value("SELECT sum(total) FROM sale") == pytest.approx(43.5)
    with server.admin() as connection:
        connection.execute("INSERT INTO sale (town) VALUES ('York')")
    assert (await writer.preview(raise_all, 1)).fingerprint != preview.fingerprint
    made = await writer.change("INSERT INTO sale (town) VALUES ($1) RETURNING town", "Ely")
    assert made == "Changed 1 row of shop.\n\ntown\nEly\n[1 row]"


async def test_two_statements_at_once_change_nothing(desk: Any, server: Any) -> None:
    writer = desk("writer", writable=True)
    with pytest.raises(ToolError, match="multiple commands"):
        await writer.change("DELETE FROM sale; SELECT 1")
    assert server.value("SELECT count(*) FROM sale") == 3


async def test_what_is_not_writable_is_only_read(desk: Any) -> None:
    with pytest.raises(ForbiddenError, match="writable"):
        await desk("writer").change("DELETE FROM sale")


async def test_rows_cells_and_time_are_bounded(desk: Any) -> None:
    reader = desk("reader")
    many = await reader.ask("SELECT generate_series(1, 1000000000) AS n")
    assert many.endswith("\n200\n[the first 200 rows; there are more]")
    long = await reader.ask("SELECT repeat('x', 100000) AS x")
    assert "… [100000 characters]" in long and len(long) < 3_000
    with pytest.raises(ToolError, match="memory"):
        await reader.ask("SELECT repeat(repeat('x', 100000), 9000)")
    reader.context = replace(reader.context, timeout_s=0.5)
    with pytest.raises(ToolError, match="stopped after") as stopped:
        await reader.ask("SELECT pg_sleep(600)")
    assert stopped.value.code == "tool_timeout"


async def test_a_call_that_is_cancelled_leaves_nothing_running(desk: Any, server: Any) -> None:
    asking = asyncio.create_task(desk("reader").ask("SELECT pg_sleep(25)"))
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(server.value, running):  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.02)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert asking.cancelled()


async def test_what_is_not_set_up_says_what_to_do(desk: Any, server: Any, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"tools\.postgres\.elsewhere") as unset:
        await desk("reader", postgres="elsewhere").ask("SELECT 1")
    assert unset.value.code == "not_configured"
    wrong = desk("reader")
    wrong.query_tool = SqlQuery(
        ChildProcesses(),
        Postgres(
            lambda: ToolsSettings(postgres={"main": server.url("reader")}),
            lambda name: "wrong-word",
            ChildProcesses(),
        ),
    )
    with pytest.raises(ToolError, match="authentication failed") as refused:
        await wrong.ask("SELECT 1")
    assert "wrong-word" not in refused.value.message


async def test_an_agent_that_is_not_trusted_or_another_users_uses_no_connection(desk: Any) -> None:
    foreign = desk("reader")
    foreign.context = replace(foreign.context, connections=False)
    with pytest.raises(ForbiddenError) as refused:
        await foreign.ask("SELECT 1")
    assert refused.value.code == "connections_refused"
