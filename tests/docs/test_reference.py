"""The reference is what the code says, and the code says something of everything."""

from __future__ import annotations

import json

import pytest
from docpages import agent_file, errors, events, settings, tools, usage
from docpages.markdown import table
from generate import COMMAND, DOCS, GENERATED
from jsonschema import Draft202012Validator

from holdfast.core.agents.schema import agent_schema


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_file_is_what_the_code_says_now(name: str) -> None:
    path = DOCS / name
    assert path.exists(), f"docs/{name} is missing; write it with: {COMMAND}"
    same = path.read_text(encoding="utf-8") == GENERATED[name]()
    assert same, f"docs/{name} is out of date; write it anew with: {COMMAND}"


@pytest.mark.thorough
@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_file_is_the_same_each_time(name: str) -> None:
    assert GENERATED[name]() == GENERATED[name]()


def test_no_page_of_the_reference_is_written_by_hand() -> None:
    found = {str(path.relative_to(DOCS)) for path in (DOCS / "reference").rglob("*.md")}
    assert found <= GENERATED.keys()


def test_every_setting_is_described() -> None:
    assert settings.undescribed() == []


def test_every_key_of_an_agent_file_is_described() -> None:
    assert agent_file.undescribed() == []


def test_every_error_is_described() -> None:
    assert errors.undescribed() == []


def test_every_event_is_described() -> None:
    assert [events.event_type(event) for event in events.all_events() if not event.__doc__] == []


def test_every_tool_and_each_of_its_arguments_is_described() -> None:
    silent = [
        f"{tool.name}.{name}"
        for tool in tools.tools()
        for name, field in tool.arguments.model_fields.items()
        if not field.description
    ]
    assert silent == []
    assert [tool.name for tool in tools.tools() if not tool.description] == []


def test_editors_get_the_schema_that_the_code_has() -> None:
    text = (DOCS / "agent.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == agent_schema()
    Draft202012Validator.check_schema(json.loads(text))


def test_a_star_or_a_bar_in_a_table_stays_what_it_is() -> None:
    made = table(("A", "B"), [("`a|b*`", "x | *.py <b>")])
    assert made.splitlines()[-1] == r"| `a\|b*` | x \| \*.py &lt;b> |"


def test_what_nothing_reads_is_told_from_what_is_read() -> None:
    assert usage.is_read(("engine", "idle_stop_s"))
    assert usage.is_read(("models", "retries"))
    assert not usage.is_read(("models_of_old", "retries"))
    assert not usage.is_read(("no_such_setting",))
