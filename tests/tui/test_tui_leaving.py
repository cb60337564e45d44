"""Screens that are left while they wait for something: what comes later does no harm."""

from __future__ import annotations

from fake_workbench import FakeWorkbench
from test_tui_knowledge_journeys import cite, is_on, say, shown

from holdfast.tui.screens.provider import ProviderScreen
from holdfast.tui.screens.reader import ReaderScreen


async def test_a_provider_that_answers_too_late_keeps_nothing_and_a_document_may_come_late(
    make_app, until
) -> None:
    bench = FakeWorkbench([cite])
    app = make_app(bench)
    async with app.run_test(size=(120, 40)) as pilot:
        await say(pilot, "what does it say")
        await until(pilot, lambda: "Sources" in shown(app))
        bench.answering.clear()
        await pilot.press("f6", "1")
        await until(pilot, lambda: isinstance(app.screen, ReaderScreen) and "▌ ## Part 3" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        await pilot.press("escape")
        app.command("provider", "openai")
        await until(pilot, is_on(app, ProviderScreen))
        await pilot.press(*"sk-right", "enter")
        await until(pilot, lambda: bench.added)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        bench.answering.set()
        await say(pilot, "go on")
        await until(pilot, lambda: "You said: go on" in shown(app))
        assert bench.added == [("check", "openai", "sk-right", "")], "what was left is not kept"
