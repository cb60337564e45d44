"""Finding words in the open session."""

from __future__ import annotations

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import shown
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.widgets.transcript import Transcript


class Finder:
    """Remembers what is looked for, and says so."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._words = ""
        self._hits = 0

    @property
    def active(self) -> bool:
        return bool(self._words)

    def find(self, words: str) -> None:
        """Marks all places of `words` and goes to the last of them; empty: marks nothing any more."""
        self._words = words
        if not words:
            self._transcript.clear_search()
            return
        self._hits = self._transcript.search(words)
        if self._hits:
            self._transcript.focus()

    def step(self, forward: bool) -> None:
        """Goes to the next place, or to the one before."""
        if forward:
            self._transcript.next_hit()
        else:
            self._transcript.previous_hit()

    def lines(self) -> list[Line]:
        """Returns what the hint strip says of the search."""
        if not self._words:
            return []
        found = f"{self._hits} places" if self._hits != 1 else "1 place"
        return [
            line(
                ("find  ", "muted"), (sanitize_line(self._words), "strong"),
                (f"  {found} on the screen", "muted"),
            ),
            line(
                (shown("found.after"), "key"), (" next  ", "muted"),
                (shown("found.before"), "key"), (" before  ", "muted"),
                (shown("everywhere.back"), "key"), (" done", "muted"),
            ),
        ]  # fmt: skip
