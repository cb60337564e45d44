"""The approvals pane: the inbox of all sessions, with the whole of the selected item below it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static

from holdfast.tui.keys import bindings, clicks
from holdfast.tui.presenters.batches import alike_counts, together
from holdfast.tui.presenters.inbox import detail, item_line, keys_block
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.spans import line
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint, paint_all
from holdfast.tui.widgets.panes.rows import RowList
from holdfast.tui.widgets.strips import Strip


class ApprovalsPane(Vertical):
    """Shows what waits; the keys act on the selected item."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("decide", "choice", "approvals")]

    @dataclass
    class Selected(Message):
        """Another item is under the cursor."""

        item_id: str

    @dataclass
    class WholeWanted(Message):
        """The item is to be shown on the whole screen."""

        item_id: str

    @dataclass
    class Marked(Message):
        """The item is to be decided with others, or no longer."""

        item_id: str

    def compose(self) -> ComposeResult:
        yield RowList(id="inbox-list")
        yield Static("", id="inbox-note", classes="pane-note", markup=False)
        yield LinesView(id="inbox-detail")
        yield Strip(id="inbox-keys")

    def show(self, model: Model, now: datetime) -> None:
        """Shows the inbox as `model` has it."""
        inbox = model.inbox
        titles = {item.id: model.sessions.title(item.session_id) for item in inbox.items}
        counts = alike_counts(inbox.items)
        marked = {item.id for item in inbox.marked}
        rows = [
            (item.id, paint_all(item_line(item, titles[item.id], now, item.id in marked, counts[item.id])))
            for item in inbox.items
        ]
        rows_view = self.query_one("#inbox-list", RowList)
        rows_view.show(rows)
        selected = inbox.selected
        view = self.query_one("#inbox-detail", LinesView)
        view.display = selected is not None
        if selected is not None:
            rows_view.go_to(selected.id)
            view.show(detail(selected, titles[selected.id], now), selected.id)
        confirming = selected is not None and model.confirming == selected.id
        keys = keys_block(selected, confirming, model.header.may_send, model.may_always, together(inbox))
        self.query_one("#inbox-keys", Strip).show(keys, clicks("decide"))
        note = self.query_one("#inbox-note", Static)
        note.update(_note(model))
        note.display = not rows

    def focus_list(self) -> None:
        self.query_one("#inbox-list", RowList).focus()

    def action_mark(self) -> None:
        """Marks the item under the cursor, or takes its mark away."""
        current = self.query_one("#inbox-list", RowList).current
        if current is not None:
            self.post_message(self.Marked(current))

    @on(OptionList.OptionHighlighted)
    def _select(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_id is not None and event.option_list.has_focus:
            self.post_message(self.Selected(event.option_id))

    @on(OptionList.OptionSelected)
    def _open(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.WholeWanted(event.option_id))


def _note(model: Model) -> Content:
    if model.inbox_error:
        return paint(line((model.inbox_error, "error")))
    if not model.inbox.loaded:
        return paint(line(("Waiting for the engine…", "muted")))
    text = "What an agent may not do on its own appears here, of every session, before it happens."
    return paint(line("Nothing waits for you.\n\n", (text, "muted")))
