"""A server as a program: lines of JSON over its standard input and output.

A transport of our own, for the library's reads lines of any length into the engine's memory, and logs each
line that is none. Imports `mcp`: loaded with `session.py`.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage

from holdfast.core.domain.errors import SandboxRequired, ToolError
from holdfast.core.domain.processes import ProcessSpec, Reach
from holdfast.core.tools.mcp.flood import Flood, too_long
from holdfast.core.tools.mcp.limits import MAX_MESSAGE_BYTES
from holdfast.core.tools.mcp.port import Target

_GRACE_S = 2.0
"""Seconds that a program has to end by itself, and again when it was asked to."""
_POLL_S = 0.01
_LAST_WORDS_S = 0.5
"""Seconds in which what was written to stderr is read to its end."""
_READ = 65_536


@asynccontextmanager
async def program(target: Target, lost: asyncio.Future[str]) -> AsyncIterator[TransportStreams]:
    """Starts the program and yields its streams; `lost` gets the reason when it is gone. Ends it, and all
    that is in its process group. Raises `ToolError` when it cannot be started."""
    process, release = await _launched(target)
    incoming_in, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, outgoing_out = anyio.create_memory_object_stream[SessionMessage](0)
    tasks = [
        asyncio.create_task(_read(process, incoming_in, lost)),
        asyncio.create_task(_write(process, outgoing_out)),
        asyncio.create_task(_log(process, target)),
    ]
    try:
        yield incoming, outgoing
    finally:
        ending = asyncio.create_task(_end(process, tasks))
        # Also when this task was cancelled: nothing of the program may be left.
        while not ending.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({ending})
        release()
        for stream in (incoming_in, incoming, outgoing, outgoing_out):
            stream.close()


async def _launched(target: Target) -> tuple[asyncio.subprocess.Process, Callable[[], None]]:
    """Returns the program, and what ends the one that confines it."""
    if target.confiner is None:
        return await _started(target, target.spec.command, target.environment), lambda: None
    cwd = Path(target.cwd)
    spec = ProcessSpec(
        command=target.spec.command,
        cwd=cwd,
        environment=target.environment,
        timeout_s=math.inf,
        # Without a folder of its own it starts at home, which it must not change.
        reach=Reach(writable=(cwd,) if target.spec.cwd else (), network=True),
    )
    try:
        confined = await target.confiner.confined(spec)
    except SandboxRequired as error:
        raise ToolError(f"it is to be confined, and cannot be: {error.message}") from error
    try:
        process = await _started(target, confined.command, confined.environment, confined.passed)
    except ToolError:
        confined.end()
        raise
    finally:
        confined.started()
    return process, confined.end


async def _started(
    target: Target, command: tuple[str, ...], environment: Mapping[str, str], passed: tuple[int, ...] = ()
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(environment),
            pass_fds=passed,
            cwd=target.cwd,
            limit=MAX_MESSAGE_BYTES,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ToolError(f"the program {target.spec.command[0]!r} cannot be started: {why}") from error


async def _read(
    process: asyncio.subprocess.Process,
    incoming: MemoryObjectSendStream[SessionMessage | Exception],
    lost: asyncio.Future[str],
) -> None:
    """Passes on each message; what is no message is passed by, for programs print to stdout."""
    assert process.stdout is not None
    flood, why = Flood(), ""
    try:
        while line := await process.stdout.readline():
            flood.count(len(line))
            try:
                message = mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValueError:
                continue
            await incoming.send(SessionMessage(message))
    except ToolError as error:
        why = error.message
    except ValueError:  # a line over the limit of the stream
        why = too_long().message
    except (anyio.ClosedResourceError, anyio.BrokenResourceError):
        return  # nobody listens any more
    finally:
        if why:
            _signal(process, signal.SIGKILL)
        if not lost.done():
            lost.set_result(why or await _ending(process))
        incoming.close()


async def _ending(process: asyncio.subprocess.Process) -> str:
    """Returns how a program ended that has closed its output."""
    if not await _exited(process):
        return "its program has closed its output"
    return f"its program ended with the exit code {process.returncode}; see its log"


async def _exited(process: asyncio.subprocess.Process) -> bool:
    """Waits for the end of a program, and says whether it came in time. Not `wait`: it waits for the pipes
    too, which what the program has started may hold open."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _GRACE_S
    while process.returncode is None and loop.time() < until:  # noqa: ASYNC110 (nothing tells of it)
        await asyncio.sleep(_POLL_S)
    return process.returncode is not None


async def _write(
    process: asyncio.subprocess.Process,
    outgoing: MemoryObjectReceiveStream[SessionMessage],
) -> None:
    assert process.stdin is not None
    with suppress(OSError):  # it is gone, which the reader tells
        async for each in outgoing:
            text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(text.encode() + b"\n")
            await process.stdin.drain()


async def _log(process: asyncio.subprocess.Process, target: Target) -> None:
    assert process.stderr is not None
    while data := await process.stderr.read(_READ):
        with suppress(OSError):  # a full disk: the program goes on without its log
            await asyncio.to_thread(target.log, data)


async def _end(process: asyncio.subprocess.Process, tasks: list[asyncio.Task[None]]) -> None:
    """Ends the program: its input is closed, then it is asked to end, then it is killed."""
    assert process.stdin is not None
    process.stdin.close()
    reader, *_ = tasks
    reader.cancel()
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        if number is not None:
            _signal(process, number)
        if await _exited(process):
            break
    _signal(process, signal.SIGKILL)  # what it has started and left behind
    await asyncio.wait(tasks[-1:], timeout=_LAST_WORDS_S)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()  # a grandchild in another group may hold the pipes open


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
