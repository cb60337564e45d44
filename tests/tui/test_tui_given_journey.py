"""A person looks at what the agent is given, and tries a tool: by keyboard and by mouse."""

from __future__ import annotations

from typing import Any

import pytest
from given import furnish_given
from stage import LARGE

from holdfast.tui.widgets.form import FieldChoices, FormFields

pytestmark = pytest.mark.thorough


async def test_a_tool_is_found_filled_in_and_tried(stage: Any, until: Any) -> None:
    scene = stage()
    furnish_given(scene.bench)
    app = scene.app
    async with app.run_test(size=LARGE) as pilot:
        await scene.ready(pilot)
        await scene.go(pilot, "/tools", "?mcp__clock__now", "slash", ":READ_", "enter")
        await scene.see(pilot, "read_file  comes with Holdfast")
        assert "run_command" not in scene.shown
        await scene.go(pilot, "enter", "?Try read_file", "ctrl+s", "?Fill this in.", ":notes.md", "enter")
        await pilot.press("backspace", *"9", "enter")  # 200 becomes 209
        choices = app.screen.query_one(FieldChoices)
        assert choices.has_focus
        await pilot.click(choices, offset=(12, 0))
        assert app.screen.query_one(FormFields).raw == {"path": "notes.md", "limit": "209", "kind": 1}
        await scene.go(pilot, "ctrl+s", "?It has three lines.")
        wanted = {"path": "notes.md", "limit": 209, "kind": "table"}
        assert scene.bench.ran == [("read_file", wanted)]
        await scene.go(pilot, "e", "?Try read_file", "?notes.md", "escape", "escape", "escape")
        await until(pilot, lambda: app.screen is app.main)
