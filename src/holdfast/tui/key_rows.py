"""One row of the table of keys, and the rows that several places have alike.

It is on the way to the first paint: nothing heavy is imported here.
"""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """One thing that keys do in one place."""

    id: str
    """`place.name`: what the setting `tui.keys` calls it."""
    keys: str
    """Its keys as Textual writes them, between commas."""
    action: str
    """Textual's action; empty where the widget itself looks the key up, by `named`."""
    what: str
    """One line for the help; neighbours of the same words share a line there."""
    label: str = ""
    """One or two words for the footer; empty: it is not shown there."""
    priority: bool = False
    """Whether it goes before the keys of what has the focus."""
    same: str = ""
    """The id whose keys do it: this row only says what they do here."""
    fixed: bool = False
    """Whether it is no key to be remapped, but a sign in a text, or a key of Textual's own."""
    gives: str = ""
    """The command that it gives, where the action does not say so itself."""

    @property
    def place(self) -> str:
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        return self.id.partition(".")[2]

    @property
    def command(self) -> str:
        """The command that it gives; empty for what is no command."""
        if self.place == "decide" and not self.gives:
            return self.id
        name = self.action.removeprefix("app.").removeprefix("command('").removesuffix("')")
        return self.gives or (
            name if name.replace(".", "").isidentifier() and "command(" in self.action else ""
        )


def command(name: str, keys: str, what: str, label: str = "", command: str = "") -> Key:
    return Key(f"everywhere.{name}", keys, f"command('{command or name}')", what, label, priority=True)


def undelete(place: str) -> Key:
    return Key(f"{place}.undelete", "u", "app.command('undelete')", "bring back what was deleted last")


def leaving(place: str) -> tuple[Key, Key]:
    """Returns the last two rows of a whole screen."""
    back = Key(f"{place}.back", "escape", "back", "back", "back")
    return back, Key(f"{place}.help", "f1,question_mark", "help", "this help", "help")


def listing(place: str) -> tuple[Key, ...]:
    """Returns the last rows of a screen with a list that is filtered."""
    return Key(f"{place}.words", "slash", "words", "filter", "filter"), *leaving(place)
