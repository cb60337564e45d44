"""The engine's side of the model worker: starts it, multiplexes calls, starts it anew when it dies."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from types import MappingProxyType
from typing import Any

from holdfast.core.domain.errors import ModelError, ModelUnavailable
from holdfast.core.domain.images import MadeImage
from holdfast.core.domain.messages import FilePart, ImagePart, ToolResultPart
from holdfast.core.domain.models import ModelDelta, ModelRequest, UsageReport
from holdfast.core.domain.tools import BlobStore
from holdfast.core.models.credentials import Addresses, Keys, Target, embedding_target_of, target_of
from holdfast.core.models.images import image_target_of
from holdfast.core.models.protocol import DELTAS, MAX_LINE, decode_error, encode, encode_call
from holdfast.core.workers.process import end, spawn, worker_environment
from holdfast.core.workers.vectors import unpack

COMMAND = (sys.executable, "-P", "-m", "holdfast.core.models.worker")
"""`-P`: a `litellm.py` in the current folder is not imported."""

_Item = list[ModelDelta] | tuple[str, int] | MadeImage | ModelError | None
"""Deltas, packed vectors with their number, an image, the error that ends a call, or its end."""


class WorkerClient:
    """A `ModelClient` whose calls run in the model worker.

    Keys are asked for at each call and go through the pipe: they stand neither in the worker's arguments
    nor in its environment. A call under way when the worker dies ends with `ModelUnavailable`; the next
    call starts another worker.
    """

    def __init__(
        self,
        keys: Keys,
        blobs: BlobStore,
        log_file: Path,
        environment: Mapping[str, str],
        addresses: Addresses | None = None,
        *,
        command: Sequence[str] = COMMAND,
        also: Collection[str] = (),
    ) -> None:
        """`also` names what of the environment this worker needs beside what all of them get."""
        self._keys = keys
        self._blobs = blobs
        self._log_file = log_file
        self._environment = worker_environment(environment, also)
        self._addresses = addresses or Addresses(environment=environment)
        self._command = tuple(command)
        self._ids = itertools.count(1)
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._calls: dict[int, asyncio.Queue[_Item]] = {}
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The worker's process id while it runs."""
        return self._process.pid if self._process is not None else None

    async def prestart(self) -> None:
        """Starts the worker, which then loads LiteLLM by itself; returns when the process is there."""
        await self._running()

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelDelta]:
        """Yields the deltas of one call; see `ModelClient`."""
        return self._stream(request, self._keys)

    def stream_with(self, request: ModelRequest, key: str | None) -> AsyncIterator[ModelDelta]:
        """Yields the deltas of one call that is made with `key`, whatever is kept."""
        return self._stream(request, lambda _: key)

    async def _stream(self, request: ModelRequest, keys: Keys) -> AsyncIterator[ModelDelta]:
        target = await asyncio.to_thread(target_of, request, keys, self._addresses)
        settings = request.settings.model_copy(update={"api_base": target.api_base})
        resolved = request.model_copy(update={"settings": settings})
        async with aclosing(self.stream_as_is(resolved, target.key)) as deltas:
            async for delta in deltas:
                yield delta

    async def stream_as_is(
        self, request: ModelRequest, key: str | None, more: Mapping[str, Any] = MappingProxyType({})
    ) -> AsyncGenerator[ModelDelta, None]:
        """Yields the deltas of one call that says everything itself; `more` is told to the worker too."""
        call_id = next(self._ids)
        line = await asyncio.to_thread(self._line, call_id, request, key, more)
        queue: asyncio.Queue[_Item] = asyncio.Queue()
        process = await self._running()
        self._calls[call_id] = queue
        if self._process is not process:  # it died before the call was known
            del self._calls[call_id]
            raise ModelUnavailable("The model worker ended before the call", code="model_worker_ended")
        try:
            await _write(process, line)
            while isinstance(item := await queue.get(), list):
                for delta in item:
                    yield delta
            self._calls.pop(call_id, None)
            if isinstance(item, ModelError):
                raise item
        finally:
            self._cancel(call_id, process)

    async def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> list[list[float]]:
        """Returns a vector for each text; see `Embedder`."""
        target = await asyncio.to_thread(embedding_target_of, model, self._keys, self._addresses)
        item = await self._ask(target, {"op": "embed", "model": model, "texts": list(texts), "query": query})
        assert isinstance(item, tuple)
        return await asyncio.to_thread(unpack, *item)

    async def make_image(self, model: str, prompt: str, *, size: str | None = None) -> MadeImage:
        """Returns an image; see `ImageMaker`."""
        target = await asyncio.to_thread(image_target_of, model, self._keys, self._addresses)
        item = await self._ask(target, {"op": "image", "model": model, "prompt": prompt, "size": size})
        assert isinstance(item, MadeImage)
        return item

    async def _ask(self, target: Target, asked: dict[str, Any]) -> _Item:
        """Returns the one answer to a call. Raises `ModelError`."""
        call_id = next(self._ids)
        line = encode({**asked, "id": call_id, "api_base": target.api_base, "key": target.key})
        queue: asyncio.Queue[_Item] = asyncio.Queue()
        process = await self._running()
        self._calls[call_id] = queue
        try:
            await _write(process, line)
            item = await queue.get()
            self._calls.pop(call_id, None)
        finally:
            self._cancel(call_id, process)
        if isinstance(item, ModelError):
            raise item
        return item

    async def close(self) -> None:
        """Ends the worker; calls under way end with `ModelUnavailable`."""
        async with self._starting:
            self._closed = True
            process, reading = self._process, self._reading
            if process is None or reading is None:
                return
            await end(process, reading)

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._closed:
                raise ModelUnavailable("The engine is stopping", retryable=False)
            if self._process is None:
                self._process = await self._spawn()
                self._reading = asyncio.create_task(self._read(self._process))
            return self._process

    async def _spawn(self) -> asyncio.subprocess.Process:
        try:
            return await spawn(self._command, self._environment, self._log_file, limit=MAX_LINE)
        except OSError as error:
            raise ModelUnavailable(f"The model worker cannot be started: {error}") from error

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            # A last line without its end is what a killed worker was about to say.
            while (line := await process.stdout.readline()).endswith(b"\n"):
                self._dispatch(json.loads(line))
        finally:
            code = await process.wait()
            self._process = None
            self._fail_calls(code)

    def _fail_calls(self, code: int) -> None:
        calls, self._calls = self._calls, {}
        for queue in calls.values():
            queue.put_nowait(
                ModelUnavailable(
                    "The model worker ended in the middle of the call; it is started again with the next one",
                    code="model_worker_ended",
                    details={"exit_code": code, "log": str(self._log_file)},
                )
            )

    def _dispatch(self, message: dict[str, Any]) -> None:
        queue = self._calls.get(message.get("id", 0))
        if queue is None:  # `ready`, or what was still under way when a call was cancelled
            return
        if "deltas" in message:
            queue.put_nowait(DELTAS.validate_python(message["deltas"]))
        elif "error" in message:
            queue.put_nowait(decode_error(message))
        elif "image" in message:
            usage = UsageReport.model_validate(message["usage"])
            queue.put_nowait(MadeImage(base64.b64decode(message["image"]), usage))
        elif "vectors" in message:
            queue.put_nowait((message["vectors"], message["rows"]))
        else:
            queue.put_nowait(None)

    def _cancel(self, call_id: int, process: asyncio.subprocess.Process) -> None:
        """Tells the worker that nobody waits for the call, when that is so."""
        if self._calls.pop(call_id, None) is None or process is not self._process:
            return
        if process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(encode({"op": "cancel", "id": call_id}))

    def _line(self, call_id: int, request: ModelRequest, key: str | None, more: Mapping[str, Any]) -> bytes:
        blobs = {d: base64.b64encode(self._blobs.get(d)).decode() for d in _digests(request)}
        return encode_call(call_id, request, key, blobs, more)


def _digests(request: ModelRequest) -> set[str]:
    found: set[str] = set()
    for part in (p for m in request.messages for p in m.parts):
        if isinstance(part, ImagePart | FilePart):
            found.add(part.blob)
        elif isinstance(part, ToolResultPart):
            found.update(c.blob for c in part.content if isinstance(c, ImagePart))
    return found


async def _write(process: asyncio.subprocess.Process, line: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(line)
    try:
        await process.stdin.drain()
    except ConnectionError as error:
        raise ModelUnavailable("The model worker ended before the call", code="model_worker_ended") from error
