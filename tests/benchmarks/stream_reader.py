"""A process of readers: each follows one run over a connection of its own and notes how late deltas come.

    python stream_reader.py SOCKET RUN_ID…

Prints one line of JSON when every run has ended: the latencies in milliseconds, from the making of the event
(`at`) to its bytes here. It parses no more than it has to: it shares the machine with what is measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from datetime import datetime

SETTLE_S = 2.0
"""Seconds in which all readers come; what is made meanwhile is not counted."""
_AT = re.compile(rb'"at":"([^"]+)","type":"part\.delta"')
_END = re.compile(rb"event: run\.(completed|failed|cancelled)")


async def follow(socket: str, run_id: str, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_unix_connection(socket)
    path = f"/holdfast/v1/events/stream?run_id={run_id}&after=0"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: engine\r\nAccept: text/event-stream\r\n\r\n".encode())
    tail, settled = b"", time.time() + SETTLE_S
    while chunk := await reader.read(65536):
        now = time.time()
        data = tail + chunk
        done = data.rfind(b"\n\n") + 2 if b"\n\n" in data else 0
        whole, tail = data[:done], data[done:]
        made = [_seconds(at) for at in _AT.findall(whole)]
        # What was there before, and while all readers come at once, is read from the log, not streamed.
        latencies.extend((now - at) * 1000 for at in made if at > settled)
        if _END.search(whole):
            break
    writer.close()


def _seconds(at: bytes) -> float:
    return datetime.fromisoformat(at.decode()).timestamp()


async def main() -> None:
    socket, *runs = sys.argv[1:]
    latencies: list[float] = []
    await asyncio.gather(*(follow(socket, run, latencies) for run in runs))
    print(json.dumps(latencies))


if __name__ == "__main__":
    asyncio.run(main())
