"""Skills on the whole screen."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import ClassVar

from textual.binding import BindingType

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.skills import footer, headline, note_lines, skill_detail, skill_rows
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.listed import Keys, ListedScreen, Rows


class SkillsScreen(ListedScreen):
    """Shows the skills that can be seen; what a person wants done goes to the controller."""

    PART = "skills"
    PLACE = "skills"
    CHOOSE = "read"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("skills")]

    def headline(self, model: Model) -> Line:
        return headline(model.skills, len(model.inbox), model.header.engine)

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        return skill_rows(model.skills, self.words, width)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return skill_detail(model.skills, current)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.skills, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(model.skills.skill(current), typing=typing)

    def wanted(self, model: Model) -> str:
        wanted, model.skills.wanted = model.skills.wanted, ""
        return wanted

    def look_at(self, current: str) -> None:
        if current and self.app.desk is not None:
            self.app.work(partial(self.app.desk.skills.look_at, current), "skills.look")
