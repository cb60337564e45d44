"""Places inside an entry that a cursor can stand on: code and links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.style import Style

from holdfast.tui.presenters.entries import CommandView
from holdfast.tui.widgets.transcript.block import key_of, place_of
from holdfast.tui.widgets.transcript.column import Column
from holdfast.tui.widgets.transcript.inline import LINK_META
from holdfast.tui.widgets.transcript.item import Item
from holdfast.tui.widgets.transcript.line import Line
from holdfast.tui.widgets.transcript.markdown import CODE_BAR
from holdfast.tui.widgets.transcript.sources import Code

SpotKind = Literal["code", "link"]
NEAR = 200
"""Entries in which the next spot is looked for: each of them is rendered for that."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A fence, or a link."""

    kind: SpotKind
    first: int
    """Key of its first line."""
    last: int
    """Key of its last line."""
    start: int
    """Of a link: the characters in the line."""
    end: int
    text: str
    """The code, or the address."""

    @property
    def number(self) -> int:
        """The number of its item."""
        return place_of(self.first)[0]


def spots_in(column: Column, item: Item, kind: SpotKind) -> list[Spot]:
    """Returns the spots of a kind in an item, which is made for that."""
    column.make(item)
    return _codes(column, item) if kind == "code" else _links(column, item)


def _codes(column: Column, item: Item) -> list[Spot]:
    """Fences: those at the top level with their own text, those inside lists and quotes by their lines."""
    found: list[Spot] = []
    texts: list[str] = []
    first = last = -1

    def close() -> None:
        nonlocal texts
        if texts:
            found.append(Spot("code", first, last, 0, 0, "\n".join(texts)))
        texts = []

    for block in item.blocks:
        lines = block.read(column.width)
        whole = isinstance(block.source, Code)
        if not whole or block.gap:
            close()
        for number, line in enumerate(lines):
            if not _is_code(line):
                close()
                continue
            if not texts:
                first = block.key + number
            last = block.key + number
            if not whole:
                texts.append(line.content.plain)
            elif number == block.gap:
                texts.append(block.source.text)  # type: ignore[attr-defined]  # `whole` says what it is
        if not whole:
            close()
    close()
    return found


def _is_code(line: Line) -> bool:
    return line.first[-len(CODE_BAR) :] == CODE_BAR


def _links(column: Column, item: Item) -> list[Spot]:
    found: list[Spot] = []
    for block in item.blocks:
        for number, line in enumerate(block.read(column.width)):
            key = block.key + number
            for span in line.content.spans:
                url = span.style.meta.get(LINK_META) if isinstance(span.style, Style) else None
                if isinstance(url, str):
                    found.append(Spot("link", key, key, span.start, span.end, url))
    return found


def code_at(column: Column, item: Item, key: int) -> Spot | None:
    """Returns the fence that the line of a key is part of."""
    return next((spot for spot in spots_in(column, item, "code") if spot.first <= key <= spot.last), None)


def next_spot(column: Column, kind: SpotKind, at: tuple[int, int], step: int) -> Spot | None:
    """Returns the spot after a place (the one before when `step` is -1), a line's key and a character;
    None when there is none near."""
    number = place_of(at[0])[0]
    ahead = [item for item in column.items if (item.number - number) * step >= 0][::step]
    for item in ahead[:NEAR]:
        if not _may_have(item, kind):
            continue
        for spot in spots_in(column, item, kind)[::step]:
            if ((spot.first, spot.start) > at) if step > 0 else ((spot.first, spot.start) < at):
                return spot
    return None


def _may_have(item: Item, kind: SpotKind) -> bool:
    """Says whether it is worth rendering an item to look."""
    if kind == "link" and any(isinstance(view, CommandView) and view.whole for view in item.entry.blocks):
        return True
    if not item.flows:
        return False
    text = item.entry.text
    return (
        ("```" in text or "~~~" in text or "\n    " in text)
        if kind == "code"
        else "://" in text or "](" in text
    )


def start_of(number: int) -> tuple[int, int]:
    """Returns the place before everything in an item."""
    return key_of(number, 0, 0), -1
