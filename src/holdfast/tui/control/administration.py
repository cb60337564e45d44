"""Looking after the engine: settings, logs, health."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, get_args

from holdfast.core.domain.configuring import Setting, SettingsReport
from holdfast.core.domain.errors import HoldfastError, InvalidError
from holdfast.core.domain.logs import LogName
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.settings import APP, SettingsState, value_text

if TYPE_CHECKING:
    from holdfast.core.config.settings_file import SettingsFile
    from holdfast.tui.control.agents import AgentsControl
    from holdfast.tui.screens.health import HealthScreen
    from holdfast.tui.screens.logs import LogScreen
    from holdfast.tui.screens.settings import SettingsScreen

PAGE = 300
FEW = 6
"""Words that are so few are chosen; a truth value is changed at once."""


class AdministrationControl:
    """What an administrator sees and changes."""

    def __init__(self, context: Context, agents: AgentsControl) -> None:
        self._context = context
        self._agents = agents
        self._own: SettingsFile | None = None
        self.settings = SettingsState()

    @property
    def actions(self) -> dict[str, Callable[[str], Awaitable[None]]]:
        """What the commands do."""
        return {
            "settings": self.show_settings,
            "settings.edit": self.edit,
            "settings.reset": self.reset,
            "logs": self.show_log,
            "health": self.show_health,
        }

    # --- settings

    async def show_settings(self, key: str = "") -> None:
        """Opens the settings, the cursor on one of them if it is named."""
        from holdfast.tui.screens.settings import SettingsScreen  # start-up time: when it is opened

        app = self._context.app
        self.settings.wanted = key
        screen = next((one for one in app.screen_stack if isinstance(one, SettingsScreen)), None)
        if screen is None:
            screen = SettingsScreen(self)
            await app.push_screen(screen)
        await self.read(screen)

    async def read(self, screen: SettingsScreen) -> None:
        """Reads the settings and shows them; of an engine elsewhere, the app's own are this machine's."""
        app = self._context.app
        try:
            report = await self._context.workbench.engine.describe_settings(app.start.project or None)
            self.settings.report = await self._with_own(report)
            self.settings.error = ""
        except HoldfastError as error:
            self.settings.error = sanitize_line(error.message)
        screen.redraw()

    async def _with_own(self, report: SettingsReport) -> SettingsReport:
        own = self._own_file()
        if own is None:
            return report
        here = await asyncio.to_thread(own.report)
        mine = {one.key: one for one in here.settings if one.key.startswith(APP)}
        settings = tuple(mine.get(one.key, one) for one in report.settings if not one.key.startswith(APP))
        return report.model_copy(update={"settings": (*settings, *mine.values())})

    def _own_file(self) -> SettingsFile | None:
        remote = self._context.remote
        if self._own is None and remote is not None and remote.file is not None:
            self._own = remote.file()
        return self._own

    async def edit(self, key: str) -> None:
        """Lets the person change a setting; a value that cannot be is asked for again, with what is wrong."""
        setting = self.settings.get(key)
        if setting is None:
            return
        text, asked = value_text(setting.value), f"{key}: {setting.expected}"
        while (given := await self._ask(setting, asked, text)) is not None:
            try:
                changed = await self._set(key, given)
            except InvalidError as error:
                text, asked = given, error.message
                if setting.kind == "boolean" or setting.choices:
                    raise
                continue
            await self._took(changed)
            return

    async def _ask(self, setting: Setting, asked: str, text: str) -> str | None:
        dialogs = self._context.app.dialogs
        if setting.kind == "boolean":
            return "false" if setting.value is True else "true"
        if setting.choices:
            return await dialogs.choose_word(setting.key, setting.choices)
        return await dialogs.ask_or_none(asked, text)

    async def reset(self, key: str) -> None:
        """Takes a setting out of the user's file."""
        setting = self.settings.get(key)
        if setting is None:
            return
        if setting.source != "user":
            self._context.view.say(f"{key} is not in your settings file.")
            return
        own = self._own_file() if key.startswith(APP) else None
        if own is not None:
            changed = await asyncio.to_thread(own.unset, key)
        else:
            changed = await self._context.workbench.engine.unset_setting(key)
        await self._took(changed)

    async def _set(self, key: str, text: str) -> Setting:
        own = self._own_file() if key.startswith(APP) else None
        if own is not None:
            return await asyncio.to_thread(own.set, key, text)
        return await self._context.workbench.engine.set_setting(key, text)

    async def _took(self, changed: Setting) -> None:
        from holdfast.tui.screens.settings import SettingsScreen  # it is open

        await self._agents.read_settings()
        value = sanitize_line(value_text(changed.value)) or "nothing"
        self._context.view.say(f"{changed.key} is {value} now.")
        for screen in self._context.app.screen_stack:
            if isinstance(screen, SettingsScreen):
                await self.read(screen)

    # --- health

    async def show_health(self, _: str = "") -> None:
        """Opens the health screen, and checks."""
        from holdfast.tui.screens.health import HealthScreen  # start-up time: when it is opened

        app = self._context.app
        screen = next((one for one in app.screen_stack if isinstance(one, HealthScreen)), None)
        if screen is None:
            screen = HealthScreen(self)
            await app.push_screen(screen)
        await self.look(screen)
        await self.check(screen)

    async def look(self, screen: HealthScreen) -> None:
        """Reads how the engine does; that it does not answer is shown, too."""
        state = screen.state
        begun = time.monotonic()
        try:
            bench = self._context.workbench
            state.status = await bench.engine.status()
            state.asked_ms = (time.monotonic() - begun) * 1000
            state.health = await bench.engine.health()
            state.providers = await bench.models.providers()
            state.error = ""
        except HoldfastError as error:
            state.error = sanitize_line(error.message)
        screen.redraw()

    async def check(self, screen: HealthScreen) -> None:
        """Checks database, index, files and models."""
        await self._check(screen, repair=False)

    async def repair(self, screen: HealthScreen) -> None:
        """Repairs what can be repaired, when the person wants it."""
        question = "Make the index anew where it disagrees with the log, and files private?"
        if await self._context.app.dialogs.confirm(question, "repair"):
            await self._check(screen, repair=True)

    async def _check(self, screen: HealthScreen, *, repair: bool) -> None:
        state = screen.state
        state.checking = True
        screen.redraw()
        try:
            state.checks = await self._context.workbench.engine.check(repair)
            # A check tries how programs are confined; the status says it from then on.
            state.status = await self._context.workbench.engine.status()
        finally:
            state.checking = False
            screen.redraw()

    # --- logs

    async def show_log(self, name: str = "") -> None:
        """Opens a log. Raises `InvalidError` for one that there is not."""
        from holdfast.tui.screens.logs import LogScreen  # start-up time: when it is opened

        if name and name not in get_args(LogName):
            raise InvalidError(
                f"There is no log {sanitize_line(name)}; there are {', '.join(get_args(LogName))}."
            )
        app = self._context.app
        screen = next((one for one in app.screen_stack if isinstance(one, LogScreen)), None)
        if screen is None:
            screen = LogScreen(self)
            await app.push_screen(screen)
        screen.show_log(name or screen.state.name)

    async def read_log(self, screen: LogScreen) -> None:
        """Reads the end of the log that is wanted."""
        state = screen.state
        try:
            page = await self._context.workbench.engine.log(state.name, PAGE, state.level, state.words)
        except HoldfastError as error:
            state.error = sanitize_line(error.message)
            screen.redraw()
            return
        state.take_last(page)
        screen.redraw()

    async def older(self, screen: LogScreen) -> None:
        """Reads what is before the first line."""
        state = screen.state
        if state.before is None:
            return
        page = await self._context.workbench.engine.log(
            state.name, PAGE, state.level, state.words, before=state.before
        )
        state.take_older(page)
        screen.redraw(at_end=False)

    async def follow(self, screen: LogScreen) -> None:
        """Reads what was written since."""
        state = screen.state
        if not state.loaded or not self._context.connected:
            return
        page = await self._context.workbench.engine.log(
            state.name, PAGE, state.level, state.words, after=state.after
        )
        if state.take_newer(page):
            screen.redraw()
