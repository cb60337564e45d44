"""A model server for benchmarks, as LiteLLM speaks to one: it does what the last message asks for.

- `say 4000 chunks`: a Markdown reply of so many pieces, all written at once
- `say 1000 chunks 25 a second`: the same, each at its moment by the clock
- `call NAME {…}`: that tool with these arguments, and when its result is there, the end marker
- anything else: one delta that holds the server's clock at the moment it is sent

It prints its port. Run it as a program: `python tests/benchmarks/provider.py`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from render_text import MARKER, pieces

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_LENGTH = b"content-length"
_SAY = re.compile(r"say (\d+) chunks(?: (\d+) a second)?")
_CALL = re.compile(r"call (\w+) (\{.*\})", re.DOTALL)


def _framed(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def _chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return _framed(f"data: {json.dumps(data)}\n\n".encode())


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        lines = [line for line in head.split(b"\r\n") if line.lower().startswith(_LENGTH)]
        asked = json.loads(await reader.readexactly(int(lines[0].split(b":")[1])))
        writer.write(_HEAD)
        finish = await _answer(writer, asked["messages"])
        writer.write(_chunk({}, finish) + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        await writer.drain()


async def _answer(writer: asyncio.StreamWriter, messages: list[dict[str, Any]]) -> str:
    """Writes the deltas of a reply and returns why it ends."""
    if messages[-1]["role"] == "tool":
        writer.write(_chunk({"role": "assistant", "content": MARKER}))
        return "stop"
    text = _text(messages[-1])
    if said := _SAY.search(text):
        await _say(writer, said[1], int(said[2] or 0))
        return "stop"
    if called := _CALL.search(text):
        function = {"name": called[1], "arguments": called[2]}
        calls = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
        writer.write(_chunk({"role": "assistant", "tool_calls": calls}))
        return "tool_calls"
    writer.write(_chunk({"role": "assistant", "content": repr(time.monotonic())}))
    await writer.drain()
    await asyncio.sleep(0.05)
    return "stop"


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


async def _say(writer: asyncio.StreamWriter, chunks: str, per_second: int) -> None:
    began = time.monotonic()
    for number, piece in enumerate(pieces(chunks)):
        if per_second:
            await asyncio.sleep(max(0, began + number / per_second - time.monotonic()))
        writer.write(_chunk({"role": "assistant", "content": piece}))
        if per_second:
            await writer.drain()


async def main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
