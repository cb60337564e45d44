"""MCP servers of others, the newest: in Python for time and git, in TypeScript for files and for everything
that the protocol has."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.bench import Bench
from tests.e2e.presence import client_folder, client_python, program

from holdfast.core.domain.events import EventFilter, QuestionAsked
from holdfast.core.domain.mcp import McpServerSpec, McpState
from holdfast.core.domain.messages import ImagePart, text_of
from holdfast.core.domain.runs import RunOptions, ToolRun

pytestmark = pytest.mark.thorough

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


def in_typescript(name: str, *args: str) -> McpServerSpec:
    script = client_folder("mcp-typescript", f"node_modules/.bin/mcp-server-{name}")
    started = script / "node_modules" / ".bin" / f"mcp-server-{name}"
    return McpServerSpec(name=name, command=(str(program("node")), str(started.resolve()), *args))


async def test_a_server_in_typescript_is_held_to_its_folder_and_sees_no_keys(bench: Bench) -> None:
    bench.environment["SOME_API_KEY"] = "sk-that-nobody-may-see"
    specs = [in_typescript("filesystem", str(bench.project)), in_typescript("everything")]
    workbench = bench.start_engine()
    try:
        for spec in specs:
            state = await workbench.mcp.add(spec)
            state = await workbench.mcp.test(spec.name)
            assert (state.state, state.left_out) == (McpState.READY, ()), state.reason
        session = await workbench.sessions.create("general")

        async def call(server: str, tool: str, **arguments: Any) -> ToolRun:
            return await workbench.mcp.call(session.id, server, tool, arguments, EVERYTHING, 60)

        made = await call("filesystem", "write_file", path=str(bench.project / "made.txt"), content="Made")
        outside = await call("filesystem", "write_file", path=str(bench.root / "made.txt"), content="Made")
        assert (made.outcome, (bench.project / "made.txt").read_text()) == ("ok", "Made")
        assert (outside.outcome, (bench.root / "made.txt").exists()) == ("error", False)
        total = await call("everything", "get-sum", a=2, b=40)
        assert (total.outcome, "42" in text_of(total.content)) == ("ok", True)
        image = await call("everything", "get-tiny-image")
        assert [part.media_type for part in image.content if isinstance(part, ImagePart)] == ["image/png"]
        seen = text_of((await call("everything", "get-env")).content)
        assert ("PATH" in seen, "nobody-may-see" in seen) == (True, False)
        steps = await call("everything", "trigger-long-running-operation", duration=1, steps=2)
        assert steps.outcome == "ok"
    finally:
        await workbench.close()


async def test_a_server_in_typescript_asks_the_person_in_the_middle_of_a_call(bench: Bench) -> None:
    spec = in_typescript("everything")
    workbench = bench.start_engine()
    try:
        await workbench.mcp.add(spec)
        session = await workbench.sessions.create("general")
        calling = asyncio.create_task(
            workbench.mcp.call(session.id, spec.name, "trigger-elicitation-request", {}, EVERYTHING, 60)
        )
        async with asyncio.timeout(60):
            async for logged in workbench.events.follow(EventFilter(session_id=session.id), 0):
                if isinstance(logged.event, QuestionAsked):
                    question = logged.event.question
                    break
        assert (question.server, "name" in (question.form or {})["properties"]) == ("everything", True)
        await workbench.runs.answer(question.id, action="accept", fields={"name": "Ada"})
        done = await calling
        assert (done.outcome, "Ada" in text_of(done.content)) == ("ok", True)
    finally:
        await workbench.close()


async def test_what_a_server_in_typescript_lets_read_and_its_prompts_are_there(bench: Bench) -> None:
    spec = in_typescript("everything")
    workbench = bench.start_engine()
    try:
        await workbench.mcp.add(spec)
        resources = await workbench.mcp.resources(spec.name)
        assert {each.template for each in resources} == {True, False}
        document = next(each for each in resources if each.uri.endswith("features.md"))
        (content,) = await workbench.mcp.read(spec.name, document.uri)
        assert (content.media_type, (content.text or "").startswith("# Everything")) == (
            "text/markdown",
            True,
        )
        template = next(each for each in resources if each.template and "blob" in each.uri)
        (data,) = await workbench.mcp.read(spec.name, template.uri.replace("{resourceId}", "1"))
        assert data.data is not None

        session = await workbench.sessions.create("general")
        prompts = {each.key for each in await workbench.prompts.list(session.id)}
        assert "mcp:everything:args-prompt" in prompts
        sent = await workbench.prompts.resolve(
            "mcp:everything:args-prompt", {"city": "Rome"}, session_id=session.id
        )
        assert "Rome" in text_of(sent.parts)
    finally:
        await workbench.close()
