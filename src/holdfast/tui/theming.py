"""Which themes there are, which one is shown, and what is remembered of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from holdfast.tui import state, themes
from holdfast.tui.terminal import terminal_of

if TYPE_CHECKING:
    from holdfast.core.config.settings import TuiSettings
    from holdfast.tui.app import HoldfastApp

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
        self._by_ground = {True: "holdfast-dark", False: "holdfast-light"}
        """The themes that `auto` shows on a dark and on a light background."""
        self._dark = True
        """Whether the terminal's background is, or was last time, dark."""
        self._told = False
        """Whether the terminal has said so."""

    @property
    def names(self) -> tuple[str, ...]:
        """The themes that can be shown; none before the files were read."""
        return tuple(sorted(self._shelf.themes))

    def first(self) -> None:
        """Shows the theme of last time: before the app runs, without reading YAML.

        The reactive is set without its watcher: that one would parse every style sheet once more.
        """
        app, theme = self._app, themes.remembered(self.state.theme_data)
        self._dark = theme.dark
        app.register_theme(theme)
        app.set_reactive(App.theme, theme.name)
        app.stylesheet.set_variables(app.get_css_variables())

    async def watch(self) -> None:
        """Reads the theme files, and again whenever one is saved."""
        self._follow()
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
        current = self._named(self.state.theme)
        if current in shelf.themes and shelf.themes[current] != (self.state.theme_data or themes.BUILT_IN):
            self.show(self.state.theme)
        elif current not in shelf.themes and not shelf.problems:
            self.show(themes.AUTO)

    def _named(self, theme: str) -> str:
        """Returns the theme to show for a name, which may be `auto`."""
        return self._by_ground[self._dark] if theme == themes.AUTO else theme

    def prefer(self, settings: TuiSettings) -> None:
        """Takes what the settings say; waits for the theme files when they are not read yet."""
        self._by_ground = {True: settings.theme_dark, False: settings.theme_light}
        wanted = settings.theme or self.state.theme
        if not self._shelf.themes:
            self.state.theme = wanted
            self._follow()
        elif wanted != self.state.theme or self._named(wanted) != self._app.theme:
            self.show(wanted)

    def take_background(self, dark: bool) -> None:
        """The terminal has said whether its background is dark, or that it has changed."""
        self._dark, self._told = dark, True
        follows = self.state.theme == themes.AUTO and bool(self._shelf.themes)
        if follows and self._named(themes.AUTO) != self._app.theme:
            self.show(themes.AUTO)

    def _follow(self) -> None:
        """Asks the terminal for its background, where that decides the theme."""
        terminal = terminal_of(self._app)
        if self.state.theme == themes.AUTO and terminal is not None:
            terminal.follow_background()

    def show(self, name: str) -> None:
        """Shows a theme, or with `auto` the one for the terminal's background, and remembers it."""
        data = self._shelf.themes.get(self._named(name))
        if data is None:
            known = ", ".join((themes.AUTO, *self.names))
            self._app.main.say_error(f"There is no theme {self._named(name)}. There are: {known}.")
            return
        self._draw(str(data["name"]))
        self.state.theme, self.state.theme_data = name, data
        self.save()
        self._follow()

    def _draw(self, name: str) -> None:
        if self._app.theme == name:
            self._app.theme = "textual-dark"  # a theme that was edited is drawn only when the name changes
        self._app.theme = name

    def preview(self, name: str) -> None:
        """Shows a theme without remembering it."""
        wanted = self._named(name)
        if wanted in self._shelf.themes and wanted != self._app.theme:
            self._draw(wanted)

    def save(self) -> None:
        """Writes what is remembered."""
        try:
            state.save(self._file, self.state)
        except OSError as error:
            self._app.log(f"cannot write {self._file}: {error}")

    async def choose(self) -> None:
        """Lets the person choose a theme; the app shows the one under the cursor meanwhile."""
        from holdfast.tui.presenters.choices import theme_choices  # start-up time: after the first paint

        before = self._app.theme
        dark = self._dark if self._told else None
        choices = theme_choices(self._shelf.themes.values(), self.state.theme, self._by_ground, dark)
        name = await self._app.dialogs.choose("Theme", choices, self.preview, self.state.theme)
        if name is not None:
            self.show(name)
        elif self._app.theme != before:
            self._draw(before)


def _stamp(folders: list[Path]) -> object:
    stamps = []
    for folder in folders:
        for path in sorted(folder.glob("*.y*ml")):
            try:
                found = path.stat()
            except FileNotFoundError:
                continue  # deleted just now
            stamps.append((path, found.st_mtime_ns, found.st_size))
    return stamps
