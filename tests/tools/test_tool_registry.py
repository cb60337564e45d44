import json
from typing import Any

import pytest

from holdfast.core.domain.errors import NotFoundError, ToolError
from holdfast.core.domain.tools import Risk
from holdfast.core.tools.builtin.ask_user import ASK_USER
from holdfast.core.tools.registry import ToolRegistry, near_names, schema

RISKS = {
    "read_file": Risk.READ,
    "list_files": Risk.READ,
    "search_files": Risk.READ,
    "write_file": Risk.WRITE,
    "edit_file": Risk.WRITE,
    "run_command": Risk.EXECUTE,
    "run_python": Risk.EXECUTE,
    "run_javascript": Risk.EXECUTE,
    "fetch_url": Risk.NETWORK,
    "web_search": Risk.NETWORK,
    "web_scrape": Risk.NETWORK,
    "http_request": Risk.NETWORK,
    "generate_image": Risk.NETWORK,
    "list_bucket": Risk.NETWORK,
    "read_bucket": Risk.NETWORK,
    "write_bucket": Risk.NETWORK,
    "sql_query": Risk.READ,
    "sql_write": Risk.WRITE,
    "update_plan": Risk.READ,
    "ask_user": Risk.READ,
    "search_knowledge": Risk.READ,
    "read_document": Risk.READ,
    "analyse_documents": Risk.EXECUTE,
    "search_memory": Risk.READ,
    "remember": Risk.WRITE,
    "forget_memory": Risk.WRITE,
    "update_memory_block": Risk.WRITE,
    "load_skill": Risk.READ,
    "delegate": Risk.READ,
    "child_runs": Risk.READ,
    "hand_over": Risk.WRITE,
}
ARGUMENTS = {
    "read_file": ["path", "offset", "limit"],
    "list_files": ["path", "pattern"],
    "search_files": ["pattern", "path", "glob"],
    "write_file": ["path", "content"],
    "edit_file": ["path", "old", "new", "all"],
    "run_command": ["command", "timeout_s"],
    "run_python": ["code"],
    "run_javascript": ["code"],
    "fetch_url": ["url"],
    "web_search": ["query", "max_results", "include_domains", "exclude_domains"],
    "web_scrape": ["url", "only_main_content", "links", "images", "start", "max_chars"],
    "http_request": ["url", "method", "headers", "body"],
    "generate_image": ["prompt", "path", "size"],
    "list_bucket": ["bucket", "prefix", "after", "limit"],
    "read_bucket": ["bucket", "key", "path"],
    "write_bucket": ["bucket", "key", "path", "content"],
    "sql_query": ["database", "query", "parameters"],
    "sql_write": ["database", "statement", "parameters"],
    "update_plan": ["items"],
    "ask_user": ["question", "choices", "free_text"],
    "search_knowledge": ["query", "collections", "top_k"],
    "read_document": ["document", "start", "characters"],
    "analyse_documents": ["code", "documents"],
    "search_memory": ["query", "limit"],
    "remember": ["content", "tags"],
    "forget_memory": ["id"],
    "update_memory_block": ["name", "content", "append"],
    "load_skill": ["skill", "file"],
    "delegate": ["agent", "task", "background"],
    "child_runs": ["action", "run"],
    "hand_over": ["agent", "task"],
}


def test_every_tool_has_its_name_risk_and_arguments(bench: Any) -> None:
    tools = [bench.registry.get(name) for name in bench.registry.names]
    assert {tool.name: tool.risk for tool in tools} == RISKS
    assert {tool.name: list(tool.arguments.model_fields) for tool in tools} == ARGUMENTS


@pytest.mark.parametrize("name", RISKS)
def test_a_schema_is_plain_and_closed(bench: Any, name: str) -> None:
    found = schema(bench.registry.get(name))
    text = json.dumps(found.parameters)
    assert (found.name, found.parameters["type"]) == (name, "object")
    assert found.parameters["additionalProperties"] is False
    assert list(found.parameters["properties"]) == ARGUMENTS[name]
    assert not any(word in text for word in ("$ref", "$defs", "anyOf", '"default"', '"title"', '"null"'))
    assert len(found.description) > 40


def test_a_schema_says_what_is_required_and_what_values_there_are(bench: Any) -> None:
    plan = schema(bench.registry.get("update_plan")).parameters
    item = plan["properties"]["items"]["items"]
    assert plan["required"] == ["items"]
    assert item["properties"]["status"]["enum"] == ["pending", "in_progress", "completed"]
    assert item["additionalProperties"] is False
    read = schema(bench.registry.get("read_file")).parameters
    assert read["required"] == ["path"]
    assert read["properties"]["limit"]["type"] == "integer"


def test_an_unknown_tool_is_refused_with_the_nearest_names(bench: Any) -> None:
    with pytest.raises(NotFoundError, match=r"'read_fil'\. Did you mean read_file"):
        bench.registry.get("read_fil")
    assert near_names("zzz", ["a", "b"]) == " There are: a, b."


def test_two_tools_of_one_name_are_a_mistake(bench: Any) -> None:
    tool = bench.registry.get("read_file")
    with pytest.raises(ValueError, match="read_file"):
        ToolRegistry([tool, tool])


def test_every_mistake_in_the_arguments_is_named(bench: Any) -> None:
    message = bench.mistakes("edit_file", {"path": "", "old": 7, "file": "x"})
    assert message.startswith("The arguments of edit_file are not valid: ")
    for part in ("path: ", "old: ", "new is missing", "file is unknown (arguments: path, old, new, all)"):
        assert part in message
    assert "items[1].status" in bench.mistakes(
        "update_plan", {"items": [{"text": "a"}, {"text": "b", "status": "x"}]}
    )


async def test_a_plan_is_shown(bench: Any, text: Any) -> None:
    items = [{"text": "look", "status": "completed"}, {"text": "write"}]
    output = await bench.run("update_plan", {"items": items})
    assert text(output) == "Plan updated: 1 of 2 steps completed."
    assert [item.text for item in output.display[0].items] == ["look", "write"]


async def test_a_question_is_never_asked_outside_a_run(bench: Any) -> None:
    given = {"question": "Which?", "choices": ["a", "b"]}
    assert (await bench.preview(ASK_USER, given)).blocks[0].text == "Which?\n- a\n- b"
    with pytest.raises(ToolError):
        await bench.run(ASK_USER, given)
