"""The transcript widget: reading, searching, copying, opening and closing by keyboard and mouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from holdfast.tui.presenters.entries import Entry
from holdfast.tui.presenters.passages import PassageView
from holdfast.tui.widgets.transcript import highlight, pieces, styles
from holdfast.tui.widgets.transcript.column import Column
from holdfast.tui.widgets.transcript.inline import LINK_META, SOURCE_META
from holdfast.tui.widgets.transcript.item import Item
from holdfast.tui.widgets.transcript.markdown import parser
from holdfast.tui.widgets.transcript.search import Search, words_of
from holdfast.tui.widgets.transcript.selection import paragraph_at, selected_text, word_at
from holdfast.tui.widgets.transcript.window import ColumnView

DIGITS_S = 0.7
"""After so long without another digit, the number of a citation is taken as it is."""


def warm() -> None:
    """Loads what the first reply needs: the Markdown parser and a few lexers. For an idle moment or a
    thread; takes about 0.2 s."""
    parser()
    for language in highlight.COMMON:
        highlight.load(language)


class Transcript(ColumnView, can_focus=True):
    """The entries of a session. What the owner calls is here and in `ColumnView`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "begin", "To the start", show=False),
        Binding("end", "follow", "To the end", show=False),
        Binding("left_square_bracket", "step(-1)", "Previous entry", show=False),
        Binding("right_square_bracket", "step(1)", "Next entry", show=False),
        Binding("space,enter", "activate", "Open or close", show=False),
        Binding("c", "copy", "Copy entry", show=False),
        *(Binding(digit, f"type_digit({digit!r})", "Open a source", show=False) for digit in "0123456789"),
    ]

    @dataclass
    class OlderNeeded(Message):
        """The reader is near the first entry: older ones are wanted, if there are any, by `prepend`."""

        transcript: Transcript

        @property
        def control(self) -> Transcript:
            return self.transcript

    @dataclass
    class FollowChanged(Message):
        """The view began or ceased to follow the end."""

        transcript: Transcript
        following: bool

        @property
        def control(self) -> Transcript:
            return self.transcript

    @dataclass
    class EntryActivated(Message):
        """An entry that cannot be opened or closed was clicked, or chosen with enter."""

        transcript: Transcript
        entry_id: str

        @property
        def control(self) -> Transcript:
            return self.transcript

    @dataclass
    class LinkActivated(Message):
        """A link was clicked. The address is what the model wrote: it may be anything."""

        transcript: Transcript
        url: str

        @property
        def control(self) -> Transcript:
            return self.transcript

    @dataclass
    class SourceActivated(Message):
        """A passage that a reply cites, or that a retrieval found, is to be opened."""

        transcript: Transcript
        passage: PassageView

        @property
        def control(self) -> Transcript:
            return self.transcript

    @dataclass
    class CursorMoved(Message):
        """The cursor stands on another entry."""

        transcript: Transcript
        entry_id: str

        @property
        def control(self) -> Transcript:
            return self.transcript

    @dataclass
    class NumberTyped(Message):
        """The passage of a number is to be opened; the entry at the cursor does not cite it."""

        transcript: Transcript
        number: int

        @property
        def control(self) -> Transcript:
            return self.transcript

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._cursor: str | None = None
        self._search: Search | None = None
        self._pressed: Offset | None = None
        self._typed = ""
        """Digits of a citation's number that may go on."""
        self._typing: Timer | None = None

    def set_entries(self, entries: Sequence[Entry]) -> None:
        self._cursor = None
        super().set_entries(entries)

    def follow_changed(self, following: bool) -> None:
        self.post_message(self.FollowChanged(self, following))

    def older_needed(self) -> None:
        self.post_message(self.OlderNeeded(self))

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

    def clear_search(self) -> None:
        """Takes the highlights away."""
        self._search = None
        self._show_hits()

    def _show_hits(self) -> None:
        search = self._search
        self._column.finder = search.marks if search is not None else None
        self._column.found = (search.needle, search.current) if search is not None else None
        self.refresh()

    def _step_hit(self, step: int) -> bool:
        search = self._search
        if search is None or not search.step(self._column, round(self.scroll_y), step):
            return False
        self._show_hits()
        if search.current is not None:
            self._show_key(search.current.key)
        return True

    def _show_key(self, key: int) -> None:
        """Scrolls so that a line is seen, a third of the window below its top."""
        for _ in range(3):
            row = self._column.row_of_key(key)
            if row is None:
                return
            top, height = round(self.scroll_y), self._window.height
            if top <= row < top + height:
                break
            self._set_following(False)
            self._place(top=max(0, row - height // 3))
        self._note_following()
        self.refresh()

    # --- moving

    def action_move(self, rows: int) -> None:
        self.scroll_to(y=self.scroll_y + rows, animate=False)

    def action_page(self, pages: int) -> None:
        self.scroll_to(y=self.scroll_y + pages * max(1, self._window.height - 1), animate=False)

    def action_begin(self) -> None:
        self.scroll_to(y=0, animate=False)

    def action_follow(self) -> None:
        self.follow()

    # --- the cursor

    def action_step(self, step: int) -> None:
        """Moves the cursor to the next or previous entry; first to one on the screen."""
        column = self._column
        if not column.items:
            return
        item = column.get(self._cursor) if self._cursor is not None else None
        if item is not None:
            position = column.position(item) + step
        else:
            row = round(self.scroll_y) + (self._window.height - 1 if step < 0 else 0)
            place = column.locate(min(row, column.total - 1))
            position = place.item if place is not None else 0
        item = column.items[max(0, min(position, len(column.items) - 1))]
        self._go_to(item)
        self._show_item(item)

    def _go_to(self, item: Item) -> None:
        if item.entry.id != self._cursor:
            self._cursor = item.entry.id
            self.post_message(self.CursorMoved(self, item.entry.id))

    def _show_item(self, item: Item) -> None:
        """Scrolls as little as needed to have the first rows of an item on the screen."""
        for _ in range(3):
            row, top, height = self._top_of(item), round(self.scroll_y), self._window.height
            if row < top:
                target = row
            elif row + min(item.height, height) > top + height:
                target = row + min(item.height, height) - height
            else:
                break
            self._set_following(False)
            self._place(top=target)
        self._note_following()
        self.refresh()

    def action_activate(self) -> None:
        item = self._column.get(self._cursor) if self._cursor is not None else None
        if item is not None:
            self._activate(item)

    def action_copy(self) -> None:
        """Copies what is selected, else the entry at the cursor: of messages the text as it was written."""
        if selected := self.screen.get_selected_text():
            self.app.copy_to_clipboard(selected)
            return
        item = self._column.get(self._cursor) if self._cursor is not None else None
        if item is not None:
            self.app.copy_to_clipboard(item.entry.text or words_of(item.entry))

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
        item = self._column.get(self._cursor) if self._cursor is not None else None
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

    def decorate(self, strip: Strip, row: int) -> Strip:
        """Draws the cursor's bar in the first cell of the rows of its entry."""
        if self._cursor is None or not self.has_focus:
            return strip
        found = self._column.block_at(row)
        segments = list(strip)
        if found is None or found[0].entry.id != self._cursor or not segments:
            return strip
        blank = found[1].gap and row == self._top_of(found[0]) and found[1] is found[0].blocks[0]
        if blank:
            return strip
        paint = self._column.paint
        style = segments[0].style
        cursor = (paint.base + paint.resolve(styles.CURSOR)).rich_style
        bar = Segment("▌", (style + cursor) if style is not None else cursor)
        return Strip([bar, *segments[1:]], strip.cell_length)

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
        self.refresh()
        if block.toggles or (item.entry.kind != "reply" and not pieces.toggles(item.entry)):
            self._activate(item)

    def _select(self, event: events.Click, at: Callable[[Column, Offset], Selection | None]) -> None:
        _, offset = self.screen.get_widget_and_offset_at(event.screen_x, event.screen_y)
        selection = at(self._column, offset) if offset is not None else None
        if selection is not None:
            self.screen.selections = {self: selection}

    def text_select_all(self) -> None:
        """Selecting everything is never meant by a double click; `ctrl+c` with `c` copies an entry."""

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        text = selected_text(self._column, selection)
        return (text, "\n") if text else None

    def selection_updated(self, selection: Selection | None) -> None:
        self._column.selection = selection
        self.refresh()
