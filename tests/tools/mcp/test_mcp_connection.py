from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.errors import ToolError, UnavailableError
from holdfast.core.domain.mcp import McpServerSpec, McpState
from holdfast.core.tools.mcp.connection import Connection
from holdfast.core.tools.mcp.hub import McpHub
from holdfast.core.tools.mcp.kept import KeptTools
from holdfast.core.tools.mcp.port import (
    McpSession,
    RawElicitation,
    RawPrompt,
    RawResource,
    RawResult,
    RawTool,
    Requests,
    Target,
)

SPEC = McpServerSpec(name="fake", command=("fake",), timeout_s=5, start_timeout_s=5)
OBJECT = {"type": "object"}


class FakeServer:
    """A server without a process: what it does is set from outside."""

    def __init__(self) -> None:
        self.starts = 0
        self.ended: list[bool] = []
        self.broken = ""
        self.mute = False
        self.silent = asyncio.Event()
        self.offered = ["work"]
        self.prompted: list[RawPrompt] = []
        self.readable: list[RawResource] | ToolError = []
        self.stale = False
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @asynccontextmanager
    async def open(self, target: Target) -> AsyncIterator[McpSession]:
        self.starts += 1
        self.lost = asyncio.get_running_loop().create_future()
        task = asyncio.current_task()
        if self.broken:
            raise ToolError(self.broken)
        if self.mute:
            await asyncio.Event().wait()
        try:
            yield self
        finally:
            self.ended.append(asyncio.current_task() is task)

    async def tools(self) -> Sequence[RawTool]:
        self.stale = False
        return [RawTool(name, "", OBJECT) for name in self.offered]

    async def prompts(self) -> Sequence[RawPrompt]:
        return self.prompted

    async def resources(self) -> Sequence[RawResource]:
        if isinstance(self.readable, ToolError):
            raise self.readable
        return self.readable

    async def read(self, uri: str, asked: Requests, /) -> Sequence[dict[str, Any]]:
        return [{"uri": uri, "text": "read"}]

    async def prompt(
        self, name: str, arguments: dict[str, str], asked: Requests, /
    ) -> Sequence[tuple[str, dict[str, Any]]]:
        return [("user", {"type": "text", "text": f"{name} {arguments}"})]

    async def call(
        self, tool: str, arguments: dict[str, Any], told: Callable[[str], None], asked: Requests, /
    ) -> RawResult:
        if tool == "ask":
            answer = await asked.elicit(RawElicitation("Which?", {"type": "object", "properties": {}}))
            return RawResult(({"type": "text", "text": answer.action},))
        if tool == "hang":
            self.silent.set()
            await asyncio.Event().wait()
        return RawResult(({"type": "text", "text": tool},))


def connection(
    server: FakeServer, spec: McpServerSpec = SPEC, idle_s: float = 60, kept: KeptTools | None = None
) -> Connection:
    async def target() -> Target:
        return Target(spec, {}, "/", allow_private=True, confiner=None, log=lambda data: None)

    return Connection(spec, target, server.open, kept=kept, idle_s=idle_s)


async def call(made: Connection, tool: str = "work") -> RawResult:
    return await made.call(tool, {}, lambda text: None)


async def until(made: Connection, state: McpState) -> None:
    async with asyncio.timeout(5):
        while made.state is not state:  # noqa: ASYNC110 (a state, no event)
            await asyncio.sleep(0)


async def test_a_server_starts_when_it_is_first_needed_and_once_for_all() -> None:
    server = FakeServer()
    made = connection(server)
    assert (server.starts, made.state) == (0, McpState.STOPPED)

    results = await asyncio.gather(made.listing(), call(made), call(made), made.listing())

    assert server.starts == 1 and made.state is McpState.READY
    assert [tool.own_name for tool in results[0].tools] == ["work"]
    await made.stop()


async def test_a_server_is_left_in_the_task_that_entered_it() -> None:
    server = FakeServer()
    made = connection(server)
    await call(made)
    await made.stop()

    assert server.ended == [True]
    assert made.state is McpState.STOPPED


async def test_a_stopped_server_is_listed_from_memory_and_started_for_a_call() -> None:
    server = FakeServer()
    made = connection(server)
    await made.listing()
    await made.stop()

    assert (await made.listing()).tools and server.starts == 1
    await call(made)
    assert server.starts == 2
    await made.stop()


async def test_a_server_that_cannot_start_says_why_and_waits_longer_each_time() -> None:
    server = FakeServer()
    server.broken = "no \x1b[2Jluck"
    made = connection(server)

    with pytest.raises(UnavailableError, match=r"no \[2Jluck"):
        await call(made)
    assert (made.state, made.reason, made.failures) == (McpState.FAILED, "no [2Jluck", 1)
    with pytest.raises(UnavailableError, match="tried again in"):
        await call(made)
    assert server.starts == 1

    server.broken = ""
    assert await made.check()
    assert (made.state, server.starts) == (McpState.READY, 2)
    await made.stop()


async def test_a_start_that_hangs_is_given_up() -> None:
    server = FakeServer()
    server.mute = True
    made = connection(server, SPEC.model_copy(update={"start_timeout_s": 0.05}))

    with pytest.raises(UnavailableError, match="did not start within"):
        await made.listing()
    assert made.state is McpState.FAILED


async def test_a_server_that_is_starting_can_be_stopped() -> None:
    server = FakeServer()
    server.mute = True
    made = connection(server)
    starting = asyncio.create_task(made.listing())
    async with asyncio.timeout(5):
        await until(made, McpState.STARTING)
        await made.stop()
        with pytest.raises(UnavailableError, match="it was stopped"):
            await starting
    assert made.state is McpState.STOPPED


async def test_a_retired_server_ends_and_never_starts_again() -> None:
    server = FakeServer()
    made = connection(server)
    hanging = asyncio.create_task(call(made, "hang"))
    await server.silent.wait()

    await made.retire()

    for late in (hanging, call(made), made.check()):
        with pytest.raises(UnavailableError, match="the server was removed or changed"):
            await late
    assert (server.starts, server.ended) == (1, [True])


@pytest.mark.parametrize("gone", ["forget", "forget_user", "close", "stopped"])
async def test_a_run_does_not_bring_back_a_server_that_is_gone(tmp_path: Path, gone: str) -> None:
    server = FakeServer()
    hub = McpHub(tmp_path, tmp_path, {}, lambda *named: None, server.open)
    (tool,) = await hub.tools(made := hub.connection("ada", SPEC, admin=True))
    if gone == "forget":
        await hub.forget("ada", SPEC.name)
    elif gone == "forget_user":
        await hub.forget_user("ada")
    elif gone == "close":
        await hub.close()
    else:
        await made.stop()
        hub.connection("ada", SPEC.model_copy(update={"command": ("other",)}), admin=True)

    with pytest.raises(UnavailableError, match="the server was removed or changed"):
        await call(made, tool.own_name)
    assert (server.starts, made.state) == (1, McpState.STOPPED)
    await hub.close()


async def test_a_call_that_hangs_is_given_up_and_the_server_goes_on() -> None:
    server = FakeServer()
    made = connection(server, SPEC.model_copy(update={"timeout_s": 0.05}))

    with pytest.raises(ToolError, match="did not answer") as raised:
        await call(made, "hang")
    assert raised.value.code == "tool_timeout"
    assert (await call(made)).content
    await made.stop()


async def test_a_server_that_dies_ends_the_calls_under_way() -> None:
    server = FakeServer()
    made = connection(server)
    hanging = asyncio.create_task(call(made, "hang"))
    async with asyncio.timeout(5):
        await server.silent.wait()
    server.lost.set_result("it fell over")

    async with asyncio.timeout(5):
        with pytest.raises(UnavailableError, match="it fell over"):
            await hanging
    assert (made.state, made.reason) == (McpState.FAILED, "it fell over")
    assert (await made.listing()).tools  # what it had is still known


async def test_a_caller_who_gives_up_takes_nothing_from_the_others() -> None:
    server = FakeServer()
    made = connection(server)
    first = asyncio.create_task(made.listing())
    second = asyncio.create_task(made.listing())
    await asyncio.sleep(0)
    first.cancel()

    assert (await second).tools
    await made.stop()


async def test_prompts_are_known_where_resources_cannot_be_told() -> None:
    server = FakeServer()
    server.prompted = [RawPrompt("review")]
    server.readable = ToolError("The MCP server answered with an error: no.")
    made = connection(server)
    await made.listing()
    assert (made.offer.prompts, made.offer.resources) == ((RawPrompt("review"),), False)
    await made.stop()


async def test_tools_are_listed_again_when_the_server_says_that_they_changed() -> None:
    server = FakeServer()
    made = connection(server)
    before = await made.listing()
    assert await made.listing() is before

    server.offered, server.stale = ["work", "more"], True
    assert [tool.own_name for tool in (await made.listing()).tools] == ["work", "more"]
    await made.stop()


async def test_a_server_that_nobody_calls_is_stopped() -> None:
    server = FakeServer()
    made = connection(server, idle_s=0.02)
    await call(made)

    async with asyncio.timeout(5):
        await until(made, McpState.STOPPED)
    assert server.ended == [True]


async def test_what_a_server_offered_is_known_to_the_next_engine_without_a_start(tmp_path: Path) -> None:
    kept = KeptTools(tmp_path / "kept.json")
    first, second = FakeServer(), FakeServer()
    made = connection(first, kept=kept)
    await made.listing()
    await made.stop()
    second.offered = ["work", "new"]
    again = connection(second, kept=kept)

    assert [tool.own_name for tool in (await again.listing()).tools] == ["work"]
    assert second.starts == 0
    await call(again)
    assert [tool.own_name for tool in (await again.listing()).tools] == ["work", "new"]
    await again.stop()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "7",
        '[{"name": "a"}]',
        '{"a": 1}',
        '[{"name": 1, "description": "", "schema": null}]',
        "[[[[" * 50_000,
    ],
)
async def test_what_cannot_be_read_of_a_last_run_counts_for_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kept.json"
    path.write_text(text)
    server = FakeServer()
    made = connection(server, kept=KeptTools(path))

    assert [tool.own_name for tool in (await made.listing()).tools] == ["work"]
    assert server.starts == 1
    await made.stop()


def test_a_server_of_another_project_does_not_end_one_of_the_same_name(
    hub: McpHub, good_spec: Callable[..., McpServerSpec]
) -> None:
    first = hub.connection("local", good_spec(), admin=True, place="/first")
    before = hub.connection("local", good_spec(timeout_s=7), admin=True, place="/second")
    now = hub.connection("local", good_spec(timeout_s=8), admin=True, place="/second")
    assert [each.retired for each in (first, before, now)] == [False, True, False]
    assert hub.connection("local", good_spec(), admin=True, place="/first") is first
