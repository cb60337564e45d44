"""What GenLabs' clients say, taken apart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import InsufficientCredits, InvalidError, ModelAuthError
from holdfast.core.domain.messages import ToolCallPart, ToolResultPart
from holdfast.server.dialects.genlabs.encoder import failure
from holdfast.server.dialects.genlabs.mapping_calls import (
    Offered,
    Told,
    called_with,
    messages_of,
    name_of,
    prefixes,
    results_for,
    thread_name,
    told_in,
    turn_of,
)
from holdfast.server.dialects.genlabs.wire_calls import CallRequest

TOOLS = {"get_delivery": Offered("Get delivery date", False), "get_order": Offered("Get Order", False)}
SAID = st.text(min_size=1).filter(lambda text: text.strip())
TALK = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "User "]), "content": SAID}),
    min_size=1,
    max_size=8,
)


def told(text: str) -> list[tuple[str, dict[str, object], str]]:
    return [(one.tool, one.arguments, one.got) for one in told_in(text)]


def test_the_result_of_a_tool_is_read_as_the_page_writes_it() -> None:
    assert told("Called tool: Get delivery date. Got: 2/3/2024") == [("Get delivery date", {}, "2/3/2024")]
    assert told('Called tool: Get Order with {"id": 3}. Got: {"state": "sent"}') == [
        ("Get Order", {"id": 3}, '{"state": "sent"}')
    ]
    assert told("So. Called tool: A. Got: 1\nCalled tool: B with care. Got: 2 Called tool: C.") == [
        ("A", {}, "1"),
        ("B with care", {}, "2"),
    ]
    assert told("Nothing was called") == []


@given(st.text(), st.dictionaries(st.text(), st.integers() | st.text()), st.text())
def test_whatever_is_told_of_a_tool_can_be_read(name: str, arguments: dict[str, object], got: str) -> None:
    told_in(f"Called tool: {name} with {json.dumps(arguments)}. Got: {got}")


@given(st.lists(st.tuples(SAID, st.text()), min_size=1, max_size=4))
def test_every_call_has_its_result(pairs: list[tuple[str, str]]) -> None:
    message, results = called_with([Told(name, {}, got) for name, got in pairs], TOOLS)
    calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
    ids = [part.call_id for part in results if isinstance(part, ToolResultPart)]
    assert [call.call_id for call in calls] == ids and len(set(ids)) == len(pairs)
    assert all(call.name for call in calls)


def test_tools_are_known_by_their_titles() -> None:
    assert name_of("get DELIVERY date", TOOLS) == "get_delivery"
    assert name_of("Another tool!", TOOLS) == "another_tool_"
    assert name_of("…", TOOLS) == "_"


def test_results_go_to_the_calls_that_wait_for_them() -> None:
    waiting = {"1": "get_order", "2": "get_delivery", "3": "get_order"}
    orders = "Called tool: Get Order. Got: a Called tool: Get Order. Got: b"
    text = f"Called tool: Get delivery date. Got: soon {orders}"
    found = {part.call_id: part.content[0].text for part in results_for(text, waiting, TOOLS)}
    assert found == {"1": "a", "2": "soon", "3": "b"}
    (whole,) = results_for("It is sent.", {"1": "get_order"}, TOOLS)
    assert whole.content[0].text == "It is sent."
    with pytest.raises(InvalidError):
        results_for("It is sent.", {}, TOOLS)


@given(TALK, TALK)
def test_conversations_have_a_hash_in_common_as_far_as_they_are_equal(one: list, other: list) -> None:
    def hashes(said: list) -> list[str]:
        return list(prefixes("agent", messages_of(CallRequest(conversation=said), "v1")))

    same = [{**each, "role": each["role"].strip().lower()} for each in one]
    also = [{**each, "role": each["role"].strip().lower()} for each in other]
    for at, pair in enumerate(zip(hashes(one), hashes(other), strict=False), 1):
        assert (pair[0] == pair[1]) == (same[:at] == also[:at])
    assert hashes(one) != list(prefixes("another", messages_of(CallRequest(conversation=one), "v1")))


@given(TALK)
def test_a_turn_is_the_whole_conversation(talk: list) -> None:
    messages = messages_of(CallRequest(conversation=talk), "v1")
    turn = turn_of(messages)
    assert (*turn.before, turn.last) == messages and turn.system == ""


@pytest.mark.parametrize("name", ["x" * 201, "a\nb", "ä"])
def test_names_of_conversations_are_short_and_plain(name: str) -> None:
    with pytest.raises(InvalidError):
        thread_name(name, "minted")


def test_a_conversation_without_a_name_gets_one() -> None:
    assert thread_name(None, "minted") == thread_name(" ", "minted") == "minted"
    assert thread_name(" mine ", "minted") == "mine"


def test_credits_that_end_on_the_way_are_told_in_the_words_of_those_that_are_not_there() -> None:
    spent = InsufficientCredits("-3 are left; `holdfast credits set` gives more.")
    assert failure(spent.info) == {"status": "error", "error": "Insufficient credits"}
    assert failure(ModelAuthError("No key").info) == {"status": "error", "error": "No key"}
    assert failure(None) == {"status": "error", "error": "The request was cancelled."}
