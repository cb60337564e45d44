"""The offline model with tools that it knows nothing of, in runs that call tools in phases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.messages import Message, TextPart, ToolCallPart, ToolResultPart
from holdfast.core.domain.models import ModelRequest, ToolSchema
from holdfast.core.domain.tools import MISSING_TOOL
from holdfast.core.models.planning.steps import Call
from holdfast.core.models.planning.turn import Reply, decide

NOTHING: dict[str, Any] = {"type": "object", "properties": {}}
ASK = ToolSchema(name=MISSING_TOOL, description="Asks.", parameters=NOTHING)


def tool(name: str, required: Any = (), **properties: Any) -> ToolSchema:
    schema = {"type": "object", "properties": properties, "required": required}
    return ToolSchema(name=name, description="Does it.", parameters=schema)


def request(*said: str, tools: tuple[ToolSchema, ...] = (), more: tuple[Message, ...] = ()) -> ModelRequest:
    roles = ("user", "assistant")
    messages = [Message(role=roles[at % 2], parts=(TextPart(text=text),)) for at, text in enumerate(said)]
    return ModelRequest(model="offline", messages=(*messages, *more), tools=tools)


def decided(asked: ModelRequest) -> Call | Reply:
    return decide(asked, lambda digest: b"")


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("Can you tell me the delivery date?", "get_delivery_date"),
        ("What does the contract say? Search it.", "contract_search"),
        ("Please create a return request for order #12", "create_return_request"),
        ("Good morning", None),
    ],
)
def test_a_tool_is_chosen_where_the_message_names_it(text: str, chosen: str | None) -> None:
    names = ("get_delivery_date", "contract_search", "create_return_request")
    step = decided(request(text, tools=tuple(tool(name) for name in names)))
    assert (step.tool if isinstance(step, Call) else None) == chosen


def test_an_answer_to_a_question_is_for_the_tool_of_before() -> None:
    said = ("Tell me my delivery date", "Could you please tell me the order number?", "ORD-789")
    step = decided(request(*said, tools=(tool("get_delivery_date"),)))
    assert isinstance(step, Call) and step.tool == "get_delivery_date"
    known = tool("get_delivery_date", ["order_number"], order_number={"type": "string"})
    step = decided(request(*said, tools=(known, ASK)))
    assert isinstance(step, Call) and step.arguments == {"order_number": "ORD-789"}


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("The delivery date of order #12345", {"order_number": "12345"}),
        ("Order number is ORD-789.", {"order_number": "ORD-789"}),
        ("order number: 'A-1', express, 3 pieces", {"order_number": "A-1", "speed": "express", "count": 3}),
    ],
)
def test_arguments_are_what_was_said(text: str, arguments: dict[str, Any]) -> None:
    known = tool(
        "get_delivery_date",
        ["order_number"],
        order_number={"type": "string"},
        speed={"type": "string", "enum": ["slow", "express"]},
        count={"type": "integer"},
    )
    step = decided(request(text, tools=(known, ASK)))
    assert isinstance(step, Call) and step.tool == "get_delivery_date"
    assert {name: step.arguments[name] for name in arguments} == arguments


def test_what_was_not_said_is_asked_for() -> None:
    known = tool("get_delivery_date", ["order_number"], order_number={"type": "string"})
    assert decided(request("When?", tools=(known, ASK))) == Call(
        MISSING_TOOL,
        {"tool": "get_delivery_date", "question": "Could you please tell me the order number?"},
    )


def test_a_search_looks_for_the_message_and_its_result_is_shown() -> None:
    known = tool("contract_search", ["query"], query={"type": "string"})
    step = decided(request("What does the contract say?", tools=(known, ASK)))
    assert step == Call("contract_search", {"query": "What does the contract say?"})
    done = (
        Message(role="assistant", parts=(ToolCallPart(call_id="1", name="contract_search", arguments={}),)),
        Message(
            role="tool",
            parts=(ToolResultPart(call_id="1", name="contract_search", content=(TextPart(text="30 days"),)),),
        ),
    )
    again = decided(request("Search the contract", tools=(tool("contract_search"),), more=done))
    assert isinstance(again, Reply)
    reply = decided(request("Search the contract", more=done))
    assert isinstance(reply, Reply) and "30 days" in reply.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=5
)


@given(st.text(min_size=1), st.text(min_size=1), JSON, st.dictionaries(st.text(), JSON), JSON)
def test_odd_schemas_and_messages_break_nothing(
    text: str, name: str, required: Any, properties: dict[str, Any], kind: Any
) -> None:
    odd = ToolSchema(
        name=name, description="", parameters={"properties": properties, "required": required, "type": kind}
    )
    decided(request(text, tools=(odd, ASK)))
    decided(request(text, tools=(odd,)))
