"""A whole screen of one list of any length: only the rows that are visible are made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.listed import ListedScreen, Rows
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint, paint_all
from holdfast.tui.widgets.panes.rows import Column, WordsInput
from holdfast.tui.widgets.panes.virtual import Row, VirtualList
from holdfast.tui.widgets.strips import PlainLinks


class LongScreen(ListedScreen):
    """What is under the cursor stands beside the list where there is room for both, else below it."""

    DEFAULT_CSS = """
    LongScreen #l-body { layout: vertical; }
    LongScreen #l-left { max-width: 100%; width: 100%; height: 3fr; }
    LongScreen #l-detail { width: 100%; height: 2fr; border-top: solid $panel; }
    LongScreen #l-list { height: 1fr; margin: 0; }
    LongScreen #l-above { height: 1; }
    LongScreen.-wide #l-body { layout: horizontal; }
    LongScreen.-wide #l-left { width: 5fr; height: 1fr; }
    LongScreen.-wide #l-detail { width: 3fr; height: 1fr; border-top: none; border-left: solid $panel; }
    LongScreen.-short #l-detail { height: 1fr; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-slim"), (76, "-roomy"), (150, "-wide")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        yield Static("", id="l-head", markup=False)
        with Container(id="l-body"):
            with Column(id="l-left"):
                yield WordsInput("#l-list", id="l-words", placeholder=self.PLACEHOLDER)
                yield PlainLinks("", id="l-above", markup=False)
                yield VirtualList(id="l-list")
                yield Static("", id="l-note", classes="pane-note", markup=False)
            yield LinesView(id="l-detail")
        yield from self.foot("l-keys")

    # --- what a screen says

    def places(self, model: Model) -> Sequence[Row]:
        """Returns the rows; the same object while they are the same."""
        raise NotImplementedError

    def line(self, model: Model, number: int, width: int, now: datetime) -> Line:
        """Returns what a row says."""
        raise NotImplementedError

    def above(self, model: Model, width: int) -> Content:
        """Returns the line above the list; empty: there is none."""
        return Content("")

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        """All rows at once are never made."""
        raise NotImplementedError

    # --- drawing

    @property
    def listing(self) -> VirtualList:
        return self.query_one("#l-list", VirtualList)

    @property
    def current(self) -> str | None:
        return next((each.current for each in self.query(VirtualList)), None)

    def _draw_list(self, model: Model, now: datetime) -> None:
        listing, places = self.listing, self.places(model)
        width = max(16, listing.scrollable_content_region.width)
        above = self.write("#l-above", self.above(model, width))
        above.display = bool(above.content) and bool(places)
        listing.show(places, partial(self._row, model, now))
        if wanted := self.wanted(model):
            listing.go_to(wanted)
        note = self.write("#l-note", paint_all(self.notes(model, some=bool(places))))
        note.display = bool(note.content)
        self._describe()

    def _row(self, model: Model, now: datetime, number: int, width: int) -> Sequence[Content]:
        return (paint(self.line(model, number, width, now)),)

    def action_back(self) -> None:
        away = self.query_one("#l-words").has_focus or self.query_one("#l-detail").has_focus
        if away:
            self.set_focus(self.listing)
        else:
            self.dismiss()

    @on(VirtualList.Moved)
    def _moved(self, event: VirtualList.Moved) -> None:
        event.stop()
        self.look_at(event.row_id)
        self._describe()

    @on(VirtualList.EndNear)
    def _end(self, event: VirtualList.EndNear) -> None:
        event.stop()  # there are rows for all of it

    @on(VirtualList.Selected)
    def _selected(self, event: VirtualList.Selected) -> None:
        event.stop()
        if self.CHOOSE:
            self.act(self.CHOOSE, event.row_id)
