"""A client of Sage's chats and streams, as the system's own put lines together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

Line = dict[str, Any]


def asked(text: str | list[Any] = "Hello", **more: Any) -> dict[str, Any]:
    """Returns a request with one message of the user."""
    return {"messages": [{"role": "user", "content": text}], "agent_id": "tester", **more}


def records(body: str) -> list[Line]:
    """Returns the lines of a stream; comments and blank lines are none."""
    return [json.loads(line) for line in body.split("\n") if line and not line.startswith(":")]


async def streamed(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> list[Line]:
    """Returns all lines that are answered."""
    answer = await http.post(f"/sage/api/{path}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return records(answer.text)


async def resumed(http: httpx.AsyncClient, session: str, index: int) -> list[Line]:
    """Returns the lines that a stream goes on with."""
    answer = await http.get(f"/sage/api/stream/resume/{session}", params={"last_index": index})
    assert answer.status_code == 200, answer.text
    return records(answer.text)


@asynccontextmanager
async def open_stream(
    http: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> AsyncIterator[AsyncIterator[Line]]:
    """Gives the lines of a stream as they come; leaving it goes away."""
    async with http.stream("POST", f"/sage/api/{path}", json=body) as answer:
        assert answer.status_code == 200, await answer.aread()

        async def lines() -> AsyncIterator[Line]:
            async for line in answer.aiter_lines():
                if line and not line.startswith(":"):
                    yield json.loads(line)

        yield lines()


def merged(lines: list[Line]) -> dict[str, Line]:
    """Returns the messages that a client shows, by their ids: deltas are put together, calls of tools by
    their ids and then by their places, and content beside calls takes the place of what was there."""
    messages: dict[str, Line] = {}
    for line in lines:
        if "message_id" not in line:
            continue
        message = messages.setdefault(line["message_id"], {**line, "content": "", "reasoning_content": ""})
        message["type"] = line["type"]
        message["reasoning_content"] += line.get("reasoning_content", "")
        if "tool_calls" in line:
            message["content"] = line.get("content", message["content"])
            _merge_calls(message, line["tool_calls"])
        else:
            message["content"] += line.get("content", "")
    return messages


def _merge_calls(message: Line, calls: list[Line]) -> None:
    known = message.setdefault("calls", [])
    for call in calls:
        same = [one for one in known if one["id"] == call["id"]] if call["id"] else []
        same = same or ([] if call["id"] else [one for one in known if one["index"] == call["index"]])
        if not same:
            known.append({**call, "function": dict(call["function"])})
            continue
        same[-1]["function"]["arguments"] += call["function"]["arguments"]


def said(lines: list[Line]) -> str:
    """Returns all that the agent has said, message after message."""
    return "".join(line["content"] for line in lines if line.get("type") == "do_subtask_result")


def end_of(lines: list[Line]) -> Line:
    """Returns the end record, which is the last line and the only one of its kind."""
    assert [line["type"] for line in lines].count("stream_end") == 1
    assert lines[-1]["type"] == "stream_end"
    return lines[-1]


class Driven:
    """Makes a scripted model say its next piece only when it is let."""

    def __init__(self, model: Any) -> None:
        self._stream = model.stream
        self._let = asyncio.Semaphore(0)
        self.open = False
        """Whether all that is left may be said at once."""
        model.stream = self.stream

    def let(self, pieces: int) -> None:
        """Lets so many pieces more be said."""
        for _ in range(pieces):
            self._let.release()

    def finish(self) -> None:
        """Lets everything be said."""
        self.open = True
        self.let(1)

    async def stream(self, request: Any) -> AsyncIterator[Any]:
        async for item in self._stream(request):
            if not self.open:
                await self._let.acquire()
            yield item
