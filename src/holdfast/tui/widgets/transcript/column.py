"""All entries as one column of rows, of which only what is seen is ever made. Pure: no widget, no app.

Heights of what was not seen yet are guesses. Whenever something is laid out and its guess was wrong, the
caller's window is moved so that its first row stays where it is: that row is the anchor.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from textual.selection import Selection
from textual.strip import Strip

from holdfast.tui.presenters.entries import Entry
from holdfast.tui.widgets.transcript import styles
from holdfast.tui.widgets.transcript.block import Block, place_of
from holdfast.tui.widgets.transcript.index import Heights
from holdfast.tui.widgets.transcript.item import Item
from holdfast.tui.widgets.transcript.line import Line, Mark, Paint
from holdfast.tui.widgets.transcript.looks import Looks

MAX_ROWS = 1_500
"""Rows that are kept, seen last first; more only where a window needs them."""
MAX_ITEMS = 400
"""Entries whose blocks are kept at most."""
_QUEUED = 1 << 40
"""Numbers of queued messages begin here: they stay behind everything."""


class Place(NamedTuple):
    """A row by what stands there: position of the item, of its block, row in the block."""

    item: int
    block: int
    row: int


class Link(NamedTuple):
    """Where a link stands: the key of its line, and its characters."""

    key: int
    start: int
    end: int


_number = attrgetter("number")

Finder = Callable[[int, Line], Sequence[Mark]]


class Column:
    """Entries in order, with rows by number from 0."""

    def __init__(self, paint: Paint, width: int = 80) -> None:
        self.paint = paint
        self.width = width
        self.looks = Looks()
        self.items: list[Item] = []
        self.heights = Heights()
        self.selection: Selection | None = None
        self.finder: Finder | None = None
        """Gives search hits in a line."""
        self.found: object = None
        """Stands for what `finder` gives: changes when that changes."""
        self.link: Link | None = None
        """The link that the cursor stands on."""
        self._by_id: dict[str, Item] = {}
        self._next = 0
        self._previous = -1
        self._next_queued = _QUEUED
        self._seen: OrderedDict[Block, None] = OrderedDict()
        self._used: OrderedDict[Item, None] = OrderedDict()

    # --- entries

    @property
    def total(self) -> int:
        """Rows in all."""
        return self.heights.total

    def get(self, id: str) -> Item | None:
        return self._by_id.get(id)

    def position(self, item: Item) -> int:
        """Returns where `item` stands."""
        return bisect_left(self.items, item.number, key=_number)

    def clear(self) -> None:
        self.repaint()
        self.items.clear()
        self.heights = Heights()
        self._by_id.clear()
        self._seen.clear()
        self._used.clear()

    def fill(self, entries: Iterable[Entry]) -> None:
        """Takes these entries instead of all that are there."""
        self.clear()
        known = {entry.id: entry for entry in entries}
        ordered = sorted(known.values(), key=lambda entry: entry.kind == "queued")
        before: Item | None = None
        for entry in ordered:
            item = Item(entry, self._take_number(entry), self.looks)
            item.gap = item.stands_apart(before)
            item.guess(self.width)
            self.items.append(item)
            self._by_id[entry.id] = item
            before = item
        self.heights = Heights(item.height for item in self.items)

    def append(self, entry: Entry) -> None:
        """Adds an entry at the end; queued messages stay behind it. A known id is a change."""
        known = self.change(entry)
        if known is not None:
            self.grow(known)
            return
        item = Item(entry, self._take_number(entry), self.looks)
        self._insert(self.position(item), item)

    def prepend(self, entries: Sequence[Entry]) -> int:
        """Adds older entries before the first; returns the rows that were added. Queued ones are left out:
        what became of them stands in a newer page."""
        before = self.total
        new = [e for e in entries if e.kind != "queued" and e.id not in self._by_id]
        items = [Item(entry, self._previous - len(new) + 1 + n, self.looks) for n, entry in enumerate(new)]
        self._previous -= len(new)
        for item in items:
            self._by_id[item.entry.id] = item
        self.items[:0] = items
        self._set_gaps(range(len(items) + 1))
        for item in items:
            item.guess(self.width)
        self.heights = Heights(item.height for item in self.items)
        return self.total - before

    def change(self, entry: Entry) -> Item | None:
        """Takes over a changed entry, to be read by `grow`; returns its item, None for an unknown id."""
        item = self._by_id.get(entry.id)
        if item is not None:
            item.entry = entry
        return item

    def grow(self, item: Item) -> int:
        """Reads what has changed in an item; returns the first row of the column that may look different."""
        if not item.flows or not (item.entry.open or item.entry.kind == "reply"):
            self.rebuild(item)
            return self.heights.top(self.position(item))
        position = self.position(item)
        if not item.built:
            self.rebuild(item)
            return self.heights.top(position)
        row = item.grow(self.width, self.paint)
        self.heights[position] = item.height
        return self.heights.top(position) + row

    def rebuild(self, item: Item) -> None:
        """Makes an item anew where it was made, else guesses its height."""
        position = self.position(item)
        if item.built:
            item.build(self.width)
        else:
            item.guess(self.width)
        self.heights[position] = item.height
        self._set_gaps(range(position + 1, position + 2))

    def remove(self, id: str) -> None:
        item = self._by_id.get(id)
        if item is None:
            return
        position = self.position(item)
        del self._by_id[id]
        del self.items[position]
        del self.heights[position]
        self._used.pop(item, None)
        self._set_gaps(range(position, position + 1))

    def resize(self, width: int, top: int) -> int:
        """Sets another width: all heights are guesses again. Returns the row where what stood at `top` is."""
        place = self.locate(top)
        self.width = width
        self.repaint()
        for item in self.items:
            item.drop()
            item.guess(width)
        self._used.clear()
        self.heights = Heights(item.height for item in self.items)
        if place is None:
            return 0
        self.make(self.items[place.item])
        return self.row_of(place)

    def repaint(self) -> None:
        """Forgets all rows: colours are different."""
        for block in self._seen:
            block.forget()
        self._seen.clear()

    def _take_number(self, entry: Entry) -> int:
        if entry.kind == "queued":
            self._next_queued += 1
            return self._next_queued
        self._next += 1
        return self._next

    def _insert(self, position: int, item: Item) -> None:
        self.items.insert(position, item)
        self._by_id[item.entry.id] = item
        before = self.items[position - 1] if position else None
        item.gap = item.stands_apart(before)
        self.heights.insert(position, item.guess(self.width))
        self._set_gaps(range(position + 1, position + 2))

    def _set_gaps(self, positions: Iterable[int]) -> None:
        for position in positions:
            if position >= len(self.items):
                return
            item = self.items[position]
            gap = item.stands_apart(self.items[position - 1] if position else None)
            if gap != item.gap:
                item.gap = gap
                if position < len(self.heights):
                    self.rebuild(item)

    # --- rows

    def locate(self, row: int) -> Place | None:
        """Returns what stands at `row`; the nearest for a row outside, None when there is nothing."""
        if not self.items:
            return None
        position = self.heights.at(row)
        item = self.items[position]
        inside = max(0, row - self.heights.top(position))
        if not item.built:
            return Place(position, 0, inside)
        block = item.heights.at(inside)
        return Place(position, block, inside - item.heights.top(block))

    def row_of(self, place: Place) -> int:
        """Returns the row of a place; the last row of its block when that has become lower."""
        item = self.items[place.item]
        top = self.heights.top(place.item)
        if not item.built:
            return top + min(place.row, max(0, item.height - 1))
        block = min(place.block, len(item.blocks) - 1)
        return top + item.heights.top(block) + min(place.row, max(0, item.heights[block] - 1))

    def settle(self, top: int, rows: int, *, at_end: bool = False) -> int:
        """Lays out what a window of `rows` rows from `top` shows; returns where the window begins then.

        `at_end` keeps the window at the end of the column. Otherwise what was laid out before stays where
        it is in the window, and where nothing was, the window's first row does.
        """
        top = self._window(top, rows, at_end)
        # At the very start, what stands there is wanted, however much higher it is than was guessed.
        anchor, below = self._anchor(top, rows) if top else (self.locate(0), 0)
        while anchor is not None and self._lay_out(top, top + rows):
            top = self._window(self.row_of(anchor) - below, rows, at_end)
            if at_end:
                anchor = self.locate(top)
        self._forget_old(rows)
        return top

    def row(self, row: int) -> Strip | None:
        """Returns the strip at `row`, or None where there is nothing."""
        if not 0 <= row < self.total:
            return None
        place = self.locate(row)
        if place is None:
            return None
        item = self.items[place.item]
        if not item.built:
            return None
        strips = self._rows(item.blocks[place.block])
        return strips[place.row] if place.row < len(strips) else None

    def block_at(self, row: int) -> tuple[Item, Block] | None:
        """Returns the item and the block at `row`."""
        place = self.locate(row) if 0 <= row < self.total else None
        if place is None or not self.items[place.item].built:
            return None
        item = self.items[place.item]
        return item, item.blocks[place.block]

    def line_at(self, key: int) -> Line | None:
        """Returns the logical line of a key, or None when it is gone."""
        number, block, line = place_of(key)
        for item in self.between(number, number):
            if block < len(item.blocks):
                lines = item.blocks[block].read(self.width)
                return lines[line] if line < len(lines) else None
        return None

    def between(self, first: int, last: int) -> list[Item]:
        """Returns the items of the numbers `first` to `last`, made."""
        begin = bisect_left(self.items, first, key=_number)
        found = self.items[begin : bisect_right(self.items, last, key=_number)]
        for item in found:
            self.make(item)
        return found

    def make(self, item: Item) -> None:
        """Makes the blocks of an item."""
        if not item.built:
            item.build(self.width)
            self.heights[self.position(item)] = item.height
        self._used[item] = None
        self._used.move_to_end(item)

    def row_of_key(self, key: int) -> int | None:
        """Returns the row where the logical line of a key begins."""
        number, block, line = place_of(key)
        for item in self.between(number, number):
            if block >= len(item.blocks):
                return None
            position = self.position(item)
            self._rows(item.blocks[block])
            if item.laid(block):
                self.heights[position] = item.height
            above = sum(len(rows) for rows in item.blocks[block].laid_lines()[:line])
            return self.heights.top(position) + item.heights.top(block) + above
        return None

    def _window(self, top: int, rows: int, at_end: bool) -> int:
        last = max(0, self.total - rows)
        return last if at_end else max(0, min(top, last))

    def _anchor(self, top: int, rows: int) -> tuple[Place | None, int]:
        """Returns the first place in a window that was laid out, and how far below the top it is."""
        row = top
        while row < min(top + rows, self.total):
            place = self.locate(row)
            if place is None:
                break
            item = self.items[place.item]
            if not item.built:
                row = self.heights.top(place.item + 1)
            elif item.blocks[place.block].exact:
                return place, row - top
            else:
                row += max(1, item.heights[place.block] - place.row)
        return self.locate(top), 0

    def _lay_out(self, first: int, last: int) -> bool:
        """Lays out what stands in the rows `first` to `last`; returns whether a height was wrong."""
        wrong = False
        position = self.heights.at(first)
        while position < len(self.items) and (top := self.heights.top(position)) < last:
            item = self.items[position]
            before = item.height
            self.make(item)
            block = item.heights.at(max(0, first - top))
            while block < len(item.blocks) and top + item.heights.top(block) < last:
                self._rows(item.blocks[block])
                wrong |= item.laid(block)
                block += 1
            wrong |= item.height != before
            self.heights[position] = item.height
            position += 1
        return wrong

    def _rows(self, block: Block) -> list[Strip]:
        self._seen[block] = None
        self._seen.move_to_end(block)
        selected, link = self._selected(block), self._link_in(block)
        if selected is None and link is None and self.finder is None:
            return block.lay(self.width, self.paint)
        return block.lay(self.width, self.paint, self._marks, (selected, self.found, link))

    def _link_in(self, block: Block) -> Link | None:
        """Returns the link that the cursor stands on, if it is in the block."""
        link = self.link
        if link is None or not block.key <= link.key < block.key + len(block.read(self.width)):
            return None
        return link

    def _selected(self, block: Block) -> object:
        """Returns what of the block is selected, as something to compare; None for nothing."""
        if self.selection is None:
            return None
        start, end = self.selection
        first, last = block.key, block.key + len(block.read(self.width)) - 1
        if (start is not None and start.y > last) or (end is not None and end.y < first):
            return None
        return (
            start if start is not None and start.y >= first else None,
            end if end is not None and end.y <= last else None,
        )

    def _marks(self, key: int, line: Line) -> list[Mark]:
        marks = list(self.finder(key, line)) if self.finder else []
        if self.link is not None and self.link.key == key:
            marks.append((self.link.start, self.link.end, styles.SPOT))
        span = self.selection.get_span(key) if self.selection is not None else None
        if span is not None:
            length = len(line.content.plain)
            start = max(0, span[0])
            end = length if span[1] == -1 else min(span[1], length)
            if end > start:
                marks.append((start, end, styles.SELECTED))
        return marks

    def _forget_old(self, window: int) -> None:
        surplus = sum(block.height for block in self._seen) - max(MAX_ROWS, 4 * window)
        while surplus > 0:
            block, _ = self._seen.popitem(last=False)
            surplus -= block.height
            block.forget()
        for item in list(self._used)[: max(0, len(self._used) - MAX_ITEMS)]:
            if not item.entry.open:
                del self._used[item]
                item.drop()
