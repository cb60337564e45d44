"""Node's `fetch` follows a stream of Sage's API that is cut, and goes on by the lines that it has counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clients_running import RUN_S
from tests.dialects.sage.stream_talk import Driven, end_of, said
from tests.e2e.presence import program
from tests.fakes.listener import listening
from tests.runs.conftest import open_bench, say

__all__ = ["open_bench", "say"]

pytestmark = pytest.mark.thorough

SCRIPT = Path(__file__).with_name("use_sage.mjs")
ANN, SECRET = "ann", "correct horse battery"


@pytest.fixture
def door() -> str:
    """How `open_bench` reaches its workbench."""
    return "local"


class Program:
    """A running script, which says line by line how far it is."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> str:
        """Returns the next line that it prints. Raises `AssertionError` with its errors when it has ended."""
        assert self._process.stdout is not None and self._process.stderr is not None
        found = await self._process.stdout.readline()
        assert found, (await self._process.stderr.read()).decode()
        return found.decode().strip()

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")


@asynccontextmanager
async def running(*command: str, cwd: Path) -> AsyncIterator[Program]:
    """Runs Node's script with a time limit, and ends it."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        str(program("node")), str(SCRIPT), *command,
        cwd=cwd, env={"PATH": "/usr/bin:/bin"}, stdin=pipe, stdout=pipe, stderr=pipe, limit=2**20,
    )  # fmt: skip
    try:
        async with asyncio.timeout(RUN_S):
            yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("late", [False, True], ids=["while-it-runs", "when-it-is-over"])
async def test_a_stream_that_is_cut_is_gone_on_with(
    open_bench: Any, say: Any, tmp_path: Path, late: bool
) -> None:
    async with (
        open_bench([say("One, ", "two, ", "two and a half, ", "three.")]) as bench,
        listening(bench.workbench, tmp_path, root=("sage",)) as listener,
    ):
        user = await bench.workbench.users.add(ANN, password=SECRET)
        driven = Driven(bench.model)
        driven.let(3)
        url = listener.state.url
        async with running(url, ANN, SECRET, "general", "2", cwd=tmp_path) as node:
            assert await node.line() == "cut"
            if late:
                driven.finish()
                login = await bench.workbench.accounts.sign_in(ANN, SECRET)
                who = await bench.workbench.authenticate(login.secret)
                await replace(bench, workbench=bench.workbench.as_principal(who)).until("run.completed")
            node.go_on()
            driven.finish()
            found = json.loads(await node.line())
    assert found["tokens"] == ["access_token", "expires_in", "refresh_token"]
    assert found["user"]["userid"] == user.id
    assert found["before"] == 2
    assert found["next"] >= 2, "a page that is opened now goes on behind what is there"
    lines = found["seen"]
    assert said(lines) == "One, two, two and a half, three."
    end_of(lines)
    assert len({line["message_id"] for line in lines if line["type"] == "do_subtask_result"}) == 1
    assert found["messages"] == [
        ["user", "Count to three"],
        ["assistant", "One, two, two and a half, three."],
    ]
    (again,) = found["again"]
    assert (again["type"], again["resume_fallback"]) == ("stream_end", True)
