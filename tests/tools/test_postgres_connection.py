"""PostgreSQL without a server: what is sent to the program that asks, and what is made of its answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.fakes.tool_contexts import tool_context

from holdfast.core.config.settings import ToolsSettings
from holdfast.core.domain.databases import DatabaseSpec
from holdfast.core.domain.errors import ForbiddenError, ToolError
from holdfast.core.domain.processes import Ending, ProcessResult, ProcessSpec
from holdfast.core.domain.tools import ToolContext
from holdfast.core.tools.builtin.sql_query import SqlQuery, SqlQueryArguments
from holdfast.core.tools.builtin.sql_write import SqlWrite, SqlWriteArguments
from holdfast.core.tools.postgres import Postgres

URL = "postgresql://reader@db.example.org/shop"


class Program:
    """The program, with an answer that a test has written down."""

    def __init__(self, answer: dict[str, Any] | str, ending: Ending = Ending.EXITED) -> None:
        self.answer = answer
        self.ending = ending
        self.specs: list[ProcessSpec] = []

    async def run(self, spec: ProcessSpec, **_: Any) -> ProcessResult:
        self.specs.append(spec)
        head = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        return ProcessResult(self.ending, 0, head, "", len(head), 0.1)

    @property
    def asked(self) -> dict[str, Any]:
        return json.loads(self.specs[-1].stdin)


def postgres(program: Program) -> Postgres:
    keys = {"postgres-shop": "the word"}
    return Postgres(lambda: ToolsSettings(postgres={"shop": URL}), keys.get, program)


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    shop = {"name": "shop", "postgres": "shop", "tables": ["sale", "other.stock"], "writable": True}
    unset = {"name": "unset", "postgres": "unset"}
    databases = tuple(DatabaseSpec.model_validate(each) for each in (shop, unset))
    return tool_context(tmp_path, databases=databases, connections=True)


async def ask(program: Program, context: ToolContext, database: str = "shop") -> Any:
    arguments = SqlQueryArguments(database=database, query="SELECT $1", parameters=[1])
    return await SqlQuery(program, postgres(program)).run(arguments, context)


async def test_the_program_is_told_what_the_agent_may_and_the_password_alone_in_its_input(
    context: ToolContext,
) -> None:
    program = Program({"columns": ["a"], "rows": [["1"]]})
    output = await ask(program, context)
    assert output.content[0].text == "a\n1\n[1 row]"
    asked = program.asked
    assert (asked["url"], asked["password"], asked["write"], asked["keep"]) == (URL, "the word", False, False)
    assert (asked["schemas"], asked["tables"]) == (None, [["public", "sale"], ["other", "stock"]])
    (spec,) = program.specs
    assert "the word" not in f"{spec.command}{spec.environment}"
    assert spec.reach is not None and spec.reach.network


async def test_a_preview_never_keeps_a_change(context: ToolContext) -> None:
    program = Program({"changed": 2})
    tool = SqlWrite(program, postgres(program))
    arguments = SqlWriteArguments(database="shop", statement="DELETE FROM sale")
    preview = await tool.preview(arguments, context)
    assert (program.asked["write"], program.asked["keep"]) == (True, False)
    assert preview.blocks[-1].text.startswith("It would change 2 rows of shop (PostgreSQL: shop).")
    await tool.run(arguments, context)
    assert (program.asked["write"], program.asked["keep"]) == (True, True)


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ({"missing": True}, "not_installed", r"pip install 'holdfast\[postgres\]'"),
        ({"timeout": True}, "tool_timeout", "stopped after 30 s"),
        ({"refused": "no. Name a role in the setting"}, "sql_refused", "tools.postgres.shop"),
        ({"error": "relation does not exist"}, "sql_failed", "PostgreSQL says: relation does not exist"),
    ],
)
async def test_what_goes_wrong_is_said(
    context: ToolContext, answer: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(ToolError, match=words) as failed:
        await ask(Program(answer), context)
    assert failed.value.code == code


@pytest.mark.parametrize("words", ['{"error": "COPY"}\nexception ignored in __exit__', "", "[]"])
async def test_what_is_no_answer_fails_the_call_and_not_its_run(
    context: ToolContext, tmp_path: Path, words: str
) -> None:
    with pytest.raises(ToolError, match="no answer"):
        await ask(Program(words), context)
    (tmp_path / "workspace" / "shop.db").touch()
    files = replace(context, databases=())
    with pytest.raises(ToolError, match="no answer"):
        await ask(Program(words), files, "shop.db")


@pytest.mark.parametrize(
    "statement", ["SELECT setval('sale_id_seq', 9)", "WITH x AS (SELECT 1) DELETE FROM sale"]
)
async def test_what_may_stay_though_it_is_rolled_back_is_not_tried(
    context: ToolContext, statement: str
) -> None:
    program = Program({"changed": 1})
    tool = SqlWrite(program, postgres(program))
    preview = await tool.preview(SqlWriteArguments(database="shop", statement=statement), context)
    assert "not tried on shop (PostgreSQL: shop)" in preview.blocks[-1].text and not program.specs
    with pytest.raises(ForbiddenError, match="writable"):
        await tool.preview(SqlWriteArguments(database="unset", statement=statement), context)


async def test_without_a_setting_or_a_right_nothing_is_started(context: ToolContext) -> None:
    program = Program({})
    with pytest.raises(ToolError, match=r"tools\.postgres\.unset"):
        await ask(program, context, "unset")
    object.__setattr__(context, "connections", False)
    with pytest.raises(ForbiddenError, match="trusted"):
        await ask(program, context)
    assert program.specs == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"path": "a.db", "postgres": "shop"},
        {"path": "a.db", "schemas": ["public"]},
        {"postgres": "Shop"},
        {"postgres": "postgresql://host/shop"},
    ],
)
def test_a_database_is_a_file_or_a_connection_by_its_name(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DatabaseSpec.model_validate({"name": "shop", **fields})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:word@host/shop",
        "postgresql://host/shop?password=word",
        "postgresql://host/shop?sslmode=require&PASSWORD=word",
        "mysql://host/shop",
        "postgresql://host",
        "host=db dbname=shop",
    ],
)
def test_an_address_with_a_password_or_of_something_else_is_no_setting(url: str) -> None:
    with pytest.raises(ValidationError):
        ToolsSettings(postgres={"shop": url})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader@db.example.org:5433/shop?sslmode=verify-full&sslrootcert=system",
        "postgres:///shop?host=/var/run/postgresql",
        "postgresql://[::1]:5432/shop",
    ],
)
def test_an_address_may_have_a_port_and_options(url: str) -> None:
    assert ToolsSettings(postgres={"shop": url}).postgres == {"shop": url}
