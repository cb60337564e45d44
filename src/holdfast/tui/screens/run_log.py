"""The log of runs on the whole screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.style import Style

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.run_log import footer, headline, note_lines, row_line, titles
from holdfast.tui.presenters.run_report import report_lines
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.listed import Keys
from holdfast.tui.screens.long import LongScreen
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.panes.virtual import Row


class RunsScreen(LongScreen):
    """Shows the runs in the order that is wanted; pages are read as they come into view."""

    PART = "runs"
    PLACE = "runs"
    CHOOSE = "open"
    PLACEHOLDER = "/ words of the prompt, or an agent"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("runs")]

    def headline(self, model: Model) -> Line:
        return headline(model.run_log, len(model.inbox), model.header.engine)

    def places(self, model: Model) -> Sequence[Row]:
        return _places(model.run_log.total or 0)

    def line(self, model: Model, number: int, width: int, now: datetime) -> Line:
        page = model.run_log.missing(number)
        if page is not None:
            model.run_log.asked.add(page)
            self.app.do("runs.page", str(page))
        return row_line(model.run_log, number, width, now)

    def above(self, model: Model, width: int) -> Content:
        pieces = []
        for sort, _, looks in titles(model.run_log, width):
            piece = paint(looks)
            click = Style.from_meta({"@click": f"screen.sort({sort!r})"})
            pieces.append(piece.stylize(click) if sort else piece)
        return Content("").join(pieces)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        entry = model.run_log.named(current)
        if entry is None:
            return []
        report = model.run_log.reports.get(entry.id)
        if report is None:
            self.look_at(current or "")
        return report_lines(report, entry)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.run_log, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(model.run_log, model.run_log.named(current), typing=typing)

    def wanted(self, model: Model) -> str:
        wanted, model.run_log.wanted = model.run_log.wanted, ""
        return wanted

    def look_at(self, current: str) -> None:
        entry = self.app.model.run_log.named(current)
        if entry is not None and self.app.desk is not None:
            self.app.work(partial(self.app.desk.run_log.read, entry.id), "run in full")

    def filter(self, words: str) -> None:
        if self.app.desk is not None:
            self.app.work(partial(self.app.desk.run_log.find, words), "runs with words")

    def act(self, name: str, current: str) -> None:
        entry = self.app.model.run_log.named(current)
        about = name in ("open", "map", "logging")
        if not about or entry is not None:
            self.app.do(f"runs.{name}", entry.id if about and entry is not None else "")

    def action_sort(self, sort: str) -> None:
        """Sorts by the column whose title was clicked."""
        self.app.do("runs.sort", sort)


@lru_cache(maxsize=2)
def _places(total: int) -> tuple[Row, ...]:
    return tuple(Row(str(number)) for number in range(total))
