"""The model worker: a child of the engine that hosts LiteLLM. `python -m holdfast.core.models.worker`

With `--public-only` it connects to public addresses alone: for models that users keep for themselves.

LiteLLM costs seconds of CPU to import and about half a millisecond for each chunk, without yielding: in a
process of its own it blocks nobody. It loads and warms up at once, takes many calls side by side, and
sends deltas that are already merged. `protocol.py` says what goes through its pipes.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import os
import resource
import sys
import traceback
from contextlib import suppress
from typing import Any, BinaryIO

from holdfast.core.domain.errors import ModelError
from holdfast.core.domain.models import ModelRequest
from holdfast.core.models.credentials import Addresses, embedding_target_of
from holdfast.core.models.embedding import embed
from holdfast.core.models.images import image_target_of, make_image
from holdfast.core.models.litellm_client import LiteLLMClient
from holdfast.core.models.loading import load
from holdfast.core.models.pieces import Coalescer
from holdfast.core.models.protocol import MAX_LINE, PUBLIC, encode, encode_deltas, encode_error
from holdfast.core.models.public_only import stay_public
from holdfast.core.models.warming import warm_up
from holdfast.core.workers.vectors import pack

MOST_MEMORY = 2 * 2**30
"""Bytes. What a server sends is taken in line by line, and a line need not end: it would take the machine's
memory. Who has that many ends, and is started again with the next call."""
FLUSH_S = 0.04
"""Longest time in seconds that a delta waits for its neighbours."""


class Sender:
    """Sends the deltas of one call: the first at once, later ones merged for `FLUSH_S`."""

    def __init__(self, call_id: int, out: asyncio.StreamWriter) -> None:
        self._id = call_id
        self._out = out
        self._coalescer = Coalescer()
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    async def add(self, delta: Any) -> None:
        self._coalescer.add(delta)
        now = self._loop.time()
        if now >= self._due:  # checked here too: in a burst the loop gets no turn and no timer fires
            self.flush()
            await self._out.drain()
            await asyncio.sleep(0)
        elif self._timer is None:
            self._timer = self._loop.call_at(self._due, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deltas = self._coalescer.take()
        if deltas:
            self._out.write(encode_deltas(self._id, deltas))
            self._due = self._loop.time() + FLUSH_S


class Worker:
    """Reads calls and runs them until its input ends."""

    def __init__(self, source: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        self._source = source
        self._out = out
        self._calls: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        self._send(encode({"ready": True}))
        while line := await self._source.readline():
            message = json.loads(line)
            if message["op"] in ("call", "embed", "image"):
                self._start(message)
            elif (task := self._calls.get(message["id"])) is not None:
                task.cancel()

    def _start(self, message: dict[str, Any]) -> None:
        call_id: int = message["id"]
        run = {"call": self._call, "embed": self._embed, "image": self._image}[message["op"]]
        task = asyncio.create_task(run(call_id, message))
        self._calls[call_id] = task
        task.add_done_callback(lambda done: self._ended(call_id, done))

    async def _call(self, call_id: int, message: dict[str, Any]) -> None:
        blobs = message["blobs"]
        client = LiteLLMClient(lambda _: message["key"], lambda digest: base64.b64decode(blobs[digest]))
        sender = Sender(call_id, self._out)
        try:
            async for delta in client.stream(ModelRequest.model_validate(message["request"])):
                await sender.add(delta)
        except ModelError as error:
            sender.flush()
            self._send(encode_error(call_id, error))
        else:
            sender.flush()
            self._send(encode({"id": call_id, "end": True}))
        finally:
            sender.flush()

    async def _embed(self, call_id: int, message: dict[str, Any]) -> None:
        try:
            target = embedding_target_of(
                message["model"], lambda _: message["key"], Addresses(), message["api_base"]
            )
            vectors = await embed(target, message["model"], message["texts"], query=message["query"])
        except ModelError as error:
            self._send(encode_error(call_id, error))
        else:
            self._send(encode({"id": call_id, "rows": len(vectors), "vectors": pack(vectors)}))

    async def _image(self, call_id: int, message: dict[str, Any]) -> None:
        try:
            target = image_target_of(
                message["model"], lambda _: message["key"], Addresses(), message["api_base"]
            )
            made = await make_image(target, message["model"], message["prompt"], message["size"])
        except ModelError as error:
            self._send(encode_error(call_id, error))
        else:
            image = base64.b64encode(made.data).decode()
            self._send(encode({"id": call_id, "image": image, "usage": made.usage.model_dump(mode="json")}))

    def _ended(self, call_id: int, task: asyncio.Task[None]) -> None:
        """A bug in one call ends that call alone; the engine is told, the log has the traceback."""
        del self._calls[call_id]
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        _end_without_memory(error)
        # Without the message: it could quote the request, and the key with it.
        print(f"call {call_id}: {type(error).__name__}", file=sys.stderr)
        traceback.print_tb(error.__traceback__, file=sys.stderr)
        name = type(error).__name__
        self._send(
            encode_error(
                call_id, ModelError(f"The model adapter failed with {name}; the model worker's log has more")
            )
        )

    def _send(self, line: bytes) -> None:
        self._out.write(line)


async def serve(source: BinaryIO, out: BinaryIO, *, public: bool = False) -> None:
    """Warms up, then serves calls from `source` until it ends; with `public`, to public addresses only."""
    loop = asyncio.get_running_loop()
    await warm_up()
    _limit_memory(loop)
    if public:
        stay_public()
    gc.freeze()
    gc.enable()
    reader = asyncio.StreamReader(limit=MAX_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), source)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, out)
    await Worker(reader, asyncio.StreamWriter(transport, protocol, None, loop)).run()


def _limit_memory(loop: asyncio.AbstractEventLoop) -> None:
    loop.set_exception_handler(_failed)
    with suppress(ValueError, OSError):  # not every system knows such a limit
        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        allowed = MOST_MEMORY if most == resource.RLIM_INFINITY else min(MOST_MEMORY, most)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, most))


def _failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    _end_without_memory(context.get("exception"))
    loop.default_exception_handler(context)


def _end_without_memory(error: object) -> None:
    if isinstance(error, MemoryError):
        os._exit(1)  # nothing else gives back what a client has taken in


def main() -> None:
    """Runs the worker. What libraries print goes to standard error: standard output is the protocol's."""
    gc.disable()
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    load()
    asyncio.run(_until_closed(out))


async def _until_closed(out: BinaryIO) -> None:
    await serve(sys.stdin.buffer, out, public=PUBLIC in sys.argv[1:])
    sys.stderr.flush()
    os._exit(0)  # at once: LiteLLM's threads would hold the process


if __name__ == "__main__":
    main()
