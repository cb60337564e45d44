"""An editor beside a real workbench: the SDK's own client side, over a pair of streams in this loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from acp import connect_to_agent, run_agent
from acp.schema import (
    AllowedOutcome,
    DeniedOutcome,
    PermissionOption,
    RequestPermissionResponse,
    ToolCallUpdate,
)
from tests.runs.conftest import Bench, calls, door, open_bench, text

from holdfast.acp.agent import EditorAgent

__all__ = ["door", "open_bench"]

Decide = Callable[[ToolCallUpdate, list[PermissionOption]], Awaitable[str | None]]


async def _first(call: ToolCallUpdate, options: list[PermissionOption]) -> str | None:
    return options[0].option_id


class Editor:
    """Takes what an agent tells an editor, and decides by `decide`: an option's id, None for cancelled."""

    def __init__(self) -> None:
        self.updates: list[tuple[str, Any]] = []
        self.asked: list[tuple[ToolCallUpdate, list[PermissionOption]]] = []
        self.decide: Decide = _first
        self.changed = asyncio.Event()

    async def session_update(self, session_id: str, update: Any, **kwargs: Any) -> None:
        self.updates.append((session_id, update))
        self.changed.set()

    async def request_permission(
        self, session_id: str, tool_call: ToolCallUpdate, options: list[PermissionOption], **kwargs: Any
    ) -> RequestPermissionResponse:
        self.asked.append((tool_call, options))
        self.changed.set()
        chosen = await self.decide(tool_call, options)
        if chosen is None:
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        return RequestPermissionResponse(outcome=AllowedOutcome(outcome="selected", option_id=chosen))

    def on_connect(self, conn: Any) -> None:
        """Nothing is to be done."""

    # --- what tests ask

    def of(self, kind: str) -> list[Any]:
        """The updates of a kind, oldest first."""
        return [update for _, update in self.updates if update.session_update == kind]

    def said(self, kind: str = "agent_message_chunk") -> str:
        """The text of chunks, joined."""
        return "".join(update.content.text for update in self.of(kind))

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits, bounded, until what was told makes `condition()` true."""
        async with asyncio.timeout(20):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@dataclass
class Desk:
    """An editor that is connected."""

    editor: Editor
    agent: Any
    """The SDK's connection to it."""
    bench: Bench

    async def session(self, **more: Any) -> str:
        """Opens a session in the project; returns its id."""
        opened = await self.agent.new_session(cwd=str(self.bench.project), **more)
        return opened.session_id


async def _streams(end: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(sock=end)


@asynccontextmanager
async def connected(bench: Bench, **options: Any) -> AsyncIterator[Desk]:
    """Puts an editor before a bench."""
    ours, theirs = socket.socketpair()
    reader, writer = await _streams(ours)
    far_reader, far_writer = await _streams(theirs)
    serving = EditorAgent(bench.workbench, agent="tester", **options)
    agent_side = asyncio.create_task(run_agent(serving, writer, reader, use_unstable_protocol=True))
    editor = Editor()
    client_side = connect_to_agent(editor, far_writer, far_reader, use_unstable_protocol=True)
    try:
        async with asyncio.timeout(30):
            yield Desk(editor, client_side, bench)
    finally:
        await serving.close()
        await client_side.close()
        for each in (far_writer, writer):
            each.close()
            await each.wait_closed()
        await agent_side


@pytest.fixture
def open_desk(open_bench: Any) -> Callable[..., Any]:
    """Opens a workbench on scripted steps with an editor before it; `agent` is more of the agent's file."""

    @asynccontextmanager
    async def opened(steps: Any = (), *, agent: str = "", **options: Any) -> AsyncIterator[Desk]:
        async with open_bench(steps, agent=agent) as bench, connected(bench, **options) as desk:
            yield desk

    return opened


@pytest.fixture
def say() -> Callable[..., Any]:
    """Makes a step that says texts."""
    return text


@pytest.fixture
def call() -> Callable[..., Any]:
    """Makes a step that asks for calls, each a name and the JSON of its arguments."""
    return calls


@pytest.fixture
def editor() -> Editor:
    """An editor that decides for the first option that it is offered."""
    return Editor()
