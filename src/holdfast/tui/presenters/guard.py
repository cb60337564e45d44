"""Holds back the keys of what has just arrived, so that typing never decides anything."""

from __future__ import annotations

BEGINS_TEXT = "/@"
"""What commands and mentioned files begin with."""


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


class Hasty:
    """Tells text that somebody begins to type from single keys of a pane that has the focus.

    A letter acts when no other character follows it at once; when one does, both are the beginning of a text,
    and belong into the message field. The same letter twice is a key pressed twice. Letters that only move a
    cursor act at once: that can be taken for text afterwards, for it did no harm. All times are monotonic, in
    seconds.
    """

    def __init__(self, hold_s: float = 0.25) -> None:
        self.hold_s = hold_s
        self._held = ""
        self._moved = ("", float("-inf"))

    @property
    def holds(self) -> bool:
        """Whether a letter waits for what follows it."""
        return bool(self._held)

    def press(self, character: str, now: float, *, moves: bool = False, used: bool = True) -> tuple[str, str]:
        """Takes a printable character; returns the keys that act now, and the text that was begun. With
        neither, it is held: call `rest` when `hold_s` are over. `used` says whether the pane has a use for
        it: where it has none, what a command or a file begins with is the beginning of a text."""
        held, self._held = self._held, ""
        moved, self._moved = self._moved, ("", float("-inf"))
        if held:
            return (held + held, "") if character == held else ("", held + character)
        if moved[0] and not moves and now - moved[1] < self.hold_s:
            return "", moved[0] + character
        if not used and character in BEGINS_TEXT:
            return "", character
        if moves:
            self._moved = (character, now)
            return character, ""
        if not character.isalpha():
            return character, ""
        self._held = character
        return "", ""

    def rest(self) -> str:
        """Returns the letter that was held, which acts now; empty when there is none."""
        held, self._held = self._held, ""
        return held
