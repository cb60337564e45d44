"""When garbage is collected: a little at a time, however much there is in the app.

A long session is some hundred thousand objects. A full collection walks them all, which takes longer than a
drawing may. So what has survived one is put aside and not walked again; the next walks only what has come
since, and comes soon. All of it is looked at again when another session is opened, and now and then while
nobody does anything.
"""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App

PERIOD_S = 30.0
QUIET = 0.01
"""The app is quiet when it has used less than this share of the last period."""
RENEWED = 300
"""Collections after which everything is looked at again, once the app is quiet."""
_YOUNG, _MIDDLE, _OLD = 700, 10, 1


class Collecting:
    """Collects the garbage of a process that has one app."""

    def __init__(self) -> None:
        self._used = 0.0
        self._times = 0
        """Full collections since everything was looked at."""
        self._before: tuple[int, int, int] | None = None

    def begin(self, app: App[Any]) -> None:
        """Takes the collecting over; all that is loaded now stays for good."""
        self._before = gc.get_threshold()
        gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
        gc.freeze()
        gc.collect()  # of nothing: what was there no longer says how soon the next full one comes
        gc.callbacks.append(self._collected)
        gc.enable()
        self._used = time.process_time()
        app.set_interval(PERIOD_S, self.tick)

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == 2:
            self._times += 1
            gc.freeze()

    def tick(self) -> None:
        """Looks at everything when that is due and the app has been quiet."""
        used = time.process_time() - self._used
        if self._times >= RENEWED and used < QUIET * PERIOD_S:
            self.renew()
            gc.collect()
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
            gc.callbacks.remove(self._collected)
            gc.set_threshold(*self._before)
            gc.unfreeze()
            self._before = None
