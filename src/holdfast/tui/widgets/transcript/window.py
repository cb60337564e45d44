"""A window on a column: what is drawn, when, and from which row on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

from rich.segment import Segment
from textual import events, on
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.style import Style
from textual.theme import Theme
from textual.timer import Timer
from textual.widget import Widget

from holdfast.tui.presenters.entries import Append, Change, Entry, ImageView, Remove, Update
from holdfast.tui.presenters.spans import Line as SpanLine
from holdfast.tui.widgets.transcript import highlight
from holdfast.tui.widgets.transcript.block import key_of, release
from holdfast.tui.widgets.transcript.column import Column
from holdfast.tui.widgets.transcript.item import Item
from holdfast.tui.widgets.transcript.line import Paint

TICK = 1 / 12
"""Seconds between two drawings of a growing reply."""
BURST_TICK = 1 / 20
"""The same while much text arrives."""
BURST = 300
"""Characters since the last drawing that make a burst."""
SHARE = 4
"""Time that passes at least between drawings, in times of what the last one took."""


class Bar(ScrollBar):
    """A scroll bar that lets go of what it has drawn before."""

    _drawn: Sequence[Strip] = ()

    def render_lines(self, crop: Region) -> list[Strip]:
        release(self._drawn)
        drawn = super().render_lines(crop)
        self._drawn = drawn
        return drawn


class ColumnView(ScrollView):
    """Draws a column of entries by lines, follows its end while the reader is there, and keeps the
    reader's place otherwise.

    It must have neither padding nor border of its own (Textual's selection is off there): give them to the
    container around it.
    """

    DEFAULT_CSS = """
    ColumnView {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        width: 1fr;
        height: 1fr;
    }
    """

    class LexerLoaded(Message):
        """Code can be drawn in colours now."""

        bubble = False

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._column = Column(Paint(Style(), self._get_style))
        self._following = True
        self._placing = False
        """Whether a change of the scroll position is our own."""
        self._growing: dict[str, Item] = {}
        """Items with changes that are not drawn."""
        self._timer: Timer | None = None
        self._drawn_at = 0.0
        self._cost = 0.0
        """Seconds that the last drawing took."""
        self._arrived = 0
        """Characters since the last drawing."""
        self._asked_older = False
        self._to_start = False
        """Whether the very first row is wanted, and older entries until there are no more."""

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        if self._vertical_scrollbar is None:
            bar = Bar(vertical=True, name="vertical", thickness=self.scrollbar_size_vertical)
            bar.display = False
            self._vertical_scrollbar = bar
            self.app._start_widget(self, bar)
        return self._vertical_scrollbar

    def follow_changed(self, following: bool) -> None:
        """Called when the view begins or ceases to follow the end."""

    def older_needed(self, *, all: bool) -> None:
        """Called, once for each page, when the reader is near the first entry, or wants `all` there are."""

    def picture_wanted(self, blob: str, columns: int) -> None:
        """Called when an image is seen that is not drawn: `show_picture` takes it."""

    def show_picture(self, blob: str, columns: int, lines: list[SpanLine]) -> None:
        """Shows an image that was wanted."""
        column = self._column
        column.looks.keep(blob, columns, lines)
        top = round(self.scroll_y)
        for item in column.items:
            if item.built and any(isinstance(v, ImageView) and v.blob == blob for v in item.entry.blocks):
                column.rebuild(item)
        self._place(top=top)
        self.refresh()

    def decorate(self, strip: Strip, row: int) -> Strip:
        """Returns the strip of a row as it is drawn."""
        return strip

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Shows these entries instead of all that were there, at their end."""
        self._growing.clear()
        self._column.fill(entries)
        self._asked_older = self._to_start = False
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
        top = round(self.scroll_y) + self._column.prepend(entries)
        if self._to_start and not entries:
            self._to_start, top = False, 0
        self._place(top=top)
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

    def go_to_start(self) -> None:
        """Goes to the first entry, and to the very first one once all older ones have come."""
        self._set_following(False)
        self._to_start = True
        self._place(top=0)
        self.refresh()

    def follow(self) -> None:
        """Goes to the end and stays there."""
        self._to_start = False
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
        self._load_lexers()
        for blob, columns in column.looks.take_wanted():
            self.picture_wanted(blob, columns)
        if (top < height or self._to_start) and column.items and not self._asked_older:
            self._asked_older = True
            self.older_needed(all=self._to_start)

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

    def _load_lexers(self) -> None:
        """Loads lexers that code on the screen waits for, aside; then it is drawn in colours."""
        for language in highlight.take_wanted():
            self.run_worker(partial(self._load, language), thread=True, group="lexers")

    def _load(self, language: str) -> None:
        if highlight.load(language):
            self.post_message(self.LexerLoaded())

    @on(LexerLoaded)
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
        return self.decorate(strip, row).adjust_cell_length(width, base)

    def _below_end(self, width: int) -> Strip:
        """A row under the last one: a drag that ends there selects to the end of the text."""
        column = self._column
        if not column.items:
            return Strip.blank(width, column.paint.base.rich_style)
        style = column.paint.base.rich_style_with_offset(0, key_of(column.items[-1].number + 1, 0, 0))
        return Strip([Segment(" " * width, style)], width)

    def _top_of(self, item: Item) -> int:
        return self._column.heights.top(self._column.position(item))

    # --- scrolling

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._placing or round(old_value) == round(new_value):
            return
        self._to_start = False
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
            self.follow_changed(following)

    def _note_following(self) -> None:
        """Follows the end again when it has been reached."""
        if self.scroll_y >= self.max_scroll_y:
            self._set_following(True)

    # --- life

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
