"""SQLite files of the workspace: what the authorizer lets through, limits, changes seen beforehand."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.domain.databases import DatabaseSpec
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    HoldfastError,
    NotFoundError,
    OutsideWorkspace,
    ToolError,
)
from holdfast.core.tools.builtin.sql_main import Guard, answer
from holdfast.core.tools.builtin.sql_query import SqlQuery
from holdfast.core.tools.builtin.sql_write import SqlWrite
from holdfast.core.tools.registry import validate_arguments

SCHEMA = """
CREATE TABLE town (name TEXT, people INTEGER);
INSERT INTO town VALUES ('Ames', 66000), ('Iowa City', 75000), (NULL, 1);
CREATE TABLE secret (word TEXT);
INSERT INTO secret VALUES ('canary-word');
CREATE VIEW peek AS SELECT * FROM secret;
CREATE TRIGGER told AFTER INSERT ON town BEGIN INSERT INTO secret VALUES (new.name); END;
"""
TOWNS = DatabaseSpec(name="towns", path="towns.db", tables=("town", "peek"), writable=True)
LOOP = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def make(path: Path, script: str = SCHEMA) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


@pytest.fixture
def towns(bench: Any) -> Path:
    path = bench.workspace.root / "towns.db"
    make(path)
    return path


def all_of(path: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(query).fetchall()
    connection.close()
    return rows


def executed(path: Path, sql: str, *, write: bool = False, tables: list[str] | None = None) -> dict[str, Any]:
    """What the program answers, without its process; a mistake in the statement as it says it."""
    asked = {"file": str(path), "statement": sql, "parameters": [], "write": write, "tables": tables}
    try:
        return answer({**asked, "max_rows": 10, "max_cell": 100, "max_chars": 1000, "time_s": 5})
    except (sqlite3.Error, sqlite3.Warning) as error:
        return {"error": str(error)}


async def query(bench: Any, sql: str, *parameters: Any, **context: Any) -> str:
    named = "towns" if context.get("databases") else "towns.db"
    given = {"database": named, "query": sql, "parameters": list(parameters)}
    return (await bench.run("sql_query", given, **context)).content[0].text


async def write(bench: Any, sql: str, *parameters: Any, **context: Any) -> str:
    named = "towns" if context.get("databases") else "towns.db"
    given = {"database": named, "statement": sql, "parameters": list(parameters)}
    return (await bench.run("sql_write", given, **context)).content[0].text


async def test_a_query_gives_rows_to_the_model_and_a_table_to_people(bench: Any, towns: Path) -> None:
    given = {
        "database": "./towns.db",
        "query": "SELECT name, people FROM town WHERE people < ? ORDER BY 2",
        "parameters": [70000],
    }
    output = await bench.run("sql_query", given)
    assert output.content[0].text == "name,people\nNULL,1\nAmes,66000\n[2 rows]"
    assert output.display[0].headers == ("name", "people")
    assert output.display[0].rows == (("NULL", "1"), ("Ames", "66000"))
    assert bench.subjects("sql_query", given) == ("towns.db",)
    assert (await bench.preview("sql_query", given)).blocks[0].language == "sql"


async def test_without_a_query_the_tables_are_told(bench: Any, towns: Path) -> None:
    assert await query(bench, " ") == "town (name TEXT, people INTEGER)\nsecret (word TEXT)\npeek (word TEXT)"
    assert "secret (" not in await query(bench, "", databases=(TOWNS,))


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH DATABASE '/etc/passwd' AS x",
        "ATTACH DATABASE 'other.db' AS x",
        "PRAGMA writable_schema = 1",
        "PRAGMA query_only = 0",
        "PRAGMA temp_store_directory = '/tmp'",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('/tmp/evil.so')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT readfile('/etc/passwd')",
        "INSERT INTO town VALUES ('x', 1)",
        "UPDATE town SET people = 0 RETURNING name",
        "DELETE FROM town",
        "DROP TABLE town",
        "CREATE TABLE more (a)",
        "CREATE TEMP TABLE more (a)",
        "UPDATE sqlite_master SET sql = ''",
        "VACUUM INTO 'copy.db'",
        "BEGIN",
        "COMMIT",
        "SELECT 1; DELETE FROM town",
        "/* SELECT */ WITH x AS (SELECT 1) DELETE FROM town",
    ],
)
def test_a_query_changes_and_reaches_nothing_else(bench: Any, towns: Path, sql: str) -> None:
    before = towns.read_bytes()
    assert {"refused", "error"} & executed(towns, sql).keys()
    assert towns.read_bytes() == before
    assert sorted(path.name for path in bench.workspace.root.iterdir()) == ["towns.db"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM secret",
        'SELECT * FROM "SECRET"',
        "SELECT count(*) FROM secret",
        "SELECT 1 FROM main.secret",
        "SELECT name FROM town UNION SELECT word FROM secret",
        "SELECT (SELECT word FROM secret) FROM town",
        "SELECT * FROM town WHERE name IN (SELECT word FROM secret)",
        "WITH town AS (SELECT * FROM secret) SELECT * FROM town",
        "WITH peek AS (SELECT word AS w FROM secret) SELECT w FROM peek",
        "SELECT * FROM peek",
        "SELECT sql FROM sqlite_master",
        "SELECT * FROM pragma_table_info('secret')",
        "PRAGMA table_info(secret)",
        "EXPLAIN SELECT * FROM secret",
        "SELECT * FROM dbstat",
        "SELECT count(*) FROM sqlite_master",
    ],
)
def test_tables_that_are_not_listed_are_not_seen(towns: Path, sql: str) -> None:
    assert list(executed(towns, sql, tables=["town", "peek"])) == ["refused"]


async def test_what_is_refused_is_told_with_what_is_allowed(bench: Any, towns: Path) -> None:
    with pytest.raises(ToolError) as raised:
        await query(bench, "SELECT * FROM secret", databases=(TOWNS,))
    assert raised.value.code == "sql_refused"
    assert raised.value.message == "Not allowed here: the table secret. Allowed are: town, peek."
    with pytest.raises(ToolError, match="Not allowed here: ATTACH"):
        await query(bench, "ATTACH DATABASE '/etc/passwd' AS x")


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count(*) FROM town", [["3"]]),
        ("WITH big AS (SELECT * FROM town WHERE people > 9) SELECT count(*) FROM big", [["2"]]),
        ("SELECT json_extract(json_object('a', name), '$.a') FROM town LIMIT 1", [["Ames"]]),
        ("SELECT value FROM json_each('[7]')", [["7"]]),
        ("SELECT name, rank() OVER (ORDER BY people DESC) FROM town LIMIT 1", [["Iowa City", "1"]]),
        ("SELECT name FROM town WHERE name LIKE 'a%' AND people IS NOT NULL", [["Ames"]]),
        ("VALUES (1, NULL)", [["1", None]]),
    ],
)
def test_what_is_listed_can_be_asked_in_every_way(
    towns: Path, sql: str, rows: list[list[str | None]]
) -> None:
    assert executed(towns, sql, tables=["Town"])["rows"] == rows


async def test_only_the_databases_of_the_agent_are_there(bench: Any, towns: Path) -> None:
    make(bench.workspace.root / "other.db", "CREATE TABLE t (a)")
    for name in ("other.db", "towns.db", "TOWNS"):
        with pytest.raises(ToolError, match="There are: towns"):
            await bench.run("sql_query", {"database": name}, databases=(TOWNS,))


async def test_a_change_is_made_and_told(bench: Any, towns: Path) -> None:
    told = await write(bench, "UPDATE town SET people = people + ? WHERE people > 9 RETURNING name", 1)
    assert told.startswith("Changed 2 rows of towns.db.\n\nname\nAmes\n")
    assert all_of(towns, "SELECT sum(people) FROM town") == [(141003,)]
    for sql in (
        "CREATE TABLE more (a INTEGER PRIMARY KEY, b)",
        "CREATE INDEX at ON more (b)",
        "ALTER TABLE more ADD COLUMN c",
        "ALTER TABLE more RENAME COLUMN c TO d",
        "ALTER TABLE more RENAME TO most",
        "INSERT INTO most (d) SELECT name FROM town",
        "DROP INDEX at",
        "ALTER TABLE most DROP COLUMN b",
        "CREATE VIEW big AS SELECT * FROM town",
        "DROP VIEW big",
    ):
        assert executed(towns, sql, write=True).get("changed") is not None, sql
    assert all_of(towns, "SELECT count(*) FROM most WHERE d IS NOT NULL") == [(2,)]
    assert await write(bench, "DROP TABLE most") == "Changed 0 rows of towns.db."
    assert sorted(path.name for path in bench.workspace.root.iterdir()) == ["towns.db"]


async def test_a_file_that_is_not_there_is_made(bench: Any) -> None:
    given = {"database": "data/new.db", "statement": "CREATE TABLE t (a)"}
    preview = await bench.preview("sql_write", given)
    assert (preview.blocks[-1].text, preview.fingerprint) == ("It would make the file data/new.db.", "absent")
    assert list(bench.workspace.root.iterdir()) == []
    await bench.run("sql_write", given)
    assert all_of(bench.workspace.root / "data" / "new.db", "SELECT name FROM sqlite_master") == [("t",)]


async def test_a_preview_counts_and_changes_nothing_and_goes_stale(bench: Any, towns: Path) -> None:
    before = towns.read_bytes()
    given = {"database": "towns.db", "statement": "DELETE FROM town WHERE people > ?", "parameters": [9]}
    first = await bench.preview("sql_write", given)
    assert [block.type for block in first.blocks] == ["code", "text", "text"]
    assert first.blocks[1].text == "Values of its parameters:\n1: 9"
    assert first.blocks[2].text == "It would change 2 rows of towns.db."
    assert towns.read_bytes() == before
    assert (await bench.preview("sql_write", given)).fingerprint == first.fingerprint
    make(towns, "INSERT INTO town VALUES ('Ankeny', 70000)")
    assert (await bench.preview("sql_write", given)).fingerprint != first.fingerprint


async def test_a_preview_tells_the_file_that_a_name_stands_for(bench: Any, towns: Path) -> None:
    fresh = DatabaseSpec(name="fresh", path="data/new.db", writable=True)
    context = bench.context(databases=(TOWNS, fresh))
    told = []
    for tool, asked in (
        ("sql_query", {"database": "towns", "query": "SELECT 1"}),
        ("sql_write", {"database": "towns", "statement": "DELETE FROM town"}),
        ("sql_write", {"database": "fresh", "statement": "CREATE TABLE t (a)"}),
    ):
        found = bench.tool(tool)
        told.append((await found.preview(validate_arguments(found, asked), context)).blocks[-1].text)
    assert told == [
        "It would ask towns (towns.db).",
        "It would change 3 rows of towns (towns.db).",
        "It would make the file fresh (data/new.db).",
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "PRAGMA writable_schema = 1",
        "PRAGMA journal_mode = OFF",
        "UPDATE sqlite_master SET sql = '' WHERE name = 'town'",
        "INSERT INTO sqlite_sequence VALUES ('a', 1)",
        "ATTACH DATABASE 'x.db' AS x",
        "VACUUM INTO 'copy.db'",
        "CREATE TRIGGER t AFTER INSERT ON town BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE v USING fts5(a)",
        "CREATE TEMP TABLE t (a)",
        "INSERT INTO town SELECT load_extension('x'), 1",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT a",
        "DELETE FROM town; DELETE FROM secret",
    ],
)
def test_a_change_does_nothing_but_change_rows_and_tables(bench: Any, towns: Path, sql: str) -> None:
    before = towns.read_bytes()
    assert {"refused", "error"} & executed(towns, sql, write=True).keys()
    assert towns.read_bytes() == before
    assert sorted(path.name for path in bench.workspace.root.iterdir()) == ["towns.db"]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM secret",
        "INSERT INTO town VALUES ('fires a trigger on secret', 1)",
        "UPDATE town SET name = (SELECT word FROM secret)",
        "DROP TABLE town",
        "ALTER TABLE secret RENAME TO shown",
        "CREATE VIEW shown AS SELECT * FROM secret",
        "CREATE TABLE shown AS SELECT * FROM secret",
    ],
)
def test_a_change_stays_within_the_listed_tables(towns: Path, sql: str) -> None:
    before = towns.read_bytes()
    assert list(executed(towns, sql, write=True, tables=["town"])) == ["refused"]
    assert towns.read_bytes() == before


def test_what_a_foreign_key_would_change_must_be_listed_too(towns: Path) -> None:
    make(
        towns,
        "CREATE TABLE shop (id INTEGER PRIMARY KEY); INSERT INTO shop VALUES (1);"
        "CREATE TABLE sale (shop REFERENCES shop ON DELETE CASCADE); INSERT INTO sale VALUES (1)",
    )
    assert executed(towns, "DELETE FROM shop", write=True, tables=["shop"]) == {"refused": "the table sale"}
    done = executed(towns, "DELETE FROM shop", write=True, tables=["shop", "sale"])
    assert (done["changed"], all_of(towns, "SELECT count(*) FROM sale")) == (2, [(0,)])


def test_a_full_text_table_is_asked_like_any_other(towns: Path) -> None:
    make(towns, "CREATE VIRTUAL TABLE page USING fts5(body); INSERT INTO page VALUES ('rain today')")
    found = "SELECT body FROM page WHERE page MATCH 'rain'"
    for tables in (None, ["page"]):
        assert executed(towns, found, tables=tables)["rows"] == [["rain today"]]
        assert executed(towns, "INSERT INTO page VALUES ('sun')", write=True, tables=tables)["changed"] > 0
    assert executed(towns, found, tables=["town"]) == {"refused": "the table page"}
    assert executed(towns, "SELECT * FROM page_content", tables=["town"]) == {
        "refused": "the table page_content"
    }
    names = [table["name"] for table in executed(towns, "")["tables"]]
    assert names == ["town", "secret", "peek", "page"]


def test_what_a_full_text_table_keeps_is_not_seen_by_one_that_its_name_begins_with(towns: Path) -> None:
    make(towns, "CREATE VIRTUAL TABLE page USING fts5(body); CREATE VIRTUAL TABLE page_two USING fts5(body)")
    make(towns, "INSERT INTO page VALUES ('rain'); INSERT INTO page_two VALUES ('private')")
    assert executed(towns, "SELECT c0 FROM page_content", tables=["page"])["rows"] == [["rain"]]
    assert executed(towns, "SELECT * FROM page_two_content", tables=["page"]) == {
        "refused": "the table page_two_content"
    }


async def test_a_listed_table_is_changed(bench: Any, towns: Path) -> None:
    told = await write(bench, "DELETE FROM town WHERE people = 1", databases=(TOWNS,))
    assert told == "Changed 1 row of towns."


async def test_other_tables_can_be_changed_than_read(bench: Any, towns: Path) -> None:
    make(towns, "CREATE TABLE note (text)")
    both = DatabaseSpec(name="towns", path="towns.db", tables=("town",), writable=True, changeable=("note",))
    assert await write(bench, "INSERT INTO note VALUES ('a')", databases=(both,)) == "Changed 1 row of towns."
    with pytest.raises(ToolError, match="the table town"):
        await write(bench, "DELETE FROM town", databases=(both,))
    with pytest.raises(ToolError, match="the table note"):
        await query(bench, "SELECT * FROM note", databases=(both,))
    assert "Ames" in await query(bench, "SELECT name FROM town", databases=(both,))


async def test_a_database_that_is_not_writable_is_not_changed(bench: Any, towns: Path) -> None:
    only = DatabaseSpec(name="towns", path="towns.db")
    with pytest.raises(ForbiddenError, match="may only be read"):
        await write(bench, "DELETE FROM town", databases=(only,))


async def test_a_failed_change_leaves_all_as_it_was(bench: Any, towns: Path) -> None:
    make(towns, "CREATE TABLE one (a UNIQUE); INSERT INTO one VALUES (3);")
    before = towns.read_bytes()
    with pytest.raises(ToolError, match="UNIQUE constraint failed") as raised:
        await write(bench, "INSERT INTO one VALUES (1), (2), (3)")
    assert (raised.value.code, towns.read_bytes()) == ("sql_failed", before)


async def test_a_file_that_changes_between_copy_and_change_is_not_overwritten(
    bench: Any, towns: Path, processes: Any
) -> None:
    class Slow:
        async def run(self, spec: Any, **more: Any) -> Any:
            done = await processes.run(spec, **more)
            make(towns, "INSERT INTO town VALUES ('meanwhile', 2)")
            return done

    with pytest.raises(ConflictError):
        await bench.run(SqlWrite(Slow()), {"database": "towns.db", "statement": "DELETE FROM town"})
    assert all_of(towns, "SELECT count(*) FROM town") == [(4,)]


async def test_a_link_in_the_place_of_the_changed_copy_is_not_followed(
    bench: Any, towns: Path, tmp_path: Path, processes: Any
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("the secret")

    class TakenOver:
        async def run(self, spec: Any, **more: Any) -> Any:
            done = await processes.run(spec, **more)
            (spec.cwd / "database").unlink()
            (spec.cwd / "database").symlink_to(outside)
            return done

    before = towns.read_bytes()
    with pytest.raises(OutsideWorkspace):
        await bench.run(SqlWrite(TakenOver()), {"database": "towns.db", "statement": "DELETE FROM town"})
    assert towns.read_bytes() == before


async def test_a_statement_without_end_is_stopped(bench: Any, towns: Path) -> None:
    for sql in (LOOP, "SELECT * FROM town a, town b, town c, town d ORDER BY (" + LOOP + ")"):
        with pytest.raises(ToolError, match="was stopped") as raised:
            await query(bench, sql, timeout_s=0.4)
        assert raised.value.code == "tool_timeout"


async def test_a_cancelled_query_leaves_nothing(bench: Any, towns: Path, processes: Any) -> None:
    began = asyncio.Event()

    class Told:
        async def run(self, spec: Any, **more: Any) -> Any:
            folders.append(spec.cwd)
            began.set()
            return await processes.run(spec, **more)

    folders: list[Path] = []
    call = asyncio.create_task(bench.run(SqlQuery(Told()), {"database": "towns.db", "query": LOOP}))
    await asyncio.wait_for(began.wait(), 10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(call, 10)
    assert not folders[0].exists()


async def test_huge_values_and_many_rows_are_bounded(bench: Any, towns: Path) -> None:
    assert await query(bench, "SELECT zeroblob(50000000) AS b") == "b\n<50000000 bytes>\n[1 row]"
    for sql in ("SELECT zeroblob(1000000000)", "SELECT hex(zeroblob(40000000))"):
        with pytest.raises(ToolError, match="too big"):
            await query(bench, sql)
    long = await query(bench, "SELECT printf('%.*c', 100000, 'x') AS t")
    assert len(long) < 2_100
    assert "[100000 characters]" in long
    wide = "SELECT " + ", ".join(["printf('%.*c', 9000, char(1))"] * 300)
    assert len(await query(bench, wide)) < 220_000
    many = await query(
        bench,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    )
    assert many.endswith("\n200\n[the first 200 rows; there are more]")


async def test_what_is_no_database_or_not_in_the_workspace_is_refused(
    bench: Any, towns: Path, tmp_path: Path
) -> None:
    make(tmp_path / "outside.db")
    (bench.workspace.root / "link.db").symlink_to(tmp_path / "outside.db")
    (bench.workspace.root / "notes.md").write_text("no database")
    (bench.workspace.root / "bad.db").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    for path, error in (
        ("../outside.db", OutsideWorkspace),
        (str(tmp_path / "outside.db"), OutsideWorkspace),
        ("link.db", OutsideWorkspace),
        ("missing.db", NotFoundError),
        ("notes.md", ToolError),
        ("bad.db", ToolError),
        ("file:towns.db?mode=rwc", NotFoundError),
    ):
        with pytest.raises(error):
            await bench.run("sql_query", {"database": path, "query": "SELECT * FROM town"})


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
async def test_a_side_that_is_a_link_is_not_followed(
    bench: Any, towns: Path, tmp_path: Path, ending: str
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"of somebody else")
    Path(f"{towns}{ending}").symlink_to(outside)
    for tool, more in (("sql_query", {}), ("sql_write", {"statement": "DELETE FROM town"})):
        with pytest.raises(OutsideWorkspace):
            await bench.run(tool, {"database": "towns.db", **more})
    assert outside.read_bytes() == b"of somebody else"


async def test_what_another_program_has_not_finished_is_read_and_not_changed(bench: Any, towns: Path) -> None:
    other = sqlite3.connect(towns, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("INSERT INTO town VALUES ('in the wal', 5)")
    try:
        assert await query(bench, "SELECT name FROM town WHERE people = 5") == "name\nin the wal\n[1 row]"
        with pytest.raises(ToolError) as raised:
            await write(bench, "DELETE FROM town")
        assert raised.value.code == "database_busy"
    finally:
        other.close()
    assert await write(bench, "DELETE FROM town WHERE people = 5") == "Changed 1 row of towns.db."
    assert all_of(towns, "SELECT count(*) FROM town") == [(3,)]


async def test_values_are_bound_and_never_part_of_the_statement(bench: Any, towns: Path) -> None:
    evil = "x'); DROP TABLE town; --"
    await write(bench, "INSERT INTO town VALUES (?, ?)", evil, 3)
    assert all_of(towns, "SELECT name FROM town WHERE people = 3") == [(evil,)]
    assert "each is a text" in bench.mistakes("sql_query", {"database": "a", "parameters": [[1]]})
    with pytest.raises(ToolError, match="binding"):
        await query(bench, "SELECT ?")
    with pytest.raises(HoldfastError):
        await query(bench, "SELECT '\ud800'")
    with pytest.raises(ToolError):
        await query(bench, "SELECT ?", 2**70)


NAMES = st.sampled_from(
    ["town", "TOWN", "secret", "sqlite_master", "sqlite_temp_master", "x", "pragma_list", ""]
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    action=st.integers(0, 40),
    first=st.none() | NAMES,
    second=st.none() | NAMES | st.sampled_from(["load_extension", "word", "1"]),
    where=st.none() | st.sampled_from(["main", "temp", "other"]),
    inner=st.none() | NAMES,
    write=st.booleans(),
)
def test_the_guard_never_gives_what_is_not_listed(
    action: int, first: str | None, second: str | None, where: str | None, inner: str | None, write: bool
) -> None:
    guard = Guard({"town", "secret"}, ["town"], write)
    answer = guard(action, first, second, where, inner)
    assert answer == Guard({"town", "secret"}, ["town"], write)(action, first, second, where, None)
    if answer != sqlite3.SQLITE_OK:
        assert guard.refused
        return
    harmless = (
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_PRAGMA,
    )
    changes = (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)
    assert action in (*harmless, sqlite3.SQLITE_READ, *changes)
    assert write or action not in changes
    if action in (sqlite3.SQLITE_READ, *changes):
        assert (first or "").lower() not in ("secret", "sqlite_master", "sqlite_temp_master")
        assert where in (None, "main")
