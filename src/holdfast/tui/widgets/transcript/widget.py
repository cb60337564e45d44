"""The transcript widget: the column of rows in a scrolling window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.theme import Theme
from textual.timer import Timer
from textual.widget import Widget

from holdfast.tui.presenters.entries import Append, Change, Entry, Remove, Update
from holdfast.tui.widgets.transcript import highlight, pieces, styles
from holdfast.tui.widgets.transcript.block import key_of, place_of
from holdfast.tui.widgets.transcript.column import Column
from holdfast.tui.widgets.transcript.inline import LINK_META
from holdfast.tui.widgets.transcript.item import Item
from holdfast.tui.widgets.transcript.line import Paint
from holdfast.tui.widgets.transcript.markdown import parser
from holdfast.tui.widgets.transcript.search import Hit, Search, occurrences, words_of
from holdfast.tui.widgets.transcript.selection import paragraph_at, selected_text, word_at

TICK = 1 / 12
"""Seconds between two drawings of a growing reply."""
BURST_TICK = 1 / 20
"""The same while much text arrives."""
BURST = 300
"""Characters since the last drawing that make a burst."""
SHARE = 4
"""Time that passes at least between drawings, in times of what the last one took."""


def warm() -> None:
    """Loads what the first reply needs: the Markdown parser and a few lexers. For an idle moment or a
    thread; takes about 0.2 s."""
    parser()
    for language in highlight.COMMON:
        highlight.load(language)


class Transcript(ScrollView, can_focus=True):
    """Shows entries, follows the end while the reader is there, and keeps its place otherwise.

    It must have neither padding nor border of its own (Textual's selection is off there): give them to the
    container around it.
    """

    DEFAULT_CSS = """
    Transcript {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        width: 1fr;
        height: 1fr;
    }
    """

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

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._column = Column(Paint(Style(), self._get_style))
        self._following = True
        self._placing = False
        self._growing: dict[str, Item] = {}
        self._timer: Timer | None = None
        self._drawn_at = 0.0
        self._cost = 0.0
        self._arrived = 0
        self._asked_older = False
        self._cursor: str | None = None
        self._search: Search | None = None
        self._pressed: Offset | None = None

    # --- what the owner calls

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Shows these entries instead of all that were there, at their end."""
        self._growing.clear()
        self._column.fill(entries)
        self._cursor = None
        self._asked_older = False
        self._set_following(True)
        self._place()
        self.refresh()

    def clear(self) -> None:
        """Shows nothing."""
        self.set_entries([])

    def prepend(self, entries: Sequence[Entry]) -> None:
        """Adds older entries before the first, what is on the screen staying in place. An empty page says
        that there are no more: then none are asked for."""
        self._asked_older = not entries
        added = self._column.prepend(entries)
        self._place(top=round(self.scroll_y) + added)
        self.refresh()

    def apply(self, updates: Sequence[Update]) -> None:
        """Takes in updates. Growing text is drawn some times a second, everything else at once."""
        changed = False
        for update in updates:
            match update:
                case Append(entry):
                    self._column.append(entry)
                    changed = True
                case Change(entry):
                    changed |= self._change(entry)
                case Remove(id):
                    self._growing.pop(id, None)
                    self._column.remove(id)
                    changed = True
        if changed:
            self._draw(everything=True)
        elif self._growing:
            self._schedule()

    @property
    def following(self) -> bool:
        """Whether the view stays at the end when something is added."""
        return self._following

    def follow(self) -> None:
        """Goes to the end and stays there."""
        self._set_following(True)
        self._place()

    def scroll_to_entry(self, id: str) -> None:
        """Brings an entry to the top of the window; nothing happens for an unknown id."""
        item = self._column.get(id)
        if item is None:
            return
        self._set_following(False)
        self._place(top=self._column.heights.top(self._column.position(item)))
        # What lies before the entry may have been guessed wrong; now it is laid out where it is seen.
        self._place(top=self._column.heights.top(self._column.position(item)))
        self._note_following()

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
        if search is None:
            return False
        column = self._column
        items = [item for item in column.items if search.matches(item.entry)][::step]
        here = search.current
        if here is not None:
            at = place_of(here.key)[0]
        else:
            place = column.locate(round(self.scroll_y))
            at = column.items[place.item].number if place is not None else 0
        ahead = [item for item in items if item.number * step >= at * step]
        for number, item in enumerate([*ahead, *items]):
            hits = self._hits(item)[::step]
            if number == 0 and here is not None and item.number == at:
                hits = [h for h in hits if (h.key, h.start) != (here.key, here.start)]
                hits = [h for h in hits if ((h.key, h.start) > (here.key, here.start)) == (step > 0)]
            if hits:
                search.current = hits[0]
                self._show_hits()
                self._show_key(hits[0].key)
                return True
        return False

    def _hits(self, item: Item) -> list[Hit]:
        """Returns the hits in an item, which is opened when they are hidden in it."""
        search, column = self._search, self._column
        if search is None:
            return []
        for _ in range(2):
            column.make(item)
            hits = [
                Hit(block.key + number, at)
                for block in item.blocks
                for number, line in enumerate(block.read(column.width))
                for at in occurrences(line.content.plain, search.needle)
            ]
            if hits or not item.collapsed:
                return hits
            item.wish = False
            column.rebuild(item)
        return []

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

    # --- drawing

    @property
    def _window(self) -> Size:
        """The size of what is seen; a column at the right stays empty."""
        width, height = self.scrollable_content_region.size
        return Size(max(0, width - 1), height)

    def _change(self, entry: Entry) -> bool:
        """Takes over a changed entry; returns whether it must be drawn at once."""
        item = self._column.change(entry)
        if item is None:
            return False
        grows = entry.open and (entry.kind in ("reply", "reasoning") or entry.state == "running")
        # The first output of a call is drawn at once, what follows some times a second.
        at_once = not grows or (entry.kind == "tool" and not entry.text)
        self._growing[entry.id] = item
        if entry.chunks:
            self._arrived += len(entry.chunks[-1])
        return at_once

    def _schedule(self) -> None:
        """Draws now, or later when the last drawing was a moment ago; never twice for the same text."""
        if self._timer is not None:
            return
        tick = BURST_TICK if self._arrived > BURST else TICK
        wait = self._drawn_at + max(tick, SHARE * self._cost) - perf_counter()
        if wait <= 0:
            self._draw()
        else:
            self._timer = self.set_timer(wait, self._draw)

    def _draw(self, *, everything: bool = False) -> None:
        """Reads what has grown and puts it on the screen."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        begun = perf_counter()
        self._arrived = 0
        first = self._column.total
        for item in self._growing.values():
            first = min(first, self._column.grow(item))
        self._growing.clear()
        self._place(changed_from=None if everything else first)
        if everything:
            self.refresh()
        self._want_languages()
        self._drawn_at = perf_counter()
        self._cost = self._drawn_at - begun

    def _place(self, top: int | None = None, changed_from: int | None = None) -> None:
        """Lays out what the window shows, sets the scroll position and draws rows from `changed_from`."""
        width, height = self._window
        if not width or not height:
            return
        column = self._column
        self._take_colours()
        now = round(self.scroll_y)
        if width != column.width:
            now = column.resize(width, now)
            self.refresh()
        top = column.settle(now if top is None else top, height, at_end=self._following)
        self._placing = True
        try:
            if (width, column.total) != self.virtual_size:
                # Not by assignment: that would lay out the whole screen for each line of a reply.
                self.set_reactive(Widget.virtual_size, Size(width, column.total))
                self._scroll_update(self.virtual_size)
            if top != self.scroll_y:
                self.scroll_target_y = self.scroll_y = top
            elif changed_from is not None:
                self.refresh_lines(changed_from, max(1, top + height - changed_from))
        finally:
            self._placing = False
        if top < height and column.items and not self._asked_older:
            self._asked_older = True
            self.post_message(self.OlderNeeded(self))

    def _take_colours(self) -> None:
        """Takes the present colours; rows of other colours are forgotten."""
        base = self.visual_style
        if base == self._column.paint.base:
            return
        self._column.paint = Paint(base, self._resolver())
        self._column.repaint()
        self.refresh()

    def _resolver(self) -> Callable[[str | Style], Style]:
        known: dict[str, Style] = {}

        def resolve(style: str | Style) -> Style:
            if isinstance(style, Style):
                return style
            if style not in known:
                known[style] = self._get_style(style)
            return known[style]

        return resolve

    def _want_languages(self) -> None:
        """Loads lexers that code on the screen waits for, aside; then draws it in colours."""
        for language in highlight.wanted():
            self.run_worker(partial(self._load, language), thread=True, group=f"lexer-{language}")

    def _load(self, language: str) -> None:
        if highlight.load(language):
            self.app.call_from_thread(self._recolour)

    def _recolour(self) -> None:
        self._column.repaint()
        self._place()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base = self._column.paint.base.rich_style
        row = round(self.scroll_y) + y
        strip = self._column.row(row)
        if strip is None:
            return self._below_end(width)
        if self._cursor is not None and self.has_focus:
            strip = self._with_cursor(strip, row)
        return strip.adjust_cell_length(width, base)

    def _below_end(self, width: int) -> Strip:
        """A row under the last one: a drag that ends there selects to the end of the text."""
        column = self._column
        if not column.items:
            return Strip.blank(width, column.paint.base.rich_style)
        style = column.paint.base.rich_style_with_offset(0, key_of(column.items[-1].number + 1, 0, 0))
        return Strip([Segment(" " * width, style)], width)

    def _with_cursor(self, strip: Strip, row: int) -> Strip:
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

    def _top_of(self, item: Item) -> int:
        return self._column.heights.top(self._column.position(item))

    # --- scrolling

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._placing or round(old_value) == round(new_value):
            return
        # A window that has grown is scrolled by Textual; then it is at the end still.
        self._set_following(new_value >= self.max_scroll_y)
        self._place()
        self._note_following()

    def _scroll_to(self, *args: Any, **options: Any) -> bool:
        # Never animated: the animation would fight with the anchor while heights become exact.
        options["animate"] = False
        return super()._scroll_to(*args, **options)

    def _set_following(self, following: bool) -> None:
        if following != self._following:
            self._following = following
            self.post_message(self.FollowChanged(self, following))

    def _note_following(self) -> None:
        """Follows the end again when it has been reached."""
        if self.scroll_y >= self.max_scroll_y:
            self._set_following(True)

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
        self._cursor = item.entry.id
        self._show_item(item)

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
        item = self._column.get(self._cursor) if self._cursor is not None else None
        if item is not None:
            self.app.copy_to_clipboard(item.entry.text or words_of(item.entry))

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
        self._cursor = item.entry.id
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

    def on_resize(self, event: events.Resize) -> None:
        self._place()
        self.refresh()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._theme_changed)

    def _theme_changed(self, theme: Theme) -> None:
        self._column.paint = Paint(self.visual_style, self._resolver())
        self._column.repaint()
        self._place()
        self.refresh()
