"""The command palette: a field, and below it everything that fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.palette import Entry, Hit, row, search
from holdfast.tui.presenters.spans import line
from holdfast.tui.screens.dialogs import Dialog, key_hint
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.panes.rows import RowList


class PaletteScreen(Dialog["Entry | None"]):
    """Lets a person choose something to do or to go to; gives it, or None when it was left."""

    CLICK_BESIDE_LEAVES = True
    DEFAULT_CSS = """
    PaletteScreen { align: center top; }
    PaletteScreen .dialog { width: 100; max-width: 96%; height: auto; max-height: 90%; margin: 1 0 0 0; }
    PaletteScreen #palette-words { border: none; height: 1; padding: 0; margin: 0 0 1 0; }
    PaletteScreen #palette-rows { height: auto; max-height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog", "choose")]

    def __init__(self, entries: list[Entry], recent: Sequence[str]) -> None:
        super().__init__()
        self._entries = entries
        self._recent = recent
        self._searched: str | None = None
        self._hits: list[Hit] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Input(
                placeholder="What do you want to do?",
                id="palette-words",
                compact=True,
                select_on_focus=False,
            )
            yield RowList(id="palette-rows")
            yield Static("", id="palette-none", markup=False)
            yield key_hint(("list.choose", "do it"), ("choose.down", "move"), ("dialog.close", "close"))

    def on_mount(self) -> None:
        self.query_one("#palette-words").focus()
        self._search("")

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def add(self, entries: list[Entry]) -> None:
        """Shows other rows: what was read meanwhile is among them."""
        self._entries = entries
        words, self._searched = self._searched or "", None
        if self.is_mounted:
            self._search(words)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._search(event.value)

    def _search(self, words: str) -> None:
        if words == self._searched:
            return
        moved = self._searched != words
        self._searched = words
        self._hits = search(self._entries, words, self._recent)
        self._draw()
        rows = self.query_one("#palette-rows", RowList)
        if moved and self._hits:
            rows.highlighted = 0

    def _draw(self) -> None:
        rows = self.query_one("#palette-rows", RowList)
        width = max(20, rows.scrollable_content_region.width - 1)
        rows.show([(hit.entry.id, paint(row(hit, width))) for hit in self._hits])
        none = self.query_one("#palette-none", Static)
        none.display = not self._hits
        none.update(paint(line(("Nothing fits.", "muted"))))

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _choose(self) -> None:
        typed = self.query_one("#palette-words", Input).value
        if typed != self._searched:  # enter came with the last letters: the list is still the old one
            self._search(typed)
        current = self.query_one("#palette-rows", RowList).current
        found = next((hit.entry for hit in self._hits if hit.entry.id == current), None)
        if found is not None:
            self.dismiss(found)

    def action_move(self, step: int) -> None:
        rows = self.query_one("#palette-rows", RowList)
        if step > 0:
            rows.action_cursor_down()
        else:
            rows.action_cursor_up()
