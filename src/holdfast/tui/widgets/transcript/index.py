"""Where things stand in a column of things of different heights."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate


class Heights:
    """Heights by position, with their running sums; sums are made again only behind a change."""

    __slots__ = ("_heights", "_tops")

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._heights = list(heights)
        self._tops: list[int] = [0]
        """`_tops[i]` is the sum of all heights before `i`; valid as far as the list goes."""

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, position: int) -> int:
        return self._heights[position]

    def __setitem__(self, position: int, height: int) -> None:
        if self._heights[position] != height:
            self._heights[position] = height
            del self._tops[position + 1 :]

    def insert(self, position: int, height: int) -> None:
        self._heights.insert(position, height)
        del self._tops[position + 1 :]

    def __delitem__(self, position: int) -> None:
        del self._heights[position]
        del self._tops[position + 1 :]

    @property
    def total(self) -> int:
        """The sum of all heights."""
        return self.top(len(self._heights))

    def top(self, position: int) -> int:
        """Returns the sum of the heights before `position`."""
        self._complete()
        return self._tops[position]

    def at(self, row: int) -> int:
        """Returns the position that `row` falls into; the nearest one for a row outside."""
        self._complete()
        found = bisect_right(self._tops, row) - 1
        return max(0, min(found, len(self._heights) - 1))

    def _complete(self) -> None:
        known = len(self._tops)
        if known <= len(self._heights):
            sums = accumulate(self._heights[known - 1 :], initial=self._tops[-1])
            next(sums)
            self._tops.extend(sums)
