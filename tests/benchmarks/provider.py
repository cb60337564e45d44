"""A provider for one benchmark: its first delta holds its clock at the moment it is sent."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_LENGTH = b"content-length"


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
        await reader.readexactly(int(lines[0].split(b":")[1]))
        writer.write(_HEAD + _chunk({"role": "assistant", "content": repr(time.monotonic())}))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(_chunk({}, "stop") + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        await writer.drain()


async def main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
