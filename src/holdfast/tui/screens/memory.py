"""Memory on the whole screen: blocks that are put before models, entries that agents search for."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.memory import (
    TABS,
    MemoryState,
    block_detail,
    block_row,
    entry_detail,
    entry_row,
    footer,
    headline,
    note_lines,
)
from holdfast.tui.presenters.model import Model
from holdfast.tui.screens.tabbed import TabbedScreen
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint, paint_all
from holdfast.tui.widgets.panes.rows import Column, RowList, WordsInput
from holdfast.tui.widgets.strips import KeyBar, PlainLinks

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp

ACTIONS = {
    "blocks": {
        "new": "memory.new_block",
        "edit": "memory.edit_block",
        "options": "memory.options",
        "delete": "memory.delete_block",
    },
    "entries": {
        "new": "memory.new_entry",
        "edit": "memory.edit_entry",
        "tags": "memory.tags",
        "pin": "memory.pin",
        "delete": "memory.delete_entry",
    },
}
"""What the keys do on each tab."""
NEAR_END = 20


class MemoryScreen(TabbedScreen):
    """Shows memory as the model has it; what a person wants done goes to the controllers."""

    AUTO_FOCUS = "#m-list"
    PART = "memory"
    PLACE = "memory"
    """The place of the table of keys, for the palette."""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("memory")]
    app: HoldfastApp

    def __init__(self) -> None:
        super().__init__()
        self._tab = "blocks"

    def compose(self) -> ComposeResult:
        yield Static("", id="m-head", markup=False)
        with Horizontal(id="m-body"):
            with Column(id="m-left"):
                yield PlainLinks("", id="m-tabs", markup=False)
                yield WordsInput("#m-list", id="m-words")
                yield RowList(id="m-list")
                yield Static("", id="m-note", classes="pane-note", markup=False)
            yield LinesView(id="m-detail")
        yield from self.foot("m-keys")

    @property
    def _state(self) -> MemoryState:
        return self.app.model.memory

    # --- drawing

    def draw(self, parts: set[str], model: Model, now: datetime) -> None:
        if not parts & {"memory", "inbox", "header"} or not self.is_mounted:
            return
        state = model.memory
        self.query_one("#m-head", Static).update(paint(headline(len(model.inbox), model.header.engine)))
        if not parts & {"memory", "inbox"}:
            return
        self._draw_tabs(state)
        listing = self.query_one("#m-list", RowList)
        width = max(16, listing.scrollable_content_region.width - 1)
        if self._tab == "blocks":
            rows = [(one.id, paint_all(block_row(one, width))) for one in state.blocks or []]
        else:
            rows = [(one.id, paint_all(entry_row(one, width, now))) for one in state.entries or []]
        listing.show(rows)
        note = self.query_one("#m-note", Static)
        note.update(paint_all(note_lines(state, self._tab)))
        note.display = bool(note.content)
        self._describe()
        self._draw_keys()

    def _draw_keys(self) -> None:
        state = self._state
        some = bool(state.blocks if self._tab == "blocks" else state.entries)
        typing = self.query_one("#m-words", Input).has_focus
        self.query_one("#m-keys", KeyBar).show(footer(self._tab, some=some, typing=typing))

    def _draw_tabs(self, state: MemoryState) -> None:
        entries = f"{len(state.entries)}{'+' if state.cursor else ''}" if state.entries else ""
        pieces = self.tab_pieces({"blocks": str(len(state.blocks or []) or ""), "entries": entries})
        self.query_one("#m-tabs", PlainLinks).update(Content("   ").join(pieces))
        self.query_one("#m-words", Input).display = self._tab == "entries"

    def _describe(self) -> None:
        state, now = self._state, self.app.start.now()
        current = self.query_one("#m-list", RowList).current
        if self._tab == "blocks":
            lines = block_detail(state.block(current), now)
        else:
            lines = entry_detail(state.entry(current), now)
        self.query_one("#m-detail", LinesView).show(lines, (self._tab, current))

    # --- keys

    def on_descendant_focus(self) -> None:
        self._draw_keys()

    def action_back(self) -> None:
        """From the words or the text to the list, from there to the session."""
        listing = self.query_one("#m-list", RowList)
        if listing.has_focus:
            self.dismiss()
        else:
            self.set_focus(listing)

    def action_tab(self, tab: str) -> None:
        """Shows blocks or entries."""
        self._tab = tab
        self._redraw()
        self.set_focus(self.query_one("#m-list", RowList))

    def action_words(self) -> None:
        self.action_tab("entries")
        self.set_focus(self.query_one("#m-words", Input))

    def action_press(self, command: str) -> None:
        """Does what a key of the last line does."""
        if command in TABS:
            self.action_tab(command)
        elif command == "words":
            self.action_words()
        elif command == "back":
            self.action_back()
        elif command == "help":
            self.action_help()
        else:
            self.action_act(command)

    def action_act(self, name: str) -> None:
        """Lets a controller do what a key says to what is under the cursor."""
        command = ACTIONS[self._tab].get(name)
        current = self.query_one("#m-list", RowList).current or ""
        if command is not None and (name == "new" or current):
            self.app.do(command, "" if name == "new" else current)

    def action_help(self) -> None:
        self.app.dialogs.help("memory")

    # --- what is chosen

    @on(OptionList.OptionHighlighted)
    def _highlight(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._describe()
        state = self._state
        if (
            self._tab == "entries"
            and state.cursor
            and event.option_index > len(state.entries or []) - NEAR_END
        ):
            self.app.do("memory.more")

    @on(OptionList.OptionSelected)
    def _edit(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_act("edit")

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._state.query and self.app.desk is not None:
            self.app.work(partial(self.app.desk.memory.search, event.value), "memory.search")

    @on(Input.Submitted)
    def _go_to_list(self, event: Input.Submitted) -> None:
        event.stop()
        self.set_focus(self.query_one("#m-list", RowList))
