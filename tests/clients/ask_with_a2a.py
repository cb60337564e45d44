"""Run by `test_a2a_clients.py` in the client's environment: `ask_with_a2a.py URL KEY AGENT`, with the SDK's
current line, by both bindings."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from uuid import uuid4

import httpx
from a2a.client import ClientConfig, ClientFactory
from a2a.client.card_resolver import A2ACardResolver
from a2a.client.client import Client
from a2a.types.a2a_pb2 import (
    CancelTaskRequest,
    GetExtendedAgentCardRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    SubscribeToTaskRequest,
    TaskState,
)
from a2a.utils.errors import TaskNotCancelableError, TaskNotFoundError

_, url, key, agent = sys.argv
BASE = f"{url}/a2a/agents/{agent}"
HEADERS = {"Authorization": f"Bearer {key}"}


def said(text: str, **more: str) -> SendMessageRequest:
    message = Message(message_id=str(uuid4()), role=Role.ROLE_USER, parts=[Part(text=text)], **more)
    return SendMessageRequest(message=message)


def state(task: Any) -> str:
    return TaskState.Name(task.status.state)


async def asked(client: Client) -> dict[str, Any]:
    """Asks for something that needs approval twice: approved, and cancelled."""
    first = [event async for event in client.send_message(said("Write"))]
    task = first[0].task
    waiting = await client.get_task(GetTaskRequest(id=task.id))
    rest = [event async for event in client.send_message(said("yes", task_id=task.id))]
    done = await client.get_task(GetTaskRequest(id=task.id))
    second = [event async for event in client.send_message(said("Again", context_id=task.context_id))]
    other = second[0].task.id
    following = client.subscribe(SubscribeToTaskRequest(id=other))
    seen = await anext(following)
    cancelled = await client.cancel_task(CancelTaskRequest(id=other))
    after = [event async for event in following]
    refused = []
    for request in (client.cancel_task(CancelTaskRequest(id=other)), client.get_task(GetTaskRequest(id="x"))):
        try:
            await request
        except (TaskNotCancelableError, TaskNotFoundError) as error:
            refused.append(type(error).__name__)
    listed = await client.list_tasks(ListTasksRequest(context_id=task.context_id))
    card = await client.get_extended_agent_card(GetExtendedAgentCardRequest())
    return {
        "asks": TaskState.Name(first[-1].status_update.status.state),
        "waiting": state(waiting),
        "asked": waiting.status.message.parts[0].text,
        "ended": bool(rest),
        "done": state(done),
        "reply": "".join(part.text for each in done.artifacts for part in each.parts),
        "seen": seen.task.id == other,
        "cancelled": state(cancelled),
        "after": TaskState.Name(after[-1].status_update.status.state),
        "refused": refused,
        "listed": [each.id for each in listed.tasks] == [other, task.id],
        "card": card.name,
    }


async def main() -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with httpx.AsyncClient(timeout=30) as nobody:
        found["short"] = (await A2ACardResolver(nobody, BASE).get_agent_card()).description
    for binding in ("JSONRPC", "HTTP+JSON"):
        async with httpx.AsyncClient(headers=HEADERS, timeout=30) as http:
            card = await A2ACardResolver(http, BASE).get_agent_card()
            config = ClientConfig(httpx_client=http, supported_protocol_bindings=[binding])
            async with ClientFactory(config).create(card) as client:
                found[binding] = await asked(client)
    return found


print(json.dumps(asyncio.run(main())))
