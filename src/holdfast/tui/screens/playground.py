"""The playground on the whole screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.copying import copied
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.playground.screen import (
    TABS,
    copied_text,
    detail_lines,
    footer,
    headline,
    message_rows,
    note_lines,
)
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.listed import Keys, ListedScreen, Rows


class PlaygroundScreen(ListedScreen):
    """Shows a conversation as it is built; what a person wants done with it goes to the controller."""

    PART = "playground"
    PLACE = "playground"
    CHOOSE = "edit"
    TABS = TABS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("playground")]

    def headline(self, model: Model) -> Line:
        return headline(model.playground, len(model.inbox), model.header.engine)

    def counts(self, model: Model) -> Mapping[str, str]:
        return dict.fromkeys(TABS, "")

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        return message_rows(model.playground, self.words, width)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return detail_lines(model.playground, self._tab, now)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.playground, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(model.playground, self._tab, typing=typing)

    def wanted(self, model: Model) -> str:
        wanted, model.playground.wanted = model.playground.wanted, ""
        return wanted

    def act(self, name: str, current: str) -> None:
        if name == "copy":
            self._copy()
        else:
            self.app.do(f"playground.{name}", current)

    def action_press(self, name: str) -> None:
        if name == "after":
            self.action_turn(1)
        else:
            super().action_press(name)

    def _copy(self) -> None:
        text = copied_text(self.app.model.playground, self._tab)
        if text:
            self.app.copy_to_clipboard(text)
            self.app.notify(copied(text), timeout=2, markup=False)
