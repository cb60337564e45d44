"""The worker of models in files: a child of the engine in which llama.cpp runs them.
`python -m holdfast.core.models.local.worker`

One model is in memory, the one that was asked for last; calls are answered one after the other. After some
minutes without a call it ends, so that the memory is free. `protocol.py` says what goes through its pipes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol

from holdfast.core.domain.errors import ModelError
from holdfast.core.domain.models import ModelDelta, ModelRequest
from holdfast.core.models.protocol import MAX_LINE, encode, encode_error
from holdfast.core.models.worker import Sender

IDLE_S = 600.0
"""Seconds without a call after which the worker ends."""
CANCEL_S = 10.0
"""Seconds that a cancelled call gets to end; then the worker ends with it."""


class Runner(Protocol):
    """Runs models in this process; called from one thread at a time."""

    def deltas(
        self,
        request: ModelRequest,
        file: str,
        window: int,
        read_blob: Callable[[str], bytes],
        stopped: Callable[[], bool],
    ) -> Iterator[ModelDelta]: ...


class Worker:
    """Reads calls and has them answered until its input ends."""

    def __init__(self, runner: Runner, source: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        self._runner = runner
        self._source = source
        self._out = out
        self._turn = asyncio.Lock()
        self._calls: dict[int, tuple[asyncio.Task[None], threading.Event]] = {}
        self._answered: int | None = None
        """The call whose turn it is."""
        self._idle: asyncio.Timeout | None = None
        """Ends the wait for the next call."""

    async def run(self) -> None:
        """Returns when the input ends, or after `IDLE_S` without a call. Calls under way are stopped."""
        self._out.write(encode({"ready": True}))
        await self._read()
        for _, stopped in self._calls.values():
            stopped.set()
        if self._calls:  # nobody is there any more who would end a process that does not stop
            ends = threading.Timer(CANCEL_S, os._exit, (1,))
            ends.daemon = True
            ends.start()

    async def _read(self) -> None:
        while True:
            try:
                async with asyncio.timeout(None if self._calls else IDLE_S) as self._idle:
                    line = await self._source.readline()
            except TimeoutError:
                return
            finally:
                self._idle = None
            if not line:
                return
            message = json.loads(line)
            if message["op"] == "call":
                self._start(message)
            elif message["op"] == "cancel" and (call := self._calls.get(message["id"])) is not None:
                self._cancel(message["id"], *call)

    def _start(self, message: dict[str, Any]) -> None:
        call_id, stopped = message["id"], threading.Event()
        task = asyncio.create_task(self._call(call_id, message, stopped))
        self._calls[call_id] = (task, stopped)
        task.add_done_callback(lambda done: self._ended(call_id, done))

    def _cancel(self, call_id: int, task: asyncio.Task[None], stopped: threading.Event) -> None:
        stopped.set()
        if call_id == self._answered:
            asyncio.get_running_loop().call_later(CANCEL_S, self._give_up, call_id)
        else:  # it waits for its turn, however long the one before takes
            task.cancel()

    async def _call(self, call_id: int, message: dict[str, Any], stopped: threading.Event) -> None:
        sender = Sender(call_id, self._out)
        blobs = message["blobs"]
        async with self._turn:
            self._answered = call_id
            deltas = self._runner.deltas(
                ModelRequest.model_validate(message["request"]),
                message["file"],
                message["window"],
                lambda digest: base64.b64decode(blobs[digest]),
                stopped.is_set,
            )
            try:
                while (delta := await asyncio.to_thread(next, deltas, None)) is not None:
                    await sender.add(delta)
            except ModelError as error:
                sender.flush()
                self._out.write(encode_error(call_id, error))
            else:
                sender.flush()
                self._out.write(encode({"id": call_id, "end": True}))

    def _give_up(self, call_id: int) -> None:
        if call_id in self._calls:
            print(f"call {call_id} does not stop", file=sys.stderr, flush=True)
            os._exit(1)  # the thread is inside of llama.cpp; the engine starts another worker

    def _ended(self, call_id: int, task: asyncio.Task[None]) -> None:
        del self._calls[call_id]
        if self._idle is not None and not self._calls:
            self._idle.reschedule(asyncio.get_running_loop().time() + IDLE_S)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        print(f"call {call_id}: {type(error).__name__}", file=sys.stderr)
        traceback.print_tb(error.__traceback__, file=sys.stderr)
        said = f"The worker of local models failed with {type(error).__name__}; its log has more"
        self._out.write(encode_error(call_id, ModelError(said)))


async def serve(runner: Runner, source: BinaryIO, out: BinaryIO) -> None:
    """Serves calls from `source` until it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), source)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, out)
    await Worker(runner, reader, asyncio.StreamWriter(transport, protocol, None, loop)).run()


def main() -> None:
    """Is the worker until its input ends."""
    from holdfast.core.models.local.llama import Llamas  # heavy, and only here

    os.nice(5)  # it takes all cores, and the engine is to answer meanwhile
    # llama.cpp prints where it likes: only messages may come to the pipe.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    asyncio.run(serve(Llamas(), sys.stdin.buffer, out))


if __name__ == "__main__":
    main()
