"""A whole screen of one list: a filter above it, what is under the cursor beside it, the keys below."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.tabbed import TabbedScreen
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint, paint_all
from holdfast.tui.widgets.panes.rows import Column, RowList, WordsInput
from holdfast.tui.widgets.strips import KeyBar, PlainLinks

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp

Rows = list[tuple[str, tuple[Line, ...]]]
"""Ids with their lines."""
Keys = list[tuple[str, str, str]]
"""Key, label and name of each."""


class ListedScreen(TabbedScreen):
    """Shows a list as the model has it. A screen of it says what there is, and what its keys do."""

    DEFAULT_CSS = """
    ListedScreen { layers: base top; }
    #l-head, #l-keys { height: 1; padding: 0 1; background: $panel; }
    #l-head { text-overflow: ellipsis; text-wrap: nowrap; }
    #l-body { height: 1fr; }
    #l-left { width: 1fr; max-width: 64; height: 1fr; padding: 0 1; background: $surface; }
    #l-tabs { height: 1; }
    #l-words { height: 1; margin: 1 0 0 0; padding: 0 1; border: none; }
    #l-words:focus { background: $boost; }
    #l-list { margin: 1 0 0 0; }
    #l-detail { width: 1fr; height: 1fr; padding: 0 1; }
    ListedScreen.-short #l-list, ListedScreen.-short #l-words { margin: 0; }
    ListedScreen.-short #l-note { padding: 0; }
    ListedScreen.-slim #l-body { layout: vertical; }
    ListedScreen.-slim #l-left { max-width: 100%; }
    ListedScreen.-slim #l-detail { border-top: solid $panel; }
    """
    AUTO_FOCUS = "#l-list"
    CHOOSE: ClassVar[str] = ""
    """The key of the table whose work enter does, too."""
    PLACEHOLDER: ClassVar[str] = "/ filter"
    app: HoldfastApp

    def __init__(self) -> None:
        super().__init__()
        self._tab = self.TABS[0] if self.TABS else ""
        self._words = ""

    def compose(self) -> ComposeResult:
        yield Static("", id="l-head", markup=False)
        with Horizontal(id="l-body"):
            with Column(id="l-left"):
                yield PlainLinks("", id="l-tabs", markup=False)
                yield WordsInput("#l-list", id="l-words", placeholder=self.PLACEHOLDER)
                yield RowList(id="l-list")
                yield Static("", id="l-note", classes="pane-note", markup=False)
            yield LinesView(id="l-detail")
        yield from self.foot("l-keys")

    # --- what a screen says

    def headline(self, model: Model) -> Line:
        """Returns the first line."""
        raise NotImplementedError

    def counts(self, model: Model) -> Mapping[str, str]:
        """Returns the tabs, each with how much it has."""
        return {}

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        """Returns the rows that fit the tab and the words."""
        raise NotImplementedError

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        """Returns all that is known of what is under the cursor."""
        raise NotImplementedError

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        """Returns what stands below the list, above all where that is empty; `some`: it is not."""
        raise NotImplementedError

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        """Returns the keys, the most useful here first."""
        raise NotImplementedError

    def act(self, name: str, current: str) -> None:
        """Does what a key says to what is under the cursor."""
        if current or name == "new":
            self.app.do(f"{self.PLACE}.{name}", current if name != "new" else "")

    def wanted(self, model: Model) -> str:
        """Returns where the cursor is to go now, once; empty: it stays."""
        return ""

    def look_at(self, current: str) -> None:
        """Is told what the cursor came to: what is known of it may be read now."""

    def filter(self, words: str) -> None:
        """Is told what is filtered by from now on."""
        self._redraw()

    # --- drawing

    def draw(self, parts: set[str], model: Model, now: datetime) -> None:
        if not parts & {self.PART, "inbox", "header"} or not self.is_mounted:
            return
        self.write("#l-head", paint(self.headline(model)))
        if self.PART in parts:
            self._draw_list(model, now)

    def _draw_list(self, model: Model, now: datetime) -> None:
        tabs = self.write("#l-tabs", Content("   ").join(self.tab_pieces(self.counts(model))))
        tabs.display = bool(self.TABS)
        listing = self.query_one("#l-list", RowList)
        width = max(16, listing.scrollable_content_region.width - 1)
        rows = self.rows(model, width, now)
        listing.show([(key, paint_all(lines)) for key, lines in rows])
        if wanted := self.wanted(model):
            listing.go_to(wanted)
        note = self.write("#l-note", paint_all(self.notes(model, some=bool(rows))))
        note.display = bool(note.content)
        self._describe()

    def _describe(self) -> None:
        model, detail = self.app.model, self.query_one("#l-detail", LinesView)
        width = max(20, detail.scrollable_content_region.width)
        lines = self.detail(model, self.current, width, self.app.start.now())
        detail.show(lines, (self._tab, self.current))
        self._draw_keys()

    def _draw_keys(self) -> None:
        typing = self.query_one("#l-words", Input).has_focus
        self.query_one("#l-keys", KeyBar).show(self.footer(self.app.model, self.current, typing=typing))

    @property
    def current(self) -> str | None:
        """The id of what is under the cursor."""
        return self.query_one("#l-list", RowList).current

    @property
    def words(self) -> list[str]:
        """What is filtered by, to be compared with texts without case."""
        return self._words.casefold().split()

    # --- keys

    def on_descendant_focus(self) -> None:
        self._draw_keys()

    def action_back(self) -> None:
        """From the words or the text to the list, from there to the session."""
        listing = self.query_one("#l-list", RowList)
        if listing.has_focus:
            self.dismiss()
        else:
            self.set_focus(listing)

    def action_tab(self, tab: str) -> None:
        """Shows another list."""
        self._tab = tab
        self._redraw()
        self.set_focus(self.query_one("#l-list"))

    def action_turn(self, step: int) -> None:
        """Shows the list before or after."""
        if self.TABS:
            self.action_tab(self.TABS[(self.TABS.index(self._tab) + step) % len(self.TABS)])

    def action_words(self) -> None:
        self.set_focus(self.query_one("#l-words", Input))

    def action_act(self, name: str) -> None:
        self.act(name, self.current or "")

    @on(OptionList.OptionHighlighted)
    def _look(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.look_at(event.option_id or "")
        self._describe()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.CHOOSE:
            self.act(self.CHOOSE, event.option_id or "")

    @on(Input.Changed, "#l-words")
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._words:
            self._words = event.value
            self.filter(event.value)

    @on(Input.Submitted, "#l-words")
    def _go_to_list(self, event: Input.Submitted) -> None:
        event.stop()
        self.set_focus(self.query_one("#l-list"))
