"""How often somebody may try: buckets that fill with time, one for each."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_REMEMBERED = 10_000
"""Most buckets that are kept: those that were used least lately are forgotten, which fills them."""


class TokenBuckets:
    """Buckets of `burst` tokens that fill by `per_s` a second; a request takes one. `per_s` 0: no limit."""

    def __init__(self, per_s: float, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = max(burst, 1)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Takes a token of `key`; returns 0, or the seconds until there is one, and then takes none."""
        wait = self.wait(key)
        if not wait and self._per_s:
            tokens, _ = self._level(key)
            self._buckets[key] = (tokens - 1, self._clock())
            self._buckets.move_to_end(key)
            if len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        return wait

    def wait(self, key: str) -> float:
        """Returns the seconds until `key` has a token; takes none."""
        if not self._per_s:
            return 0.0
        tokens, _ = self._level(key)
        return max(0.0, (1 - tokens) / self._per_s)

    def give(self, key: str) -> None:
        """Gives a token back to `key`."""
        if key in self._buckets:
            tokens, now = self._level(key)
            self._buckets[key] = (min(self._burst, tokens + 1), now)

    def fill(self, key: str) -> None:
        """Gives back to `key` all that it has taken."""
        self._buckets.pop(key, None)

    def _level(self, key: str) -> tuple[float, float]:
        now = self._clock()
        tokens, at = self._buckets.get(key, (float(self._burst), now))
        return min(self._burst, tokens + (now - at) * self._per_s), now
