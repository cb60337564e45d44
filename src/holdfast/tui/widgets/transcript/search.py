"""Finding words in entries and in their lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.tui.presenters.entries import (
    ArgumentsView,
    CodeView,
    CommandView,
    DiffView,
    Entry,
    ImageView,
    PassagesView,
    PlanView,
    TableView,
    TextView,
    View,
)
from holdfast.tui.widgets.transcript import styles
from holdfast.tui.widgets.transcript.block import place_of
from holdfast.tui.widgets.transcript.column import Column
from holdfast.tui.widgets.transcript.item import Item
from holdfast.tui.widgets.transcript.line import Line, Mark


def words_of(entry: Entry) -> str:
    """Returns everything that an entry says, on lines."""
    parts = [entry.title, entry.subject, entry.note, entry.text, *entry.attachments, *entry.choices]
    for view in entry.blocks:
        parts += _words(view)
    return "\n".join(filter(None, parts))


def _words(view: View) -> list[str]:
    match view:
        case TextView(text) | CodeView(_, text):
            return [text]
        case DiffView(path, diff):
            return [path, diff]
        case CommandView(command, cwd, output):
            return [command, cwd, output]
        case TableView(headers, rows):
            return [*headers, *(cell for row in rows for cell in row)]
        case ImageView(_, _, name):
            return [name]
        case ArgumentsView(items) | PlanView(items):
            return [word for item in items for word in item]
        case PassagesView(_, passages):
            return [f"{passage.label} {passage.headings}" for _, passage in passages]


def occurrences(text: str, needle: str) -> Iterator[int]:
    """Yields where `needle`, in small letters, stands in `text`, whatever the letters' case there."""
    small = text.lower()
    if len(small) != len(text):
        # A few letters become two in small letters; positions would be off then.
        small = "".join(one if len(one.lower()) != 1 else one.lower() for one in text)
    at = small.find(needle)
    while at >= 0:
        yield at
        at = small.find(needle, at + len(needle))


@dataclass(slots=True, frozen=True)
class Hit:
    """Where a line holds the words: the line's key and the first character."""

    key: int
    start: int


class Search:
    """What is looked for, and the hit that a person stands on."""

    def __init__(self, text: str) -> None:
        self.needle = text.lower()
        self.current: Hit | None = None

    def matches(self, entry: Entry) -> int:
        """Returns how often the words stand in an entry's source."""
        return sum(1 for _ in occurrences(words_of(entry), self.needle))

    def step(self, column: Column, top: int, step: int) -> bool:
        """Makes the next hit the current one (the previous when `step` is -1), round the ends; the first
        time, the next from the row `top` on. Returns whether there is one."""
        here = self.current
        place = column.locate(top)
        if place is None:
            return False
        at = column.items[place.item].number if here is None else place_of(here.key)[0]
        items = [item for item in column.items if self.matches(item.entry)][::step]
        ahead = [item for item in items if item.number * step >= at * step]
        for number, item in enumerate([*ahead, *items]):
            hits = self.hits(column, item)[::step]
            if number == 0 and here is not None and item.number == at:
                now = (here.key, here.start)
                hits = [h for h in hits if (h.key, h.start) != now and ((h.key, h.start) > now) == (step > 0)]
            if hits:
                self.current = hits[0]
                return True
        return False

    def hits(self, column: Column, item: Item) -> list[Hit]:
        """Returns the hits in an item, which is opened when they are hidden in it."""
        hits = self._shown(column, item)
        if not hits and item.collapsed:
            item.wish = False
            column.rebuild(item)
            hits = self._shown(column, item)
        return hits

    def _shown(self, column: Column, item: Item) -> list[Hit]:
        column.make(item)
        return [
            Hit(block.key + number, at)
            for block in item.blocks
            for number, line in enumerate(block.read(column.width))
            for at in occurrences(line.content.plain, self.needle)
        ]

    def marks(self, key: int, line: Line) -> list[Mark]:
        """Returns the highlights of a line."""
        return [
            (
                at,
                at + len(self.needle),
                styles.CURRENT_HIT if Hit(key, at) == self.current else styles.HIT,
            )
            for at in occurrences(line.content.plain, self.needle)
        ]
