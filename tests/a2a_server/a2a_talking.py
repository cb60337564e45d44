"""What tests of A2A say and read."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
from a2a.client.client import Client
from a2a.types.a2a_pb2 import (
    Message,
    Part,
    Role,
    SendMessageConfiguration,
    SendMessageRequest,
    StreamResponse,
    Task,
    TaskState,
)
from google.protobuf.json_format import ParseDict
from tests.dialects.conftest import Served

STATE = TaskState
BINDINGS = ("JSONRPC", "HTTP+JSON")


def message(text: str = "", *, data: Any = None, **more: Any) -> Message:
    """Returns a message of a user."""
    parts = [Part(text=text)] if text else []
    if data is not None:
        part = Part()
        ParseDict(data, part.data)
        parts.append(part)
    return Message(message_id=more.pop("id", "") or str(uuid4()), role=Role.ROLE_USER, parts=parts, **more)


def reply(task: Task) -> str:
    """Returns what has come of a task."""
    return "".join(part.text for artifact in task.artifacts for part in artifact.parts)


def asked(task: Task) -> str:
    """Returns what a task waits for, as people read it."""
    return "\n".join(part.text for part in task.status.message.parts if part.text)


class Talk:
    """Somebody who talks to one agent."""

    def __init__(self, served: Served, client: Client, http: httpx.AsyncClient) -> None:
        self.bench = served.bench
        self.served = served
        self.client = client
        self.http = http

    async def stream(self, said: Message | str, **options: Any) -> list[StreamResponse]:
        said = message(said) if isinstance(said, str) else said
        request = SendMessageRequest(message=said, configuration=SendMessageConfiguration(**options))
        return [event async for event in self.client.send_message(request)]

    async def ask(self, said: Message | str, **options: Any) -> Task:
        """Sends a message and waits: without a stream the answer is the task."""
        (answer,) = await self.stream(said, **options)
        return answer.task
