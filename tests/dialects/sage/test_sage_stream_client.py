"""A client of Sage's streams that has nothing but Python's standard library, at the port of an engine."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from tests.dialects.sage.stream_talk import Driven

from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.models import Finished, ReasoningDelta, TextDelta, ToolCallDelta
from holdfast.core.domain.status import ListenOptions
from holdfast.server.connections import Patience
from holdfast.server.tcp import Behind, OpenListener

LOOKS = [
    ReasoningDelta(text="Where "),
    ReasoningDelta(text="is it? "),
    TextDelta(text="I look. "),
    ToolCallDelta(key="0", name="list_files", arguments='{"path": "."}'),
    Finished(reason="tool_calls"),
]
ANSWERS = [*(TextDelta(text=each) for each in ("Nothing ", "is \u2028here.")), Finished(reason="stop")]


class Client:
    """Follows a stream as Sage's own clients do, and keeps what they would show."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.messages: dict[tuple[str, str], dict[str, Any]] = {}
        self.count = 0
        self.ended = False

    def post(self, path: str, body: dict[str, Any], lines: int | None = None) -> None:
        """Sends a request, and takes so many lines of the answer at most; then the connection is closed."""
        self._follow("POST", path, json.dumps(body).encode(), lines)

    def resume(self, session: str, lines: int | None = None) -> None:
        """Goes on where it stands."""
        path = f"/sage/api/stream/resume/{session}?last_index={self.count}"
        self._follow("GET", path, None, lines)

    def _follow(self, method: str, path: str, body: bytes | None, lines: int | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.request(method, path, body, self._headers)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            for raw in answer:
                text = raw.decode().strip()
                if not text or text.startswith(":"):
                    continue
                self._take(json.loads(text))
                if self.ended or self.count == lines:
                    return
        finally:
            connection.close()

    def _take(self, line: dict[str, Any]) -> None:
        self.count += 1
        if line["type"] == "stream_end":
            self.ended = True
        elif line["type"] not in ("token_usage", "tool_progress"):
            self._merge(line)

    def _merge(self, line: dict[str, Any]) -> None:
        place = (line["session_id"], line["message_id"])
        message = self.messages.setdefault(place, {"role": line["role"], "content": "", "reasoning": ""})
        message["reasoning"] += line.get("reasoning_content", "")
        calls = line.get("tool_calls")
        if not calls:
            message["content"] += line.get("content", "")
            return
        message["content"] = line.get("content", message["content"])
        known = message.setdefault("calls", {})
        for call in calls:
            one = known.setdefault(call["index"], {"id": call["id"], "name": "", "arguments": ""})
            one["name"] = call["function"]["name"] or one["name"]
            one["arguments"] += call["function"]["arguments"]


@pytest.mark.parametrize("path", ["chat", "stream", "web-stream"])
async def test_a_plain_client_follows_a_stream_line_by_line(
    open_bench: Any, tmp_path: Path, path: str
) -> None:
    async with open_bench([LOOKS, ANSWERS]) as bench:
        model = Driven(bench.model)

        async def host() -> Any:
            return bench.workbench

        behind = Behind(host, logging.getLogger("holdfast.tests"), ServerSettings(), Patience(), tmp_path)
        opened = await OpenListener.open(ListenOptions(port=0), behind)
        port = int(opened.state.url.rpartition(":")[2])
        client = Client(port, (await bench.workbench.keys.create("k", Scope.CHAT)).secret)
        body = {
            "messages": [{"role": "user", "content": "What is here?"}],
            "session_id": "harbour",
            "agent_id": "tester",
        }
        try:
            model.let(2)
            cut = 2 if path == "web-stream" else None
            asking = asyncio.create_task(asyncio.to_thread(client.post, f"/sage/api/{path}", body, cut))
            if cut:
                await asking
                model.finish()
                while not client.ended:
                    await asyncio.to_thread(client.resume, "harbour", client.count + 1)
            else:
                model.finish()
                await asking
        finally:
            opened.close()
            async with asyncio.timeout(10):
                await opened.task
    looked, result, answer = client.messages.values()
    assert (looked["reasoning"], looked["content"]) == ("Where is it? ", "I look. ")
    (call,) = looked["calls"].values()
    assert (call["name"], call["arguments"]) == ("list_files", '{"path": "."}')
    assert (result["role"], result["content"]) == ("tool", "No files.")
    assert (answer["role"], answer["content"]) == ("assistant", "Nothing is \u2028here.")
