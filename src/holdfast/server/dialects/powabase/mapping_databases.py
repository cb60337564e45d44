"""Between the schemas that Powabase's database tools are limited to and the databases of our agents. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.databases import DatabaseSpec
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.server.dialects.powabase.mapping_agents import NAME, kept
from holdfast.server.kit.reading import parsed

QUERY, WRITE = "sql_query", "sql_write"
DATABASE_TOOLS = frozenset((QUERY, WRITE))

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}")
_SYSTEM = frozenset(
    {
        *("ai", "auth", "storage", "extensions", "graphql", "graphql_public", "realtime", "vault"),
        *("pgsodium", "pgsodium_masks", "supabase_functions", "supabase_migrations", "pg_catalog"),
        *("information_schema", "pg_toast", "net", "cron"),
    }
)
_MOST = 1_000
"""Tables of one schema, and schemas."""

_ASIDE = f"ext.{NAME}.databases"
"""Where an agent file keeps its `databases:` from before schemas were named."""

Schemas = Mapping[str, list[str]]


def check_schemas(given: Any) -> None:
    """Raises `InvalidError` for what cannot be the `schemas` of a `config_override`."""
    if not isinstance(given, dict):
        raise _wrong("must be an object of lists of tables, by the name of their schema")
    if len(given) > _MOST:
        raise _wrong(f"names more than {_MOST} schemas")
    for schema, tables in given.items():
        if not _NAME.fullmatch(schema):
            raise _wrong(f"{_shown(schema)} is no name of a schema")
        if schema.lower() in _SYSTEM or schema.lower().startswith("pg_"):
            raise _wrong(f"{schema} is a schema of the system")
        if not isinstance(tables, list) or len(tables) > _MOST:
            raise _wrong(f"the tables of {schema} must be a list of at most {_MOST} names")
        for table in tables:
            if not isinstance(table, str) or not _NAME.fullmatch(table):
                raise _wrong(f"{_shown(table)} is no name of a table")


def _wrong(why: str) -> InvalidError:
    return InvalidError(f"config_override.schemas: {why}.", code="invalid_schemas")


def _shown(value: Any) -> str:
    return sanitize_line(shorten(repr(value), 80))


def database_changes(
    info: AgentInfo,
    values: Mapping[str, Any],
    before: Mapping[str, Schemas],
    after: Mapping[str, Schemas],
    connection: str | None,
) -> dict[str, Any]:
    """Returns the change of an agent's `databases:` where the schemas of its tools, by tool, change; `values`
    are those of its own text.

    Once a tool names schemas, each tool reaches what it names and nothing else; the databases that the text
    names are put aside. Without any, they are back; where there were none put aside, nothing is left.
    """
    if before == after:
        return {}
    aside = _aside(values)
    if not after:
        return {"databases": aside, _ASIDE: None}
    present = {one.name: one for one in (info.spec.databases if info.spec else ())}
    present |= {one.name: one for one in (parsed(DatabaseSpec, each) for each in aside or ())}
    made = _databases(present, after.get(QUERY, {}), after.get(WRITE, {}), connection)
    own = None if before else values.get("databases")
    return {"databases": made, **({_ASIDE: own} if own is not None else {})}


def _aside(values: Mapping[str, Any]) -> list[Any] | None:
    found = kept(values.get("ext") or {}).get("databases")
    return found if isinstance(found, list) else None


def _databases(
    present: dict[str, DatabaseSpec], reads: Schemas, writes: Schemas, connection: str | None
) -> list[dict[str, Any]]:
    names = _names(sorted({*reads, *writes}))
    present.pop(connection or "", None)  # made of schemas before; it is made anew
    own = {schema: name for schema, name in names.items() if name in present or connection is None}
    found = [
        {**_place(schema, name, present), **_tables(reads.get(schema, []), writes.get(schema, []))}
        for schema, name in own.items()
    ]
    rest = [schema for schema in names if schema not in own]
    if rest and connection is not None:
        place = {"name": connection, "postgres": connection}
        found.append({**place, **_tables(_qualified(reads, rest), _qualified(writes, rest))})
    return found or [{"name": "public", "path": "public.db", "tables": []}]


def _place(schema: str, name: str, present: Mapping[str, DatabaseSpec]) -> dict[str, Any]:
    """Returns where a schema is: the database of the agent that has its name, or a file of the workspace."""
    known = present.get(name)
    if known is None:
        return {"name": name, "path": f"{schema}.db"}
    return known.model_dump(mode="json", include={"name", "path", "postgres", "schemas"}, exclude_none=True)


def _qualified(schemas: Schemas, wanted: list[str]) -> list[str]:
    return [f"{schema}.{table}" for schema in wanted for table in schemas.get(schema, ())]


def _tables(reads: list[str], writes: list[str]) -> dict[str, Any]:
    if not writes:
        return {"tables": reads}
    changeable = {} if reads == writes else {"changeable": writes}
    return {"tables": reads, "writable": True, **changeable}


def _names(schemas: list[str]) -> dict[str, str]:
    """Returns a name of ours for each schema: in small letters, and each another."""
    found: dict[str, str] = {}
    for schema in schemas:
        plain = schema.lower().strip("_")[:60] or "schema"
        number = sum(each == plain or each.startswith(f"{plain}-") for each in found.values())
        found[schema] = f"{plain}-{number + 1}" if number else plain
    return found
