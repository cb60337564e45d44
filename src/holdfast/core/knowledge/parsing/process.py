"""The parser as its worker sees it: one child process, kept within limits, started anew when it is gone."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from holdfast.core.domain.errors import (
    DeadlineError,
    HoldfastError,
    InvalidError,
    KnowledgeUnavailable,
    UnavailableError,
)
from holdfast.core.domain.knowledge import Chunking
from holdfast.core.knowledge.parsing.media import HEAVY
from holdfast.core.knowledge.parsing.model import Parsed
from holdfast.core.knowledge.parsing.wire import LENGTHS, TAKEN, Order, decode_answer, encode_order

COMMAND = (sys.executable, "-P", "-m", "holdfast.core.knowledge.parsing.main")
"""`-P`: no module of the current folder is imported."""
START_S = 60.0
"""Seconds that a parser may take to be ready."""
HEAVY_DOCUMENTS = 200
"""Documents of heavy formats after which a parser makes room for another: their libraries keep memory."""

_KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TMPDIR")
_SET = {
    "LANG": "C.UTF-8",
    "HOME": "/nonexistent",
    "PYTHONUTF8": "1",
    "MALLOC_ARENA_MAX": "2",  # address space is limited: threads get no arenas of their own
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_BLOCK = 1 << 20
_TAIL = 8_192
"""Bytes that are kept of what a parser says last."""
_MAX_ANSWER = 2 * 2**30


class ParserProcess:
    """Reads documents in a child process, one at a time; made to be used from threads.

    A document at which the child dies or takes too long fails alone: the next one gets a new child.
    """

    def __init__(
        self,
        *,
        command: Sequence[str] = COMMAND,
        environment: Mapping[str, str] | None = None,
        temporary: Path | None = None,
    ) -> None:
        """`temporary` is a folder of its own for what it and its converters write, emptied with each child: a
        child that is killed cannot do it. Without one they write to the system's."""
        self._command = tuple(command)
        self._environment = parser_environment(os.environ if environment is None else environment)
        if temporary is not None:
            self._environment["TMPDIR"] = str(temporary)
        self._turn = threading.Lock()
        self._state = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._temporary = temporary
        self._heavy = 0
        self._interrupted = False
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process id of the parser while it runs."""
        child = self._child
        return child.pid if child is not None else None

    def parse(
        self,
        path: Path,
        name: str,
        *,
        max_bytes: int,
        timeout_s: float,
        chunking: Chunking,
        media_type: str = "",
    ) -> Parsed:
        """Reads and cuts a document; blocks until it is done.

        Raises what `documents.read_document` raises, `DeadlineError` (`document_timeout`), `InvalidError`
        (`document_unreadable`) when the parser died of it, `UnavailableError` (`parsing_interrupted`) after
        `interrupt`, and `KnowledgeUnavailable` when no parser can be started.
        """
        order = Order(path, name, max_bytes, timeout_s, chunking, media_type)
        with self._turn:
            try:
                return self._parse(order)
            finally:
                self._interrupted = False

    def interrupt(self) -> None:
        """Ends the reading that is under way, if one is, from another thread."""
        with self._state:
            self._interrupted = self._turn.locked()
            if self._interrupted and self._child is not None:
                _kill(self._child)

    def close(self) -> None:
        """Ends the parser for good; a reading under way ends with an error."""
        with self._state:
            self._closed = True
            if self._child is not None:
                _kill(self._child)
        with self._turn:
            if self._child is not None:
                self._end(self._child)

    def _parse(self, order: Order) -> Parsed:
        exchange = self._begun(order) or self._begun(order)
        if exchange is None:
            raise KnowledgeUnavailable(
                "The parser of documents ends as soon as it is started; the knowledge worker's log says why"
            )
        child = exchange.child
        try:
            parsed = self._ask(exchange, order)
        except HoldfastError:
            raise
        except BaseException:
            self._end(child)  # an answer that was not read to its end would be the next document's
            raise
        self._count(child, parsed)
        return parsed

    def _ready(self, name: str) -> subprocess.Popen[bytes]:
        child = self._child
        if child is not None and child.poll() is not None:
            self._end(child)
            child = None
        with self._state:
            if self._closed:
                raise KnowledgeUnavailable("The index is closing", retryable=False)
            if self._interrupted:
                raise _interrupted(name)
            if child is None:
                child = self._child = self._start()
            return child

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            self._clean_up()  # the last worker may have had no time for it
            if self._temporary is not None:
                self._temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
            child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=self._environment,
                cwd="/",
                start_new_session=True,  # it is ended with all that it started
            )
        except OSError as error:
            raise KnowledgeUnavailable(f"The parser of documents cannot be started: {error}") from error
        self._heavy = 0
        return child

    def _begun(self, order: Order) -> _Exchange | None:
        """Gives the order to the parser; returns None when it died before it had it, of nobody's document."""
        child = self._ready(order.name)
        assert child.stdin is not None
        exchange = _Exchange(child, time.monotonic() + START_S)
        try:
            child.stdin.write(encode_order(order))
            exchange.taken()
        except (EOFError, BrokenPipeError, TimeoutError):
            self._end(child)
            _log(exchange.said)
            return None
        exchange.until = time.monotonic() + order.timeout_s
        return exchange

    def _ask(self, exchange: _Exchange, order: Order) -> Parsed:
        try:
            head, text = exchange.answer()
        except TimeoutError as error:
            self._end(exchange.child)
            raise DeadlineError(
                f"Reading {order.name} took longer than {order.timeout_s:g} s: divide it, or raise "
                "knowledge.parse_timeout_s in the settings",
                code="document_timeout",
            ) from error
        except EOFError as error:
            self._end(exchange.child)
            raise self._died(exchange, order) from error
        return decode_answer(head, text)

    def _died(self, exchange: _Exchange, order: Order) -> HoldfastError:
        if self._closed:
            return KnowledgeUnavailable("The index is closing", retryable=False)
        if self._interrupted:
            return _interrupted(order.name)
        _log(exchange.said)
        how = _ending(exchange.child.returncode)
        return InvalidError(
            f"{order.name} cannot be read: the parser {how} over it. The file may be damaged; open it in the "
            "program that made it and save it anew",
            code="document_unreadable",
            details={"parser": how},
        )

    def _count(self, child: subprocess.Popen[bytes], parsed: Parsed) -> None:
        self._heavy += parsed.media_type in HEAVY
        if self._heavy >= HEAVY_DOCUMENTS:
            self._end(child)

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        _kill(child)
        child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
        with self._state:
            if self._child is child:
                self._child = None
                self._clean_up()

    def _clean_up(self) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)


class _Exchange:
    """Waits for one answer, until a moment of the monotonic clock."""

    def __init__(self, child: subprocess.Popen[bytes], until: float) -> None:
        assert child.stdout is not None
        assert child.stderr is not None
        self.child = child
        self.until = until
        self._out = child.stdout.fileno()
        self._err = child.stderr.fileno()
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._poll.register(self._err, select.POLLIN)
        self.said = b""
        """The end of what the parser wrote to its standard error."""

    def taken(self) -> None:
        """Returns when the order has arrived. Raises like `answer`."""
        if self._exactly(len(TAKEN)) != TAKEN:
            raise EOFError

    def answer(self) -> tuple[bytes, bytes]:
        """Returns head and text. Raises `TimeoutError`, and `EOFError` when the parser is gone."""
        head, text = LENGTHS.unpack(self._exactly(LENGTHS.size))
        if head + text > _MAX_ANSWER:
            raise EOFError
        return self._exactly(head), self._exactly(text)

    def _exactly(self, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            self._wait()
            block = os.read(self._out, min(_BLOCK, size - len(received)))
            if not block:
                self._drain()
                raise EOFError
            received += block
        return bytes(received)

    def _wait(self) -> None:
        """Returns when there is something to read, or the end."""
        while True:
            left = self.until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            ready = {fd for fd, _ in self._poll.poll(left * 1_000)}
            if self._err in ready and not self._listen():
                self._poll.unregister(self._err)
            if self._out in ready:
                return

    def _listen(self) -> bool:
        block = os.read(self._err, _TAIL)
        self.said = (self.said + block)[-_TAIL:]
        return bool(block)

    def _drain(self) -> None:
        os.set_blocking(self._err, False)
        with contextlib.suppress(BlockingIOError):  # a converter that still runs holds it open
            while self._listen():
                continue


def parser_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns what a parser needs of `environment`: no key and no proxy is among it."""
    return {k: environment[k] for k in _KEPT if k in environment} | _SET


def _interrupted(name: str) -> UnavailableError:
    return UnavailableError(f"Reading {name} was interrupted", code="parsing_interrupted")


def _kill(child: subprocess.Popen[bytes]) -> None:
    if child.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile; its number is kept until `wait`
        os.killpg(child.pid, signal.SIGKILL)


def _log(said: bytes) -> None:
    """Passes on what a parser said before it died: the worker's standard error is a log."""
    sys.stderr.write(said.decode(errors="replace"))


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"
