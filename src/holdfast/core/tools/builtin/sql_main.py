"""Executes one SQL statement on a copy of an SQLite file. A program: nothing imports it.

A process of its own: a hostile file or statement may take neither the engine's memory nor its time. What a
statement may do is for SQLite's authorizer to say, which sees what is really touched, however it is written.

Input: JSON with `file`, `statement`, `parameters`, `write`, `tables` (null: all), `max_rows`, `max_cell` and
`max_chars` (characters), `time_s`. An empty statement asks for the tables. Output: one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

_MEMORY_BYTES = 768 * 2**20
_FILE_BYTES = 2**30
_LENGTH = 64 * 2**20
_STEPS = 10_000
_MAX_COLUMNS = 500
_SCHEMA = ("sqlite_master", "sqlite_temp_master")
_PRAGMAS = ("table_info", "table_xinfo", "index_list", "foreign_key_list")
_TABLE_FUNCTIONS = ("json_each", "json_tree")
_FUNCTION_NAMES = """
abs changes char coalesce concat concat_ws format glob hex ifnull iif instr last_insert_rowid length
like likelihood likely lower ltrim max min nullif octet_length printf quote random randomblob
replace round rtrim sign soundex sqlite_version substr substring total_changes trim typeof unhex
unicode unlikely upper zeroblob avg count group_concat string_agg sum total date time datetime
julianday unixepoch strftime timediff current_date current_time current_timestamp row_number rank
dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value acos acosh asin
asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow power
radians sin sinh sqrt tan tanh trunc json json_array json_array_length json_error_position
json_extract json_insert json_object json_patch json_pretty json_quote json_remove json_replace
json_set json_type json_valid json_group_array json_group_object -> ->> match bm25 highlight snippet
"""
# The harmless ones, by name: what a build of SQLite has beside them is not known here.
_FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
_ALTERING = frozenset(
    (
        "sqlite_rename_table",
        "sqlite_rename_column",
        "sqlite_rename_test",
        "sqlite_rename_quotefix",
        "sqlite_drop_column",
    )
)
_CHANGES = (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)
_DEFINITIONS = (
    sqlite3.SQLITE_CREATE_TABLE,
    sqlite3.SQLITE_CREATE_INDEX,
    sqlite3.SQLITE_CREATE_VIEW,
    sqlite3.SQLITE_DROP_TABLE,
    sqlite3.SQLITE_DROP_INDEX,
    sqlite3.SQLITE_DROP_VIEW,
    sqlite3.SQLITE_ALTER_TABLE,
    sqlite3.SQLITE_REINDEX,
)
_NAMES = {
    sqlite3.SQLITE_ATTACH: "ATTACH",
    sqlite3.SQLITE_DETACH: "DETACH",
    sqlite3.SQLITE_TRANSACTION: "controlling transactions",
    sqlite3.SQLITE_SAVEPOINT: "controlling transactions",
    sqlite3.SQLITE_ANALYZE: "ANALYZE",
    sqlite3.SQLITE_CREATE_TRIGGER: "making triggers",
    sqlite3.SQLITE_CREATE_TEMP_TRIGGER: "making triggers",
    sqlite3.SQLITE_CREATE_VTABLE: "making virtual tables",
}


class Guard:
    """The authorizer: says what a statement may touch, and remembers what it refused first."""

    def __init__(self, known: set[str], tables: Collection[str] | None, write: bool) -> None:
        self._known = known
        self._tables = None if tables is None else {table.lower() for table in tables}
        self._write = write
        self._define = write and tables is None
        self.refused = ""

    def __call__(
        self, action: int, first: str | None, second: str | None, where: str | None, _: str | None
    ) -> int:
        # The last argument is not looked at: it names a view, but also whatever a statement calls a WITH.
        refused = self._refusal(action, first or "", second or "", where)
        if refused is None:
            return sqlite3.SQLITE_OK
        self.refused = self.refused or refused
        return sqlite3.SQLITE_DENY

    def _refusal(self, action: int, first: str, second: str, where: str | None) -> str | None:
        match action:
            case sqlite3.SQLITE_SELECT | sqlite3.SQLITE_RECURSIVE:
                return None
            case sqlite3.SQLITE_READ:
                return None if self._may_read(first.lower(), second, where) else f"the table {first}"
            case sqlite3.SQLITE_FUNCTION:
                fine = second.lower() in _FUNCTIONS or (self._define and second in _ALTERING)
                return None if fine else f"the function {second}"
            case sqlite3.SQLITE_PRAGMA:
                fine = first == "data_version" or (first.lower() in _PRAGMAS and self._listed(second.lower()))
                return None if fine else f"PRAGMA {first}"
        if action in _CHANGES and self._write:
            return None if self._may_change(first.lower(), where) else f"changing the table {first}"
        if action in _DEFINITIONS and self._define:
            return None
        return _NAMES.get(action, "changing anything" if not self._write else "changing the schema")

    def _may_read(self, table: str, column: str, where: str | None) -> bool:
        if where not in (None, "main") and not (self._define and table in _SCHEMA):
            return False
        if table in _TABLE_FUNCTIONS or self._listed(table):
            return True
        # SQLite names a part of the statement itself like this when none of its columns is used.
        own = table not in self._known and not table.startswith(("sqlite_", "pragma_", "dbstat"))
        return not column and own

    def _listed(self, table: str) -> bool:
        if self._tables is None:
            return table in self._known or table in _SCHEMA or self._define
        return table in self._tables and table in self._known

    def _may_change(self, table: str, where: str | None) -> bool:
        if table in _SCHEMA:
            return self._define  # a statement's own change of it SQLite refuses by itself
        return where in (None, "main") and not table.startswith("sqlite_") and self._listed(table)


def _main() -> int:
    asked = json.loads(sys.stdin.buffer.read())
    for limit, most in ((resource.RLIMIT_AS, _MEMORY_BYTES), (resource.RLIMIT_FSIZE, _FILE_BYTES)):
        with suppress(ValueError, OSError):  # the system has it not, or has a lower one already
            resource.setrlimit(limit, (most, most))
    try:
        found = answer(asked)
    except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as error:
        found = {"error": str(error) or type(error).__name__}
    except MemoryError:
        found = {"error": "it takes too much memory"}
    print(json.dumps(found, ensure_ascii=False))
    return 0


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Executes what is asked for. Raises what `sqlite3` does, `ValueError`, `OverflowError`."""
    connection = sqlite3.connect(asked["file"], isolation_level=None, timeout=0, cached_statements=0)
    try:
        _prepare(connection)
        known = {
            name.lower(): name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
            )
        }
        shadows = _shadows(connection, asked["tables"])
        if not asked["statement"].strip():
            seen = {key: name for key, name in known.items() if key not in shadows}
            return {"tables": _tables(connection, asked["tables"], seen)}
        listed = None if asked["tables"] is None else {*asked["tables"], *shadows}
        return _executed(connection, asked, Guard(set(known), listed, asked["write"]))
    finally:
        connection.set_authorizer(None)
        connection.close()


def _prepare(connection: sqlite3.Connection) -> None:
    connection.text_factory = lambda data: data.decode(errors="replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LENGTH)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = FILE")
    for name in _TABLE_FUNCTIONS:  # at the first use they declare themselves by what looks like a change
        with suppress(sqlite3.OperationalError):  # a build without JSON
            connection.execute(f"SELECT 1 FROM {name}('[]')").fetchall()


def _shadows(connection: sqlite3.Connection, tables: list[str] | None) -> set[str]:
    """Returns the tables in which the virtual ones that may be seen keep what they have.

    Virtual tables are thereby known to the connection: at their first use they declare themselves by what
    looks like a change of the schema.
    """
    kinds = {row[1].lower(): row[2] for row in connection.execute("PRAGMA main.table_list")}
    seen = None if tables is None else {table.lower() for table in tables}
    virtual = {name for name, kind in kinds.items() if kind == "virtual" and (seen is None or name in seen)}
    # Only the last word is cut off: `page_two_content` is what `page_two` keeps, not what `page` does.
    return {name for name, kind in kinds.items() if kind == "shadow" and name.rpartition("_")[0] in virtual}


def _executed(connection: sqlite3.Connection, asked: dict[str, Any], guard: Guard) -> dict[str, Any]:
    until = time.monotonic() + asked["time_s"]
    if not asked["write"]:
        connection.execute("PRAGMA query_only = ON")
    connection.execute("BEGIN")
    before = connection.total_changes
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    connection.set_authorizer(guard)
    try:
        cursor = connection.execute(asked["statement"], asked["parameters"])
        found = _rows(cursor, asked, stop=lambda: time.monotonic() > until)
        cursor.close()
    except sqlite3.Error as error:
        if guard.refused:
            return {"refused": guard.refused}
        if time.monotonic() > until:
            return {"timeout": True}
        return {"error": str(error)}
    connection.set_authorizer(None)
    connection.set_progress_handler(None, 0)
    changed = connection.total_changes - before
    connection.execute("COMMIT" if asked["write"] else "ROLLBACK")
    return {**found, "changed": changed}


def _rows(cursor: sqlite3.Cursor, asked: dict[str, Any], stop: Callable[[], bool]) -> dict[str, Any]:
    """Returns the rows as texts; null stays null."""
    names = [str(column[0])[:200] for column in cursor.description or ()]
    rows: list[list[str | None]] = []
    room = asked["max_chars"]
    more = False
    for row in cursor:
        if len(rows) >= asked["max_rows"] or room <= 0 or stop():
            more = True
            if not asked["write"]:
                break
            continue  # a change is made to its end
        limit = min(asked["max_cell"], asked["max_chars"] // len(row))
        rows.append([_cell(value, limit) for value in row[:_MAX_COLUMNS]])
        room -= sum(len(cell or "") for cell in rows[-1])
    return {"columns": names[:_MAX_COLUMNS], "rows": rows, "more": more}


def _cell(value: Any, limit: int) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    text = str(value)
    return text if len(text) <= limit else f"{text[:limit]}… [{len(text)} characters]"


def _tables(
    connection: sqlite3.Connection, listed: list[str] | None, known: dict[str, str]
) -> list[dict[str, Any]]:
    """Returns the tables that may be seen, with their columns."""
    seen = {name.lower() for name in listed} if listed is not None else set(known)
    found = []
    for name in [known[key] for key in known if key in seen and not key.startswith("sqlite_")][:_MAX_COLUMNS]:
        quoted = name.replace('"', '""')
        try:
            columns = connection.execute(f'PRAGMA table_info("{quoted}")').fetchall()
        except sqlite3.Error:  # a view on what is no more
            columns = []
        shown = [f"{column[1]} {column[2]}".strip()[:200] for column in columns[:_MAX_COLUMNS]]
        found.append({"name": name[:200], "columns": shown})
    return found


if __name__ == "__main__":
    sys.exit(_main())
