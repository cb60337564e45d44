"""Several approvals at once: exactly which calls, each with its preview, then one key for all of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.batches import Batch, batch_keys, batch_lines, batch_row, batch_title
from holdfast.tui.presenters.diffs import DiffLayout
from holdfast.tui.presenters.inbox import Item
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.dialogs import key_hint
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.panes.rows import RowList

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a person decided for several calls."""

    key: str
    """y, n or r, as for one call."""
    items: tuple[Item, ...]


class BatchScreen(ModalScreen["Ruling | None"]):
    """Shows a batch; the keys act when it has been there for the time of the guard."""

    AUTO_FOCUS = "#batch-list"
    CSS = """
    BatchScreen { align: center middle; }
    #batch-list { height: auto; max-height: 35%; margin: 0 0 1 0; }
    #batch-detail { height: 1fr; }
    #batch-keys { height: auto; margin: 1 0 0 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("batch", "dialog")]
    app: HoldfastApp

    def __init__(self, batch: Batch, titles: dict[str, str], now: datetime, layout: DiffLayout) -> None:
        super().__init__()
        self._batch = batch
        self._titles = titles
        self._now = now
        self._layout: DiffLayout = layout
        self._starts: dict[str, int] = {}
        self._since = float("inf")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog whole"):
            yield Static("", id="batch-title", classes="dialog-title", markup=False)
            yield RowList(id="batch-list")
            yield LinesView(fitted=self._fitted, id="batch-detail")
            yield Static("", id="batch-keys", markup=False)
            yield key_hint(("↑↓", "which"), ("tab", "scroll the text"), ("dialog.close", "decide none"))

    def on_mount(self) -> None:
        self._since = time.monotonic()
        self._draw()

    def _fitted(self, width: int) -> list[Line]:
        lines, self._starts = batch_lines(self._batch, self._titles, self._now, width, self._layout)
        return lines

    def _draw(self) -> None:
        batch = self._batch
        rows = [(one.id, paint(batch_row(batch, one, self._titles.get(one.id, "")))) for one in batch.items]
        self.query_one("#batch-list", RowList).show(rows)
        self.query_one("#batch-title", Static).update(paint(batch_title(batch)))
        self.query_one("#batch-keys", Static).update(paint(batch_keys(batch)))
        self.query_one("#batch-detail", LinesView).show_fitted(self._fitted)

    @on(OptionList.OptionHighlighted)
    def _show_call(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        start = self._starts.get(event.option_id or "")
        if start is not None:
            self.query_one("#batch-detail", LinesView).go_to_line(start, lead=0)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()

    def action_pick(self) -> None:
        """Takes the call under the cursor out, or in again."""
        current = self.query_one("#batch-list", RowList).current
        if current is not None:
            self._batch.toggle(current)
            self._draw()

    def action_pick_all(self) -> None:
        self._batch.toggle_all()
        self._draw()

    def action_rule(self, key: str) -> None:
        """Decides what is chosen."""
        if not self.app.guard.admits(self._since, time.monotonic()):
            self.app.main.say("This has just opened: look at it, then press the key again.")
        elif self._batch.chosen:
            self.dismiss(Ruling(key, tuple(self._batch.wanted)))

    def action_leave(self) -> None:
        self.dismiss(None)
