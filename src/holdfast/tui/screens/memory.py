"""Memory on the whole screen: blocks that are put before models, entries that agents search for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual.binding import BindingType
from textual.widgets import Input

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.memory import (
    TABS,
    block_detail,
    block_row,
    counts,
    entry_detail,
    entry_row,
    footer,
    headline,
    note_lines,
)
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.listed import Keys, ListedScreen, Rows
from holdfast.tui.widgets.panes.rows import RowList

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


class MemoryScreen(ListedScreen):
    """Shows memory as the model has it; what a person wants done goes to the controllers."""

    PART = "memory"
    PLACE = "memory"
    TABS = TABS
    CHOOSE = "edit"
    PLACEHOLDER = "/ search"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("memory")]

    def on_mount(self) -> None:
        self.query_one("#l-words", Input).value = self.app.model.memory.query
        super().on_mount()

    def headline(self, model: Model) -> Line:
        return headline(len(model.inbox), model.header.engine)

    def counts(self, model: Model) -> Mapping[str, str]:
        return counts(model.memory)

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        self.query_one("#l-words", Input).display = self._tab == "entries"
        if self._tab == "blocks":
            return [(one.id, block_row(one, width)) for one in model.memory.blocks or []]
        return [(one.id, entry_row(one, width, now)) for one in model.memory.entries or []]

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        if self._tab == "blocks":
            return block_detail(model.memory.block(current), now)
        return entry_detail(model.memory.entry(current), now)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.memory, self._tab)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(self._tab, some=current is not None, typing=typing)

    def filter(self, words: str) -> None:
        if words != self.app.model.memory.query and self.app.desk is not None:
            self.app.work(partial(self.app.desk.memory.search, words), "memory.search")

    def look_at(self, current: str) -> None:
        state, at = self.app.model.memory, self.query_one("#l-list", RowList).highlighted
        if self._tab == "entries" and state.cursor and (at or 0) > len(state.entries or []) - NEAR_END:
            self.app.do("memory.more")

    def act(self, name: str, current: str) -> None:
        command = ACTIONS[self._tab].get(name)
        if command is not None and (name == "new" or current):
            self.app.do(command, "" if name == "new" else current)

    def action_words(self) -> None:
        self.action_tab("entries")
        super().action_words()
