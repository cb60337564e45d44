"""The agent and the function that the page about hooks shows act as it says, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import examples
import pytest
import yaml

from holdfast.assembly import open_workbench
from holdfast.core.config.paths import Paths
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.hooks import HookCall, HookPoint, HookSpec
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunOptions
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.hooks.wire import read_answer, told

PAGE = "docs/how-to/hooks.md"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOLDFAST_MODELS__DEFAULT": "offline"}


@pytest.mark.thorough
async def test_the_agent_of_the_page_is_kept_to_its_hooks(tmp_path: Path) -> None:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    paths.agents.mkdir(parents=True)
    agent, (code,) = examples.blocks_of(PAGE, "yaml")[0], examples.blocks_of(PAGE, "python")
    (paths.agents / "careful.yaml").write_text(f"version: 1\n{agent}", encoding="utf-8")
    (paths.agents / "guard.py").write_text(code, encoding="utf-8")
    (tmp_path / "project").mkdir()
    workbench = await open_workbench(paths, {**ENVIRONMENT, "HOLDFAST_HOME": str(tmp_path / "home")})
    try:
        session = await workbench.sessions.create("careful", str(tmp_path / "project"))

        async def run(tool: str, **arguments: Any) -> Any:
            options = RunOptions(approve="all", approvals="deny")
            return await workbench.tools.run(session.id, tool, arguments, options, wait_s=60)

        denied = await run("run_command", command="sudo ls")
        assert (denied.outcome, denied.content[0].text) == ("denied", "Denied by a hook: no sudo here.")
        assert (await run("write_file", path="private/a.txt", content="a")).outcome == "denied"
        assert (await run("write_file", path="notes.md", content="a")).outcome == "denied"  # nobody is asked
        assert (await run("write_file", path="a.txt", content="a")).outcome == "ok"
        assert (Path(session.workspace) / "a.txt").read_text() == "a\n"
        sent = await workbench.runs.send(session.id, (TextPart(text="Card 4111111111111111"),))
        async for logged in workbench.events.follow(EventFilter(run_id=sent.run_id), 0):
            if logged.event.type in ("run.completed", "run.failed"):
                break
        assert logged.event.type == "run.completed"
        told_of = (await workbench.events.read(EventFilter(run_id=sent.run_id))).items
        steps = [each.event for each in told_of if each.event.type == "step.started"]
        prompts = "".join(FileBlobs(paths.blobs).get(step.prompt).decode() for step in steps)
        assert ("4111111111111111" in prompts, "[card]" in prompts) == (False, True)
    finally:
        await workbench.close()


def test_what_is_sent_and_what_is_answered_have_the_keys_that_the_page_shows() -> None:
    sent, answered = (json.loads(block) for block in examples.blocks_of(PAGE, "json"))
    second = yaml.safe_load(examples.blocks_of(PAGE, "yaml")[1])["hooks"][0]
    call = HookCall(HookPoint.BEFORE_TOOL, "s", "r", "careful", data=sent["data"])
    assert list(told(HookSpec.model_validate(second), call)) == list(sent)
    answered.pop("modified_output")  # there is none before a call
    assert read_answer(json.dumps(answered), call).data == {"command": "ls -l"}
    text = (examples.ROOT / PAGE).read_text(encoding="utf-8")
    assert [point for point in HookPoint if f"`{point.value}`" not in text] == []
