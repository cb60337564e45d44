"""Approvals in the app: the mode key, steering, and typing while a pane has the focus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fake_workbench import FakeRun, FakeWorkbench, new_file, settings
from textual import events

from holdfast.core.domain.approvals import ApproveMode
from holdfast.tui.app import HoldfastApp
from holdfast.tui.screens.dialogs import AskScreen

pytestmark = pytest.mark.thorough


async def writes(run: FakeRun) -> None:
    """Asks for three files at once, then says what came of it."""
    calls = [new_file(f"docs/{n}.md", f"file {n}") for n in range(3)]
    asked = [
        asyncio.create_task(run.call("write_file", arguments, subject=f"docs/{n}.md", preview=preview))
        for n, (arguments, preview) in enumerate(calls)
    ]
    await asyncio.gather(*asked)
    await run.say("Done.")


async def test_the_mode_is_changed_by_one_key_and_a_run_is_steered_by_another(
    make_app: Callable[..., HoldfastApp], until: Any
) -> None:
    bench = FakeWorkbench()
    bench.settings = settings()
    bench.scripts.append(writes)
    app = make_app(bench)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.desk is not None and app.model.header.engine == "ready")
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: len(app.model.inbox) == 3)
        await pilot.press("shift+tab")
        await until(pilot, lambda: app.model.mode.shown == "edits")
        assert bench.modes[app.model.session_id or ""].mode is ApproveMode.EDITS
        await pilot.press("a", "n", "d", "ctrl+s")
        await until(pilot, lambda: len(bench.sent) == 2)
        assert bench.sent[-1][0].text == "and"
        assert app.main.box.area.text == ""


async def test_what_is_typed_while_a_pane_has_the_focus_is_a_message_and_decides_nothing(
    make_app: Callable[..., HoldfastApp], until: Any
) -> None:
    bench = FakeWorkbench()
    bench.settings = settings()
    bench.scripts.append(writes)
    app = make_app(bench)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.desk is not None and app.model.header.engine == "ready")
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: len(app.model.inbox) == 3)
        await pilot.press("f2")
        await until(pilot, lambda: app.main.place == "approvals")
        await pilot.press("y", "e", "s", "space", "n")
        assert app.main.box.area.text == "yes n"
        assert app.main.place == "composer"
        app.main.box.area.text = ""
        await pilot.press("f2")
        pane = app.focused
        for letter in "nods all a bit":  # all on their way to the pane before the first is looked at
            pane._forward_event(events.Key("space" if letter == " " else letter, letter))
        await until(pilot, lambda: app.main.box.area.text == "nods all a bit")
        assert bench.decisions == {}
        await pilot.press("f2")
        await until(pilot, lambda: app.main.place == "approvals")
        await pilot.press("n")
        await until(pilot, lambda: len(bench.decisions) == 1)


async def test_autonomous_is_switched_on_with_its_limits_read_and_falls_back_when_they_are_not(
    make_app: Callable[..., HoldfastApp], until: Any
) -> None:
    bench = FakeWorkbench()
    bench.settings = settings()
    app = make_app(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.desk is not None and app.model.header.engine == "ready")
        app.command("mode", "auto 9 steps, 5 min")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert "9 steps, $1, 5 min" in app.screen.query_one("#answer").value
        app.guard.seconds = 60
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AskScreen) and app.screen.focused is not None)
        assert app.model.mode.shown == "ask", "an enter that came with the question is no answer"
        app.guard.seconds = 0
        await pilot.press("enter")
        await until(pilot, lambda: app.model.mode.shown == "auto")
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: bench.modes)
        (held,) = bench.modes.values()
        assert (held.mode, held.limits.steps) == (ApproveMode.AUTO, 9)
        assert bench.options[-1].approve is None
