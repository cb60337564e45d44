"""One agent as a form on the whole screen, and the editor of its script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Static, TextArea

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.choices import kind_choices
from holdfast.tui.presenters.details import (
    SNIPPETS,
    detail_lines,
    field_rows,
    footer,
    headline,
    mistake_lines,
    note_lines,
)
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.dialogs import key_hint
from holdfast.tui.screens.editing import TextScreen
from holdfast.tui.screens.listed import Keys, ListedScreen, Rows
from holdfast.tui.widgets.paint import paint_all

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp

CHECK_S = 0.3
"""A script is checked when nobody has typed for so long."""
Check = Callable[[str], Awaitable[list[tuple[int, str]]]]


class DetailsScreen(ListedScreen):
    """Shows the fields of an agent; what a person wants changed goes to the controller."""

    PART = "details"
    PLACE = "details"
    CHOOSE = "change"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("details")]

    def headline(self, model: Model) -> Line:
        return headline(model.details, model.header.engine)

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        return field_rows(model.details, self.words, width)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return detail_lines(model.details, current)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.details, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(model.details, current, typing=typing)

    def act(self, name: str, current: str) -> None:
        self.app.do(f"details.{name}", current)


class ScriptScreen(TextScreen):
    """Edits an agent's script; mistakes stand below it as it is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog", "editor", "script")]
    app: HoldfastApp

    def __init__(
        self, title: str, code: str, model: str, check: Check, save: Callable[[str], Awaitable[str]]
    ) -> None:
        """`check` returns the mistakes by their lines; `model` is named in what is put in."""
        super().__init__(title, code, save)
        self._model = model
        self._check = check
        self._mistakes: list[tuple[int, str]] = []
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield TextArea(
                self._text,
                id="arguments",
                compact=True,
                soft_wrap=False,
                show_line_numbers=True,
                tab_behavior="indent",
            )
            yield Static("", id="script-mistakes", markup=False)
            yield Static("", id="arguments-problem", markup=False)
            yield key_hint(
                ("editor.save", "save"),
                ("script.next", "next mistake"),
                ("script.put", "put in"),
                ("dialog.close", "leave it"),
            )

    def on_mount(self) -> None:
        super().on_mount()
        self.app.work(self._look, "script")

    def on_text_area_changed(self) -> None:
        super().on_text_area_changed()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(CHECK_S, partial(self.app.work, self._look, "script"))

    async def _look(self) -> None:
        text = self._area.text
        found = await self._check(text) if text.strip() else []
        if self.is_attached and text == self._area.text:
            self._mistakes = found
            lines = mistake_lines(found) if text.strip() else []
            self.query_one("#script-mistakes", Static).update(paint_all(lines))

    @property
    def _area(self) -> TextArea:
        return self.query_one("#arguments", TextArea)

    def action_next(self) -> None:
        """Goes to the next mistake, at last to the first again."""
        if not self._mistakes:
            self.app.bell()
            return
        here = self._area.cursor_location[0] + 1
        line = next((number for number, _ in self._mistakes if number > here), self._mistakes[0][0])
        self._area.move_cursor((min(line, self._area.document.line_count) - 1, 0))

    def action_put(self) -> None:
        """Lets the person choose a piece of code, and puts it in at the cursor."""
        self.app.work(self._put, "script put")

    async def _put(self) -> None:
        rows = kind_choices((name, name, about) for name, _, about in SNIPPETS)
        name = await self.app.dialogs.choose("Put what into the script?", rows)
        code = next((code for each, code, _ in SNIPPETS if each == name), "")
        self._area.insert(code.replace("{model}", self._model))
