"""Warms LiteLLM up: its first real call imports hundreds of modules more, half a second of CPU.

A mock answer or a closed port warms only half, so one complete streamed call goes to a server that lives
on loopback for that moment. A connection pool belongs to one event loop: warm up in the loop that serves.
"""

from __future__ import annotations

import asyncio
import json
import sys

from holdfast.core.domain.errors import ModelError
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import ModelRequest, ModelSettings, ToolSchema
from holdfast.core.models.litellm_client import LiteLLMClient

TIMEOUT_S = 10.0


async def warm_up() -> None:
    """Makes one call. Where loopback cannot be used nothing is lost but half a second later."""
    try:
        server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    except OSError as error:
        print(f"not warmed up: {error}", file=sys.stderr)
        return
    port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await _call(f"http://127.0.0.1:{port}/v1")
    except (ModelError, TimeoutError) as error:
        print(f"not warmed up: {error}", file=sys.stderr)
    finally:
        server.close()


async def _call(base: str) -> None:
    client = LiteLLMClient(lambda _: "warm-up", lambda _: b"")
    tool = ToolSchema(name="noop", description="Nothing", parameters={"type": "object", "properties": {}})
    request = ModelRequest(
        model="openai/gpt-4o-mini",
        messages=(Message(role="user", parts=(TextPart(text="hello"),)),),
        tools=(tool,),
        settings=ModelSettings(api_base=base),
    )
    async for _ in client.stream(request):
        continue


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(
            (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.startswith(b"content-length")), 0
        )
        await reader.readexactly(length)
        writer.write(_response())
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError) as error:
        print(f"warm-up: {type(error).__name__}", file=sys.stderr)
    finally:
        writer.close()


def _response() -> bytes:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "noop", "arguments": "{}"}}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    chunks = [
        _chunk([{"index": 0, "delta": {"role": "assistant", "content": "hi"}, "finish_reason": None}]),
        _chunk([{"index": 0, "delta": {"reasoning_content": "so"}, "finish_reason": None}]),
        _chunk([{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]),
        _chunk([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]),
        {**_chunk([]), "usage": usage},
    ]
    body = "".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n"
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def _chunk(choices: list[dict[str, object]]) -> dict[str, object]:
    return {
        "id": "warm-up",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-mini",
        "choices": choices,
    }
