"""Turns: requests that look at what there is before they change it, one after the other."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """Locks, by names of whatever is not to be changed twice at the same time; a name that nobody uses takes
    no room."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Lock:
        """Returns the lock of a name, to be held while there is something to do."""
        return self._locks.setdefault(name, asyncio.Lock())
