"""When garbage is collected: while nothing happens, never in the middle of scrolling.

A long session is a few hundred thousand objects. A full collection walks them all, which takes longer than a
drawing may; so only the young generations are collected as ever, and the old one when the app is quiet. What
is there then is put aside and not walked again, until another session is opened.
"""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App

PERIOD_S = 1.0
QUIET = 0.05
"""The app is quiet when it has used less than this share of the last period."""
MOST_WAITING = 10
"""Collections of the middle generation after which the old one is collected in any case."""
RENEWED = 30
"""Collections after which everything is looked at again."""
_YOUNG, _MIDDLE, _NEVER = 700, 10, 1_000_000_000


class Collecting:
    """Collects the garbage of a process that has one app."""

    def __init__(self) -> None:
        self._used = 0.0
        self._times = 0
        self._before: tuple[int, int, int] | None = None

    def begin(self, app: App[object]) -> None:
        """Takes the collecting over; all that is loaded now stays for good."""
        self._before = gc.get_threshold()
        gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
        gc.enable()
        gc.freeze()
        self._used = time.process_time()
        app.set_interval(PERIOD_S, self.tick)

    def tick(self) -> None:
        """Collects when the app has been quiet, or when that never comes."""
        used = time.process_time()
        quiet = used - self._used < QUIET * PERIOD_S
        waiting = gc.get_count()[2]
        if (quiet and waiting) or waiting > MOST_WAITING:
            self._times += 1
            if quiet and self._times >= RENEWED:
                self.renew()
            gc.collect()
            gc.freeze()
        self._used = time.process_time()

    def put_aside(self) -> None:
        """Lets what is there now not be walked again for long: much was loaded that stays."""
        if self._before is not None:
            gc.freeze()

    def renew(self) -> None:
        """Looks at everything again the next time: much of it is not used any more."""
        if self._before is not None:
            self._times = 0
            gc.unfreeze()

    def end(self) -> None:
        """Leaves the collecting as it was."""
        if self._before is not None:
            gc.set_threshold(*self._before)
            gc.unfreeze()
            self._before = None
