"""Databases in an agent file: what may be written, and how it is inherited."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_folders import Agents

from holdfast.core.agents.loader import parse_agent

BASE = "databases:\n  - { name: sales, path: data/sales.db, tables: [orders], writable: true }\n"


def test_databases_are_inherited_or_replaced_as_a_whole(agents: Agents) -> None:
    agents.write("user", "base", BASE)
    agents.write("user", "same", "extends: base\n")
    agents.write("user", "other", "extends: base\ndatabases: [{ name: stock, path: stock.db }]\n")
    (sales,) = agents.spec("same").databases
    assert (sales.name, sales.path, sales.tables, sales.writable) == (
        "sales",
        "data/sales.db",
        ("orders",),
        True,
    )
    (stock,) = agents.spec("other").databases
    assert (stock.name, stock.tables, stock.writable) == ("stock", None, False)


@pytest.mark.parametrize(
    ("text", "line", "key_path"),
    [
        ("databases:\n  - { name: a, path: a.db }\n  - { name: a, path: b.db }\n", 5, "databases[1].name"),
        ("databases: [{ name: a, path: ../a.db }]\n", 3, "databases[0].path"),
        ("databases: [{ name: a, path: /etc/a.db }]\n", 3, "databases[0].path"),
        ("databases: [{ name: a, path: ~/a.db }]\n", 3, "databases[0].path"),
        ("databases: [{ name: a, path: x/.Holdfast/a.db }]\n", 3, "databases[0].path"),
        ("databases: [{ name: a, path: agents/mine.yaml }]\n", 3, "databases[0].path"),
        ("databases: [{ name: a, path: a.db, table: [x] }]\n", 3, "databases[0].table"),
        ("databases: [{ name: A b, path: a.db }]\n", 3, "databases[0].name"),
    ],
)
def test_a_mistake_is_shown_where_it_stands(text: str, line: int, key_path: str) -> None:
    (problem,) = parse_agent("version: 1\nname: a\n" + text, Path("a.yaml")).problems
    assert (problem.line, problem.key_path) == (line, key_path)
