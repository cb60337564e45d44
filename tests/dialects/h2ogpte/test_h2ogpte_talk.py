"""The talk on the socket of h2oGPTe's client: questions, acknowledgements, refusals, its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from starlette.websockets import WebSocket

from holdfast.core.domain.errors import ConflictError, InvalidError, RateLimitedError
from holdfast.core.domain.identity import LOCAL_PRINCIPAL
from holdfast.server.dialects.h2ogpte.mapping_client import asked_of
from holdfast.server.dialects.h2ogpte.talk import MOST_AT_ONCE, Started, talk
from holdfast.server.dialects.h2ogpte.wire_client import Question
from holdfast.server.kit.sockets import REFUSED, SocketCall

CHAT = "chat-1"


@dataclass
class Line:
    """The other end of a socket, and the completions that it starts."""

    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    said: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    heard: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    closed: int = 0
    started: int = 0

    def ask(self, refused: Any = None, **fields: Any) -> None:
        text = json.dumps({"t": "cq", "session_id": CHAT, "correlation_id": "c1", "body": "Hello"} | fields)
        self.say(text, refused)

    def say(self, text: str, refused: Any = None) -> None:
        more = {} if refused is None else {REFUSED: refused}
        self.heard.put_nowait({"type": "websocket.receive", "text": text} | more)

    async def told(self) -> dict[str, Any]:
        """Returns the next message that was sent."""
        async with asyncio.timeout(10):
            return await self.said.get()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            self.said.put_nowait(json.loads(message["text"]))

    async def start(self, call: SocketCall, chat_id: str, asked: dict[str, Any]) -> Started:
        self.asked.append((chat_id, asked))
        if asked["message"] == "busy":
            raise ConflictError("The conversation is busy; try again.", code="busy")
        if asked["message"] == "break":
            raise ValueError("a bug")
        if asked["message"] == "late":
            await self.go_on.wait()
            self.started += 1
        return Started(f"q{len(self.asked)}", asked["message"] == "work", self._said(asked["message"]))

    async def _said(self, message: str) -> AsyncGenerator[str, None]:
        try:
            if message == "slow":
                await self.go_on.wait()
            yield json.dumps({"t": "ca", "body": message.upper()})
        finally:
            self.closed += 1


@asynccontextmanager
async def talking(line: Line | None = None) -> AsyncIterator[tuple[Line, asyncio.Task[None]]]:
    line = line or Line()
    line.heard.put_nowait({"type": "websocket.connect"})
    scope = {"type": "websocket", "path": "/ws", "headers": [], "query_string": b""}
    socket = WebSocket(scope, cast(Any, line.heard.get), line.send)
    call = SocketCall(socket, LOCAL_PRINCIPAL, cast(Any, None), cast(Any, None), {})
    task = asyncio.create_task(talk(call, CHAT, line.start))
    try:
        yield line, task
    finally:
        line.heard.put_nowait({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(10):
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()


async def test_a_question_is_acknowledged_before_anything_is_said_of_it() -> None:
    async with talking() as (line, _):
        for number in (1, 2):
            line.ask(correlation_id=f"c{number}", body="Hello")
            assert await line.told() == {
                "t": "cx",
                "session_id": CHAT,
                "correlation_id": f"c{number}",
                "message_id": f"q{number}",
                "username": "local",
                "body": "Hello",
                "use_agent": False,
            }
            assert await line.told() == {"t": "ca", "body": "HELLO"}
        assert line.asked[0] == (CHAT, {"message": "Hello", "stream": True})


async def test_questions_of_one_socket_do_not_wait_for_each_other() -> None:
    async with talking() as (line, _):
        line.ask(body="slow", session_id="")
        assert (await line.told())["session_id"] == CHAT, "the one that the socket is for"
        line.ask(body="work", session_id="chat-2")
        acknowledged = await line.told()
        assert (acknowledged["session_id"], acknowledged["use_agent"]) == ("chat-2", True)
        assert (await line.told())["body"] == "WORK"
        line.go_on.set()
        assert (await line.told())["body"] == "SLOW"
        assert [chat for chat, _ in line.asked] == [CHAT, "chat-2"]


async def test_what_is_not_started_is_refused_in_a_way_that_all_clients_see() -> None:
    async with talking() as (line, _):
        line.ask(body="busy")
        refused = await line.told()
        assert (refused["t"], refused["session_id"], refused["correlation_id"]) == ("ce", CHAT, "c1")
        assert refused["reply_to_id"] is None
        assert refused["error"] == "The conversation is busy; try again."
        assert "error_type" not in refused
        line.ask()
        assert (await line.told())["t"] == "cx", "the socket goes on"


async def test_a_question_that_is_one_too_many_says_when_to_ask_again() -> None:
    async with talking() as (line, _):
        error = RateLimitedError("Wait.", code="too_many_requests", details={"retry_after_s": 6.1})
        line.ask(refused=error)
        refused = await line.told()
        assert (refused["t"], refused["error"], refused["correlation_id"]) == ("ce", "Wait.", "c1")
        assert (refused["error_type"], refused["retry_after"]) == ("rate_limit", 7)
        for _ in range(MOST_AT_ONCE):
            line.ask(body="slow")
            assert (await line.told())["t"] == "cx"
        line.ask(body="one more")
        assert (await line.told())["error_type"] == "rate_limit"
        assert "one more" not in [asked["message"] for _, asked in line.asked]


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"t": "cs"}',
        '{"body": "Hello"}',
        '{"t": "cq", "body": 1}',
        '{"t": "cq", "body": "x", "llm_args": "{"}',
        '{"t": "cq", "body": "x", "rag_config": "[1]"}',
        "[" * 100_000,
        "[" + "1," * 200_000 + "1]",
        json.dumps({"t": "cq", "body": "x", "llm_args": '{"a":[' + "1," * 200_000 + "1]}"}),
    ],
)
async def test_what_is_no_question_is_refused_and_the_socket_goes_on(text: str) -> None:
    async with talking() as (line, _):
        line.say(text)
        refused = await line.told()
        assert (refused["t"], refused["session_id"]) == ("ce", CHAT)
        assert refused["error"] and len(refused["error"]) < 1000
        line.ask()
        assert (await line.told())["t"] == "cx"


async def test_the_end_of_a_socket_ends_what_follows_its_completions() -> None:
    async with talking() as (line, task):
        line.ask(body="slow")
        await line.told()
        line.heard.put_nowait({"type": "websocket.disconnect", "code": 1001})
        async with asyncio.timeout(10):
            await task
        assert line.closed == 1


async def test_what_was_asked_is_started_also_where_the_socket_ends_meanwhile() -> None:
    async with talking() as (line, task):
        line.ask(body="late")
        line.ask(body="late", session_id="chat-2")
        line.heard.put_nowait({"type": "websocket.disconnect", "code": 1001})
        done, _ = await asyncio.wait({task}, timeout=0.05)
        assert not done
        line.go_on.set()
        async with asyncio.timeout(10):
            await task
        assert line.started == 2
        assert {chat for chat, _ in line.asked} == {CHAT, "chat-2"}


async def test_a_bug_in_one_question_ends_the_socket_with_it() -> None:
    async with talking() as (line, task):
        line.ask(body="break")
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.timeout(10):
                await task
        assert [type(one) for one in caught.value.exceptions] == [ValueError]


async def test_a_message_that_is_no_text_ends_the_socket() -> None:
    async with talking() as (line, task):
        line.heard.put_nowait({"type": "websocket.receive", "bytes": b"x"})
        with pytest.raises(InvalidError):
            async with asyncio.timeout(10):
                await task


def test_a_question_asks_what_the_request_would_ask() -> None:
    question = Question(
        t="cq",
        body="Hello",
        llm="auto",
        llm_args='{"use_agent": true}',
        rag_config={"rag_type": "rag"},
        self_reflection_config="null",
        include_chat_history="off",
        tags=["red"],
        system_prompt="Be brief",
    )
    assert asked_of(question) == {
        "message": "Hello",
        "stream": True,
        "llm": "auto",
        "llm_args": {"use_agent": True},
        "rag_config": {"rag_type": "rag"},
        "include_chat_history": "off",
        "tags": ["red"],
        "system_prompt": "Be brief",
    }
    with pytest.raises(InvalidError, match="llm_args is no JSON"):
        asked_of(Question(t="cq", body="Hello", llm_args="{"))
