"""MCP servers that are added and replaced with their secrets, and started at once: whole or not at all."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.small_mcp import small_server

from holdfast.core.domain.errors import ForbiddenError, InvalidError, NotFoundError, UnavailableError
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.mcp import McpServerSpec, McpState

SECRET = "a-secret-of-the-server"
OTHER = "another-secret-of-it"
SAYS = """
TOOLS = [{"name": "tell", "inputSchema": {"type": "object", "properties": {}}}]
def call(params):
    return "short" if len(os.environ.get("TOKEN", "")) < 21 else "long"
"""


SILENT = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); sys.stdin.read()"
"""A program that says on a socket that it has begun, and nothing to who waits for a server."""


@pytest.fixture
def program(tmp_path: Path) -> tuple[str, ...]:
    return tuple(small_server(tmp_path / "server.py", SAYS))


def spec(program: tuple[str, ...], **more: Any) -> McpServerSpec:
    return McpServerSpec(name="small", command=program, **more)


WITH = {"TOKEN": "${secret:token}"}
BROKEN = ("/no/such/program",)


def left(bench: Any) -> str:
    return "".join(path.read_text(errors="replace") for path in (bench.home / "config").glob("mcp*"))


async def test_a_server_is_added_with_its_secrets_and_started(open_bench: Any, program: Any) -> None:
    async with open_bench() as bench:
        mcp = bench.workbench.mcp
        added = await mcp.add(spec(program, env=WITH), {"token": SECRET}, connect=True)
        assert (added.state, added.tools, added.missing) == (McpState.READY, 1, ())
        later = await mcp.add(McpServerSpec(name="later", command=BROKEN, enabled=False), connect=True)
        assert later.state is McpState.STOPPED


async def test_nothing_is_left_of_a_server_that_does_not_start(open_bench: Any) -> None:
    async with open_bench() as bench:
        mcp = bench.workbench.mcp
        with pytest.raises(UnavailableError, match="cannot be started"):
            await mcp.add(spec(BROKEN, env=WITH), {"token": SECRET}, connect=True)
        for secrets in ({"other": SECRET}, {"token": "short"}):
            with pytest.raises(InvalidError):
                await mcp.add(spec(BROKEN, env=WITH), secrets)
        assert await mcp.list() == ()
        assert "secret" not in left(bench)


async def test_nothing_is_left_when_nobody_waits_for_the_start(open_bench: Any, tmp_path: Path) -> None:
    async with open_bench() as bench:
        mcp = bench.workbench.mcp
        begun = asyncio.Event()

        async def begin(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()
            begun.set()

        telling = await asyncio.start_unix_server(begin, tmp_path / "s")
        silent = (sys.executable, "-I", "-S", "-c", SILENT, str(tmp_path / "s"))
        adding = asyncio.create_task(mcp.add(spec(silent), connect=True))
        async with asyncio.timeout(10):
            await begun.wait()
            adding.cancel()
            with pytest.raises(asyncio.CancelledError):
                await adding
        telling.close()
        await telling.wait_closed()
        assert await mcp.list() == ()


async def test_a_replaced_server_keeps_its_secrets_for_the_same_program_alone(
    open_bench: Any, program: Any
) -> None:
    async with open_bench() as bench:
        mcp = bench.workbench.mcp
        await mcp.add(spec(program, env={**WITH, "LEVEL": "plain"}), {"token": SECRET}, connect=True)
        shown = (await mcp.get("small")).spec
        assert shown.env == {**WITH, "LEVEL": "***"}
        same = await mcp.replace("small", shown.model_copy(update={"timeout_s": 7}), connect=True)
        assert (same.state, same.missing, same.spec.timeout_s) == (McpState.READY, (), 7)
        assert "LEVEL: plain" in left(bench)
        moved = await mcp.replace("small", spec((*program, "more"), env=WITH))
        assert moved.missing == ("token",)
        given = await mcp.replace("small", spec((*program, "more"), env=WITH), {"token": OTHER}, connect=True)
        assert (given.state, given.missing) == (McpState.READY, ())


async def test_secrets_go_to_no_other_host(open_bench: Any) -> None:
    async with open_bench() as bench:
        mcp = bench.workbench.mcp
        headers = {"Authorization": "Bearer ${secret:key}", "X-Team": "blue"}
        docs = McpServerSpec(name="docs", url="https://a.test/mcp", headers=headers)
        await mcp.add(docs, {"key": SECRET})
        shown = (await mcp.get("docs")).spec
        path = await mcp.replace("docs", shown.model_copy(update={"url": "https://a.test/other"}))
        assert path.missing == ()
        host = await mcp.replace("docs", shown.model_copy(update={"url": "https://b.test/mcp"}))
        assert host.missing == ("key",)
        assert "blue" not in left(bench) and host.spec.headers == {"Authorization": "Bearer ${secret:key}"}


async def test_a_server_stays_as_it_was_when_the_new_one_does_not_start(
    open_bench: Any, program: Any
) -> None:
    async with open_bench() as bench:
        mcp = bench.workbench.mcp
        await mcp.add(spec(program, env=WITH), {"token": SECRET})
        with pytest.raises(UnavailableError):
            await mcp.replace("small", spec(BROKEN, env=WITH), {"token": OTHER}, connect=True)
        stays = await mcp.test("small")
        assert (stays.state, stays.spec.command) == (McpState.READY, program)
        with pytest.raises(InvalidError):
            await mcp.replace("small", McpServerSpec(name="other", command=program))
        with pytest.raises(NotFoundError):
            await mcp.replace("other", McpServerSpec(name="other", command=program))


async def test_who_is_no_administrator_gets_no_program_in_the_place_of_an_address(
    open_bench: Any, program: Any
) -> None:
    async with open_bench() as bench:
        user = await bench.workbench.users.add("ann")
        who = Principal(user_id=user.id, name="ann", role=Role.USER, scope=Scope.ADMIN)
        mcp = bench.workbench.as_principal(who).mcp
        await mcp.add(McpServerSpec(name="small", url="https://a.test/mcp"))
        with pytest.raises(ForbiddenError):
            await mcp.replace("small", spec(program))
        with pytest.raises(UnavailableError):  # private addresses are not asked for her
            local = McpServerSpec(name="local", url="http://127.0.0.1:9/mcp")
            await mcp.add(local, connect=True)
        assert [each.spec.name for each in await mcp.list()] == ["small"]
