"""Calls that nobody waits for any more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopped(Exception):
    """The call was cancelled; what it had begun is undone."""


class Stop:
    """Tells the thread of one call, from another thread, to end it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self._act: Callable[[], object] | None = None

    @property
    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        with self._lock:
            self._set = True
            if self._act is not None:
                self._act()

    def check(self) -> None:
        """Raises `Stopped` when the call is to end."""
        if self._set:
            raise Stopped

    @contextmanager
    def interrupting(self, act: Callable[[], object]) -> Iterator[None]:
        """While inside, `set` also calls `act`, which ends what the thread waits for."""
        with self._lock:
            self.check()
            self._act = act
        try:
            yield
        finally:
            with self._lock:
                self._act = None
