"""What was deleted and can be brought back with one key: the latest first."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.keys import shown

MOST = 50
"""Deletions that are remembered; the trash of the engine remembers the others."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """What one act of deleting has put into the trash."""

    what: str
    """In words: `3 sessions`, `the block “notes”`."""
    things: tuple[tuple[str, str], ...]
    """Kind and id of each."""


class Undoing:
    """The deletions of this app, in their order."""

    def __init__(self) -> None:
        self._done: list[Deletion] = []

    def __len__(self) -> int:
        return len(self._done)

    def add(self, deletion: Deletion) -> str:
        """Remembers a deletion; returns what to tell of it."""
        self._done = [*self._done[1 - MOST :], deletion]
        key = shown("everywhere.undelete")
        return f"Deleted {deletion.what}. {key} outside of text, or /undo-delete, brings it back."

    def take(self) -> Deletion | None:
        """Takes the latest deletion, to undo it."""
        return self._done.pop() if self._done else None

    def put_back(self, deletion: Deletion) -> None:
        """Remembers a deletion again: it could not be undone now."""
        self._done.append(deletion)

    def forget(self, kind: str, id: str) -> None:
        """Forgets a thing that was brought back in another way, or is gone for good."""
        kept = [
            Deletion(one.what, tuple(thing for thing in one.things if thing != (kind, id)))
            for one in self._done
        ]
        self._done = [one for one in kept if one.things]


def described(titles: list[str], noun: str) -> str:
    """Returns what was deleted in words: the one by its title, several by their number."""
    if len(titles) == 1:
        return f"“{shorten(sanitize_line(titles[0]), 60)}”"
    return f"{len(titles)} {noun}s"
