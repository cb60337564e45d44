"""The files pane: the session's workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.files import row_lines
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.spans import line
from holdfast.tui.widgets.paint import paint, paint_all
from holdfast.tui.widgets.panes.rows import RowList


class FilesPane(Vertical):
    """Lists files; says what a person wants done with them."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("files")]

    @dataclass
    class PreviewWanted(Message):
        path: str

    @dataclass
    class EditorWanted(Message):
        path: str

    _first: str | None = None

    def compose(self) -> ComposeResult:
        yield RowList(id="file-list")
        yield Static("", id="file-note", classes="pane-note", markup=False)

    def show(self, model: Model) -> None:
        """Shows the files as `model` has them."""
        rows = [(row.path, paint_all(row_lines(row))) for row in model.files or []]
        listing = self.query_one("#file-list", RowList)
        listing.show(rows)
        first = rows[0][0] if rows else None
        if first is not None and first != self._first and not listing.has_focus:
            listing.go_to(first)  # what has just been made or changed stands there
        self._first = first
        note = self.query_one("#file-note", Static)
        note.update(_note(model))
        note.display = not rows or bool(model.files_error)

    def focus_list(self) -> None:
        self.query_one("#file-list", RowList).focus()

    def action_edit(self) -> None:
        current = self.query_one("#file-list", RowList).current
        if current is not None:
            self.post_message(self.EditorWanted(current))

    @on(OptionList.OptionSelected)
    def _preview(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.PreviewWanted(event.option_id))


def _note(model: Model) -> Content:
    if model.files_error:
        return paint(line((model.files_error, "error")))
    if model.session_id is None:
        text = "Files of a session stand here once it has begun."
    elif model.files is None:
        text = "Reading the files…"
    else:
        text = "No files yet.\n\nWhat the agent makes appears here; @path in a message adds one of yours."
    return paint(line((text, "muted")))
