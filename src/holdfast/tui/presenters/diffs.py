"""Unified diffs as rows and lines: what was there beside what is, and which words of a line have changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from rich.cells import cell_len, get_character_cell_size

from holdfast.core.domain.unified import HUNK
from holdfast.tui.presenters.spans import Line, Span

DiffLayout = Literal["auto", "side_by_side", "unified"]
LAYOUTS: tuple[DiffLayout, ...] = ("auto", "side_by_side", "unified")

LAYOUT_SAYS: dict[DiffLayout, str] = {
    "auto": "Changes: side by side where it is wide enough.",
    "side_by_side": "Changes: side by side.",
    "unified": "Changes: one below the other.",
}

SPLIT_FROM = 96
"""Cells from which on `auto` puts old and new side by side."""
SPLIT_LEAST = 56
"""In fewer cells nothing is side by side, whatever was asked for."""
ALIKE = 0.35
"""Lines that share less than this are different lines: no words are marked in them."""
LONGEST = 600
"""In longer lines no words are looked for."""
BETWEEN = " │ "

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Side:
    """A line of the old or the new text."""

    number: int
    """From 1; 0 where the diff does not say."""
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """Old and new line beside each other; one of them is missing where lines were only added or removed."""

    kind: Literal["same", "changed", "said"]
    """`said`: what the diff itself says, in `note`: where a hunk begins, that the last line has no end."""
    old: Side | None = None
    new: Side | None = None
    note: str = ""


def next_layout(layout: DiffLayout) -> DiffLayout:
    """Returns the layout that comes after one, round and round."""
    return LAYOUTS[(LAYOUTS.index(layout) + 1) % len(LAYOUTS)]


def rows_of(diff: str) -> tuple[Row, ...]:
    """Returns the rows of a unified diff (sanitised), the names of its files left out."""
    lines = diff.split("\n")
    start = next((number for number, one in enumerate(lines) if one.startswith("@@")), 0)
    body = lines[start:-1] if lines and not lines[-1] else lines[start:]
    reader = _Reader()
    for one in body:
        reader.read(one.expandtabs(4))
    reader.pair()
    return tuple(reader.rows)


class _Reader:
    """Collects rows; lines that go and lines that come are paired in their order."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._old: list[Side] = []
        self._new: list[Side] = []
        self._at_old = self._at_new = 0

    def read(self, line: str) -> None:
        if hunk := HUNK.match(line):
            self.pair()
            self._at_old, self._at_new = int(hunk[1]), int(hunk[3])
            self.rows.append(Row("said", note=line))
        elif line.startswith("-"):
            if self._new:
                self.pair()
            self._old.append(Side(self._at_old, line[1:]))
            self._at_old += bool(self._at_old)
        elif line.startswith("+"):
            self._new.append(Side(self._at_new, line[1:]))
            self._at_new += bool(self._at_new)
        elif line.startswith("\\") or line.startswith("@@"):
            self.pair()
            self.rows.append(Row("said", note=line))
        else:
            self.pair()
            text = line[1:] if line.startswith(" ") else line
            self.rows.append(Row("same", Side(self._at_old, text), Side(self._at_new, text)))
            self._at_old += bool(self._at_old)
            self._at_new += bool(self._at_new)

    def pair(self) -> None:
        count = max(len(self._old), len(self._new))
        for number in range(count):
            old = self._old[number] if number < len(self._old) else None
            new = self._new[number] if number < len(self._new) else None
            self.rows.append(Row("changed", old, new))
        self._old, self._new = [], []


@lru_cache(maxsize=2048)
def changed_words(old: str, new: str) -> tuple[Ranges, Ranges]:
    """Returns which characters of two lines differ, by whole words; nothing where the lines are too
    different for that to say anything."""
    if len(old) > LONGEST or len(new) > LONGEST:
        return (), ()
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    shared = sum(_length(before[a : a + size]) for a, _, size in matcher.get_matching_blocks())
    if shared < ALIKE * max(_length(before), _length(after)):
        return (), ()
    gone: list[tuple[int, int]] = []
    come: list[tuple[int, int]] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            gone.append((_end(before[:a]), _end(before[:b])))
            come.append((_end(after[:c]), _end(after[:d])))
    return _joined(gone), _joined(come)


def _length(words: Sequence[str]) -> int:
    """Returns how many characters of words can be seen."""
    return sum(len(word) for word in words if not word.isspace())


def _end(words: Sequence[str]) -> int:
    return sum(map(len, words))


def _joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Returns the ranges that are not empty, those that touch as one."""
    joined: list[tuple[int, int]] = []
    for start, end in ranges:
        if start == end:
            continue
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def words_in(row: Row) -> tuple[Ranges, Ranges]:
    """Returns which characters of the old and of the new line of a row are marked."""
    if row.kind != "changed" or row.old is None or row.new is None:
        return (), ()
    return changed_words(row.old.text, row.new.text)


def is_split(layout: DiffLayout, width: int, rows: Sequence[Row]) -> bool:
    """Says whether rows go side by side in `width` cells. What only adds or only removes never does by
    itself: half of the room would stay empty."""
    if layout == "unified" or width < SPLIT_LEAST:
        return False
    if layout == "side_by_side":
        return True
    both = any(row.old for row in rows if row.kind == "changed") and any(
        row.new for row in rows if row.kind == "changed"
    )
    return width >= SPLIT_FROM and both


def diff_lines(rows: Sequence[Row], width: int, layout: DiffLayout) -> list[Line]:
    """Returns the lines of a diff for a view of `width` cells, every changed one with its sign."""
    return side_by_side(rows, width) if is_split(layout, width, rows) else unified(rows)


def unified(rows: Sequence[Row]) -> list[Line]:
    """Returns the rows as a unified diff shows them: of lines that changed together, the old ones first."""
    lines: list[Line] = []
    come: list[Line] = []
    for row in rows:
        if row.kind != "changed":
            lines += come
            come = []
        if row.kind == "said":
            lines.append(((row.note, "hunk" if row.note.startswith("@@") else "muted"),))
        elif row.kind == "same" and row.new is not None:
            lines.append(((f" {row.new.text}", ""),))
        else:
            gone, came = words_in(row)
            if row.old is not None:
                lines.append((("-", "removed"), *_marked(row.old.text, gone, "removed")))
            if row.new is not None:
                come.append((("+", "added"), *_marked(row.new.text, came, "added")))
    return lines + come


def side_by_side(rows: Sequence[Row], width: int, digits: int = 0) -> list[Line]:
    """Returns the rows with the old text at the left and the new one at the right, each with its numbers;
    `digits` of them at least. A long line is wrapped in its half."""
    digits = max(digits, number_width(rows))
    half = (width - len(BETWEEN)) // 2
    lines: list[Line] = []
    for row in rows:
        if row.kind == "said":
            lines.append(((row.note, "hunk" if row.note.startswith("@@") else "muted"),))
            continue
        gone, came = words_in(row)
        same = row.kind == "same"
        left = _half(row.old, gone, "" if same else "removed", digits, half)
        right = _half(row.new, came, "" if same else "added", digits, half)
        for number in range(max(len(left), len(right))):
            old = left[number] if number < len(left) else ((" " * half, ""),)
            new = right[number] if number < len(right) else ()
            lines.append((*old, (BETWEEN, "muted"), *new))
    return lines


def number_width(rows: Sequence[Row]) -> int:
    """Returns the cells that the numbers of the lines take."""
    numbers = [side.number for row in rows for side in (row.old, row.new) if side is not None]
    return len(str(max(numbers, default=0)))


_SIGNS = {"": " ", "removed": "-", "added": "+"}


def _half(side: Side | None, words: Ranges, role: str, digits: int, width: int) -> list[Line]:
    """Returns the lines of one half, each exactly `width` cells."""
    if side is None:
        return []
    number = str(side.number or "").rjust(digits)
    room = max(4, width - digits - 3)
    lines: list[Line] = []
    for count, (spans, cells) in enumerate(_wrapped(_marked(side.text, words, role), room)):
        first = (f"{number} ", "muted") if count == 0 else (" " * (digits + 1), "")
        sign = (f"{_SIGNS[role]} ", role) if count == 0 else ("  ", role)
        lines.append((first, sign, *spans, (" " * (room - cells), role)))
    return lines


def _marked(text: str, words: Ranges, role: str) -> list[Span]:
    """Returns a line in pieces; the words that changed have a role of their own."""
    spans: list[Span] = []
    at = 0
    for start, end in words:
        if start > at:
            spans.append((text[at:start], role))
        spans.append((text[start:end], f"{role}_word"))
        at = end
    if at < len(text):
        spans.append((text[at:], role))
    return spans


def _wrapped(spans: Sequence[Span], room: int) -> Iterator[tuple[list[Span], int]]:
    """Yields rows of at most `room` cells, each with the cells that it takes; at least one."""
    row: list[Span] = []
    used = 0
    for text, role in spans:
        rest = text
        while rest:
            fits = _fitting(rest, room - used)
            if fits == 0:
                yield row, used
                row, used = [], 0
                continue
            row.append((rest[:fits], role))
            used += cell_len(rest[:fits])
            rest = rest[fits:]
    yield row, used


def _fitting(text: str, cells: int) -> int:
    """Returns how many characters fit into `cells`."""
    if text.isascii():
        return min(len(text), cells)
    taken = 0
    for number, character in enumerate(text):
        taken += get_character_cell_size(character)
        if taken > cells:
            return number
    return len(text)
