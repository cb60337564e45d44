"""Holds back the keys of what has just arrived, so that typing never decides anything."""

from __future__ import annotations


class Guard:
    """Says whether a key may decide: not just after an item came, and not in the middle of typing.

    All times are monotonic, in seconds.
    """

    def __init__(self, seconds: float = 0.5) -> None:
        self.seconds = seconds
        """The setting `tui.key_guard_s`, once the settings are read."""
        self._typed = float("-inf")

    def typed(self, now: float) -> None:
        """Notes that the person typed text at `now`."""
        self._typed = now

    def admits(self, arrived: float, now: float) -> bool:
        """Says whether a key pressed at `now` may decide what came at `arrived`."""
        return now - max(arrived, self._typed) >= self.seconds
