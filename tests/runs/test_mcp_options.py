"""MCP servers that one run alone has: named in its options by who may, and ended with it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.small_mcp import small_server

from holdfast.core.domain.errors import ForbiddenError, InvalidError
from holdfast.core.domain.identity import Role, Scope
from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.domain.messages import TextPart, text_of
from holdfast.core.domain.options import McpServerUse
from holdfast.core.domain.runs import RunOptions

both = pytest.mark.parametrize("door", ["local", "remote"])

SERVER = """
TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("pid", "other")]
def call(params):
    return str(os.getpid())
"""
PID = ("mcp__own__pid", "{}")


@pytest.fixture
def own(tmp_path: Path) -> McpServerUse:
    return McpServerUse(name="own", command=small_server(tmp_path / "own.py", SERVER), tools=("p*",))


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@both
async def test_a_server_of_a_runs_options_works_for_it_and_ends_with_it(open_bench, own, say, call) -> None:
    async with open_bench([call(PID), say("done")]) as bench:
        await bench.workbench.approvals.add_rule("mcp__own__*")
        events = await bench.end(await bench.send(await bench.session(), mcp_servers=(own,)))
        (ended,) = [each.event for each in events if each.event.type == "tool_call.completed"]
        assert ended.outcome == "ok"
        offered = [tool.name for tool in bench.model.requests[0].tools if tool.name.startswith("mcp__")]
        assert offered == ["mcp__own__pid"], "narrowed to some"
        async with asyncio.timeout(30):
            while runs(int(text_of(ended.content))):  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # nothing tells of the end of a process
        assert await bench.workbench.mcp.list() == ()
        events = await bench.end(await bench.send(await bench.session()))
        assert not [tool.name for tool in bench.model.requests[-1].tools if tool.name.startswith("mcp__")]


async def test_a_server_of_a_runs_options_is_asked_for_like_others(open_bench, own, say, call) -> None:
    async with open_bench([call(PID), say("done")]) as bench:
        run_id = await bench.send(await bench.session(), mcp_servers=(own,))
        approval = await bench.approval()
        assert approval.tool == "mcp__own__pid"
        await bench.workbench.runs.cancel(run_id)
        await bench.end(run_id)


async def test_a_server_of_a_runs_options_cannot_take_anothers_name(open_bench, own) -> None:
    async with open_bench(agent="mcp: [{server: mine, url: 'https://example.org/'}]\n") as bench:
        await bench.workbench.mcp.add(McpServerSpec(name="web", url="https://example.org/mcp"))
        session = await bench.session()
        for name in ("web", "mine"):
            with pytest.raises(InvalidError, match="another server already"):
                await bench.send(session, mcp_servers=(own.model_copy(update={"name": name}),))


@both
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "needs a `command` or a `url`"),
        ({"command": ("x",), "url": "https://example.org/"}, "not both"),
        ({"url": "file:///etc/passwd"}, "http"),
    ],
)
async def test_a_server_that_cannot_be_reached_as_it_is_said_is_refused(
    open_bench, given: dict[str, Any], why: str
) -> None:
    async with open_bench() as bench:
        session = await bench.session()
        with pytest.raises(InvalidError, match=why):
            await bench.send(session, mcp_servers=(McpServerUse(name="own", **given),))
        with pytest.raises(InvalidError, match="twice"):
            web = McpServerUse(name="own", url="https://example.org/")
            await bench.send(session, mcp_servers=(web, web))


async def test_only_who_may_add_servers_names_some_for_a_run(open_bench, own, tmp_path: Path) -> None:
    async with open_bench() as bench:
        local = bench.workbench
        await local.users.add("ada", Role.USER)
        web = McpServerUse(name="web", url="http://127.0.0.1:1/mcp")
        for user, scope, server, why in (
            ("ada", Scope.ADMIN, own, "role `admin`"),
            ("ada", Scope.CHAT, web, "scope"),
            (None, Scope.CHAT, own, "scope"),
        ):
            key = await local.keys.create(f"{user} {scope}", scope, user=user)
            who = local.as_principal(await local.authenticate(key.secret))
            session = await who.sessions.create("general")
            with pytest.raises(ForbiddenError, match=why):
                options = RunOptions(mcp_servers=(server,))
                await who.runs.send(session.id, (TextPart(text="hi"),), options)
