"""The agent on this process's own stdin and stdout, which carry the protocol and nothing else."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import cast

from acp import run_agent
from acp.core import DEFAULT_STDIO_BUFFER_LIMIT_BYTES
from acp.interfaces import Agent

from holdfast.acp.agent import EditorAgent
from holdfast.core.domain.errors import UnsupportedError


class _Flow(asyncio.streams.FlowControlMixin, asyncio.Protocol):
    """Lets a writer wait for an editor that reads slowly."""


def keep_stdout() -> int:
    """Returns a descriptor of stdout for the protocol; whatever is printed from now on goes to stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    return kept


async def serve_stdio(agent: EditorAgent, stdout: int) -> None:
    """Speaks the protocol until stdin ends. Raises `UnsupportedError` where they are no pipes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=DEFAULT_STDIO_BUFFER_LIMIT_BYTES)
    try:
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        transport, flow = await loop.connect_write_pipe(_Flow, os.fdopen(stdout, "wb", buffering=0))
    except ValueError:
        raise UnsupportedError(
            "`holdfast acp` speaks to an editor through pipes; it is the editor that starts it.",
            code="no_pipes",
        ) from None
    writer = asyncio.StreamWriter(transport, flow, None, loop)
    # Some methods that editors use count as unstable for the SDK: fork, resume and close.
    served = cast(Agent, agent)  # its methods leave out what they have no use for
    try:
        await run_agent(served, writer, reader, use_unstable_protocol=True)
    finally:
        await agent.close()
