"""Pictures of the screens of what agents are given: tools, MCP servers, skills, prompts and hooks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fake_workbench import NOON
from given import HOOK, furnish_given
from stage import SMALL, Scene, tour

from holdfast.core.domain.events import HookCompleted

pytestmark = pytest.mark.thorough

SCENES = (
    Scene("tools", ("/tools", "?read_file", "down", "?pins colour"), "report.md"),
    Scene("try-a-tool", ("/tools", "?read_file", "enter"), "ctrl+s"),
    Scene("mcp", ("/mcp", "?clock", "down", "?401"), "DOCS"),
    Scene("skills", ("/skills", "?minutes", "down"), "Who was there"),
    Scene("prompts", ("/prompts", "?release"), "{{tone}}"),
    Scene("hooks", ("/hooks", "?no sudo"), "CONTAINS sudo"),
)


async def test_what_agents_are_given(stage: Any, pictures: Any) -> None:
    scene = stage()
    furnish_given(scene.bench)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        decided = HookCompleted(
            session_id="s", run_id="r", at=NOON - timedelta(hours=1), point=HOOK.point, hook_id=HOOK.id,
            hook_type=HOOK.type, outcome="deny", tool="run_command", reason="no", duration_ms=2,
        )  # fmt: skip
        scene.app.model.hooks.take(decided, 1)
        await tour(scene, pilot, pictures, *SCENES)
