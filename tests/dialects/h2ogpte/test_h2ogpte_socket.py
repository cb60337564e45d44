"""The socket of h2oGPTe's client before the real server: what is asked on it, and what becomes of runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.runs.conftest import text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from holdfast.core.domain.approvals import Decision

STRANGER = "00000000-0000-7000-8000-000000000000"


async def chat(served: Any) -> str:
    session = await served.bench.session()
    return str(session.id)


@asynccontextmanager
async def socket(served: Any, chat_id: str, prefix: str = "") -> AsyncIterator[ClientConnection]:
    url = f"{served.address.replace('http', 'ws', 1)}{prefix}/ws?currentSessionID={chat_id}&source=py"
    async with connect(url, proxy=None) as opened:
        yield opened


async def ask(opened: ClientConnection, chat_id: str, body: str = "Hello", **more: Any) -> None:
    question = {"t": "cq", "mode": "s", "session_id": chat_id, "correlation_id": f"of {body}", "body": body}
    unset = dict.fromkeys(("llm_args", "rag_config", "self_reflection_config"), "null")
    await opened.send(json.dumps(question | unset | {"include_chat_history": "auto", "llm": None} | more))


async def heard(opened: ClientConnection, *ends: str) -> list[dict[str, Any]]:
    """Returns what is said up to the first message of one of the kinds."""
    said: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while not said or said[-1]["t"] not in ends:
            text = await opened.recv()
            assert isinstance(text, str) and text.isascii()
            said += map(json.loads, text.splitlines())
    return said


@pytest.mark.covers("h2ogpte.ws")
@pytest.mark.parametrize("prefix", ["", "/h2ogpte"])
async def test_several_questions_are_answered_on_one_socket(serve: Any, prefix: str) -> None:
    steps = [
        text("A ", "k\u00efte\u2028"),
        text("Two"),
    ]
    async with serve(steps) as served:
        id = await chat(served)
        async with socket(served, id, prefix) as opened:
            await ask(opened, id)
            first = await heard(opened, "ca", "ce")
            await ask(opened, id, "Again")
            second = await heard(opened, "ca", "ce")
        told = (await served.http.get(f"/h2ogpte/api/v1/chats/{id}/messages")).json()
    assert first[0]["t"] == "cx"
    assert first[0]["correlation_id"] == "of Hello"
    assert first[0]["username"] == "local"
    partial = [each["body"] for each in first if each["t"] == "cp"]
    assert "".join(partial) == first[-1]["body"] == "A k\u00efte\u2028"
    assert len(partial) >= 1
    assert {each["session_id"] for each in first} == {id}
    assert {each["reply_to_id"] for each in first[1:]} == {first[0]["message_id"]}
    assert second[-1]["body"] == "Two"
    ids = [each["id"] for each in told]
    assert ids == [
        first[0]["message_id"],
        first[-1]["message_id"],
        second[0]["message_id"],
        second[-1]["message_id"],
    ]
    assert [each["content"] for each in told] == ["Hello", "A k\u00efte\u2028", "Again", "Two"]


async def test_a_socket_says_and_streams_what_the_request_does(serve: Any) -> None:
    async with serve([text("The same"), text("The same")]) as served:
        id = await chat(served)
        url = f"/h2ogpte/api/v1/chats/{id}/completions"
        answer = await served.http.post(url, json={"message": "Hello", "stream": True})
        lines = [json.loads(line) for line in answer.text.splitlines()]
        async with socket(served, id) as opened:
            await ask(opened, id)
            said = await heard(opened, "ca", "ce")
    assert "".join(line["body"] for line in lines) == said[-1]["body"] == "The same"


async def test_what_cannot_be_asked_is_refused_and_the_socket_goes_on(serve: Any) -> None:
    async with serve([text("Hi")]) as served:
        id = await chat(served)
        async with socket(served, id) as opened:
            for more in (
                {"session_id": STRANGER},
                {"rag_config": '{"rag_type": "no such"}'},
                {"llm_args": "{"},
            ):
                await ask(opened, id, **more)
                (refused,) = await heard(opened, "ca", "ce")
                assert refused["correlation_id"] == "of Hello"
                assert refused["error"]
            await ask(opened, id)
            assert (await heard(opened, "ca", "ce"))[-1]["body"] == "Hi"


async def test_a_failed_completion_is_an_error_with_its_ids(serve: Any) -> None:
    async with serve([[ValueError("a bug of the provider")]]) as served:
        id = await chat(served)
        async with socket(served, id) as opened:
            await ask(opened, id)
            said = await heard(opened, "ca", "ce")
    assert (said[0]["t"], said[-1]["t"]) == ("cx", "ce")
    assert said[-1]["error"]
    assert said[-1]["reply_to_id"] == said[0]["message_id"]


@pytest.mark.parametrize("query", ["", "?currentSessionID=", f"?currentSessionID={STRANGER}", "?other=1"])
async def test_a_socket_for_no_chat_is_not_opened(serve: Any, query: str) -> None:
    async with serve() as served:
        url = served.address.replace("http", "ws", 1)
        for prefix in ("", "/h2ogpte"):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(f"{url}{prefix}/ws{query}", proxy=None):
                    raise AssertionError("it was opened")
            assert refused.value.response.status_code == 404, (prefix, query)


async def test_a_run_goes_on_when_its_socket_ends(serve: Any, call: Any) -> None:
    async with serve([call(("write_file", '{"path": "a.md", "content": "x"}')), text("Done")]) as served:
        id = await chat(served)
        async with socket(served, id) as opened:
            await ask(opened, id, llm_args='{"use_agent": true}')
            acknowledged = (await heard(opened, "cx"))[0]
            approval = await served.bench.approval()
        assert acknowledged["use_agent"] is True
        await served.bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await served.bench.until("run.completed")
        told = (await served.http.get(f"/h2ogpte/api/v1/chats/{id}/messages")).json()
    assert told[0]["id"] == acknowledged["message_id"]
    assert (told[-1]["content"], told[-1]["reply_to"]) == ("Done", acknowledged["message_id"])
