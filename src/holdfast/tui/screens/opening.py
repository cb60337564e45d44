"""Opens dialogs and waits for what they give; controllers use these instead of the screens."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.commands import help_lines
from holdfast.tui.presenters.graphics import graphics_of
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.screens.dialogs import (
    ArgumentsScreen,
    AskScreen,
    ChooseScreen,
    ConfirmScreen,
    DocumentScreen,
    MarkdownScreen,
)
from holdfast.tui.screens.editing import TextScreen

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.presenters.forms.fields import Form, Raw
    from holdfast.tui.presenters.grids import Grid
    from holdfast.tui.presenters.inbox import Item
    from holdfast.tui.presenters.previews import FilePreview
    from holdfast.tui.screens.form import Take


class Dialogs:
    """The dialogs of one app. Those that wait must be called from a worker."""

    def __init__(self, app: HoldfastApp) -> None:
        self._app = app

    async def ask(self, question: str, value: str) -> str:
        """Asks for one line; returns "" when the person left it."""
        return await self.ask_or_none(question, value) or ""

    async def ask_or_none(self, question: str, value: str) -> str | None:
        """Asks for one line that may be empty; returns None when the person left it."""
        return await self._app.push_screen_wait(AskScreen(sanitize_line(question), sanitize_line(value)))

    async def ask_hidden(self, question: str) -> str | None:
        """Asks for a secret, which is not shown; returns None when the person left it."""
        return await self._app.push_screen_wait(AskScreen(sanitize_line(question), "", hidden=True))

    async def confirm(self, question: str, verb: str) -> bool:
        """Asks before something that cannot be taken back."""
        return await self._app.push_screen_wait(ConfirmScreen(sanitize_line(question), verb))

    async def choose(
        self,
        title: str,
        choices: list[Choice],
        preview: Callable[[str], None] | None = None,
        current: str = "",
    ) -> str | None:
        """Lets the person choose; returns None when they left it. `preview` is called with what the cursor,
        which begins at `current`, rests on."""
        return await self._app.push_screen_wait(ChooseScreen(sanitize_line(title), choices, preview, current))

    async def choose_word(self, title: str, words: tuple[str, ...]) -> str | None:
        """Lets the person choose one of a few words."""
        return await self.choose(title, [Choice(word, line(word), [line(word)], word) for word in words])

    async def pick(self, title: str, choices: list[Choice], picked: Iterable[str]) -> list[str] | None:
        """Lets the person pick several things; returns them in the order of `picked`, new ones behind.

        None when they left it."""
        from holdfast.tui.screens.picking import PickScreen  # start-up time: when something is picked

        screen = PickScreen(sanitize_line(title), choices, list(picked))
        return None if await self._app.push_screen_wait(screen) is None else screen.picked

    async def edit_arguments(self, item: Item, approve: Callable[[dict[str, Any]], Awaitable[str]]) -> None:
        """Lets the person edit the arguments of a call; `approve` returns what is wrong with them."""
        await self._app.push_screen_wait(ArgumentsScreen(item.label, item.arguments, approve))

    def help(self, place: str) -> None:
        """Shows the keys, those of `place` first, and the slash commands."""
        note = f"Holdfast {self._app.start.version}"
        self._app.push_screen(DocumentScreen("Help", note, help_lines(place)))

    def show_lines(self, title: str, note: str, lines: list[Line]) -> None:
        """Shows lines on the whole screen."""
        self._app.push_screen(DocumentScreen(title, note, lines))

    async def edit_text(self, title: str, text: str, save: Callable[[str], Awaitable[str]]) -> None:
        """Lets the person edit a text of many lines; `save` returns what is wrong with it."""
        await self._app.push_screen_wait(TextScreen(sanitize_line(title), text, save))

    def markdown(self, title: str, note: str, text: str) -> None:
        """Shows Markdown as it reads."""
        self._app.push_screen(MarkdownScreen(title, note, text))

    async def form(
        self,
        title: str,
        form: Form,
        verb: str,
        take: Take | None = None,
        *,
        about: Sequence[Line] = (),
        raw: dict[str, Raw] | None = None,
    ) -> dict[str, Any] | None:
        """Lets the person fill in a form; returns the object, None when they left it. `take` says what is
        wrong with it, and is awaited before the dialog closes."""
        from holdfast.tui.screens.form import FormScreen  # start-up time: when a form is opened

        screen = FormScreen(sanitize_line(title), form, verb, take, about=about, raw=raw)
        return await self._app.push_screen_wait(screen)

    def preview(self, preview: FilePreview, path: str) -> None:
        """Shows a file."""

        def edit() -> None:
            self._app.do("edit", path)

        if preview.grid is not None:
            self.tables(preview.title, preview.note, [preview.grid], edit)
        elif preview.image:
            self.picture(preview.title, preview.note, preview.image, edit)
        elif preview.markdown:
            self._app.push_screen(MarkdownScreen(preview.title, preview.note, preview.markdown, edit))
        else:
            self._app.push_screen(DocumentScreen(preview.title, preview.note, preview.lines, edit))

    def tables(
        self, title: str, note: str, grids: list[Grid], edit: Callable[[], None] | None = None
    ) -> None:
        """Shows tables, or charts of them."""
        from holdfast.tui.screens.table import TableScreen  # start-up time: when a table is opened

        self._app.push_screen(TableScreen(title, note, grids, edit))

    def picture(self, title: str, note: str, data: str, edit: Callable[[], None] | None = None) -> None:
        """Shows an image in base64."""
        from holdfast.tui.screens.picture import PictureScreen  # start-up time: when an image is opened

        graphics = graphics_of(self._app.model.images, os.environ)
        self._app.push_screen(PictureScreen(title, note, data, graphics, edit))

    def run_aside(self, command: list[str]) -> str:
        """Runs a program in the terminal, the app stepping aside; returns what went wrong, or nothing."""
        from textual.app import SuspendNotSupported  # only where an editor is opened

        try:
            with self._app.suspend():
                code = subprocess.run(command, check=False).returncode
        except SuspendNotSupported:
            return "This terminal cannot be handed to an editor."
        except OSError as error:
            return f"Cannot start {command[0]}: {error.strerror}; set EDITOR to a program that exists."
        return f"{command[0]} ended with status {code}." if code else ""
