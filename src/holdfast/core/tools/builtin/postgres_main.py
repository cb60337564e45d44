"""Executes one SQL statement on a PostgreSQL database. A program: nothing imports it.

A process of its own: what a statement returns may not take the engine's memory, and psycopg is loaded where
it is used. What a statement may do is for PostgreSQL to say, by the rights of the role that connects; what is
looked at here is that these rights go no further than the agent's list.

Input: JSON with `url`, `password` (null: none), `statement`, `parameters`, `write`, `keep`, `schemas` and
`tables` (pairs of schema and table; null: all), `max_rows`, `max_cell` and `max_chars` (characters), and
`time_s`. An empty statement asks for the tables. Output: one line of JSON, and nothing else.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from typing import Any

_MEMORY_BYTES = 768 * 2**20
_CONNECT_S = 10
_LOCK_MS = 5_000
_MAX_COLUMNS = 500
_SHOWN = 5
_IN_OTHER_WORDS = (
    ("EMPTY_QUERY", "there is no statement in it"),
    ("didn't produce a result", "the statement returns no rows, as one that only reads does"),
    ("COPY cannot be used", "COPY needs a client that reads or writes a file; use SELECT or INSERT"),
)
"""What psycopg says for those who program with it."""

_STRONG_ROLES = """
SELECT rolname FROM pg_roles
WHERE pg_has_role(session_user, oid, 'MEMBER') AND (
    rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls OR rolname IN (
        'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files',
        'pg_create_subscription', 'pg_signal_backend'))
ORDER BY rolname <> session_user, rolname LIMIT 1
"""
_OTHERS = """
WITH roles AS (SELECT oid FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')),
listed AS (
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ($1::text[] IS NULL OR n.nspname = ANY ($1))
      AND ($2::text[] IS NULL OR (n.nspname, c.relname) IN (SELECT * FROM unnest($2::text[], $3::text[])))),
functions AS (
    SELECT p.*, l.lanpltrusted, e.oid AS extension, e.extname
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
      LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
        AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
      LEFT JOIN pg_extension e ON e.oid = d.refobjid
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND EXISTS (SELECT FROM roles r WHERE has_function_privilege(r.oid, p.oid, 'EXECUTE')))
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)'
  AND c.oid NOT IN (SELECT oid FROM listed)
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE c.relkind = 'S' AND d.objid = c.oid
    AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
    AND d.deptype IN ('a', 'i') AND d.refobjid IN (SELECT oid FROM listed))
  AND EXISTS (SELECT FROM roles r WHERE r.oid = c.relowner OR CASE
    WHEN c.relkind = 'S' THEN has_sequence_privilege(r.oid, c.oid, 'SELECT, USAGE, UPDATE')
    ELSE has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
      OR has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') END)
UNION
SELECT format('the function %s, which has the rights of its owner', f.oid::regprocedure)
FROM functions f WHERE f.prosecdef AND NOT EXISTS (SELECT FROM roles r WHERE r.oid = f.proowner)
UNION
SELECT CASE WHEN f.extension IS NULL THEN format('the function %s', f.oid::regprocedure)
    ELSE format('the functions of the extension %s', f.extname) END || ', whose code may do everything'
FROM functions f
-- An extension that anybody may install does nothing outside of the database.
WHERE NOT f.lanpltrusted AND NOT EXISTS (SELECT FROM pg_available_extension_versions v
    WHERE v.name = f.extname AND v.installed AND (to_jsonb(v) ->> 'trusted')::boolean)
UNION
SELECT 'large objects'
WHERE EXISTS (SELECT FROM pg_largeobject_metadata m WHERE EXISTS (SELECT FROM roles r
    WHERE r.oid = m.lomowner OR EXISTS (SELECT FROM aclexplode(m.lomacl) a WHERE a.grantee IN (0, r.oid))))
ORDER BY 1
"""
_TABLES = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
  AND ($2::text[] IS NULL OR (n.nspname, c.relname) IN (SELECT * FROM unnest($2::text[], $3::text[])))
ORDER BY 1, 2, a.attnum
"""


def _main() -> int:
    asked = json.loads(sys.stdin.buffer.read())
    # The engine reads both streams as one, and psycopg and libpq write what they like to this one.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    with suppress(ValueError, OSError):  # the system has it not, or has a lower one already
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    try:
        import psycopg
    except ImportError:
        print(json.dumps({"missing": True}))
        return 0
    try:
        found = answer(asked)
    except psycopg.errors.QueryCanceled:
        found = {"timeout": True}
    except psycopg.Error as error:
        found = {"error": _said(error)}
    except (OverflowError, ValueError) as error:
        found = {"error": str(error)}
    except MemoryError:
        found = {"error": "it takes too much memory"}
    print(json.dumps(found, ensure_ascii=False))
    return 0


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Executes what is asked for. Raises what `psycopg` does, `ValueError`, `OverflowError`."""
    import psycopg
    from psycopg.types.string import TextLoader

    opened = psycopg.connect(
        asked["url"],
        password=asked["password"],
        connect_timeout=_CONNECT_S,
        autocommit=True,
        application_name="holdfast",
        client_encoding="UTF8",
    )
    # Not the connection's own block: that commits, and even what only reads may notify others then.
    with closing(opened) as connection:
        # Values as PostgreSQL writes them: nothing is read that need not be.
        for kind in connection.adapters.types:
            for oid in filter(None, (kind.oid, kind.array_oid)):
                connection.adapters.register_loader(oid, TextLoader)
        cursor = psycopg.RawCursor(connection)
        listed = _listed(asked)
        if (refused := _refusal(cursor, listed)) is not None:
            return {"refused": refused}
        if not asked["statement"].strip():
            return {"tables": _tables(cursor.execute(_TABLES, listed))}
        return _executed(cursor, asked)


def _listed(asked: dict[str, Any]) -> list[Any]:
    tables = asked["tables"]
    if tables is None:
        return [asked["schemas"], None, None]
    return [asked["schemas"], [schema for schema, _ in tables], [table for _, table in tables]]


def _refusal(cursor: Any, listed: list[Any]) -> str | None:
    """Returns why the role that has connected may not be used; None when it may."""
    strong = cursor.execute(_STRONG_ROLES).fetchone()
    if strong is not None:
        return (
            f"the role that connects has the rights of {strong[0]}, which go beyond tables. Name a role of "
            "the agent's own in the setting"
        )
    if listed[0] is None and listed[1] is None:
        return None
    others = [row[0] for row in cursor.execute(_OTHERS, listed).fetchall()]
    if not others:
        return None
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return (
        f"the role that connects reaches what the agent does not list: {', '.join(others[:_SHOWN])}{more}. "
        "Name a role in the setting to which only the listed tables are granted"
    )


def _executed(cursor: Any, asked: dict[str, Any]) -> dict[str, Any]:
    limits = f"SET statement_timeout = {round(asked['time_s'] * 1000)}"
    for line in (limits, f"SET lock_timeout = {_LOCK_MS}"):
        cursor.execute(line)
    cursor.execute("BEGIN" if asked["write"] else "BEGIN READ ONLY")
    if not asked["write"]:
        # One row after the other: who asks for a billion gets the first of them.
        with closing(cursor.stream(asked["statement"], asked["parameters"])) as rows:
            found = _rows(rows, cursor, asked)
        return {**found, "changed": 0}  # the end of the connection takes the transaction back
    cursor.execute(asked["statement"], asked["parameters"], prepare=True)
    changed = max(0, cursor.rowcount)
    found = _rows(cursor, cursor, asked) if cursor.description is not None else {}
    cursor.execute("COMMIT" if asked["keep"] else "ROLLBACK")
    return {**found, "changed": changed}


def _rows(rows: Iterable[Any], cursor: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Returns the rows as texts; null stays null."""
    found: list[list[str | None]] = []
    room, more, names = asked["max_chars"], False, []
    for row in rows:
        if len(found) >= asked["max_rows"] or room <= 0:
            more = True
            break
        limit = min(asked["max_cell"], asked["max_chars"] // max(1, len(row)))
        found.append([_cell(value, limit) for value in row[:_MAX_COLUMNS]])
        room -= sum(len(cell or "") for cell in found[-1])
    names = [column.name[:200] for column in cursor.description or ()]
    return {"columns": names[:_MAX_COLUMNS], "rows": found, "more": more}


def _cell(value: str | None, limit: int) -> str | None:
    if value is None or len(value) <= limit:
        return value
    return f"{value[:limit]}… [{len(value)} characters]"


def _tables(rows: Iterable[Any]) -> list[dict[str, Any]]:
    found: dict[str, list[str]] = {}
    for schema, table, column, kind in rows:
        found.setdefault(f"{schema}.{table}", []).append(f"{column} {kind}"[:200])
    tables = list(found.items())[:_MAX_COLUMNS]
    return [{"name": name[:200], "columns": columns[:_MAX_COLUMNS]} for name, columns in tables]


def _said(error: Any) -> str:
    told = error.diag.message_primary or str(error).strip() or type(error).__name__
    told = next((words for part, words in _IN_OTHER_WORDS if part in told), told)
    return " ".join(told.split())[:1_000]


if __name__ == "__main__":
    sys.exit(_main())
