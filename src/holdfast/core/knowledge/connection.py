"""The knowledge worker as a process of the engine's: started, asked, and started anew when it is gone."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.errors import HoldfastError, KnowledgeUnavailable, ModelError
from holdfast.core.domain.indexing import Embedder
from holdfast.core.knowledge.protocol import MAX_LINE, dump_error, encode, load_error
from holdfast.core.workers.process import end, spawn, worker_environment
from holdfast.core.workers.vectors import pack

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-P", "-m", "holdfast.core.knowledge.worker")
"""`-P`: a `chromadb.py` in the current folder is not imported."""

_ALSO = ("LD_LIBRARY_PATH",)
"""What Chroma's libraries may need of the environment."""


class Connection:
    """Calls of the worker, side by side."""

    def __init__(
        self,
        folder: Path,
        log_file: Path,
        environment: Mapping[str, str],
        embedder: Embedder,
        settings: Callable[[], KnowledgeSettings],
    ) -> None:
        self._folder = folder
        self._log_file = log_file
        self._environment = worker_environment(environment, _ALSO)
        self._embedder = embedder
        self._settings = settings
        self._ids = itertools.count(1)
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._outgoing: dict[int, list[bytes]] = {}
        """Lines that are about to be written, by the process's id."""
        self._embedding: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The worker's process id while it runs."""
        return self._process.pid if self._process is not None else None

    async def call(self, op: str, arguments: dict[str, Any], settings: dict[str, Any] | None = None) -> Any:
        """Returns what the worker answers, as JSON. Raises its `HoldfastError`."""
        process = await self._running()
        call_id = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[call_id] = answer
        try:
            if self._process is not process:
                raise _gone("The knowledge worker ended before the call")
            message = {"op": op, "id": call_id, "args": arguments}
            await self._send(process, message if settings is None else {**message, "settings": settings})
            return await answer
        finally:
            self._forget(call_id, process)

    async def close(self) -> None:
        """Ends the worker; calls under way end with `KnowledgeUnavailable`."""
        async with self._starting:
            self._closed = True
            if self._process is not None and self._reading is not None:
                await end(self._process, self._reading)
        for task in self._embedding:
            task.cancel()
        await asyncio.gather(*self._embedding, return_exceptions=True)

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._closed:
                raise KnowledgeUnavailable("The engine is stopping", retryable=False)
            if self._process is None:
                self._process = await self._spawn()
                self._reading = asyncio.create_task(self._read(self._process))
            return self._process

    async def _spawn(self) -> asyncio.subprocess.Process:
        url = self._settings().chroma_url
        command = (*COMMAND, str(self._folder), *(("--chroma-url", url) if url else ()))
        try:
            return await spawn(command, self._environment, self._log_file, limit=MAX_LINE)
        except OSError as error:
            raise KnowledgeUnavailable(f"The knowledge worker cannot be started: {error}") from error

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            # A last line without its end is what a killed worker was about to say.
            while (line := await process.stdout.readline()).endswith(b"\n"):
                self._dispatch(process, json.loads(line))
        finally:
            if process.stdin is not None:
                process.stdin.close()  # it ends then, also when nobody has closed this connection
            code = await process.wait()
            self._process = None
            self._fail_calls(code)

    def _dispatch(self, process: asyncio.subprocess.Process, message: dict[str, Any]) -> None:
        if "want" in message:
            task = asyncio.create_task(self._embed(process, message))
            self._embedding.add(task)
            task.add_done_callback(lambda done: self._embedded(process, message["want"], done))
            return
        answer = self._calls.get(message["id"])
        if answer is None or answer.done():  # its caller was cancelled
            return
        if "error" in message:
            answer.set_exception(load_error(message["error"]))
        else:
            answer.set_result(message["result"])

    async def _embed(self, process: asyncio.subprocess.Process, message: dict[str, Any]) -> None:
        """Asks a provider for the vectors that the worker wants."""
        texts: Sequence[str] = message["texts"]
        answer: dict[str, Any] = {"op": "vectors", "id": message["want"]}
        try:
            vectors = await self._embedder.embed(message["model"], texts, query=message["query"])
            answer |= {"rows": len(vectors), "data": await asyncio.to_thread(pack, vectors)}
        except HoldfastError as error:
            answer["error"] = dump_error(error)
        if self._process is process:
            await self._send(process, answer)

    def _embedded(self, process: asyncio.subprocess.Process, want: int, task: asyncio.Task[None]) -> None:
        """A bug in an adapter is told to the worker, which would wait for ever."""
        self._embedding.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None or process is not self._process:
            return
        logger.error("embedding failed", exc_info=error)
        bug = ModelError(f"The embedding model failed with {type(error).__name__}; the engine's log has more")
        if process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(encode({"op": "vectors", "id": want, "error": dump_error(bug)}))

    def _fail_calls(self, code: int) -> None:
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(
                    _gone(
                        "The knowledge worker ended in the middle of the call; it is started again with the "
                        "next one",
                        exit_code=code,
                        log=str(self._log_file),
                    )
                )

    async def _send(self, process: asyncio.subprocess.Process, message: Mapping[str, Any]) -> None:
        """Returns when a message is on its way, or enough of those before it."""
        self._queue(process, message)
        await asyncio.sleep(0)
        assert process.stdin is not None
        try:
            await process.stdin.drain()
        except ConnectionError as error:
            raise _gone("The knowledge worker ended before the call") from error

    def _queue(self, process: asyncio.subprocess.Process, message: Mapping[str, Any]) -> None:
        """Messages of one turn of the loop are written at once: each write wakes the worker, which may take
        the processor from this process."""
        lines = self._outgoing.setdefault(process.pid, [])
        if not lines:
            asyncio.get_running_loop().call_soon(self._flush, process)
        lines.append(encode(message))

    def _flush(self, process: asyncio.subprocess.Process) -> None:
        lines = self._outgoing.pop(process.pid)
        if process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(b"".join(lines))

    def _forget(self, call_id: int, process: asyncio.subprocess.Process) -> None:
        """Tells the worker that nobody waits for the call, when that is so."""
        answer = self._calls.pop(call_id)
        if (answer.done() and not answer.cancelled()) or process is not self._process:
            return
        if process.stdin is not None and not process.stdin.is_closing():
            self._queue(process, {"op": "cancel", "id": call_id})


def _gone(message: str, **details: Any) -> KnowledgeUnavailable:
    return KnowledgeUnavailable(message, code="knowledge_worker_ended", details=details)
