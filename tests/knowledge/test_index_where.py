"""Filters over metadata: what SQL selects is what plain Python would."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import InvalidError
from holdfast.core.knowledge.where import MAX_CONDITIONS, MAX_VALUES, compile_where

KEYS = st.sampled_from(
    ["year", "team", 'a "quoted" key', "$name", "$source", "x.y", "umlaut ü", "back\\slash"]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5)
NUMBERS = st.integers(-(2**62), 2**62) | st.integers(-3, 3) | st.integers(-40, 40).map(lambda i: i / 8)
SCALARS = st.booleans() | NUMBERS | TEXTS | st.sampled_from(["sales", "1", "true"])
METADATA = st.dictionaries(KEYS.filter(lambda key: not key.startswith("$")), SCALARS | st.none(), max_size=4)
COMPARISONS = st.one_of(
    st.tuples(st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), SCALARS),
    st.tuples(st.sampled_from(["$in", "$nin"]), st.lists(SCALARS, min_size=1, max_size=3)),
).map(lambda pair: {pair[0]: pair[1]})
FILTERS = st.recursive(
    st.dictionaries(KEYS, SCALARS | COMPARISONS, min_size=1, max_size=2),
    lambda inner: st.builds(
        lambda sign, parts: {sign: parts},
        st.sampled_from(["$and", "$or"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)
Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def table() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE documents (name, source, media_type, metadata)")
    yield connection
    connection.close()


def sort_of(value: Any) -> str:
    if isinstance(value, bool):
        return "truth"
    return "number" if isinstance(value, int | float) else type(value).__name__


def equal(found: Any, wanted: Any) -> bool:
    return sort_of(found) == sort_of(wanted) and found == wanted


def compares(found: Any, sign: str, wanted: Any) -> bool:
    match sign:
        case "$eq":
            return equal(found, wanted)
        case "$ne":
            return not equal(found, wanted)
        case "$in":
            return any(equal(found, each) for each in wanted)
        case "$nin":
            return not any(equal(found, each) for each in wanted)
    if sort_of(found) != sort_of(wanted) or sort_of(found) == "truth":
        return False
    return {
        "$gt": found > wanted,
        "$gte": found >= wanted,
        "$lt": found < wanted,
        "$lte": found <= wanted,
    }[sign]


def holds(where: Mapping[str, Any], row: Row) -> bool:
    """What a filter means, in plain Python."""
    for key, said in where.items():
        if key == "$and":
            fits = all(holds(part, row) for part in said)
        elif key == "$or":
            fits = any(holds(part, row) for part in said)
        else:
            tests = said if isinstance(said, Mapping) else {"$eq": said}
            fits = all(compares(row.get(key), sign, wanted) for sign, wanted in tests.items())
        if not fits:
            return False
    return True


@given(where=FILTERS, rows=st.lists(st.tuples(TEXTS, TEXTS, METADATA), min_size=1, max_size=4))
def test_sql_selects_what_the_filter_means(
    table: sqlite3.Connection, where: dict[str, Any], rows: list[tuple[str, str, dict[str, Any]]]
) -> None:
    table.execute("DELETE FROM documents")
    for name, source, metadata in rows:
        table.execute(
            "INSERT INTO documents VALUES (?, ?, 'text/plain', ?)",
            (name, source, json.dumps(metadata, ensure_ascii=False)),
        )
    condition = compile_where(where)
    found = table.execute(
        f"SELECT rowid FROM documents d WHERE {condition.sql} ORDER BY rowid", condition.values
    ).fetchall()
    first = table.execute("SELECT min(rowid) FROM documents").fetchone()[0]
    meant = [
        first + i
        for i, (name, source, metadata) in enumerate(rows)
        if holds(where, {**metadata, "$name": name, "$source": source})
    ]
    assert [row[0] for row in found] == meant


@pytest.mark.parametrize(
    ("where", "at"),
    [
        ({"$not": {}}, "where.$not"),
        ({"year": {"$about": 1}}, "where.year.$about"),
        ({"year": {}}, "where.year"),
        ({"year": None}, "where.year"),
        ({"year": [1]}, "where.year"),
        ({"year": {"$in": []}}, "where.year.$in"),
        ({"year": {"$in": [1, None]}}, "where.year.$in[1]"),
        ({"year": {"$gt": float("nan")}}, "where.year.$gt"),
        ({"year": 2**63}, "where.year"),
        ({"$and": []}, "where.$and"),
        ({"$and": {"year": 1}}, "where.$and"),
        ({"$or": [{"year": 1}, {"$or": [{}]}]}, "where.$or[1].$or[0]"),
        ({"$or": [{"year": 1}] * (MAX_CONDITIONS + 1)}, "where"),
    ],
)
def test_a_wrong_filter_is_refused_with_its_place(where: dict[str, Any], at: str) -> None:
    with pytest.raises(InvalidError) as caught:
        compile_where(where)
    assert caught.value.code == "invalid_filter"
    assert caught.value.message.startswith(f"{at}: ")


def test_a_filter_cannot_be_nested_without_end() -> None:
    where: dict[str, Any] = {"year": 1}
    for _ in range(5_000):
        where = {"$and": [where]}
    with pytest.raises(InvalidError, match="nested"):
        compile_where(where)


def test_no_filter_holds_always() -> None:
    assert compile_where(None).sql == compile_where({}).sql == "1"


def test_long_lists_and_many_conditions_are_taken(table: sqlite3.Connection) -> None:
    many = {"$in": [*range(MAX_VALUES - 1), "x"]}
    condition = compile_where({"$or": [{f"key {i}": many} for i in range(MAX_CONDITIONS)]})
    table.execute("DELETE FROM documents")
    table.execute("INSERT INTO documents VALUES ('', '', '', ?)", (json.dumps({"key 7": 42.0}),))
    query = f"SELECT count(*) FROM documents d WHERE {condition.sql}"
    assert table.execute(query, condition.values).fetchone()[0] == 1


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_found_again(table: sqlite3.Connection, number: float) -> None:
    table.execute("DELETE FROM documents")
    table.execute("INSERT INTO documents VALUES ('', '', '', ?)", (json.dumps({"n": number}),))
    for where in ({"n": number}, {"n": {"$in": [number]}}):
        condition = compile_where(where)
        query = f"SELECT count(*) FROM documents d WHERE {condition.sql}"
        assert table.execute(query, condition.values).fetchone()[0] == 1
