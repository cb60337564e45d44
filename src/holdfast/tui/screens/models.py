"""Models on the whole screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.models import (
    TABS,
    counts,
    detail_lines,
    footer,
    headline,
    model_rows,
    note_lines,
)
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.listed import Keys, ListedScreen, Rows


class ModelsScreen(ListedScreen):
    """Shows models and their prices; what a person wants done goes to the controller."""

    PART = "models"
    PLACE = "models"
    CHOOSE = "use"
    TABS = TABS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("models")]

    def headline(self, model: Model) -> Line:
        return headline(model.models, model.header.engine)

    def counts(self, model: Model) -> Mapping[str, str]:
        return counts(model.models)

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        return model_rows(model.models, self._tab, self.words, width)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return detail_lines(model.models, self._tab, current)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.models, self._tab, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(model.models, self._tab, typing=typing)

    def act(self, name: str, current: str) -> None:
        if name == "alpha" or self._tab in ("usable", "all"):
            super().act(name, current)

    def action_press(self, name: str) -> None:
        if name == "after":
            self.action_turn(1)
        else:
            super().action_press(name)
