"""Tools in phases: which are needed, with what arguments, and what becomes of what is missing."""

from __future__ import annotations

import json

import pytest
from tests.runs.grammar import RunGrammar

from holdfast.core.domain.models import ToolSchema
from holdfast.core.domain.tools import MISSING_TOOL
from holdfast.core.models.offline import OfflineModel

ORDER = ToolSchema(
    name="get_order",
    description="Looks an order up.",
    parameters={
        "type": "object",
        "properties": {
            "order_number": {"type": "string", "description": "As it stands in the mail"},
            "year": {"type": "integer", "minimum": 2000},
        },
        "required": ["order_number"],
    },
)
RETURNS = ToolSchema(
    name="return_order",
    description="Sends an order back.",
    parameters={"type": "object", "properties": {"reason": {"type": "string"}}, "required": ["reason"]},
)
BROKEN = ToolSchema(name="odd", description="Odd.", parameters={"type": "object", "required": 3})


async def ran(bench, text: str = "Where is order 12?", tools=(ORDER, RETURNS), session=None, **options):
    session = session or await bench.session()
    run_id = await bench.send(session, text, client_tools=tools, tool_phases=True, **options)
    events = [each.event for each in await bench.end(run_id)]
    grammar = RunGrammar()
    for event in events:
        grammar.take(event)
    return events


def purposes(events) -> list[str]:
    return [each.purpose for each in events if each.type == "step.started"]


def texts(events, kind: str = "text") -> list[str]:
    return [each.text for each in events if each.type == "part.completed" and each.kind == kind]


def missing(events) -> list[tuple[str, str]]:
    return [(each.name, each.question) for each in events if each.type == "tool_call.missing"]


def made(events) -> list[tuple[str, dict]]:
    return [(each.name, each.arguments) for each in events if each.type == "tool_call.requested"]


def wants(question: str, tool: str = "get_order") -> tuple[str, str]:
    return MISSING_TOOL, json.dumps({"tool": tool, "question": question})


async def test_a_tool_is_chosen_then_gets_its_arguments_and_goes_to_the_caller(open_bench, call) -> None:
    steps = [call(("get_order", "")), call(("get_order", '{"order_number": "12"}'))]
    async with open_bench(steps) as bench:
        events = await ran(bench, tools=(ORDER,))
        assert purposes(events) == ["tool_choice", "tool_parameters"]
        assert [each.chosen for each in events if each.type == "step.completed"] == [("get_order",), ()]
        assert made(events) == [("get_order", {"order_number": "12"})]
        assert (events[-1].type, events[-1].reason) == ("run.completed", "client_tools")
        choice, arguments = bench.model.requests
        assert "get_order" in {each.name for each in choice.tools}
        assert all(each.parameters == {"type": "object", "properties": {}} for each in choice.tools)
        assert [each.name for each in arguments.tools] == ["get_order", MISSING_TOOL]
        assert arguments.tools[0] == ORDER
        assert "Arguments of tools" in arguments.messages[0].text


async def test_without_a_tool_the_agent_replies_without_tools(open_bench, say) -> None:
    async with open_bench([say("none"), say("Hello to you")]) as bench:
        events = await ran(bench, "Hello")
        assert purposes(events) == ["tool_choice", "reply"]
        assert (texts(events, "reasoning"), texts(events)) == (["none"], ["Hello to you"])
        assert bench.model.requests[1].tools == ()
        assert events[-1].reason == "stop"


async def test_what_is_missing_becomes_a_question_that_the_next_message_answers(open_bench, call) -> None:
    steps = [
        call(("get_order", "{}")),
        call(wants("Could you please tell me your order number?")),
        call(("get_order", "{}")),
        call(("get_order", '{"order_number": "789"}')),
    ]
    async with open_bench(steps) as bench:
        session = await bench.session()
        asked = await ran(bench, "My order?", session=session)
        assert missing(asked) == [("get_order", "Could you please tell me your order number?")]
        assert texts(asked) == ["Could you please tell me your order number?"]
        assert made(asked) == [] and asked[-1].reason == "stop"
        answered = await ran(bench, "It is 789", session=session)
        said = [(each.role, each.text) for each in bench.model.requests[3].messages[1:]]
        assert said == [
            ("user", "My order?"),
            ("assistant", "Could you please tell me your order number?"),
            ("user", "It is 789"),
        ]
        assert made(answered) == [("get_order", {"order_number": "789"})]


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        ("{}", "Could you please tell me the order number (As it stands in the mail)?"),
        (
            '{"order_number": "", "year": 3}',
            "Could you please tell me the order number (As it stands in the mail)?",
        ),
        ('{"order_number": "1", "year": 3}', "Could you please tell me the year?"),
        ('{"order_number": "1", "year": "soon"}', "Could you please tell me the year?"),
        ('{"order', "Could you please tell me the order number (As it stands in the mail)?"),
    ],
)
async def test_arguments_that_do_not_fit_the_schema_become_a_question(
    open_bench, call, arguments: str, question: str
) -> None:
    async with open_bench([call(("get_order", "")), call(("get_order", arguments))]) as bench:
        events = await ran(bench)
        assert missing(events) == [("get_order", question)]
        assert made(events) == []


async def test_a_model_that_only_talks_about_arguments_asks_with_that(open_bench, call, say) -> None:
    async with open_bench([call(("get_order", "")), say("Which order?")]) as bench:
        events = await ran(bench)
        assert missing(events) == [("get_order", "Which order?")]
        assert texts(events) == ["Which order?"]


async def test_calls_and_questions_stand_side_by_side(open_bench, call) -> None:
    steps = [
        call(("get_order", ""), ("return_order", "")),
        call(("get_order", '{"order_number": "1"}'), wants("Why?", "return_order")),
    ]
    async with open_bench(steps) as bench:
        events = await ran(bench)
        assert made(events) == [("get_order", {"order_number": "1"})]
        assert missing(events) == [("return_order", "Why?")]
        assert events[-1].reason == "client_tools"


async def test_what_the_engine_executes_comes_first_and_can_be_an_argument(open_bench, call) -> None:
    steps = [
        call(("get_order", ""), ("list_files", "")),
        call(("list_files", "{}")),
        call(("get_order", '{"order_number": "found"}')),
    ]
    async with open_bench(steps) as bench:
        events = await ran(bench)
        assert [name for name, _ in made(events)] == ["list_files", "get_order"]
        assert [each.role for each in bench.model.requests[2].messages][-1] == "tool"
        assert events[-1].reason == "client_tools"


async def test_tools_are_chosen_until_no_new_call_is_wanted_then_the_agent_replies(
    open_bench, call, say
) -> None:
    again = [call(("list_files", "")), call(("list_files", "{}"))]
    async with open_bench([*again, *again, say("An empty folder")]) as bench:
        events = await ran(bench, "What is there?", ())
        assert purposes(events) == ["tool_choice", "tool_parameters"] * 2 + ["reply"]
        assert len(made(events)) == 1
        assert texts(events) == ["An empty folder"]


async def test_a_call_may_be_made_again_when_something_was_changed_since(open_bench, call, say) -> None:
    def both(name: str, arguments: str = "{}"):
        return [call((name, "")), call((name, arguments))]

    listing = both("list_files")
    writing = both("write_file", '{"path": "free.md", "content": "x"}')
    async with open_bench([*listing, *writing, *listing, *listing, say("Done")]) as bench:
        events = await ran(bench, "Write it", ())
        assert [name for name, _ in made(events)] == ["list_files", "write_file", "list_files"]
        assert texts(events) == ["Done"]


async def test_a_call_that_was_written_wrongly_can_be_made_when_it_is_right(open_bench, call, say) -> None:
    choice = call(("list_files", ""))
    steps = [choice, call(("list_files", "{oops")), choice, call(("list_files", "{}"))]
    async with open_bench([*steps, say("none"), say("Empty")]) as bench:
        events = await ran(bench, "What is there?", ())
        outcomes = [each.outcome for each in events if each.type == "tool_call.completed"]
        assert outcomes == ["error", "ok"]


async def test_a_model_that_writes_the_same_call_wrongly_again_and_again_is_stopped(open_bench, call) -> None:
    async with open_bench([call(("list_files", "")), call(("list_files", "{oops"))] * 3) as bench:
        events = await ran(bench, "What is there?", ())
        assert (events[-1].type, events[-1].error.code) == ("run.failed", "repeated_call")


@pytest.mark.parametrize(
    ("wanted", "purposes_are"),
    [(None, ["tool_choice", "reply"]), (True, ["tool_choice", "reply"]), (False, ["reply"])],
)
async def test_agents_with_a_plan_call_tools_in_phases_unless_told_otherwise(
    open_bench, say, wanted: bool | None, purposes_are: list[str]
) -> None:
    async with open_bench([say("Hi"), say("Hi")], agent="plan: decentralized\n") as bench:
        run_id = await bench.send(await bench.session(), tool_phases=wanted)
        assert purposes([each.event for each in await bench.end(run_id)]) == purposes_are


async def test_texts_before_and_behind_the_instructions_stand_there(open_bench, say) -> None:
    async with open_bench([say("Hi")]) as bench:
        given = {"instructions_prefix": "Before.", "instructions_suffix": "Behind."}
        await bench.end(await bench.send(await bench.session(), **given))
        system = bench.model.requests[0].messages[0].text
        assert "Before.\n\nYou are a test.\n\nBehind." in system


async def test_a_schema_that_is_none_refuses_nothing(open_bench, call) -> None:
    async with open_bench([call(("odd", "")), call(("odd", '{"a": 1}'))]) as bench:
        events = await ran(bench, tools=(BROKEN,))
        assert made(events) == [("odd", {"a": 1})]


async def test_calls_of_other_tools_than_the_offered_ones_are_not_made(open_bench, call, say) -> None:
    steps = [call(("rm_rf", "")), say("No such tool")]
    async with open_bench(steps) as bench:
        events = await ran(bench)
        assert made(events) == [] and texts(events) == ["No such tool"]


async def test_a_tool_that_has_the_name_of_the_one_for_questions_is_told_from_it(open_bench, call) -> None:
    tool = ToolSchema(name=MISSING_TOOL, description="Theirs.", parameters={"type": "object"})
    steps = [call((MISSING_TOOL, "")), call((MISSING_TOOL, '{"question": "theirs"}'))]
    async with open_bench(steps) as bench:
        events = await ran(bench, tools=(tool,))
        assert made(events) == [(MISSING_TOOL, {"question": "theirs"})] and missing(events) == []


async def test_a_question_is_shown_as_the_hooks_leave_it(open_bench, call) -> None:
    rules = [{"when": "output CONTAINS damn", "reason": "no swearing"}]
    hook = {"point": "before_response", "type": "rule", "rules": rules}
    steps = [call(("get_order", "")), call(wants("Which one, damn?"))]
    async with open_bench(steps, agent=f"hooks: {json.dumps([hook])}\n") as bench:
        events = await ran(bench)
        assert missing(events) == [("get_order", "The reply was withheld: no swearing")]
        assert texts(events) == ["The reply was withheld: no swearing"]


async def test_usage_says_what_the_model_was_asked_for(open_bench, call, say, usage) -> None:
    steps = [[usage, *call(("get_order", ""))], [usage, *call(wants("Which?"))]]
    async with open_bench(steps) as bench:
        events = await ran(bench)
        told = [each.purpose for each in events if each.type == "usage.recorded"]
        assert told == ["tool_choice", "tool_parameters"]


async def test_the_offline_model_calls_tools_in_phases(open_bench) -> None:
    async with open_bench() as bench:
        offline = OfflineModel(bench.blobs.get)
        bench.model.stream = offline.stream  # type: ignore[method-assign]
        events = await ran(bench, "list the files", ())
        assert made(events)[0][0] == "list_files"
        assert texts(events) and events[-1].type == "run.completed"
