"""What the setting `tui.keys` says, looked through: mistakes are named, what is right is used."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping

from textual.keys import KEY_NAME_REPLACEMENTS, REPLACED_KEYS, Keys, key_to_character

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.keys import BY_ID, KEYS, change, keys_of, written

MODIFIERS = frozenset(("ctrl", "shift", "alt", "super", "hyper", "meta"))
NAMES = frozenset(str(key.value) for key in Keys) | frozenset(KEY_NAME_REPLACEMENTS.values())
WRITTEN = ("composer", "completion", "field")
"""Places where letters are text."""
TOGETHER: dict[str, tuple[str, ...]] = {
    "sessions": ("list",),
    "files": ("list",),
    "knowledge": ("list", "lines"),
    "approvals": ("decide", "choice", "list"),
    "collections": ("list", "lines"),
    "memory": ("list", "lines"),
    "tools": ("list", "lines"),
    "tried": ("viewer", "lines"),
    "mcp": ("list", "lines"),
    "hooks": ("list", "lines"),
    "skills": ("list", "lines"),
    "prompts": ("list", "lines"),
    "document": ("list", "lines"),
    "settings": ("list", "lines"),
    "author": ("list", "lines"),
    "logs": ("lines",),
    "health": ("lines",),
    "notice": ("decide", "choice"),
    "choose": ("dialog", "list"),
    "viewer": ("lines",),
    "form": ("dialog", "field", "choices", "between"),
    "choices": ("between",),
}
"""Places whose keys are pressed in the same moment as those of others, which would take them."""


def use(changes: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Gives actions the keys of the setting `tui.keys`, as far as they are right.

    Returns the keymap for Textual, and what is wrong, each with what to do about it.
    """
    problems: list[str] = []
    wanted: dict[str, str] = {}
    for key_id, keys in changes.items():
        problem = _unknown(key_id) or _invalid(key_id, keys)
        if problem:
            problems.append(problem)
        else:
            wanted[key_id] = keys
    keymap = change(wanted)
    while (clash := _clash(wanted)) is not None:
        theirs, mine, key = clash
        problems.append(
            f"tui.keys: {key} is both {theirs} and {mine}, which are pressed in the same place; {mine} keeps "
            f"its own key. Give {mine} another key."
        )
        del wanted[mine]
        keymap = change(wanted)
    return keymap, problems


def _unknown(key_id: str) -> str:
    key = BY_ID.get(key_id)
    name = shorten(sanitize_line(key_id), 60)
    if key is None:
        near = difflib.get_close_matches(key_id, [one.id for one in KEYS if not (one.same or one.fixed)], 1)
        hint = f"did you mean {near[0]}?" if near else "`holdfast settings keys` lists them."
        return f"tui.keys: there is no {name}; {hint}"
    if key.same:
        return f"tui.keys: {name} has the key of {key.same}; give that one another."
    return f"tui.keys: {name} cannot have another key." if key.fixed else ""


def _invalid(key_id: str, keys: str) -> str:
    for one in filter(None, (part.strip() for part in keys.split(","))):
        if not is_key(one):
            said = shorten(sanitize_line(one), 40)
            return (
                f"tui.keys: {key_id}: “{said}” is no key; write x, X, ctrl+x, alt+x, f6, enter, slash, …, "
                'several between commas, "" for none.'
            )
        if BY_ID[key_id].place in WRITTEN and _writes(one):
            return f"tui.keys: {key_id}: {one} would be typed into the message; take one with ctrl or alt."
    return ""


def _writes(key: str) -> bool:
    """Says whether a key puts a character into a text."""
    character = key if len(key) == 1 else key_to_character(REPLACED_KEYS.get(key, key))
    return character is not None and character.isprintable()


def is_key(text: str) -> bool:
    """Says whether a terminal could send a key that Textual calls so."""
    *held, last = text.rsplit("+") if text != "+" else ["+"]
    if any(one not in MODIFIERS for one in held) or len(set(held)) != len(held):
        return False
    if len(last) == 1:
        return last.isprintable() and not last.isspace()
    return last in NAMES or _is_character(last)


def _is_character(name: str) -> bool:
    try:
        unicodedata.lookup(name.replace("_", " ").upper())
    except KeyError:
        return False
    return True


def _clash(wanted: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Returns two actions on one key, of which the second is one that the person has changed."""
    for mine in wanted:
        for other in _beside(mine):
            shared = set(keys_of(mine)) & set(keys_of(other))
            if shared:
                return other, mine, written(min(shared))
    return None


def _beside(key_id: str) -> list[str]:
    """Returns what else has keys where `key_id` has: in its place, around it, within it, and everywhere."""
    mine = BY_ID[key_id]
    near = {mine.place, *TOGETHER.get(mine.place, ())}
    near |= {place for place, within in TOGETHER.items() if mine.place in within}
    found = []
    for key in KEYS:
        if key.id == key_id or key.same or key.fixed:
            continue
        takes_all = key.place == "everywhere" and key.priority and mine.place != "everywhere"
        if key.place in near or takes_all or (mine.priority and mine.place == "everywhere"):
            found.append(key.id)
    return found
