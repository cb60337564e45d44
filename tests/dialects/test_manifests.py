"""Each dialect's manifest is its table, and what it calls full has a test that names it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from holdfast.server.dialects.every import DIALECTS, DialectPlace
from holdfast.server.kit.manifest import SOCKET, Manifest, OperationRow, read_manifest
from holdfast.server.kit.openapi import operation_path
from holdfast.server.kit.operations import Dialect

EVERY = pytest.mark.parametrize("place", DIALECTS, ids=lambda place: place.name)
TESTS = Path(__file__).parent


@cache
def manifest(place: DialectPlace) -> Manifest:
    return read_manifest(place.package)


def table(dialect: Dialect) -> set[tuple[str, str, str]]:
    operations = {(one.id, one.method, operation_path(one)) for one in dialect.operations}
    return operations | {(one.id, SOCKET, one.path) for one in dialect.sockets}


def shown(row: OperationRow) -> tuple[str, str, str]:
    return row.id, row.method, row.path


@cache
def covered() -> frozenset[str]:
    """Returns the names that tests say they cover."""
    paths = [*TESTS.rglob("test_*.py"), *TESTS.parent.joinpath("clients").rglob("test_*.py")]
    return frozenset(name for path in paths for name in _covered_in(path))


def _covered_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "covers":
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


@EVERY
def test_every_operation_has_a_row(place: DialectPlace) -> None:
    assert table(place.load()) - {shown(row) for row in manifest(place).operations} == set()


@EVERY
def test_every_row_has_an_operation_but_for_what_is_not_supported(place: DialectPlace) -> None:
    rows = {shown(row) for row in manifest(place).operations if row.status != "unsupported"}
    assert rows - table(place.load()) == set()


@EVERY
def test_ids_and_requests_are_there_once(place: DialectPlace) -> None:
    rows = list(table(place.load()))
    dialect = place.load()
    assert len(rows) == len(dialect.operations) + len(dialect.sockets)
    assert len({id for id, _, _ in rows}) == len(rows)
    assert len({(method, path) for _, method, path in rows}) == len(rows)


@EVERY
def test_every_operation_that_is_full_has_a_test_that_names_it(place: DialectPlace) -> None:
    full = {f"{place.name}.{row.id}" for row in manifest(place).operations if row.status == "full"}
    assert full - covered() == set()


def test_tests_name_operations_that_there_are() -> None:
    known = {f"{place.name}.{row.id}" for place in DIALECTS for row in manifest(place).operations}
    assert covered() - known == set()
