"""What can be written at the cursor of an agent file: keys and values of its JSON Schema, tools, models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.author.place import ITEM, Place, key_path_at, place_at
from holdfast.tui.presenters.fuzzy import match
from holdfast.tui.presenters.spans import BLANK, Line, fit, line

MOST = 40
"""Rows that are offered at once."""
MANY = 400
"""Of so many, letters here and there are not looked for: each key would take a moment."""
NAME = 14
"""Cells of a name in the list, so that what is said of each stands below the other."""
Schema = Mapping[str, Any]

_MODELS = {("model",), ("fallback_models", ITEM)}
_TOOLS = {("tools", ITEM), ("tools", ITEM, "tool")}
_RULES = {("approvals", kind, ITEM) for kind in ("allow", "ask", "deny")}
_AGENTS = {("extends",)}


@dataclass(slots=True)
class Known:
    """What there is to be named; read when the editor opens."""

    schema: Schema = field(default_factory=dict)
    models: Sequence[tuple[str, str]] = ()
    """Names with their providers."""
    agents: Sequence[tuple[str, str]] = ()
    """Names with their descriptions."""
    tools: Sequence[tuple[str, str]] = ()
    """Names with what they do."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that can be put in."""

    text: str
    """What stands in the place of the word then."""
    about: str = ""

    def row(self, width: int) -> tuple[str, Line]:
        """Returns what it puts in, and how it is shown in `width` cells."""
        name = f"{fit(sanitize_line(self.text), width):<{NAME}}"
        room = width - cell_len(name) - 2
        about = f"  {fit(sanitize_line(self.about), room)}" if self.about and room > 8 else ""
        return self.text, line((name, "key"), (about, "muted"))


def offers(lines: Sequence[str], row: int, column: int, known: Known) -> tuple[str, list[Offer]]:
    """Returns the word before the cursor, and what can stand in its place, the best first."""
    place = place_at(lines, row, column)
    if place is None:
        return "", []
    return place.word, _fitting(place.word, list(_possible(place, known)))[:MOST]


def _fitting(word: str, found: list[Offer]) -> list[Offer]:
    """Returns what begins with a word, then what has it; where that is nothing, what has its letters."""
    wanted = word.casefold()
    having = [one for one in found if wanted in one.text.casefold()]
    if having or len(found) > MANY:
        return sorted(having, key=lambda one: not one.text.casefold().startswith(wanted))
    scored = [(hit.score, one) for one in found if (hit := match(word, one.text)) is not None]
    return [one for _, one in sorted(scored, key=lambda hit: -hit[0])]


def _possible(place: Place, known: Known) -> Iterator[Offer]:
    at = _at(known.schema, place.path)
    if place.kind != "key":
        yield from _values(place.path, at, known)
    if place.kind != "value":
        for one in at:
            for key, part in one.get("properties", {}).items():
                if key not in place.taken:
                    yield Offer(f"{key}: ", _about(part))


def _values(path: tuple[str, ...], at: list[Schema], known: Known) -> Iterator[Offer]:
    named = (
        known.models
        if path in _MODELS
        else known.tools
        if path in _TOOLS | _RULES
        else known.agents
        if path in _AGENTS
        else ()
    )
    yield from (Offer(name, about) for name, about in named)
    for one in at:
        words = one.get("enum") or ([one["const"]] if "const" in one else [])
        if one.get("type") == "boolean":
            words = [True, False]
        yield from (Offer(str(word).lower() if isinstance(word, bool) else str(word)) for word in words)


def describe(lines: Sequence[str], row: int, known: Known) -> list[Line]:
    """Returns what the key of a line is for."""
    path = key_path_at(lines, row)
    while path and path[-1] == ITEM:
        path = path[:-1]
    return describe_key(path, known)


def describe_key(path: Sequence[str], known: Known) -> list[Line]:
    """Returns what the key at a path is for; nothing for none, and for one that nobody knows."""
    if not path:
        return []
    parts = _parts(known.schema, path)
    if not parts:
        return []
    said = [line(sanitize_line(text)) for part in parts if (text := _about(part))][:1]
    shown = ".".join(key for key in path if key != ITEM)
    found = [line((sanitize_line(shown), "heading")), *said]
    keys = [key for one in _at(known.schema, path) for key in one.get("properties", {})]
    words = [offer.text for offer in _values((), _at(known.schema, path), known)]
    if keys:
        found += [BLANK, line(("keys  ", "muted"), ", ".join(keys))]
    if words:
        found += [BLANK, line(("takes  ", "muted"), ", ".join(words))]
    for part in parts:
        if part.get("default") not in (None, "", [], {}) and not isinstance(part["default"], dict | list):
            found.append(line(("default  ", "muted"), sanitize_line(str(part["default"]))))
    return found


def _about(part: Schema) -> str:
    return str(part.get("description", ""))


def _at(schema: Schema, path: Sequence[str]) -> list[Schema]:
    """Returns what can stand at a path, each way of it."""
    return [one for part in _parts(schema, path) for one in _ways(schema, part)]


def _parts(schema: Schema, path: Sequence[str]) -> list[Schema]:
    """Returns the pieces of a schema that a path leads to, as they are written."""
    parts = [schema]
    for key in path:
        ways = [one for part in parts for one in _ways(schema, part)]
        if key == ITEM:
            parts = [one["items"] for one in ways if isinstance(one.get("items"), dict)]
        else:
            parts = [one["properties"][key] for one in ways if key in one.get("properties", {})]
    return parts


def _ways(schema: Schema, part: Schema, depth: int = 0) -> list[Schema]:
    """Returns a piece of a schema, references followed and alternatives side by side."""
    if depth > 8:
        return []
    if "$ref" in part:
        named = schema.get("$defs", {}).get(str(part["$ref"]).rpartition("/")[2], {})
        return _ways(schema, named, depth + 1)
    alternatives = [one for key in ("anyOf", "oneOf", "allOf") for one in part.get(key, ())]
    if alternatives:
        return [way for one in alternatives for way in _ways(schema, one, depth + 1)]
    return [part]
