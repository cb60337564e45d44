"""A block with its rows, made when it is seen and kept until they are dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.strip import Strip

from holdfast.tui.widgets.transcript.line import BLANK, Line, Mark, Paint, lay_out
from holdfast.tui.widgets.transcript.sources import Source

_BITS = 20
_MASK = (1 << _BITS) - 1

Marks = Callable[[int, Line], Sequence[Mark]]
"""Gives the marks of a line by its key."""


def key_of(item: int, block: int, line: int) -> int:
    """Returns one number for a line; numbers grow in reading order, whatever is laid out meanwhile."""
    return (item << 2 * _BITS) + (block << _BITS) + min(line, _MASK)


def place_of(key: int) -> tuple[int, int, int]:
    """Returns the item, block and line that a key was made of."""
    return key >> 2 * _BITS, key >> _BITS & _MASK, key & _MASK


def release(rows: Iterable[Strip]) -> None:
    """Lets go of rows that are not drawn any more.

    A strip keeps what was cut from it, often itself: without this it would stay until garbage is collected.
    """
    for row in rows:
        padded = row._line_length_cache
        for key in list(padded.keys()):
            if (other := padded.get(key)) is not None and other is not row:
                other._divide_cache.clear()
                other._crop_extend_cache.clear()
        padded.clear()
        row._divide_cache.clear()
        row._crop_extend_cache.clear()


class Block:
    """One block of an item. `height` is a guess until `exact`."""

    __slots__ = ("_laid", "_stamp", "exact", "gap", "height", "key", "lines", "rows", "source", "toggles")

    def __init__(self, source: Source, key: int, *, gap: bool, toggles: bool = False, width: int) -> None:
        self.source = source
        self.key = key
        """Key of the first line."""
        self.gap = gap
        """Whether an empty line stands before it."""
        self.toggles = toggles
        """Whether a click on it opens and closes the entry."""
        self.height = source.guess(width) + gap
        self.exact = False
        self.lines: list[Line] | None = None
        self.rows: list[Strip] | None = None
        self._laid: list[list[Strip]] = []
        self._stamp: tuple[object, ...] = ()

    def read(self, width: int) -> list[Line]:
        """Returns the logical lines, the empty one before the block included."""
        if self.lines is None:
            self.lines = [BLANK] * self.gap + list(self.source.lines(width))
        return self.lines

    def lay(self, width: int, paint: Paint, marks: Marks | None = None, marked: object = None) -> list[Strip]:
        """Returns the rows. `marked` stands for what `marks` gives: rows are kept while it is the same."""
        stamp = (width, paint.base, marked)
        if self.rows is not None and self._stamp == stamp:
            return self.rows
        return self._fill(width, paint, marks, stamp, [], [])

    def _fill(
        self,
        width: int,
        paint: Paint,
        marks: Marks | None,
        stamp: tuple[object, ...],
        laid: list[list[Strip]],
        before: Sequence[Line],
    ) -> list[Strip]:
        lines = self.read(width)
        kept = 0
        for new, old in zip(lines, before, strict=False):
            if not new.same(old):
                break
            kept += 1
        laid = laid[:kept]
        for number in range(kept, len(lines)):
            key = self.key + number
            line = lines[number]
            laid.append(lay_out(line, width, key, paint, marks(key, line) if marks else ()))
        release(self.rows or ())
        self._laid = laid
        self._stamp = stamp
        self.rows = [row for rows in laid for row in rows]
        self.height = len(self.rows)
        self.exact = True
        return self.rows

    def laid_lines(self) -> list[list[Strip]]:
        """Returns the rows of each logical line, as they were laid out last."""
        return self._laid

    def take_over(self, old: Block, width: int, paint: Paint) -> None:
        """Lays out this block, using rows of `old`, which stood here before, as far as lines are the same."""
        stamp = (width, paint.base, None)
        if old.lines is None or old.rows is None or old._stamp != stamp or old.key != self.key:
            return
        self._fill(width, paint, None, stamp, old._laid, old.lines)

    def forget(self) -> None:
        """Drops lines and rows; the height stays."""
        release(self.rows or ())
        self.lines = None
        self.rows = None
        self._laid = []
        self._stamp = ()
