"""Which themes there are, which one is shown, and what is remembered of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App

from holdfast.core.domain.text import sanitize_line
from holdfast.tui import state, themes

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.presenters.choices import Choice

CHECK_S = 2.0


class Theming:
    """The themes of one app."""

    def __init__(self, app: HoldfastApp, folders: list[Path], state_file: Path) -> None:
        self._app = app
        self._folders = folders
        self._file = state_file
        self.state = state.load(state_file)
        self._shelf = themes.ThemeShelf()
        self._stamp: object = None

    @property
    def names(self) -> tuple[str, ...]:
        """The themes that can be shown; none before the files were read."""
        return tuple(sorted(self._shelf.themes))

    def first(self) -> None:
        """Shows the theme of last time: before the app runs, without reading YAML.

        The reactive is set without its watcher: that one would parse every style sheet once more.
        """
        app, theme = self._app, themes.remembered(self.state.theme_data)
        app.register_theme(theme)
        app.set_reactive(App.theme, theme.name)
        app.stylesheet.set_variables(app.get_css_variables())

    async def watch(self) -> None:
        """Reads the theme files, and again whenever one is saved."""
        while True:
            stamp = await asyncio.to_thread(_stamp, self._folders)
            if stamp != self._stamp:
                self._stamp = stamp
                self._take(await asyncio.to_thread(themes.read, self._folders))
            await asyncio.sleep(CHECK_S)

    def _take(self, shelf: themes.ThemeShelf) -> None:
        self._shelf = shelf
        for data in shelf.themes.values():
            self._app.register_theme(themes.to_theme(data))
        for problem in shelf.problems:
            self._app.main.say_error(problem)
        current = self.state.theme
        if current in shelf.themes and shelf.themes[current] != (self.state.theme_data or themes.BUILT_IN):
            self.show(current)
        elif current not in shelf.themes:
            self.show("holdfast-dark")

    def prefer(self, name: str) -> None:
        """Shows the theme that the settings name; waits for the files when they are not read yet."""
        if self._shelf.themes:
            self.show(name)
        else:
            self.state.theme = name

    def show(self, name: str) -> None:
        """Shows a theme, and remembers it."""
        data = self._shelf.themes.get(name)
        if data is None:
            known = ", ".join(self.names)
            self._app.main.say_error(f"There is no theme {name}. There are: {known}.")
            return
        if self._app.theme == name:
            self._app.theme = "textual-dark"  # a theme that was edited is drawn only when the name changes
        self._app.theme = name
        self.state.theme, self.state.theme_data = name, data
        self.save()

    def save(self) -> None:
        """Writes what is remembered."""
        try:
            state.save(self._file, self.state)
        except OSError as error:
            self._app.log(f"cannot write {self._file}: {error}")

    async def choose(self) -> None:
        """Lets the person choose a theme."""
        name = await self._app.dialogs.choose("Theme", [_choice(d) for d in self._shelf.themes.values()])
        if name is not None:
            self.show(name)


def _choice(data: dict[str, Any]) -> Choice:
    from holdfast.tui.presenters.choices import Choice  # start-up time: after the first paint
    from holdfast.tui.presenters.spans import line

    name = sanitize_line(str(data["name"]))
    kind = "dark" if data.get("dark", True) else "light"
    colors = [line((f"{key:<12}", "muted"), str(value)) for key, value in data["colors"].items()]
    return Choice(str(data["name"]), line(name, (f"  {kind}", "muted")), colors, f"{name} {kind}")


def _stamp(folders: list[Path]) -> object:
    stamps = []
    for folder in folders:
        for path in sorted(folder.glob("*.y*ml")):
            try:
                stamps.append((path, path.stat().st_mtime_ns))
            except FileNotFoundError:
                continue  # deleted just now
    return stamps
