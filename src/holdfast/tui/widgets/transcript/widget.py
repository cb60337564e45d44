"""The transcript widget: reading, searching, copying, opening and closing by keyboard and mouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.selection import Selection
from textual.timer import Timer

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.entries import Entry
from holdfast.tui.presenters.jumps import JumpKind
from holdfast.tui.presenters.passages import PassageView
from holdfast.tui.widgets.transcript import highlight, pieces
from holdfast.tui.widgets.transcript.column import Column
from holdfast.tui.widgets.transcript.cursor import CursorView
from holdfast.tui.widgets.transcript.inline import LINK_META, SOURCE_META
from holdfast.tui.widgets.transcript.item import Item
from holdfast.tui.widgets.transcript.markdown import parser
from holdfast.tui.widgets.transcript.search import HitPlace, Search
from holdfast.tui.widgets.transcript.selection import paragraph_at, selected_text, word_at
from holdfast.tui.widgets.transcript.spots import Spot, code_at

DIGITS_S = 0.7
"""After so long without another digit, the number of a citation is taken as it is."""


def warm() -> None:
    """Loads what the first reply needs: the Markdown parser and a few lexers. For an idle moment or a
    thread; takes about 0.2 s."""
    parser()
    for language in highlight.COMMON:
        highlight.load(language)


class Transcript(CursorView, can_focus=True):
    """The entries of a session. What the owner calls is here, in `CursorView` and in `ColumnView`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("transcript")]

    @dataclass
    class _Message(Message):
        """What all messages of a transcript tell."""

        transcript: Transcript

        @property
        def control(self) -> Transcript:
            return self.transcript

    @dataclass
    class OlderNeeded(_Message):
        """The reader is near the first entry, or wants to be at the very first one: older ones are wanted, if
        there are any, by `prepend`."""

        all: bool
        """Whether all older ones are wanted; they are asked for page by page still."""

    @dataclass
    class FollowChanged(_Message):
        """The view began or ceased to follow the end."""

        following: bool

    @dataclass
    class EntryActivated(_Message):
        """An entry that cannot be opened or closed was clicked, or chosen with enter."""

        entry_id: str

    @dataclass
    class LinkActivated(_Message):
        """A link was clicked. The address is what the model wrote: it may be anything."""

        url: str

    @dataclass
    class SourceActivated(_Message):
        """A passage that a reply cites, or that a retrieval found, is to be opened."""

        passage: PassageView

    @dataclass
    class CursorMoved(_Message):
        """The cursor stands on another entry."""

        entry_id: str

    @dataclass
    class PictureWanted(_Message):
        """An image is seen that is not drawn yet: answer with `show_picture`."""

        blob: str
        columns: int

    @dataclass
    class EditWanted(_Message):
        """A person's message is to be edited, and sent once more."""

        entry_id: str

    @dataclass
    class NothingFurther(_Message):
        """A jump found nothing among the entries that are here; older ones may have it."""

        kind: JumpKind
        step: int

    @dataclass
    class NumberTyped(_Message):
        """The passage of a number is to be opened; the entry at the cursor does not cite it."""

        number: int

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._search: Search | None = None
        self._pressed: Offset | None = None
        self._typed = ""
        """Digits of a citation's number that may go on."""
        self._typing: Timer | None = None

    def set_entries(self, entries: Sequence[Entry]) -> None:
        self._cursor = None
        self._set_spot(None)
        super().set_entries(entries)

    def follow_changed(self, following: bool) -> None:
        self.post_message(self.FollowChanged(self, following))

    def older_needed(self, *, all: bool) -> None:
        self.post_message(self.OlderNeeded(self, all))

    def cursor_moved(self, entry_id: str) -> None:
        self.post_message(self.CursorMoved(self, entry_id))

    def picture_wanted(self, blob: str, columns: int) -> None:
        self.post_message(self.PictureWanted(self, blob, columns))

    def edit_wanted(self) -> None:
        if self._cursor is not None:
            self.post_message(self.EditWanted(self, self._cursor))

    def nothing_further(self, kind: JumpKind, step: int) -> None:
        self.post_message(self.NothingFurther(self, kind, step))

    # --- search

    def search(self, text: str) -> int:
        """Highlights `text` everywhere, whatever the case; returns how often the source of the entries has
        it, what is collapsed included. Go to the hits by `next_hit` and `previous_hit`."""
        if not text.strip():
            self.clear_search()
            return 0
        self._search = Search(text)
        self._show_hits()
        return sum(self._search.matches(item.entry) for item in self._column.items)

    def next_hit(self) -> bool:
        """Goes to the hit after the current one, round the end; returns whether there is one."""
        return self._step_hit(1)

    def previous_hit(self) -> bool:
        """Goes to the hit before the current one, round the start; returns whether there is one."""
        return self._step_hit(-1)

    def seek(self, text: str, row: int) -> HitPlace | None:
        """Highlights `text` and goes to the first hit from `row` on, else to the last before it; returns
        where that stands. Without a hit nothing moves."""
        self._search = Search(text)
        found = any(self._search.step(self._column, row, step, wrap=False) for step in (1, -1))
        self._show_hits()
        if found and self._search.current is not None:
            self._show_key(self._search.current.key)
        return self.hit_place

    def row_of_entry(self, entry_id: str) -> int:
        """Returns the row where an entry begins; 0 for an unknown one."""
        item = self._column.get(entry_id)
        return self._top_of(item) if item is not None else 0

    def next_hit_here(self, step: int) -> bool:
        """Goes to the hit after the current one, or before it, but not round the ends."""
        return self._step_hit(step, wrap=False)

    @property
    def hit_place(self) -> HitPlace | None:
        """Where the current hit stands."""
        return self._search.place(self._column) if self._search is not None else None

    def clear_search(self) -> None:
        """Takes the highlights away."""
        self._search = None
        self._show_hits()

    def _show_hits(self) -> None:
        search = self._search
        self._column.finder = search.marks if search is not None else None
        self._column.found = (search.needle, search.current) if search is not None else None
        self.refresh()

    def _step_hit(self, step: int, *, wrap: bool = True) -> bool:
        search = self._search
        if search is None or not search.step(self._column, round(self.scroll_y), step, wrap=wrap):
            return False
        self._show_hits()
        if search.current is not None:
            self._show_key(search.current.key)
        return True

    # --- moving

    def action_move(self, rows: int) -> None:
        self.scroll_to(y=self.scroll_y + rows, animate=False)

    def action_page(self, pages: int) -> None:
        self.scroll_to(y=self.scroll_y + pages * max(1, self._window.height - 1), animate=False)

    def action_begin(self) -> None:
        self.go_to_start()

    def action_follow(self) -> None:
        self.follow()

    # --- opening

    def action_activate(self) -> None:
        """Opens the link at the cursor, else opens or closes its entry."""
        item = self._item_at_cursor()
        if self._spot is not None and self._spot.kind == "link":
            self.post_message(self.LinkActivated(self, self._spot.text))
        elif item is not None:
            self._activate(item)

    # --- citations by number

    def action_type_digit(self, digit: str) -> None:
        """Takes a digit of a citation's number; opens the passage once no other number begins so."""
        if self._typing is not None:
            self._typing.stop()
        self._typed = (self._typed + digit)[-6:]
        begun = [number for number in self._sources() if str(number).startswith(self._typed)]
        if begun and begun != [int(self._typed)]:
            self._typing = self.set_timer(DIGITS_S, self._open_typed)
        else:
            self._open_typed()

    def _sources(self) -> Mapping[int, PassageView]:
        """What the numbers in the reply at the cursor stand for, else in the last reply on the screen."""
        item = self._item_at_cursor()
        if item is not None and item.entry.kind == "reply" and item.entry.sources:
            return item.entry.sources
        top, column = round(self.scroll_y), self._column
        last = column.locate(min(top + self._window.height, column.total) - 1)
        first = column.locate(top)
        if last is None or first is None:
            return {}
        for item in reversed(column.items[first.item : last.item + 1]):
            if item.entry.kind == "reply" and item.entry.sources:
                return item.entry.sources
        return {}

    def _open_typed(self) -> None:
        number, self._typed, self._typing = int(self._typed), "", None
        passage = self._sources().get(number)
        if passage is not None:
            self.post_message(self.SourceActivated(self, passage))
        else:
            self.post_message(self.NumberTyped(self, number))

    def _activate(self, item: Item) -> None:
        if not pieces.toggles(item.entry):
            self.post_message(self.EntryActivated(self, item.entry.id))
            return
        item.wish = not item.collapsed
        top = round(self.scroll_y)
        self._set_following(False)
        self._column.rebuild(item)
        self._place(top=top)
        self._note_following()
        self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    # --- the mouse and selection

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._pressed = event.offset

    def on_click(self, event: events.Click) -> None:
        # The base would select the whole transcript on a double click, all panes on a triple one.
        event.prevent_default()
        if event.chain == 2:
            self._select(event, word_at)
        elif event.chain > 2:
            self._select(event, paragraph_at)
        elif self._pressed == event.offset and event.button == 1:
            self._clicked(event)

    def _clicked(self, event: events.Click) -> None:
        url = event.style.meta.get(LINK_META)
        if isinstance(url, str):
            self.post_message(self.LinkActivated(self, url))
            return
        found = self._column.block_at(round(self.scroll_y) + event.y)
        if found is None:
            return
        item, block = found
        passage = item.entry.sources.get(event.style.meta.get(SOURCE_META, -1))
        if passage is not None:
            self.post_message(self.SourceActivated(self, passage))
            return
        self._go_to(item)
        self._set_spot(self._code_at(item, event))
        self.refresh()
        if block.toggles or (item.entry.kind != "reply" and not pieces.toggles(item.entry)):
            self._activate(item)

    def _code_at(self, item: Item, event: events.Click) -> Spot | None:
        offset = event.style.meta.get("offset")
        return code_at(self._column, item, offset[1]) if offset is not None else None

    def _select(self, event: events.Click, at: Callable[[Column, Offset], Selection | None]) -> None:
        _, offset = self.screen.get_widget_and_offset_at(event.screen_x, event.screen_y)
        selection = at(self._column, offset) if offset is not None else None
        if selection is not None:
            self.screen.selections = {self: selection}
            self.screen.post_message(events.TextSelected())

    def text_select_all(self) -> None:
        """Selecting everything is never meant by a double click; `ctrl+c` with `c` copies an entry."""

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        text = selected_text(self._column, selection)
        return (text, "\n") if text else None

    def selection_updated(self, selection: Selection | None) -> None:
        self._column.selection = selection
        self.refresh()
