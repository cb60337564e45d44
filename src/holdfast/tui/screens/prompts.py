"""Prompts on the whole screen."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import ClassVar

from textual.binding import BindingType

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.prompts import footer, headline, note_lines, prompt_detail, prompt_rows
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.listed import Keys, ListedScreen, Rows


class PromptsScreen(ListedScreen):
    """Shows the prompts that the open session can see; what a person wants done goes to the controller."""

    PART = "prompts"
    PLACE = "prompts"
    CHOOSE = "use"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("prompts")]

    def headline(self, model: Model) -> Line:
        return headline(model.prompts, len(model.inbox), model.header.engine)

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        return prompt_rows(model.prompts, self.words, width)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return prompt_detail(model.prompts, current)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.prompts, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(model.prompts.prompt(current), typing=typing)

    def wanted(self, model: Model) -> str:
        wanted, model.prompts.wanted = model.prompts.wanted, ""
        return wanted

    def look_at(self, current: str) -> None:
        if current and self.app.desk is not None:
            self.app.work(partial(self.app.desk.prompts.look_at, current), "prompts.look")

    def act(self, name: str, current: str) -> None:
        if current and name == "use":
            self.dismiss()
            self.app.do("prompt", current)
        else:
            super().act(name, current)
