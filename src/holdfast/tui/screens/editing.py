"""A dialog for a text of many lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static, TextArea

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.spans import line
from holdfast.tui.screens.dialogs import Dialog, key_hint
from holdfast.tui.widgets.paint import paint


class TextScreen(Dialog[None]):
    """Edits a text; `save` says what is wrong with it, or nothing. Esc on a changed text asks once more."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog", "editor")]

    def __init__(self, title: str, text: str, save: Callable[[str], Awaitable[str]]) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._save = save
        self._asked = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield TextArea(self._text, id="arguments", compact=True, soft_wrap=True)
            yield Static("", id="arguments-problem", markup=False)
            yield key_hint(("editor.save", "save"), ("dialog.close", "leave it"))

    def on_mount(self) -> None:
        area = self.query_one("#arguments", TextArea)
        area.cursor_blink = False
        area.focus()
        area.move_cursor(area.document.end)

    async def action_save(self) -> None:
        text = self.query_one("#arguments", TextArea).text
        problem = await self._save(text)
        if problem:
            self._say(problem)
        else:
            self.dismiss()

    def action_leave(self) -> None:
        changed = self.query_one("#arguments", TextArea).text != self._text
        if changed and not self._asked:
            self._asked = True
            self._say("It is not saved: ctrl+s saves it, esc again leaves it.")
            return
        self.dismiss()

    def on_text_area_changed(self) -> None:
        self._asked = False

    def _say(self, text: str) -> None:
        self.query_one("#arguments-problem", Static).update(paint(line((text, "error"))))
