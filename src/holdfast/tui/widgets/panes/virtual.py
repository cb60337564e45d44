"""A list of any length: only the rows that are visible are made and drawn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions

from holdfast.tui.keys import bindings

NEAR = 40
"""So many rows before the end more of them are asked for."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, before it is drawn."""

    id: str
    height: int = 1
    chosen: bool = True
    """Whether the cursor can stand on it; a heading is passed over."""


Draw = Callable[[int, int], Sequence[Content]]
"""Returns the lines of a row, by its number, for a width in cells."""


class VirtualList(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows with ids. The cursor keeps its row when the rows change."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("list")]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"virtual--cursor"}

    @dataclass
    class Selected(Message):
        """A row was chosen, with the key or the mouse."""

        row_id: str

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        row_id: str

    class EndNear(Message):
        """The last rows come into view: more are wanted, if there are more."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._numbers: dict[str, int] = {}
        self._ends: list[int] = []
        """The line behind each row."""
        self._draw: Draw = lambda number, width: ()
        self._made: dict[int, list[Strip]] = {}
        self._cursor: int | None = None

    def show(self, rows: Sequence[Row], draw: Draw, cursor: str | None = None) -> None:
        """Shows rows; `draw` makes the lines of those that are visible. The cursor stays on its row, or near;
        `cursor` names where it starts."""
        wanted = self.current or cursor
        self._draw = draw
        self._made.clear()
        self.set_class(not rows, "-empty")
        if rows != self._rows:
            self._rows = rows
            self._numbers = {row.id: number for number, row in enumerate(rows)}
            self._ends = list(accumulate(row.height for row in rows))
            self.virtual_size = Size(self.scrollable_content_region.width, self._ends[-1] if rows else 0)
        number = self._numbers.get(wanted or "", self._cursor or 0)
        self._cursor = self._nearest(min(number, len(rows) - 1)) if rows else None
        self.refresh()

    @property
    def current(self) -> str | None:
        """The id of the row under the cursor."""
        return (
            None if self._cursor is None or self._cursor >= len(self._rows) else self._rows[self._cursor].id
        )

    @property
    def ids(self) -> list[str]:
        """The ids of the rows that can be chosen, in their order."""
        return [row.id for row in self._rows if row.chosen]

    def go_to(self, row_id: str) -> None:
        """Puts the cursor on a row."""
        if row_id in self._numbers:
            self._move(self._numbers[row_id])

    def _nearest(self, number: int, step: int = 1) -> int | None:
        """Returns the number of the row that can be chosen from this one on, else on the other side."""
        for way in (step, -step):
            at = number
            while 0 <= at < len(self._rows):
                if self._rows[at].chosen:
                    return at
                at += way
        return None

    def _move(self, number: int, step: int = 1) -> None:
        if not self._rows:
            return
        found = self._nearest(max(0, min(number, len(self._rows) - 1)), step)
        if found is None:
            return
        moved, self._cursor = found != self._cursor, found
        top = self._ends[found] - self._rows[found].height
        first = 0 if found == self._nearest(0) else top  # the heading above the first row is shown with it
        self.scroll_to_region(
            Region(0, first, 1, self._ends[found] - first), animate=False, force=True, immediate=True
        )
        self.refresh()
        if moved:
            self.post_message(self.Moved(self._rows[found].id))
        if found + NEAR >= len(self._rows):
            self.post_message(self.EndNear())

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        if self._ends and new + 2 * self.size.height >= self._ends[-1]:
            self.post_message(self.EndNear())

    def on_resize(self) -> None:
        self._made.clear()

    def notify_style_update(self) -> None:
        """The theme's colours are in the rows that were made."""
        super().notify_style_update()
        self._made.clear()

    # --- keys and mouse

    def action_cursor_up(self) -> None:
        self._move((self._cursor or 0) - 1, -1)

    def action_cursor_down(self) -> None:
        self._move(0 if self._cursor is None else self._cursor + 1)

    def action_page_up(self) -> None:
        self._move(self._row_at(self._line() - self.size.height), -1)

    def action_page_down(self) -> None:
        self._move(self._row_at(self._line() + self.size.height))

    def action_first(self) -> None:
        self._move(0)

    def action_last(self) -> None:
        self._move(len(self._rows) - 1, -1)

    def action_select(self) -> None:
        if self.current is not None:
            self.post_message(self.Selected(self.current))

    def _line(self) -> int:
        return 0 if self._cursor is None else self._ends[self._cursor] - 1

    def _row_at(self, line: int) -> int:
        return bisect_right(self._ends, max(0, line))

    def on_click(self, event: events.Click) -> None:
        number = self._row_at(self.scroll_offset.y + event.y)
        if number < len(self._rows) and self._rows[number].chosen:
            event.stop()
            self._move(number)
            self.action_select()

    # --- drawing

    def render_line(self, y: int) -> Strip:
        width, line = self.scrollable_content_region.width, self.scroll_offset.y + y
        number = self._row_at(line)
        if number >= len(self._rows):
            return Strip.blank(width, self.visual_style.rich_style)
        at_cursor = number == self._cursor
        style = self.get_visual_style("virtual--cursor") if at_cursor else self.visual_style
        made = [self._strip(one, width, style) for one in self._draw(number, width)] if at_cursor else None
        strips = made if made is not None else self._strips(number, width)
        at = line - (self._ends[number] - self._rows[number].height)
        return strips[at] if at < len(strips) else Strip.blank(width, style.rich_style)

    def _strips(self, number: int, width: int) -> list[Strip]:
        if number not in self._made:
            if len(self._made) > 4 * max(1, self.size.height):
                self._made.clear()
            lines = self._draw(number, width)
            self._made[number] = [self._strip(one, width, self.visual_style) for one in lines]
        return self._made[number]

    def _strip(self, content: Content, width: int, style: Style) -> Strip:
        strips = content.render_strips(width, 1, style, RenderOptions(self._get_style, {}))
        strip = strips[0] if strips else Strip.blank(width, style.rich_style)
        return strip.extend_cell_length(width, style.rich_style).crop(0, width)
