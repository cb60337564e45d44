"""Settings are changed, found in the palette, and hold at once; keys are pressed by mouse, too."""

from __future__ import annotations

from fake_workbench import FakeWorkbench

from holdfast.tui.screens.dialogs import AskScreen, DocumentScreen
from holdfast.tui.screens.health import HealthScreen
from holdfast.tui.screens.logs import LogScreen
from holdfast.tui.screens.palette import PaletteScreen
from holdfast.tui.screens.settings import SettingsScreen
from holdfast.tui.widgets.panes.rows import RowList

SIZE = (120, 40)


async def test_a_setting_is_found_in_the_palette_changed_and_holds_at_once(make_app, until) -> None:
    bench = FakeWorkbench()
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.desk is not None and app.desk.context.connected)
        await pilot.press("ctrl+p", *"guard")
        await until(pilot, lambda: isinstance(app.screen, PaletteScreen))
        rows = app.screen.query_one("#palette-rows", RowList)
        await until(pilot, lambda: rows.current == "setting:tui.key_guard_s")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))
        screen = app.screen
        await until(pilot, lambda: screen.query_one("#s-list", RowList).current == "tui.key_guard_s")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("backspace", "backspace", "backspace", *"wrong", "enter")
        await until(
            pilot, lambda: isinstance(app.screen, AskScreen) and "cannot be" in str(app.screen._question)
        )
        await pilot.press(*(["backspace"] * 5), "1", "enter")
        await until(pilot, lambda: bench.settings_file.given == {"tui.key_guard_s": "1"})


async def click_on(pilot, app, selector: str, text: str) -> None:
    """Clicks on a text in a widget of one line."""
    widget = app.screen.query_one(selector)
    content = widget.render()
    await pilot.click(selector, offset=(content.plain.index(text) + widget.styles.padding.left, 0))


async def test_what_keys_do_is_done_by_mouse_too(make_app, until) -> None:
    bench = FakeWorkbench()
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.desk is not None and app.desk.context.connected)
        await until(pilot, lambda: "^p" in app.screen.query_one("#keys").render().plain)
        await click_on(pilot, app, "#keys", "^p")
        await until(pilot, lambda: isinstance(app.screen, PaletteScreen))
        await pilot.click(offset=(1, SIZE[1] - 1))
        await until(pilot, lambda: app.screen is app.main)
        await until(pilot, lambda: "engine" in app.main.query_one("#header").render().plain)
        await click_on(pilot, app, "#header", "engine")
        await until(pilot, lambda: isinstance(app.screen, HealthScreen))
        await until(pilot, lambda: app.screen.query_one("#h-keys").render().plain)
        await click_on(pilot, app, "#h-keys", "logs")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await click_on(pilot, app, "#l-keys", "esc")
        await until(pilot, lambda: isinstance(app.screen, HealthScreen))
        await click_on(pilot, app, "#h-keys", "F1")
        await until(pilot, lambda: isinstance(app.screen, DocumentScreen))
        await pilot.click(offset=(0, 0))
        await until(pilot, lambda: isinstance(app.screen, HealthScreen))
        await click_on(pilot, app, "#h-keys", "esc")
        await until(pilot, lambda: app.screen is app.main)
