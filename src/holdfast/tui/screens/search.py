"""The search in all sessions, on the whole screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input, Static

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.search import parsed
from holdfast.tui.keys import bindings, foot
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.searching import SearchLine, count_line, note_lines, result_lines
from holdfast.tui.screens.modelled import ModelScreen
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.panes.rows import WordsInput
from holdfast.tui.widgets.panes.virtual import Row, VirtualList
from holdfast.tui.widgets.strips import KeyBar

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp


class SearchScreen(ModelScreen):
    """A field for words, and what was found below it, in groups."""

    app: HoldfastApp
    AUTO_FOCUS = "#search-words"
    PLACE = "search"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("search")]
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-narrow"), (120, "-wide")]  # noqa: RUF012 (Textual's)

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self._rows: Sequence[SearchLine] = ()
        self._shown = -1
        self._composed = False
        self._wanted: str | None = None
        """The words that enter was pressed for, until their hits are there."""

    def compose(self) -> ComposeResult:
        yield Static("Search all sessions", id="search-title", markup=False)
        yield WordsInput("#search-list", id="search-words", placeholder="words, agent:NAME, since:7d …")
        yield Static("", id="search-count", markup=False)
        yield VirtualList(id="search-list")
        yield LinesView(id="search-note")
        yield KeyBar(id="search-keys", action="screen.give")

    def on_mount(self) -> None:
        words = self.query_one("#search-words", Input)
        words.value = self._words
        words.cursor_position = len(self._words)
        keys = ("search.open", "search.archive", "search.back")
        self.query_one("#search-keys", KeyBar).show([foot(one) for one in keys])
        self._composed = True
        self.draw({"search"}, self.app.model, self.app.start.now())

    def draw(self, parts: set[str], model: Model, now: datetime) -> None:
        state = model.search
        if "search" not in parts or not self._composed:
            return
        if state.version != self._shown:
            self._shown = state.version
            self._rows = result_lines(state, now)
        found = self.query_one("#search-list", VirtualList)
        rows = [Row(row.id, chosen=row.place is not None) for row in self._rows]
        found.show(rows, partial(_draw, self._rows))
        found.display = bool(rows)
        note = self.query_one("#search-note", LinesView)
        lines = note_lines(state)
        note.display = bool(lines)
        note.show(lines)
        self.query_one("#search-count", Static).update(paint(count_line(state)))
        self._open_wanted()

    @on(Input.Changed, "#search-words")
    def _look(self, event: Input.Changed) -> None:
        event.stop()
        self._wanted = None
        self.app.do("search.words", event.value)

    @on(Input.Submitted, "#search-words")
    def _open_current(self, event: Input.Submitted) -> None:
        event.stop()
        self._wanted = event.value
        self._open_wanted()

    def _open_wanted(self) -> None:
        """Opens the first hit of the words that enter was pressed for, as soon as they were looked for."""
        state = self.app.model.search
        if self._wanted is None or state.busy or state.words != self._wanted:
            return
        self._wanted = None
        self.query_one("#search-list", VirtualList).action_select()

    @on(VirtualList.EndNear)
    def _more(self, event: VirtualList.EndNear) -> None:
        event.stop()
        self.app.do("search.more")

    @on(VirtualList.Selected)
    def _open(self, event: VirtualList.Selected) -> None:
        event.stop()
        place = next((row.place for row in self._rows if row.id == event.row_id), None)
        if place is None or self.app.desk is None:
            return
        words = first_word(self.app.model.search.words)
        self.dismiss()
        opening = partial(self.app.desk.sessions.open, place.session_id, place.event_id, words)
        self.app.work(opening, "open")

    def action_archive(self) -> None:
        self.app.do("search.archive")

    def action_words(self) -> None:
        self.query_one("#search-words", Input).focus()

    def action_back(self) -> None:
        self.dismiss()

    def action_give(self, name: str) -> None:
        """Does what a click on a key of the footer asks for."""
        if name == "archive":
            self.action_archive()
        elif name == "back":
            self.action_back()


def first_word(query: str) -> str:
    """Returns what of a query is marked in the transcript: its phrase, else its first word."""
    try:
        wanted = parsed(query)
    except InvalidError:
        return ""
    return next(iter((*wanted.phrases, *wanted.words)), "")


def _draw(rows: Sequence[SearchLine], number: int, width: int) -> Sequence[Content]:
    return [paint(one).truncate(width, ellipsis=True) for one in rows[number].lines]
