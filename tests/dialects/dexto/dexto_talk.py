"""A client of Dexto's API, as tests of messages and sessions want it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

API = "/dexto/api"
ASKED = ("write_file", '{"path": "a", "content": "b"}')
"""A call that a person has to approve."""
FREE = ("write_file", '{"path": "free.md", "content": "b\\n"}')
"""One that nobody has to."""

Frame = tuple[str, dict[str, Any]]


def frames_in(text: str) -> list[Frame]:
    """Reads a stream as Dexto's own client does: blocks, each with a name and a line of data."""
    return [frame for block in text.split("\n\n") if (frame := _frame(block)) is not None]


def _frame(block: str) -> Frame | None:
    lines = [line for line in block.split("\n") if line and not line.startswith(":")]
    if not lines:
        return None
    name, data = lines
    assert name.startswith("event: ")
    assert data.startswith("data: ")
    return name[7:], json.loads(data[6:])


def names(frames: list[Frame]) -> list[str]:
    return [name for name, _ in frames]


def last(frames: list[Frame], name: str) -> dict[str, Any]:
    return [data for each, data in frames if each == name][-1]


class Talk:
    """Asks about one session."""

    def __init__(self, served: Any, session: str = "s1", key: str = "") -> None:
        self.served = served
        self.bench = served.bench
        self.session = session
        self._headers = {"authorization": f"Bearer {key}"} if key else {}

    async def get(self, path: str, **query: Any) -> httpx.Response:
        found: httpx.Response = await self.served.http.get(
            f"{API}/{path}", params=query, headers=self._headers
        )
        return found

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.ask("POST", path, body)

    async def ask(self, method: str, path: str, body: Any = None, **more: str) -> httpx.Response:
        headers = {**self._headers, **more}
        found: httpx.Response = await self.served.http.request(
            method, f"{API}/{path}", json=body, headers=headers
        )
        return found

    async def stream(self, content: Any = "Hello") -> list[Frame]:
        """Sends a message and returns all frames of the answer."""
        answer = await self.post("message-stream", content=content, sessionId=self.session)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        return frames_in(answer.text)

    async def live(self, content: Any = "Hello") -> AsyncIterator[Frame]:
        """Yields the frames of the answer to a message as they come."""
        body = {"content": content, "sessionId": self.session}
        asked = self.served.http.stream("POST", f"{API}/message-stream", json=body, headers=self._headers)
        async with asked as answer:
            assert answer.status_code == 200
            block: list[str] = []
            async for line in answer.aiter_lines():
                block.append(line)
                if line == "" and (frame := _frame("\n".join(block))) is not None:
                    yield frame
                block = block if line else []

    def streaming(self, content: Any = "Hello") -> asyncio.Task[list[Frame]]:
        return asyncio.create_task(self.stream(content))

    async def history(self) -> list[dict[str, Any]]:
        answer = await self.get(f"sessions/{self.session}/history")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["history"]
        return found

    async def said(self) -> list[str]:
        """Returns what was said, without what tools gave."""
        return [
            "".join(part.get("text", "") for part in each["content"])
            for each in await self.history()
            if each["role"] != "tool"
        ]
