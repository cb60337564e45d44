"""Tools of GenLabs that search files, and the scripts of its agents."""

from __future__ import annotations

from typing import Any

import pytest
from tests.knowledge_service.conftest import MemoryIndex

from holdfast.core.domain.custom_tools import ClientToolSpec, SearchToolSpec

V1 = pytest.mark.covers("genlabs.query_agent_v1")
V2 = pytest.mark.covers("genlabs.query_agent_v2")
COMPARED = "Based on the documents, the payment terms have changed in the following ways..."
RETURNS = ClientToolSpec(
    name="create_return",
    title="Create Return request",
    description="Sends an order back.",
    parameters={"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]},
)
CHAIN = """\
initial_response = query("gpt-4o", conversation)
follow_up = add("user", f"Explain your reasoning for that", conversation)
final_response = query("gpt-4", conversation)
"""
BY_LENGTH = """\
if len(conversation) > 10:
    response = query("gemini-1.5-flash-latest", conversation) # Use a faster, less expensive model
else:
    response = query("gpt-4", conversation) # More powerful model
"""
FREE = {"more_settings": {"sandbox": {"unconfined_scripts": True}}}
"""These tests have no sandbox; what scripts can do without is tested where they run."""


def says(content: str) -> dict[str, Any]:
    return {"message": {"role": "user", "content": content}}


def search(name: str, collection: str = "") -> SearchToolSpec:
    title = "_".join(each.capitalize() for each in name.split("_"))
    return SearchToolSpec(name=name, title=title, description="Looks it up.", collection=collection)


async def put_documents(bench: Any, **texts: str) -> None:
    """Keeps each text in a collection of its name."""
    for name, text in texts.items():
        made = await bench.workbench.knowledge.create(name)
        job = await bench.workbench.knowledge.upload(made.id, f"{name}.md", text.encode())
        assert (await bench.workbench.jobs.get(job.id, wait_s=10)).status == "completed"


@V1
@pytest.mark.parametrize(
    "question",
    [
        "Compare the payment terms between the old and new contracts",
        "What does section 3.2 of the contract say about liability*?",
        "Find information about refunds in the terms of service",
        "Generate a summary of all transactions from March 2024",
    ],
)
async def test_documents_are_searched_here_and_the_tools_are_named(
    ask: Any, call: Any, say: Any, index: MemoryIndex, question: str
) -> None:
    tools = [search("contract_search", "contract"), search("terms_search", "terms")]
    steps = [
        call(("contract_search", ""), ("terms_search", "")),
        call(("contract_search", '{"query": "payment"}'), ("terms_search", '{"query": "payment"}')),
        say("none"),
        say(COMPARED),
    ]
    async with ask(steps, tools, bench={"knowledge": index}) as asking:
        await put_documents(
            asking.bench, contract="The payment is due in 30 days.", terms="The payment is due in 14 days."
        )
        assert await asking.ok("v1", says(question)) == {
            "status": "success",
            "data": {"file_searches": ["Contract_Search", "Terms_Search"], "response": COMPARED},
        }
        found = [
            part.content[0].text for m in asking.bench.model.requests[-1].messages[-2:] for part in m.parts
        ]
        assert "30 days" in found[0] and "14 days" in found[1]


@V2
async def test_what_was_found_can_be_a_parameter_of_a_tool(ask: Any, call: Any, index: MemoryIndex) -> None:
    steps = [
        call(("contract_search", ""), ("create_return", "")),
        call(("contract_search", '{"query": "return"}')),
        call(("create_return", '{"days": 30}')),
    ]
    tools = [search("contract_search", "contract"), RETURNS]
    async with ask(steps, tools, bench={"knowledge": index}) as asking:
        await put_documents(asking.bench, contract="Goods return within 30 days.")
        assert await asking.ok("v2", says("Send it back"), session="mine") == {
            "status": "success",
            "message": "Tool call(s) initiated",
            "tool_calls": [{"name": "Create Return request", "parameters": {"days": 30}}],
            "data": {"file_searches": ["Contract_Search"]},
            "session": "mine",
        }
        assert "30 days" in asking.bench.model.requests[2].messages[-1].parts[0].content[0].text


@V1
async def test_a_search_without_a_file_finds_nothing_and_the_agent_still_answers(
    ask: Any, call: Any, say: Any
) -> None:
    steps = [
        call(("contract_search", "")),
        call(("contract_search", '{"query": "x"}')),
        say("none"),
        say("I could not find it"),
    ]
    async with ask(steps, [search("contract_search")]) as asking:
        assert (await asking.ok("v1", says("Well?")))["data"] == {
            "file_searches": ["Contract_Search"],
            "response": "I could not find it",
        }


# --- scripts


def models(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "scripted")


@V1
async def test_the_script_that_asks_for_the_reasoning_answers_with_it(ask: Any, say: Any) -> None:
    script = {"code": CHAIN, "models": models("gpt-4o", "gpt-4")}
    async with ask([say("4"), say("Two and ", "two")], script=script, bench=FREE) as asking:
        assert (await asking.ok("v1", says("2 + 2?")))["data"] == {"response": "Two and two"}
        assert [(m.role, m.text) for m in asking.bench.model.requests[1].messages[1:]] == [
            ("user", "2 + 2?"),
            ("assistant", "4"),
            ("user", "Explain your reasoning for that"),
        ]


@V1
@pytest.mark.parametrize(("turns", "model"), [(1, "strong"), (5, "strong"), (7, "cheap")])
async def test_the_script_that_goes_by_length_chooses_the_model(
    ask: Any, say: Any, turns: int, model: str
) -> None:
    script = {"code": BY_LENGTH, "models": {"gpt-4": "strong", "gemini-1.5-flash-latest": "cheap"}}
    said = [{"role": "user" if at % 2 == 0 else "assistant", "content": "so"} for at in range(2 * turns - 1)]
    async with ask([say("Yes")], script=script, bench=FREE) as asking:
        assert (await asking.ok("v1", {"conversation": said}))["data"] == {"response": "Yes"}
        assert [each.model for each in asking.bench.model.requests] == [model]


@V2
async def test_a_thread_keeps_a_scripts_answers_and_not_its_way(ask: Any, say: Any) -> None:
    script = {"code": CHAIN, "models": models("gpt-4o", "gpt-4")}
    steps = [say("4"), say("Two and two"), say("Bye"), say("Good bye")]
    async with ask(steps, script=script, bench=FREE) as asking:
        await asking.ok("v2", says("2 + 2?"), session="mine")
        assert (await asking.ok("v2", says("Thanks"), session="mine"))["data"]["response"] == "Good bye"
        assert [m.text for m in asking.bench.model.requests[2].messages[1:]] == [
            *("2 + 2?", "Two and two", "Thanks")
        ]


@V1
async def test_tools_come_before_the_script(ask: Any, call: Any, say: Any) -> None:
    script = {"code": CHAIN, "models": models("gpt-4o", "gpt-4")}
    chosen = [call(("create_return", "")), call(("create_return", '{"days": 3}'))]
    steps = [*chosen, say("none"), say("4"), say("Because")]
    async with ask(steps, [RETURNS], script=script, bench=FREE) as asking:
        assert (await asking.ok("v1", says("Back")))["tool_calls"][0]["parameters"] == {"days": 3}
        assert (await asking.ok("v1", says("2 + 2?")))["data"] == {"response": "Because"}


@V1
async def test_a_scripts_failure_is_an_error_of_the_agent(ask: Any) -> None:
    async with ask(script="response = 1 / 0", bench=FREE) as asking:
        answer = await asking("v1", says("Well?"))
        assert answer.status_code == 500
        assert answer.json()["status"] == "error" and "division by zero" in answer.json()["error"]


@V1
async def test_what_a_script_prints_is_the_answer_only_where_there_is_nothing_else(ask: Any) -> None:
    async with ask(script="print('Hello World')", bench=FREE) as asking:
        assert (await asking.ok("v1", says("Hi")))["data"] == {"response": "Hello World"}


@V1
async def test_a_scripts_reply_is_streamed(ask: Any, say: Any) -> None:
    script = {"code": CHAIN, "models": models("gpt-4o", "gpt-4")}
    async with ask([say("4"), say("Two and ", "two")], script=script, bench=FREE) as asking:
        frames = await asking.frames("v1", {**says("2 + 2?"), "stream": True})
        pieces = [one["data"]["chunk"] for one in frames if one["status"] == "streaming"]
        assert "".join(pieces) == "Two and two" == frames[-1]["data"]["response"]
