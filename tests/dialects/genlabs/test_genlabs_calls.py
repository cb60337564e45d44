"""Calls of agents: every sample of GenLabs' page on them, and what stands between the samples."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from holdfast.core.domain.custom_tools import ClientToolSpec
from holdfast.core.domain.errors import ModelAuthError, NotFoundError
from holdfast.core.domain.tools import MISSING_TOOL
from holdfast.core.domain.values import utc_now
from holdfast.server.dialects.genlabs.calls import PLACES

V1 = pytest.mark.covers("genlabs.query_agent_v1")
V2 = pytest.mark.covers("genlabs.query_agent_v2")

SUPPORT = {
    "conversation": [
        {"role": "system", "content": "You are a helpful assistant specialized in customer service."},
        {"role": "user", "content": "I need help with my recent order."},
        {"role": "assistant", "content": "I'll be happy to help. Could you provide your order number?"},
        {"role": "user", "content": "Yes, it's ORDER-123456"},
    ]
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
ORDERS = ClientToolSpec(
    name="get_order",
    title="Get Order Details",
    description="Looks an order up.",
    parameters={
        "type": "object",
        "properties": {"param1": {"type": "string"}, "param2": {"type": "string"}},
        "required": ["param1"],
    },
)
DELIVERY = ClientToolSpec(name="get_delivery", title="Get delivery date", description="When it arrives.")


def says(content: str, role: str = "user") -> dict[str, Any]:
    return {"message": {"role": role, "content": content}}


def talk(*texts: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"conversation": [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]}


def seen(request: Any) -> list[tuple[str, str]]:
    """What a model was asked with, its system message aside."""
    return [(each.role, each.text) for each in request.messages[1:]]


def wants(question: str, tool: str = "get_order") -> tuple[str, str]:
    return MISSING_TOOL, json.dumps({"tool": tool, "question": question})


@pytest.fixture
def none(say: Any) -> Any:
    return say("none")


# --- v1


@V1
async def test_a_whole_conversation_is_answered(ask: Any, say: Any) -> None:
    async with ask([say("It is ", "on its way.")]) as asking:
        assert await asking.ok("v1", SUPPORT) == {
            "status": "success",
            "data": {"response": "It is on its way."},
        }
        (request,) = asking.bench.model.requests
        system = request.messages[0].text
        assert system.index("Help.") < system.index("specialized in customer service")
        assert seen(request) == [(one["role"], one["content"]) for one in SUPPORT["conversation"][1:]]


@V1
async def test_the_client_manages_the_context(ask: Any, say: Any) -> None:
    crash = talk(
        "My EC2 instance keeps crashing", "What's the instance type and OS?", "t2.micro running Ubuntu 20.04"
    )
    said = crash["conversation"]
    expert = "You are a technical support specialist with expertise in cloud computing."
    state = "Based on your t2.micro instance running Ubuntu 20.04, let's check the system logs."
    async with ask([say(state), say("Then restart it.")]) as asking:
        body = {"conversation": [{"role": "system", "content": expert}, *said]}
        assert (await asking.ok("v1", body))["data"]["response"] == state
        assert expert in asking.bench.model.requests[0].messages[0].text
        assert seen(asking.bench.model.requests[0]) == [(one["role"], one["content"]) for one in said]
        body = {"conversation": [*said, {"role": "assistant", "content": state}]}
        assert (await asking.ok("v1", body))["data"]["response"] == "Then restart it."
        assert seen(asking.bench.model.requests[1])[3:] == [("assistant", state), ("user", "(Go on.)")]


@V1
async def test_results_that_are_fed_back_are_known_to_the_next_question(ask: Any, say: Any) -> None:
    got = 'Called tool: Find Orders with {"customer": 123}. Got: 3 orders, of $10, $20 and $30'
    asked = "What was the total value of those orders?"
    async with ask([say("$60")]) as asking:
        body = talk("Find all orders from customer 123", got, asked)
        assert (await asking.ok("v1", body))["data"]["response"] == "$60"
        assert seen(asking.bench.model.requests[0])[1:] == [("assistant", got), ("user", asked)]


@V1
@pytest.mark.parametrize(
    "body",
    [
        says("Get the details for order #12345"),
        says("Update shipping address for customer ID 789 to 123 Main St, Boston, MA"),
        says("Create a return request for order #12345 with reason 'defective product'"),
        says("Check stock levels for SKU-789 across all warehouses"),
        says("Find all orders from customer 123 and update their status to shipped"),
        {
            "conversation": [
                {
                    "role": "system",
                    "content": "You are a customer service agent for a retail company. You are chatting with "
                    "John Doe (email: [email protected])",
                },
                {"role": "user", "content": "Find all pending orders for me"},
            ]
        },
    ],
)
async def test_calls_of_tools_are_left_to_the_client_with_their_parameters(
    ask: Any, call: Any, body: Any
) -> None:
    given = {"param1": "value1", "param2": "value2"}
    steps = [call(("get_order", "{}")), call(("get_order", json.dumps(given)))]
    async with ask(steps, [ORDERS]) as asking:
        assert await asking.ok("v1", body) == {
            "status": "success",
            "message": "Tool call(s) initiated",
            "tool_calls": [{"name": "Get Order Details", "parameters": given}],
        }


@V1
@pytest.mark.parametrize(
    "question",
    ["Could you please tell me your order number?", "Sure! Could you please enter your phone number?"],
)
async def test_what_is_missing_for_a_call_is_asked_for(ask: Any, call: Any, question: str) -> None:
    steps = [
        *[call(("get_order", "")), call(wants(question))],
        *[call(("get_order", "")), call(("get_order", '{"param1": "ORDER-1"}'))],
    ]
    async with ask(steps, [ORDERS]) as asking:
        assert await asking.ok("v1", talk("My order")) == {
            "status": "success",
            "message": "Tool call(s) initiated",
            "tool_calls": [{"name": "Get Order Details", "question": question}],
        }
        answered = await asking.ok("v1", talk("My order", question, "ORDER-1"))
        assert answered["tool_calls"] == [{"name": "Get Order Details", "parameters": {"param1": "ORDER-1"}}]


@V1
async def test_calls_and_questions_may_stand_together(ask: Any, call: Any) -> None:
    chosen = call(("get_order", ""), ("get_delivery", ""))
    found = call(("get_delivery", '{"order": 1}'), wants("Which order?"))
    async with ask([chosen, found], [ORDERS, DELIVERY]) as asking:
        assert (await asking.ok("v1", talk("Well?")))["tool_calls"] == [
            {"name": "Get delivery date", "parameters": {"order": 1}},
            {"name": "Get Order Details", "question": "Which order?"},
        ]


@V1
async def test_what_a_tool_gave_comes_back_as_the_assistants_message(ask: Any, say: Any) -> None:
    body = talk("Can you tell me when my order arrives?", "Called tool: Get delivery date. Got: 2/3/2024")
    friendly = "Your order will arrive on February 2nd, 2024."
    async with ask([say("none"), say(friendly)], [DELIVERY]) as asking:
        assert (await asking.ok("v1", body))["data"] == {"response": friendly}
        question, called, result = asking.bench.model.requests[1].messages[1:]
        assert question.text == "Can you tell me when my order arrives?"
        assert [(part.name, part.arguments) for part in called.parts] == [("get_delivery", {})]
        assert (result.role, result.parts[0].content[0].text) == ("tool", "2/3/2024")


@V1
async def test_a_final_response_can_be_asked_for_and_the_steps_be_made_one(ask: Any, say: Any) -> None:
    final = "Your order will arrive on February 2nd, 2024."
    asked = "Can you tell me when my order arrives?"
    steps = [say(final), say("You are welcome")]
    async with ask(steps) as asking:
        got = "Called tool: Get delivery date. Got: 2/3/2024"
        body = talk(asked, got, "Generate a final response in a user friendly manner.")
        assert (await asking.ok("v1", body))["data"]["response"] == final
        await asking.ok("v1", talk(asked, f"{got} {final}", "Thanks"))
        assert seen(asking.bench.model.requests[1])[1] == ("assistant", f"{got} {final}")


@V1
async def test_calls_are_transactional(ask: Any, say: Any) -> None:
    async with ask([say("One"), say("Two")]) as asking:
        await asking.ok("v1", talk("First"))
        await asking.ok("v1", talk("Second"))
        assert seen(asking.bench.model.requests[1]) == [("user", "Second")]


@V1
async def test_a_conversation_that_goes_on_stands_in_one_archived_session(ask: Any, say: Any) -> None:
    async with ask([say("Hi"), say("Fine"), say("Other")]) as asking:
        sessions = asking.bench.workbench.sessions
        await asking.ok("v1", talk("Hello"))
        await asking.ok("v1", talk("Hello", "Hi", "How are you?"))
        await asking.ok("v1", talk("Hello", "Hey", "How are you?"))
        assert seen(asking.bench.model.requests[1])[-1] == ("user", "How are you?")
        assert (await sessions.list()).items == ()
        kept = (await sessions.list("archived:only")).items
        pages = [await asking.bench.workbench.runs.list(one.id) for one in kept]
        assert sorted(len(page.items) for page in pages) == [1, 2]


@V1
async def test_without_logging_nothing_of_prompt_and_answer_stays(ask: Any, say: Any) -> None:
    async with ask([say("A secret answer"), [RuntimeError("bug")]], logging=False) as asking:
        bench = asking.bench
        await asking.ok("v1", talk("A secret prompt"))
        assert (await asking("v1", talk("A secret prompt"))).status_code == 500
        assert (await bench.workbench.sessions.list("archived:yes")).items == ()
        assert (await bench.workbench.sessions.find("A secret")).total == 0
        # What the database has freed is overwritten later; of files nothing is left at once.
        for path in (bench.home / "data").rglob("*"):
            if path.is_file() and not path.name.startswith("holdfast.db"):
                assert b"A secret" not in await asyncio.to_thread(path.read_bytes), path


@V1
@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_goes_ends_the_run_and_leaves_nothing(
    serve: Any, put_agent: Any, call: Any, stream: bool
) -> None:
    steps = [call(("write_file", "")), call(("write_file", '{"path": "a.txt", "content": "x"}'))]
    async with serve(steps) as served:
        id = put_agent(tools=["write_file"], logging=False)
        path, body = f"/genlabs/v1/{id}", {**talk("Write"), "stream": stream}
        asking = asyncio.create_task(served.http.post(path, json=body))
        approval = await served.bench.approval()
        asking.cancel()
        await served.bench.until("session.deleted")
        assert (await served.bench.workbench.sessions.list("archived:yes")).items == ()
        with pytest.raises(NotFoundError):
            await served.bench.workbench.runs.get(approval.run_id)


@V1
async def test_what_an_engine_left_behind_is_deleted_with_the_next_call(
    ask: Any, say: Any, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [say("Left"), call(("write_file", '{"path": "a.txt", "content": "x"}')), say("Next"), say("Last")]
    async with ask(steps, logging=False, name="passing") as asking:
        workbench, passing = asking.bench.workbench, {"genlabs": {"passing": True}}
        left = [await workbench.sessions.create("tester", ext=passing) for _ in range(3)]
        kept = await workbench.sessions.create("passing")
        for each in left:
            await workbench.sessions.configure(each.id, agent="passing" if each is not left[1] else None)
        await asking.bench.end(await asking.bench.send(left[0]))
        await asking.bench.send(left[1])
        await asking.bench.approval()
        await workbench.sessions.configure(left[1].id, agent="passing")
        monkeypatch.setattr(PLACES, "began", utc_now())
        await asking.ok("v1", talk("Hello"))
        assert [one.id for one in (await workbench.sessions.list("archived:yes")).items] == [kept.id]


@V1
@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "Conversation is required"),
        ("", "Conversation is required"),
        ({"conversation": []}, "Conversation is required"),
        ({"conversation": None, "message": None}, "Conversation is required"),
        ({"conversation": "Hello"}, "Conversation must be a list of messages"),
        ({"conversation": ["Hello"]}, "Message 1 must be an object with a role and a content"),
        ({"conversation": [{"role": "tool", "content": ""}]},
         "Message 1: the role must be one of system, user, assistant"),
        ({"conversation": [{"role": "user", "content": 3}]}, "Message 1: the content must be a string"),
        ({"conversation": [{"role": "user"}]}, "Message 1: the content must be a string"),
        ({"conversation": [{"role": "assistant"}]}, "Message 1: the content must be a string"),
        ({"conversation": [{"role": "system", "content": "Be brief."}]},
         "Conversation needs a message of the user"),
        ({"conversation": [{"role": "user", "content": " "}]}, "Conversation needs a message of the user"),
        ({**talk("Hello"), "stream": "yes"}, "stream must be true or false"),
    ],
)  # fmt: skip
async def test_what_is_no_conversation_is_refused(ask: Any, body: Any, error: str) -> None:
    async with ask() as asking:
        answer = await asking("v1", body)
        assert (answer.status_code, answer.json()) == (400, {"error": error})
        assert asking.bench.model.requests == []


IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
LOOK = {"conversation": [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, IMAGE]}]}


@V1
@pytest.mark.parametrize(("plan", "alpha"), [("decentralized", True), ("dedicated", False)])
async def test_images_need_the_dedicated_plan_and_the_alpha_switch(ask: Any, plan: str, alpha: bool) -> None:
    async with ask(plan=plan, bench={"more_settings": {"genlabs": {"alpha": alpha}}}) as asking:
        answer = await asking("v1", LOOK)
        assert answer.status_code == 400
        assert "alpha feature of the Dedicated plan" in answer.json()["error"]


@V1
async def test_images_are_seen_where_both_are_there(ask: Any, say: Any) -> None:
    bench = {"more_settings": {"genlabs": {"alpha": True}}}
    async with ask([say("A pixel")], plan="dedicated", bench=bench) as asking:
        assert (await asking.ok("v1", LOOK))["data"] == {"response": "A pixel"}
        assert [part.type for part in asking.bench.model.requests[0].messages[1].parts] == ["text", "image"]


@V1
async def test_a_model_that_fails_is_an_error_of_the_agent(ask: Any) -> None:
    async with ask([[ModelAuthError("No key for this provider")] * 2] * 3) as asking:
        answer = await asking("v1", talk("Hello"))
        assert answer.status_code == 500
        assert answer.json() == {"status": "error", "error": "No key for this provider"}


@V1
async def test_an_agent_that_is_not_there_is_not_found(ask: Any, serve: Any) -> None:
    async with ask() as asking:
        for id in ("0197aaaa-0000-7000-8000-00000000ffff", "0197AAAA-0000-7000-8000-00000000FFFF"):
            answer = await asking.http.post(f"/genlabs/v1/{id}", json=talk("Hello"))
            assert (answer.status_code, answer.json()) == (404, {"error": "Model not found"})


# --- v2


@V2
async def test_a_thread_needs_its_latest_message_only(ask: Any, say: Any) -> None:
    async with ask([say("Which one?"), say("It is there")]) as asking:
        first = await asking.ok("v2", says("I need to check my order status"), session="mine")
        assert first == {"status": "success", "data": {"response": "Which one?"}, "session": "mine"}
        await asking.ok("v2", says("The order number is ORD-789"), session="mine")
        assert seen(asking.bench.model.requests[1]) == [
            ("user", "I need to check my order status"),
            ("assistant", "Which one?"),
            ("user", "The order number is ORD-789"),
        ]
        (session,) = (await asking.bench.workbench.sessions.list()).items
        assert session.ext["genlabs"] == {"session": "mine"}


@V2
async def test_a_name_is_made_where_the_client_has_none(ask: Any, say: Any) -> None:
    async with ask([say("One"), say("Two"), say("Three")]) as asking:
        answer = await asking("v2", says("Check the status of my order"))
        name = answer.headers["session"]
        assert answer.json()["session"] == name and len(name) == 36
        assert (await asking("v2", says("Hello"))).headers["session"] != name
        await asking.ok("v2", says("And now?"), session=name)
        assert len(seen(asking.bench.model.requests[2])) == 3


@V2
async def test_the_same_name_with_another_agent_is_another_thread(ask: Any, say: Any, put_agent: Any) -> None:
    async with ask([say("One"), say("Two")]) as asking:
        await asking.ok("v2", says("Hello"), session="mine")
        other = put_agent("other")
        answer = await asking.http.post(
            f"/genlabs/v2/{other}", json=says("Hello too"), headers={"session": "mine"}
        )
        assert answer.status_code == 200
        assert seen(asking.bench.model.requests[1]) == [("user", "Hello too")]


@V2
async def test_the_name_of_a_deleted_thread_begins_anew(ask: Any, say: Any) -> None:
    async with ask([say("One"), say("Two"), say("Three")]) as asking:
        await asking.ok("v2", says("Hello"), session="mine")
        (session,) = (await asking.bench.workbench.sessions.list()).items
        await asking.bench.workbench.sessions.delete(session.id)
        for text in ("Hello again", "And again"):
            await asking.ok("v2", says(text), session="mine")
        assert [text for _, text in seen(asking.bench.model.requests[2])] == [
            *["Hello again", "Two", "And again"]
        ]


@V2
async def test_messages_of_one_thread_are_answered_one_after_the_other(ask: Any, say: Any) -> None:
    async with ask([say("One"), say("Two"), say("Three")]) as asking:
        await asking.ok("v2", says("First"), session="mine")
        both = (asking.ok("v2", says(text), session="mine") for text in ("Second", "Third"))
        answers = await asyncio.gather(*both)
        assert sorted(one["data"]["response"] for one in answers) == ["Three", "Two"]
        assert len(seen(asking.bench.model.requests[2])) == 5


@V2
async def test_threads_need_logging(ask: Any) -> None:
    async with ask(logging=False) as asking:
        answer = await asking("v2", says("Hello"), session="mine")
        assert (answer.status_code, answer.json()) == (
            400,
            {"error": "Logging must be enabled for this agent to use the threaded API"},
        )


@V2
async def test_results_of_tools_come_back_into_a_thread(ask: Any, say: Any, call: Any) -> None:
    steps = [call(("get_delivery", "")), call(("get_delivery", "{}")), say("none"), say("On 2 March")]
    async with ask(steps, [DELIVERY]) as asking:
        assert await asking.ok("v2", says("When?"), session="mine") == {
            "status": "success",
            "message": "Tool call(s) initiated",
            "tool_calls": [{"name": "Get delivery date", "parameters": {}}],
            "session": "mine",
        }
        told = says("Called tool: Get delivery date. Got: 2/3/2024", "assistant")
        assert (await asking.ok("v2", told, session="mine"))["data"]["response"] == "On 2 March"
        assert asking.bench.model.requests[3].messages[-1].parts[0].content[0].text == "2/3/2024"
        refused = await asking("v2", told, session="mine")
        assert refused.status_code == 400 and "no tool call waits" in refused.json()["error"]


@V2
@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "Message is required"),
        ({"message": []}, "Message is required"),
        ({"message": "Hello"}, "Message must be an object with a role and a content"),
        (talk("One", "Two", "Three"), "Message is required: the threaded API keeps the conversation itself"),
    ],
)
async def test_what_is_no_message_is_refused(ask: Any, body: Any, error: str) -> None:
    async with ask() as asking:
        answer = await asking("v2", body, session="mine")
        assert (answer.status_code, answer.json()) == (400, {"error": error})


@V2
async def test_each_version_takes_the_other_ones_field(ask: Any, say: Any) -> None:
    async with ask([say("One"), say("Two")]) as asking:
        assert (await asking.ok("v2", talk("Hello")))["data"] == {"response": "One"}
        assert (await asking.ok("v1", says("Hello")))["data"] == {"response": "Two"}


@V2
async def test_a_message_that_cannot_be_answered_leaves_no_thread(ask: Any) -> None:
    async with ask() as asking:
        refused = await asking("v2", says("It gave 3", "assistant"), session="new")
        assert refused.status_code == 400
        assert (await asking.bench.workbench.sessions.list()).items == ()


@V2
async def test_a_name_that_cannot_be_is_refused(ask: Any) -> None:
    async with ask() as asking:
        answer = await asking("v2", says("Hello"), session="x" * 201)
        assert answer.status_code == 400 and "printable ASCII" in answer.json()["error"]


# --- streams


@V1
async def test_a_reply_is_streamed_piece_by_piece(ask: Any, say: Any) -> None:
    async with ask([say("One ", "two")], plan="dedicated") as asking:
        frames = await asking.frames("v1", {**talk("Count"), "stream": True})
        pieces = [one["data"]["chunk"] for one in frames if one["status"] == "streaming"]
        assert "".join(pieces) == "One two"
        assert frames[-1] == {"status": "success", "data": {"response": "One two"}}


@V1
async def test_the_decentralized_plan_streams_one_piece(ask: Any, say: Any) -> None:
    async with ask([say("One ", "two")], plan="decentralized", ext={"genlabs": {"stream": True}}) as asking:
        assert await asking.frames("v1", talk("Count")) == [
            {"status": "streaming", "data": {"chunk": "One two"}},
            {"status": "success", "data": {"response": "One two"}},
        ]


@V2
async def test_calls_and_questions_are_never_split(ask: Any, call: Any) -> None:
    steps = [call(("get_order", "")), call(wants("Which?"))]
    async with ask(steps, [ORDERS]) as asking:
        frames = await asking.frames("v2", {**says("Where?"), "stream": True}, session="mine")
        assert frames == [
            {
                "status": "success",
                "message": "Tool call(s) initiated",
                "tool_calls": [{"name": "Get Order Details", "question": "Which?"}],
                "session": "mine",
            }
        ]


@V1
async def test_an_agent_that_streams_can_be_asked_not_to(ask: Any, say: Any) -> None:
    async with ask([say("Whole")], ext={"genlabs": {"stream": True}}) as asking:
        answer = await asking.ok("v1", {**talk("Hello"), "stream": False})
        assert answer["data"] == {"response": "Whole"}


@V1
async def test_a_stream_that_fails_says_so(ask: Any) -> None:
    async with ask([[ModelAuthError("No key")]] * 4, logging=False) as asking:
        assert await asking.frames("v1", {**talk("Hello"), "stream": True}) == [
            {"status": "error", "error": "No key"}
        ]
        assert (await asking.bench.workbench.sessions.list("archived:yes")).items == ()
