"""Run by `test_a2a_clients.py` in the client's environment: `ask_with_a2a_03.py BASE KEY`, with the last
of the SDK's 0.3 line. `BASE` is where the card stands."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from uuid import uuid4

import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.client.client import Client
from a2a.types import Message, Part, Role, Task, TaskIdParams, TaskQueryParams, TextPart

_, base, key = sys.argv


def said(text: str, task_id: str | None = None) -> Message:
    parts = [Part(root=TextPart(text=text))]
    return Message(role=Role.user, parts=parts, message_id=str(uuid4()), task_id=task_id)


async def whole(client: Client, message: Message) -> Task:
    """Returns the task as it is after the last event of the answer."""
    found = [event async for event in client.send_message(message)]
    task = found[-1][0]  # type: ignore[index]
    assert isinstance(task, Task)
    return task


def reply(task: Task) -> str:
    return "".join(part.root.text for each in task.artifacts or () for part in each.parts)  # type: ignore[union-attr]


async def main() -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=30) as http:
        card = await A2ACardResolver(http, base).get_agent_card()
        found["card"] = [card.protocol_version, card.url]
        for way, streaming in (("send", False), ("stream", True)):
            client = ClientFactory(ClientConfig(streaming=streaming, httpx_client=http)).create(card)
            waiting = await whole(client, said("Write"))
            done = await whole(client, said("yes", waiting.id))
            got = await client.get_task(TaskQueryParams(id=waiting.id))
            second = await whole(client, said("Write", None if done.id != done.context_id else str(uuid4())))
            cancelled = await client.cancel_task(TaskIdParams(id=second.id))
            found[way] = {
                "waiting": waiting.status.state.value,
                "done": got.status.state.value,
                "reply": reply(got),
                "streamed": reply(done),
                "cancelled": cancelled.status.state.value,
            }
    return found


print(json.dumps(asyncio.run(main())))
