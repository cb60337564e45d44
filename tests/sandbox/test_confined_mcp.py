"""Programs of MCP servers that are confined: they answer, reach their folder alone, and nothing is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.fakes.small_mcp import small_server

from holdfast.core.domain.confinement import Guard
from holdfast.core.domain.errors import UnavailableError
from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.tools.mcp.hub import McpHub

SERVER = """
TOOLS = [{"name": "write", "inputSchema": {"type": "object"}}]
def call(params):
    said = []
    for path in params["arguments"]["paths"]:
        try:
            open(path, "w").close()
            said.append("written")
        except OSError as error:
            said.append("refused")
    return json.dumps([said, os.path.exists(sys.argv[1])])
"""
Confine = Callable[..., ChildProcesses]
guards = pytest.mark.parametrize("guard", [Guard.BUBBLEWRAP, Guard.LANDLOCK])


def places(tmp_path: Path) -> dict[str, object]:
    return {"home": tmp_path / "home", "temporary": (tmp_path / "temporary",)}


@asynccontextmanager
async def opened(tmp_path: Path, confiner: ChildProcesses, **more: object) -> AsyncIterator[McpHub]:
    (tmp_path / "home").mkdir()
    (tmp_path / "temporary").mkdir()
    hub = McpHub(
        *(tmp_path / "logs", tmp_path / "cache", {"PATH": "/usr/bin:/bin"}, lambda *named: None),
        confiner=confiner,
        **more,  # type: ignore[arg-type]
    )
    try:
        yield hub
    finally:
        await hub.close()


def described(tmp_path: Path, **more: object) -> McpServerSpec:
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    command = (*small_server(folder / "server.py", SERVER), str(tmp_path / "engine"))
    return McpServerSpec(name="boxed", command=command, cwd=str(folder), **more)  # type: ignore[arg-type]


async def written(hub: McpHub, spec: McpServerSpec, *paths: Path, place: str = "") -> list[str]:
    made = hub.connection("local", spec, admin=True, place=place)
    async with asyncio.timeout(60):
        result = await made.call("write", {"paths": list(map(str, paths))}, lambda text: None)
    said, _ = json.loads(result.content[0]["text"])
    return list(said)


@guards
async def test_a_confined_server_answers_and_writes_in_its_folder_alone(
    tmp_path: Path, confine: Confine, guard: Guard
) -> None:
    inside, outside = tmp_path / "folder" / "in", tmp_path / "out"
    async with opened(tmp_path, confine(guard, **places(tmp_path))) as hub:
        said, _ = await written(hub, described(tmp_path, confine=True), inside, outside)
        # It may have a folder for temporary files of its own, in the place of the one that the test is in.
        assert said == "written" and inside.exists() and not outside.exists()
        assert await written(hub, described(tmp_path, confine=False), outside) == ["written"]


@guards
async def test_where_nothing_may_run_unconfined_servers_are_confined_too(
    tmp_path: Path, confine: Confine, guard: Guard
) -> None:
    async with opened(tmp_path, confine(guard, **places(tmp_path)), confines=lambda: True) as hub:
        await written(hub, described(tmp_path), tmp_path / "out")
        assert not (tmp_path / "out").exists()
        mine = described(tmp_path, confine=False)
        await written(hub, mine, tmp_path / "out", place=str(tmp_path))
        assert not (tmp_path / "out").exists(), "a file of a project cannot say otherwise"
        assert await written(hub, mine, tmp_path / "out") == ["written"]


async def test_a_server_that_is_to_be_confined_and_cannot_be_does_not_start(tmp_path: Path) -> None:
    async with opened(tmp_path, ChildProcesses()) as hub:
        with pytest.raises(UnavailableError, match="to be confined, and cannot be"):
            await written(hub, described(tmp_path, confine=True), tmp_path / "out")
        assert not (tmp_path / "out").exists()


@guards
async def test_of_a_confined_server_nothing_is_left(tmp_path: Path, confine: Confine, guard: Guard) -> None:
    async with opened(tmp_path, confine(guard, **places(tmp_path))) as hub:
        spec = described(tmp_path, confine=True)
        assert await written(hub, spec, tmp_path / "folder" / "a") == ["written"]
        await hub.connection("local", spec, admin=True).stop()
        mark = str(tmp_path / "engine").encode()
        async with asyncio.timeout(30):
            while any(mark in _command(process) for process in Path("/proc").glob("[0-9]*")):  # noqa: ASYNC110
                await asyncio.sleep(0.02)  # nothing tells of the end of a process


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
