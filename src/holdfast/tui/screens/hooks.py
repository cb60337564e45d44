"""Hooks on the whole screen."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.hooks import footer, headline, hook_detail, hook_rows, note_lines
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.listed import Keys, ListedScreen, Rows


class HooksScreen(ListedScreen):
    """Shows hooks in the order in which they act; what a person wants done goes to the controller."""

    PART = "hooks"
    PLACE = "hooks"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("hooks")]

    def headline(self, model: Model) -> Line:
        return headline(model.hooks, len(model.inbox), model.header.engine)

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        return hook_rows(model.hooks, self.words, width, now)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return hook_detail(model.hooks, current, now)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.hooks, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(model.hooks.hook(current), typing=typing)

    def wanted(self, model: Model) -> str:
        wanted, model.hooks.wanted = model.hooks.wanted, ""
        return wanted
