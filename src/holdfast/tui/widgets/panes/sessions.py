"""The sessions pane: search box and list."""

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
from textual.widgets import Input, OptionList, Static

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.sessions import HitRow, SessionRow
from holdfast.tui.presenters.spans import line
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.panes.rows import RowList, WordsInput

HIT = "hit:"
ABOVE = 3
"""Lines above the list. Where it has the room, a session's agent stands below its title."""


class SessionsPane(Vertical):
    """Lists sessions; says what a person wants done with them."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("sessions")]

    @dataclass
    class Chosen(Message):
        """A session, or a place in one, is to be opened."""

        session_id: str
        event_id: int | None = None
        words: str = ""

    class Resized(Message):
        """The rows have to be fitted to another width."""

    @dataclass
    class Searched(Message):
        """Other words are looked for; empty: all sessions."""

        words: str

    _current: str | None = None
    """The open session that was shown last."""

    def compose(self) -> ComposeResult:
        yield Static("Sessions", classes="pane-title", markup=False)
        yield WordsInput("#session-list", id="session-search")
        yield RowList(id="session-list")
        yield Static("", id="session-note", classes="pane-note", markup=False)

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    @property
    def rows(self) -> RowList:
        return self.query_one("#session-list", RowList)

    @property
    def chosen(self) -> str | None:
        """The session under the cursor."""
        current = self.rows.current
        return None if current is None or current.startswith(HIT) else current

    def show(self, model: Model, now: datetime) -> None:
        """Shows the list as `model` has it."""
        width = max(10, self.rows.scrollable_content_region.width - 2)
        found = model.sessions.rows(now, model.session_id, model.query)
        roomy = 2 * len(found) <= self.size.height - ABOVE and not model.hits
        rows = [(row.id, _row(row, width, roomy)) for row in found]
        rows += [(f"{HIT}{hit.session_id}:{hit.event_id}", _hit(hit)) for hit in model.hits]
        self.rows.show(rows, model.session_id)
        if model.session_id not in (None, self._current) and not self.rows.has_focus:
            self.rows.go_to(model.session_id or "")  # what is done in the list is meant for what is open
        elif rows and model.session_id is None and not self.has_focus_within:
            self.rows.go_to(rows[0][0])  # what has just happened, here or elsewhere
        self._current = model.session_id
        note = self.query_one("#session-note", Static)
        note.update(_note(model, bool(rows)))
        note.display = bool(note.content)

    def focus_list(self) -> None:
        self.rows.focus()

    def action_search(self) -> None:
        self.query_one("#session-search", Input).focus()

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Searched(event.value))

    @on(Input.Submitted)
    def _go_to_list(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_list()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        row_id = event.option_id or ""
        if not row_id.startswith(HIT):
            self.post_message(self.Chosen(row_id))
            return
        session_id, _, event_id = row_id[len(HIT) :].rpartition(":")
        words = self.query_one("#session-search", Input).value
        self.post_message(self.Chosen(session_id, int(event_id), words))


def _row(row: SessionRow, width: int, roomy: bool) -> Content:
    room = max(4, width - 3 - len(row.age))
    title = Content(row.title).truncate(room, ellipsis=True)
    title = title.stylize("bold $primary" if row.current else "").pad_right(max(0, room - title.cell_length))
    first = Content.assemble(paint((row.glyph,)), " ", title, " ", (row.age, "$foreground 60%"))
    if not roomy:
        return first
    agent = Content(f"{row.agent} · copy" if row.forked else row.agent).truncate(
        max(1, width - 2), ellipsis=True
    )
    return Content.assemble(first, "\n  ", agent.stylize("$foreground 60%"))


def _hit(hit: HitRow) -> Content:
    return Content.assemble(("› ", "$accent"), hit.title, "\n  ", paint(hit.excerpt))


def _note(model: Model, any_rows: bool) -> Content:
    if model.sessions_error:
        return paint(line((model.sessions_error, "error")))
    if not model.sessions.loaded:
        return paint(line(("Waiting for the engine…", "muted")))
    if any_rows:
        return Content("")
    text = "Nothing is found." if model.query else "No sessions yet.\nYour first message starts one."
    return paint(line((text, "muted")))
