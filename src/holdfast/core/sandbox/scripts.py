"""Agents' scripts in their processes, and the line to each: frames of JSON with limits, in both directions.

A script computes. It sees no home and no workspace, has no network and no keys, opens no file and starts no
process: the sandbox, limits of memory and time, and a filter of system calls (`syscalls.py`) see to that. All
that it can do is ask here. Nothing that comes from it is more than JSON, and of that only texts are taken.
"""

from __future__ import annotations

import asyncio
import json
import math
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from holdfast.core.domain.confinement import Guard
from holdfast.core.domain.errors import DeadlineError, SandboxRequired, ScriptFailed, TooLargeError
from holdfast.core.domain.nesting import MAX_DEPTH, nested_deeper
from holdfast.core.domain.processes import Ending, ProcessResult, ProcessRunner, ProcessSpec, Reach
from holdfast.core.domain.scripts import MODULES
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.sandbox.tidying import to_its_end

MAX_FRAME = 2 * 2**20
"""Bytes of one frame."""
MAX_FRAMES = 20_000
"""Frames that one script may send."""
MAX_FAILED = 100
"""Queries of one script that may fail."""
MEMORY = 512 * 2**20
"""Bytes of memory that a script's process may have, Python itself among them."""
_MAX_OUTPUT = 64 * 1024
_LONGEST_S = 30 * 24 * 3600.0
"""Seconds for all of it: its own are counted, and a query ends with the run's time."""
_STARTING_S = 5
"""Seconds of processor time for Python itself."""
_LET = "let scripts run without: `holdfast settings set sandbox.unconfined_scripts true`."
_MAIN = str(Path(__file__).with_name("script_main.py"))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a script ended."""

    result: str | None
    """None: all of it was said already."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a script asks a model."""

    model: str
    messages: list[Any]
    """As the script gave them; checked nowhere yet."""
    result: bool
    """Whether the reply is to be the script's own."""


class ScriptListener(Protocol):
    """Who hears a script while it runs. Each method may raise what is to end it."""

    async def query(self, query: Query) -> str:
        """Returns the model's reply. Raises `QueryFailed` with what the script is told."""
        ...

    async def printed(self, text: str) -> None:
        """Takes what it prints."""
        ...

    async def said(self, text: str) -> None:
        """Takes the next piece of its reply."""
        ...


class QueryFailed(Exception):
    """A query that the script may go on from."""


class ScriptProcesses:
    """Runs scripts. `environment` is that of children; of it a script gets nothing but the language."""

    def __init__(self, processes: ProcessRunner, environment: Mapping[str, str]) -> None:
        self._processes = processes
        self._environment = {name: value for name, value in environment.items() if name.startswith("LC_")}

    async def check(self, *, unconfined: bool) -> None:
        """Raises `SandboxRequired` where nothing confines scripts, if they are not let run `unconfined`."""
        protection = await self._processes.protection()
        if protection.guard is not Guard.LIMITS or unconfined:
            return
        raise SandboxRequired(
            f"The agent's script is not run: nothing confines programs here. {protection.reason} "
            f"{protection.hint}; or, if you trust all of them, {_LET}"
        )

    async def run(
        self,
        code: str,
        conversation: list[dict[str, Any]],
        listener: ScriptListener,
        *,
        own_s: float,
        unconfined: bool = False,
    ) -> Ended:
        """Runs a script to its end. `own_s` are the seconds that it may take itself, without its queries;
        `unconfined` lets it run where the kernel has no filter of system calls.

        Raises `ScriptFailed`, `SandboxRequired`, `TooLargeError` for a conversation that no frame holds,
        `DeadlineError` (`script_timeout`), and what the listener raises. Whatever happens, nothing of it goes
        on running.
        """
        first = _frame(
            {
                "code": code,
                "conversation": conversation,
                "modules": MODULES,
                "memory": MEMORY,
                "cpu_s": math.ceil(own_s) + _STARTING_S,
                "unconfined": unconfined,
            }
        )
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise _not_started(error) from error
        ours.setblocking(False)
        spec = ProcessSpec(
            command=(sys.executable, "-I", "-S", "-B", "-X", "utf8", _MAIN, str(theirs.fileno())),
            cwd=Path("/"),
            environment=self._environment,
            timeout_s=_LONGEST_S,
            keep_chars=2_000,
            max_output_bytes=_MAX_OUTPUT,
            reach=Reach(bare=True),
            passed=(theirs.fileno(),),
        )
        reader, writer = await asyncio.open_connection(sock=ours, limit=MAX_FRAME)
        line = _Line(reader, writer, listener, own_s)
        process = asyncio.create_task(self._processes.run(spec))
        talk = asyncio.create_task(line.talk(first))
        try:
            await asyncio.wait({process, talk}, return_when=asyncio.FIRST_COMPLETED)
            if not talk.done() and not line.asking:
                theirs.close()  # what it sent before it ended can still be read, and then comes the end
                await asyncio.wait({talk})
            if talk.done() and (ended := talk.result()) is not None:
                return ended
            raise _broken(_result(process) if process.done() else None)
        finally:
            talk.cancel()
            process.cancel()
            await to_its_end(asyncio.gather(talk, process, return_exceptions=True))
            writer.transport.abort()
            theirs.close()


class _Line:
    """The talk with one script."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        listener: ScriptListener,
        own_s: float,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._listener = listener
        self._own_s = own_s
        self._left_s = own_s
        self._failed = 0
        self.asking = False
        """Whether a query is being answered."""

    async def talk(self, first: bytes) -> Ended | None:
        """Answers what the script asks until it has ended; None when the line ends before."""
        try:
            await self._send(first)
            for _ in range(MAX_FRAMES):
                frame = await self._frame()
                ended = await self._take(frame)
                if ended is not None:
                    return ended
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        raise ScriptFailed(f"The script sent more than {MAX_FRAMES} messages to the engine.")

    async def _frame(self) -> dict[str, Any]:
        began = time.monotonic()
        limit = asyncio.timeout(self._left_s)
        try:
            async with limit:
                size = int.from_bytes(await self._reader.readexactly(4), "big")
                if size > MAX_FRAME:
                    raise ScriptFailed(f"The script asked for more than {MAX_FRAME} bytes at once.")
                data = await self._reader.readexactly(size)
        except TimeoutError:
            raise self._too_slow() from None
        frame = _parsed(data)
        self._left_s -= time.monotonic() - began  # to read what it sends is its time, too
        if self._left_s <= 0:
            raise self._too_slow()
        return frame

    def _too_slow(self) -> DeadlineError:
        return DeadlineError(
            f"The script took more than {self._own_s:g} s, without its queries (`script.timeout_s`).",
            code="script_timeout",
        )

    async def _take(self, frame: dict[str, Any]) -> Ended | None:
        match frame:
            case {"query": str(model), "messages": list(messages), "result": bool(result)}:
                await self._send(_frame(await self._answer(Query(model, messages, result))))
            case {"printed": str(text)}:
                await self._listener.printed(text)
            case {"said": str(text)}:
                await self._listener.said(text)
            case {"ended": str() | None as result}:
                return Ended(result)
            case {"unfiltered": True}:
                raise SandboxRequired(
                    "The agent's script is not run: the kernel of this machine takes no filter of system "
                    f"calls from it. If you trust all scripts, {_LET}"
                )
            case {"failed": str(why), "line": int(line), "query": bool(of_query)}:
                raise _failed(why, line, of_query)
            case _:
                raise ScriptFailed("The script wrote to its line to the engine, which is not for it.")
        return None

    async def _answer(self, query: Query) -> dict[str, str]:
        self.asking = True
        try:
            return {"reply": await self._listener.query(query)}
        except QueryFailed as error:
            self._failed += 1
            if self._failed > MAX_FAILED:
                raise ScriptFailed(f"More than {MAX_FAILED} queries of the script failed.") from error
            return {"error": str(error)}
        finally:
            self.asking = False

    async def _send(self, frame: bytes) -> None:
        limit = asyncio.timeout(self._left_s)
        try:
            async with limit:
                self._writer.write(frame)
                await self._writer.drain()
        except TimeoutError:
            if limit.expired():
                raise self._too_slow() from None
            raise


def _frame(value: Mapping[str, Any]) -> bytes:
    data = json.dumps(value).encode()
    if len(data) > MAX_FRAME:
        raise TooLargeError(f"The conversation has more than the {MAX_FRAME} bytes that a script can take.")
    return len(data).to_bytes(4, "big") + data


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        frame = json.loads(data)
    except (ValueError, RecursionError):
        frame = None
    if not isinstance(frame, dict) or nested_deeper(frame, MAX_DEPTH):
        raise ScriptFailed("The script wrote to its line to the engine, which is not for it.")
    return {key: _text(value) if isinstance(value, str) else value for key, value in frame.items()}


def _text(text: str) -> str:
    """Returns a text that can be written as UTF-8: without halves of characters."""
    return text.encode("utf-8", "replace").decode()


def _failed(why: str, line: int, of_query: bool) -> ScriptFailed:
    said = shorten(sanitize_line(_text(why)), 500)
    where = f" in line {line}" if 0 < line < 10**6 else ""
    return ScriptFailed(f"The script failed{where}: {said}", details={"line": line, "query": of_query})


def _result(process: asyncio.Task[ProcessResult]) -> ProcessResult:
    try:
        return process.result()
    except OSError as error:
        raise _not_started(error) from error


def _not_started(error: OSError) -> ScriptFailed:
    why = sanitize_line(error.strerror or str(error))
    return ScriptFailed(f"The script's process could not be started: {why}")


def _broken(result: ProcessResult | None) -> ScriptFailed:
    """Returns the error of a process that ended without a word."""
    if result is None:
        return ScriptFailed("The script closed its line to the engine.")
    if result.ending is Ending.OUTPUT_LIMIT:
        return ScriptFailed(f"The script wrote more than {_MAX_OUTPUT} bytes past `print`.")
    said = shorten(sanitize_line((result.tail or result.head).strip().rpartition("\n")[2]), 200)
    return ScriptFailed(
        f"The script's process ended with status {result.exit_code}, perhaps for want of memory or of "
        f"processor time.{f' It said: {said}' if said else ''}"
    )
