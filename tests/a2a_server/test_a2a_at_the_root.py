"""A2A without its prefix, as many clients look for a card at the root of a host."""

from __future__ import annotations

from typing import Any

from a2a.types.a2a_pb2 import SendMessageResponse
from a2a_talking import reply
from google.protobuf.json_format import Parse


async def test_the_default_agent_is_at_the_root_of_a_host_where_that_is_wanted(serve: Any, say: Any) -> None:
    said = {"message": {"messageId": "1", "role": "ROLE_USER", "parts": [{"text": "Hi"}]}}
    async with serve([say("Hello.")], root=("a2a",)) as served:
        card = await served.http.get("/.well-known/agent-card.json")
        answer = await served.http.post(
            "/agents/tester/message:send", json=said, headers={"A2A-Version": "1.0"}
        )
    assert card.json()["supportedInterfaces"][0]["url"] == "http://engine/a2a"
    assert reply(Parse(answer.content, SendMessageResponse()).task) == "Hello."
