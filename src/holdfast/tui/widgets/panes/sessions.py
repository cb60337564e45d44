"""The sessions pane: search box and list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from holdfast.tui.keys import bindings, shown
from holdfast.tui.presenters.listing import ARCHIVES, Heading, Item, Listed, arranged, head_line
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.sessions import MARK, STAR, HitRow, SessionRow
from holdfast.tui.presenters.spans import line
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.panes.rows import WordsInput
from holdfast.tui.widgets.panes.virtual import Row, VirtualList

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
    _items: Sequence[Item] = ()
    _made_of: object = None
    """What the items were made of: while it is the same, so are they."""

    def compose(self) -> ComposeResult:
        yield Static("Sessions", id="session-title", classes="pane-title", markup=False)
        yield WordsInput(
            "#session-list", id="session-search", placeholder=f"{shown('sessions.search')} search"
        )
        yield VirtualList(id="session-list")
        yield Static("", id="session-note", classes="pane-note", markup=False)

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    @property
    def rows(self) -> VirtualList:
        return self.query_one("#session-list", VirtualList)

    @property
    def chosen(self) -> str | None:
        """The session under the cursor."""
        current = self.rows.current
        return None if current is None or current.startswith(HIT) else current

    @property
    def shown(self) -> list[str]:
        """The sessions that are listed, in their order."""
        return [item.id for item in self._items if isinstance(item, Listed)]

    def show(self, model: Model, now: datetime) -> None:
        """Shows the list as `model` has it."""
        self._arrange(model, now)
        items, hits = self._items, model.hits
        roomy = 2 * len(items) <= self.size.height - ABOVE and not hits
        height = 2 if roomy else 1
        rows = [
            Row(item.id, height) if isinstance(item, Listed) else Row(item.id, 1, chosen=False)
            for item in items
        ]
        rows += [Row(f"{HIT}{hit.session_id}:{hit.event_id}", 2) for hit in hits]
        self.rows.show(rows, partial(_draw, model, items, hits, now, roomy), model.session_id)
        first = next((item.id for item in items if isinstance(item, Listed)), None)
        if model.session_id not in (None, self._current) and not self.rows.has_focus:
            self.rows.go_to(model.session_id or "")  # what is done in the list is meant for what is open
        elif first and model.session_id is None and not self.has_focus_within:
            self.rows.go_to(first)  # what has just happened, here or elsewhere
        self._current = model.session_id
        title = head_line(model.session_counts, len(model.sessions.marked), model.archived)
        self.query_one("#session-title", Static).update(paint(title))
        note = self.query_one("#session-note", Static)
        note.update(_note(model, bool(rows)))
        note.display = bool(note.content)

    def _arrange(self, model: Model, now: datetime) -> None:
        """Puts the sessions into their order, unless nothing has changed: there may be many."""
        made_of = (
            *(model.sessions, model.sessions.version, model.session_id, model.query),
            *(model.archived, model.grouping, now.astimezone().date()),
        )
        if made_of != self._made_of:
            self._made_of = made_of
            states = model.sessions.states(model.session_id, model.query, model.archived)
            self._items = arranged(states, model.grouping, now)

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

    @on(VirtualList.Selected)
    def _choose(self, event: VirtualList.Selected) -> None:
        event.stop()
        if not event.row_id.startswith(HIT):
            self.post_message(self.Chosen(event.row_id))
            return
        session_id, _, event_id = event.row_id[len(HIT) :].rpartition(":")
        words = self.query_one("#session-search", Input).value
        self.post_message(self.Chosen(session_id, int(event_id), words))

    def go_down(self) -> None:
        """Moves the cursor to the next row."""
        self.rows.action_cursor_down()


def _draw(
    model: Model,
    items: Sequence[Item],
    hits: Sequence[HitRow],
    now: datetime,
    roomy: bool,
    number: int,
    width: int,
) -> Sequence[Content]:
    """Returns the lines of a row of the list."""
    if number >= len(items):
        return _hit(hits[number - len(items)])
    item = items[number]
    if isinstance(item, Heading):
        return (
            paint(line((item.text, "heading"), (f"  {item.count}", "muted"))).truncate(width, ellipsis=True),
        )
    return _row(model.sessions.row(item.state, now, model.session_id), item.prefix, width, roomy)


def _row(row: SessionRow, prefix: str, width: int, roomy: bool) -> Sequence[Content]:
    signs = [(prefix, "muted"), *([MARK, (" ", "")] if row.marked else []), row.glyph, (" ", "")]
    begin = paint((*signs, *([STAR, (" ", "")] if row.starred else [])))
    room = max(4, width - begin.cell_length - 1 - len(row.age))
    title = Content(row.title).truncate(room, ellipsis=True)
    style = "bold $primary" if row.current else "bold" if row.unread else ""
    title = title.stylize(style).pad_right(max(0, room - title.cell_length))
    first = Content.assemble(begin, title, " ", (row.age, "$foreground 60%"))
    if not roomy:
        return (first,)
    agent = Content(f"{row.agent} · copy" if row.forked else row.agent)
    below = Content.assemble(" " * (len(prefix) + 2), agent.stylize("$foreground 60%"))
    return first, below.truncate(width, ellipsis=True)


def _hit(hit: HitRow) -> Sequence[Content]:
    return Content.assemble(("› ", "$accent"), hit.title), Content.assemble("  ", paint(hit.excerpt))


def _note(model: Model, any_rows: bool) -> Content:
    if model.sessions_error:
        return paint(line((model.sessions_error, "error")))
    if not model.sessions.loaded:
        return paint(line(("Waiting for the engine…", "muted")))
    if any_rows:
        return Content("")
    if model.query:
        return paint(line(("Nothing is found.", "muted")))
    if model.archived != "no":
        return paint(line((f"Nothing is in {ARCHIVES['only']}.", "muted")))
    return paint(line(("No sessions yet.\nYour first message starts one.", "muted")))
