"""The time that a run works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from holdfast.core.domain.errors import DeadlineError


class WorkTimer:
    """Counts the seconds that a run works; waiting for a person does not count.

    It goes on while anything of the run works: the run itself, one of the calls that it executes together,
    or a run of a sub-agent below it.
    """

    def __init__(self, limit_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self.limit_s = limit_s
        self._now = now
        self._spent = 0.0
        self._since: float | None = None
        self._working = 0
        self._above: WorkTimer | None = None
        self._begin()

    @property
    def remaining_s(self) -> float:
        """Seconds of work left, here and in the runs above. Raises `DeadlineError` when there are none."""
        left = self._tightest._left_s()
        if left <= 0:
            raise self.expired()
        return left

    def expired(self) -> DeadlineError:
        """Returns the error of a run whose time is over: its own, or that of a run above."""
        limit_s = self._tightest.limit_s
        return DeadlineError(
            f"The run's time limit of {limit_s:g} s is over (`limits.timeout_s`, or --timeout). "
            "Continue it to give it as much again.",
            code="timeout",
        )

    @property
    def _tightest(self) -> WorkTimer:
        """The one that has the least left, of this and those above."""
        return self if self._above is None else min(self, self._above._tightest, key=WorkTimer._left_s)

    def _left_s(self) -> float:
        working = 0.0 if self._since is None else self._now() - self._since
        return self.limit_s - self._spent - working

    def under(self, above: WorkTimer) -> None:
        """Lets the work of this run count for the run above it, too."""
        self._above = above
        if self._working:
            above._begin()

    def stop(self) -> None:
        """Ends the work for good."""
        while self._working:
            self._end()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Does not count what happens inside the block, unless something else works meanwhile."""
        self._end()
        try:
            yield
        finally:
            self._begin()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Counts what happens inside the block."""
        self._begin()
        try:
            yield
        finally:
            self._end()

    def _begin(self) -> None:
        self._working += 1
        if self._working == 1:
            self._since = self._now()
            if self._above is not None:
                self._above._begin()

    def _end(self) -> None:
        if not self._working:
            return  # it was stopped meanwhile
        self._working -= 1
        if self._working == 0:
            if self._since is not None:
                self._spent += self._now() - self._since
            self._since = None
            if self._above is not None:
                self._above._end()
