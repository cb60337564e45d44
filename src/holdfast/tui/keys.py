"""Every key of the app: bindings, help, footers and hints are made from the table in `key_table.py`.

It is on the way to the first paint: nothing heavy is imported here.
"""

# The rows are found here, too.
# mypy: implicit-reexport

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.binding import Binding
from textual.keys import _character_to_key

from holdfast.tui.key_rows import Key
from holdfast.tui.key_table import KEYS

UNBOUND = "no_key"
"""What an action without a key is bound to: no terminal sends it."""

BY_ID: dict[str, Key] = {key.id: key for key in KEYS}
LETTERS = [key.id for key in KEYS if key.place == "decide"]
"""What decides an approval."""

_MOVING = ("move", "page", "step", "jump", "spot", "begin", "follow")
_changed: dict[str, str] = {}
"""What the setting `tui.keys` says, as it was taken: one app is one process, and all of it shows these."""
_named: dict[str, dict[str, str]] = {}
"""Names by keys, for the places that were asked for."""


def change(changes: Mapping[str, str]) -> dict[str, str]:
    """Gives actions other keys from now on; what is not among `changes` has its own ones again.

    Returns what Textual's `App.set_keymap` wants. Takes what it is told: `keymap.check` finds mistakes.
    """
    _changed.clear()
    _changed.update({name: ",".join(_normal(keys)) for name, keys in changes.items()})
    _named.clear()
    return {name: keys or UNBOUND for name, keys in _changed.items()}


def _normal(keys: str) -> Iterator[str]:
    for key in keys.split(","):
        *held, last = key.strip().rsplit("+", 1) if key.strip() != "+" else ["+"]
        if last:
            yield "+".join((*held, _character_to_key(last) if len(last) == 1 else last))


def keys_of(key_id: str) -> tuple[str, ...]:
    """Returns the keys that do something now, as Textual names them; none where it has no key."""
    key = BY_ID[key_id]
    if key.same:
        return keys_of(key.same)
    return tuple(_normal(_changed.get(key_id, key.keys)))


def bindings(*places: str) -> list[Binding]:
    """Returns the bindings of places, for the `BINDINGS` of what has the focus there."""
    return [
        Binding(key.keys, key.action, show=False, priority=key.priority, id=key.id)
        for key in KEYS
        if key.place in places and key.action
    ]


def named(place: str, key: str) -> str:
    """Returns the name of what a pressed key does in a place that looks its keys up itself, or ""."""
    if place not in _named:
        rows = [one for one in KEYS if one.place == place and not (one.same or one.fixed)]
        _named[place] = {pressed: one.name for one in rows for pressed in keys_of(one.id)}
    return _named[place].get(key, "")


def moves_only(place: str, key: str) -> bool:
    """Says whether a pressed key only moves the cursor in a place, or what is seen of it."""
    return any(
        row.action.partition("(")[0] in _MOVING and key in keys_of(row.id)
        for row in KEYS
        if row.place == place
    )


def key_of(character: str) -> str:
    """Returns the key of a character, as Textual names it."""
    return _character_to_key(character)


def of_place(place: str) -> list[Key]:
    """Returns the rows of a place, in their order."""
    return [key for key in KEYS if key.place == place]


# --- how keys are written

_SIGNS = {
    "escape": "esc", "question_mark": "?", "slash": "/", "up": "↑", "down": "↓", "left": "←", "right": "→",
    "pageup": "pgup", "pagedown": "pgdn", "left_square_bracket": "[", "right_square_bracket": "]",
    "at": "@", "delete": "del", "full_stop": ".", "comma": ",", "plus": "+", "minus": "-",
    "colon": ":", "semicolon": ";", "less_than_sign": "<", "greater_than_sign": ">",
    "exclamation_mark": "!", "backslash": "\\", "underscore": "_", "equals_sign": "=",
}  # fmt: skip


def written(key: str) -> str:
    """Returns how people write a key: `esc`, `F1`, `ctrl+n`, `?`."""
    *held, last = key.rsplit("+", 1)
    sign = last.upper() if last[0] == "f" and last[1:].isdigit() else _SIGNS.get(last, last)
    return "+".join((*held, sign))


def shown(key_id: str, *, short: bool = False) -> str:
    """Returns the first key of something as people write it, for hints and notices.

    Where there is no key any more: its slash command. `short`: `^n` instead of `ctrl+n`.
    """
    found = keys_of(key_id)
    if not found:
        command = BY_ID[key_id].command
        return f"/{command}" if command else "(no key)"
    text = written(found[0])
    return text.replace("ctrl+", "^") if short else text


def all_shown(key_id: str) -> str:
    """Returns all keys of something as people write them."""
    return ", ".join(map(written, keys_of(key_id)))


def shown_for(command: str, place: str = "") -> str:
    """Returns the key that gives a command, wherever one is or in `place`; empty where there is none."""
    works = ("everywhere", "decide", "welcome", place)
    rows = [key.id for key in KEYS if key.command == command and key.place in works and keys_of(key.id)]
    return shown(rows[0]) if rows else ""


def way_to(command: str) -> str:
    """Returns the keys that give a command from anywhere, one after the other: that of its pane, then its own
    there; empty where there are none."""
    for key in KEYS:
        door = f"everywhere.{key.place}"
        if key.command == command and door in BY_ID and keys_of(key.id) and keys_of(door):
            return f"{shown(door)} {shown(key.id)}"
    return ""


def foot(key_id: str, label: str = "") -> tuple[str, str, str]:
    """Returns key, label and name of something for a footer: what `KeyBar` shows, and gives when clicked."""
    key = BY_ID[key_id]
    return shown(key_id, short=True), label or key.label or key.what, "" if key.same else key.name


def clicks(*places: str) -> dict[str, str]:
    """Returns the actions of places by their keys as people write them: what `Strip` lets a click do."""
    return {shown(key.id): key.action for key in KEYS if key.place in places and key.action}


def pressable(text: str) -> str:
    """Returns the name of the key that is written so in a footer or a hint; "" where it is not one key."""
    for key in {key for row in KEYS for key in keys_of(row.id)} | {"tab", "enter", "escape"}:
        if text in (written(key), written(key).replace("ctrl+", "^")):
            return key
    return ""
