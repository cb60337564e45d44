"""The knowledge worker: a child of the engine that has the index. `python -m holdfast.core.knowledge.worker`

Chroma lets no other thread of its process run while it writes, up to a tenth of a second, and costs a
second to import: in a process of its own it blocks nobody. `protocol.py` says what goes through its pipes.
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import gc
import itertools
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.errors import HoldfastError, KnowledgeUnavailable
from holdfast.core.knowledge.embedding import Bundled, is_bundled
from holdfast.core.knowledge.index.database import translated
from holdfast.core.knowledge.index.index import Index
from holdfast.core.knowledge.index.stopping import Stop, Stopped
from holdfast.core.knowledge.parsing.process import ParserProcess
from holdfast.core.knowledge.protocol import dump_error, encode, load_error, operation

if TYPE_CHECKING:
    from holdfast.core.knowledge.embedding import Vectors

_LANES = {"ingest": 16, "change": 2, "note": 1, "search": 4, "read": 4}
"""Threads of each sort of call: a search waits for no document that is taken in, none for another's parsing,
and nothing that is only read for the provider of a search's vector."""

_LANE = {
    "ingest": "ingest",
    **dict.fromkeys(("delete", "remove", "reembed", "check", "forget_owner"), "change"),
    **dict.fromkeys(("create", "update", "hand_over", "describe", "keep_context", "drop_context"), "note"),
    **dict.fromkeys(("search", "nearest", "embed"), "search"),
}
"""What each method is; the rest reads."""

_IDLE_S = 0.5
"""Seconds without a change after which Chroma is told what waits."""

_STOPPABLE = ("ingest", "reembed")


class Outlet:
    """Writes lines, from any thread."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lock = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        line = memoryview(encode(message))
        with self._lock:
            while line:
                line = line[self._out.write(line) :]


class EngineEmbeddings:
    """Embeds by itself where it can, else asks the engine."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._bundled = Bundled()
        self._ids = itertools.count(1)
        self._wanted: dict[int, Future[Vectors]] = {}
        self._own = threading.local()

    def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Returns a vector for each text. Raises `ModelError`, and `Stopped`."""
        if is_bundled(model):
            return self._bundled.embed(texts)
        want = next(self._ids)
        future: Future[Vectors] = Future()
        with self._stop.interrupting(future.cancel):
            self._wanted[want] = future
            self._outlet.send({"want": want, "model": model, "texts": list(texts), "query": query})
            try:
                return future.result()
            except CancelledError:
                raise Stopped from None

    @contextmanager
    def ended_by(self, stop: Stop) -> Iterator[None]:
        """Inside, the calling thread waits for the engine until `stop` is set."""
        self._own.stop = stop
        try:
            yield
        finally:
            del self._own.stop

    @property
    def _stop(self) -> Stop:
        stop: Stop = getattr(self._own, "stop", None) or Stop()
        return stop

    def answered(self, message: dict[str, Any]) -> None:
        """Takes the engine's answer."""
        future = self._wanted.pop(message["id"])
        if not future.set_running_or_notify_cancel():
            return  # nobody waits for it any more
        if "error" in message:
            future.set_exception(load_error(message["error"]))
            return
        import numpy as np  # not before vectors are needed

        data = np.frombuffer(base64.b64decode(message["data"]), dtype="<f4")
        future.set_result(data.reshape(message["rows"], -1))


class Worker:
    """Reads calls and runs them until its input ends."""

    def __init__(self, open_index: Callable[[], Index], outlet: Outlet, embeddings: EngineEmbeddings) -> None:
        self._open_index = open_index
        self._outlet = outlet
        self._embeddings = embeddings
        self._opening = threading.Lock()
        self._index: Index | None = None
        self._stops: dict[int, Stop] = {}
        self._ends = threading.Semaphore(0)
        self._lanes = {name: ThreadPoolExecutor(count, name) for name, count in _LANES.items()}

    def run(self, source: BinaryIO) -> None:
        for line in source:
            message = json.loads(line)
            match message["op"]:
                case "cancel":
                    if (stop := self._stops.get(message["id"])) is not None:
                        stop.set()
                case "vectors":
                    self._embeddings.answered(message)
                case op:
                    self._start(op, message)

    def _start(self, op: str, message: dict[str, Any]) -> None:
        call_id: int = message["id"]
        self._stops[call_id] = Stop()
        lane = _LANE.get(op, "read")
        call = self._lanes[lane].submit(self._call, call_id, message)
        call.add_done_callback(lambda done: self._ended(call_id, lane, done))

    def _call(self, call_id: int, message: dict[str, Any]) -> None:
        try:
            self._answer(call_id, message)
        except HoldfastError as error:
            self._outlet.send({"id": call_id, "error": dump_error(error)})
        except (Stopped, BrokenPipeError):  # nobody waits, or the engine has ended
            return

    def _ended(self, call_id: int, lane: str, call: Future[None]) -> None:
        """A bug in one call ends that call alone; the engine is told, the log has the traceback."""
        del self._stops[call_id]
        if lane not in ("search", "read"):  # nothing waits after one, and many must not put the others off
            self._ends.release()
        error = call.exception()
        if error is not None:
            traceback.print_exception(error)
            self._outlet.send({"id": call_id, "error": dump_error(_bug(error))})

    def _answer(self, call_id: int, message: dict[str, Any]) -> None:
        op, stop = message["op"], self._stops[call_id]
        stop.check()
        index = self._opened()
        arguments = operation(op).load_arguments(message["args"])
        if op in _STOPPABLE:
            arguments["stop"] = stop
        if op == "ingest":
            arguments["settings"] = KnowledgeSettings.model_validate(message["settings"])
        with translated(index.path), self._embeddings.ended_by(stop):
            result = getattr(index, op)(**arguments)
        self._outlet.send({"id": call_id, "result": operation(op).dump_result(result)})

    def _opened(self) -> Index:
        with self._opening:
            if self._index is None:
                self._index = self._open_index()
                threading.Thread(target=self._deliver_when_idle, args=(self._index,), daemon=True).start()
            return self._index

    def _deliver_when_idle(self, index: Index) -> None:
        while True:
            index.deliver()
            _give_memory_back()
            self._ends.acquire()
            while self._ends.acquire(timeout=_IDLE_S):
                continue


def _give_memory_back() -> None:
    """Tells the C library to; that of Linux keeps for each thread what large documents needed."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _bug(error: BaseException) -> KnowledgeUnavailable:
    return KnowledgeUnavailable(
        f"The index of documents failed with {type(error).__name__}; the knowledge worker's log has more",
        code="knowledge_failed",
        retryable=False,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the worker. What libraries print goes to standard error: standard output is the protocol's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chroma-url")
    given = parser.parse_args(arguments)
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    outlet = Outlet(out)
    embeddings = EngineEmbeddings(outlet)

    def open_index() -> Index:
        parser = ParserProcess(temporary=given.folder / "parsing")
        return Index(given.folder, embeddings, parser, chroma_url=given.chroma_url)

    gc.freeze()
    gc.enable()
    Worker(open_index, outlet, embeddings).run(sys.stdin.buffer)
    sys.stderr.flush()
    # At once, whatever is under way: the index is made for that, and the threads would hold the process.
    os._exit(0)


if __name__ == "__main__":
    main()
