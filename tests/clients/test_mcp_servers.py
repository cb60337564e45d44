"""The newest `mcp-server-time` and `mcp-server-git`, as they are installed from their own wheels."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.e2e.bench import Bench
from tests.e2e.presence import client_python, program

from holdfast.core.domain.mcp import McpServerSpec, McpState
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.runs import RunOptions

EVERYTHING = RunOptions(approve="all")


def repository(folder: Path) -> Path:
    git = [program("git"), "-C", folder, "-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    folder.mkdir()
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "The first of all"], check=True)
    return folder


async def test_servers_of_others_list_their_tools_answer_and_fail(bench: Bench) -> None:
    scripts = client_python("mcp").parent
    folder = repository(bench.root / "repository")
    workbench = bench.start_engine()
    try:
        time = McpServerSpec(
            name="time", command=(str(scripts / "mcp-server-time"), "--local-timezone", "UTC")
        )
        git = McpServerSpec(
            name="git", command=(str(scripts / "mcp-server-git"), "--repository", str(folder))
        )
        for spec in (time, git):
            await workbench.mcp.add(spec)
            state = await workbench.mcp.test(spec.name)
            assert (state.state, state.left_out) == (McpState.READY, ()), state.reason
        session = await workbench.sessions.create("general")

        async def call(server: str, tool: str, **arguments: object) -> tuple[str | None, str]:
            done = await workbench.mcp.call(session.id, server, tool, dict(arguments), EVERYTHING, 60)
            return done.outcome, text_of(done.content)

        there = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
        outcome, said = await call("time", "convert_time", **there)
        assert (outcome, "T21:00:00+09:00" in said) == ("ok", True)
        outcome, said = await call("time", "convert_time", **{**there, "source_timezone": "Nowhere"})
        assert (outcome, "Nowhere" in said) == ("error", True)
        outcome, said = await call("git", "git_log", repo_path=str(folder), max_count=1)
        assert (outcome, "The first of all" in said) == ("ok", True)
    finally:
        await workbench.close()
