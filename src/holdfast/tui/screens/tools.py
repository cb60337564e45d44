"""Tools on the whole screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual.binding import BindingType

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.spans import Line
from holdfast.tui.presenters.tools import TABS, counts, footer, headline, note_lines, tool_detail, tool_rows
from holdfast.tui.screens.listed import Keys, ListedScreen, Rows


class ToolsScreen(ListedScreen):
    """Shows the agent's tools, one's own and all; what a person wants done goes to the controller."""

    PART = "tools"
    PLACE = "tools"
    CHOOSE = "try"
    TABS = TABS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("tools")]

    def headline(self, model: Model) -> Line:
        return headline(model.tools, len(model.inbox), model.header.engine)

    def counts(self, model: Model) -> Mapping[str, str]:
        return counts(model.tools)

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        return tool_rows(model.tools, self._tab, self.words, width)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return tool_detail(model.tools, current)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.tools, self._tab, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(model.tools, current, typing=typing)

    def wanted(self, model: Model) -> str:
        wanted, model.tools.wanted = model.tools.wanted, ""
        given = {one.name for one in model.tools.given or []}
        if wanted and self._tab == "agent" and wanted not in given:
            self.call_after_refresh(self.action_tab, "yours")
            model.tools.wanted = wanted
        return wanted

    def look_at(self, current: str) -> None:
        if current and self.app.desk is not None:
            self.app.work(partial(self.app.desk.tools.look_at, current), "tools.look")

    def action_press(self, name: str) -> None:
        if name == "after":
            self.action_turn(1)
        else:
            super().action_press(name)
