"""Agent files as text: made of values, or changed in places, with everything else as its author wrote it."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from holdfast.core.config.nodes import Document, Plain, compose
from holdfast.core.config.rewrite import as_text, with_list, with_value, without_value
from holdfast.core.domain.agents import ID_PATTERN
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.nesting import nested_deeper
from holdfast.core.domain.text import sanitize_line, shorten

_FIRST = ("version", "name", "id", "display_name", "description", "author", "tags", "model")
"""The keys that a composed file begins with, in this order."""
_MAX_DEPTH = 24
_NAME = 64

_LINE = re.compile("[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029]|\\Z)")
"""A line with its end, as YAML counts them."""


def with_id(text: str, id: str) -> str | None:
    """Returns `text`, a valid agent file without an id, with a line `id:` below the name.

    None for a text that is written so oddly that there is no such place.
    """
    text = text.removeprefix("\ufeff")
    document, _ = compose(text, "")
    if document is None or not isinstance(document.root.value, dict):
        return None
    wanted = {**document.root.value, "id": id}
    for attempt in _attempts(text, document, f"id: {id}"):
        written, mistakes = compose(attempt, "")
        if written is not None and not mistakes and written.root.value == wanted:
            return attempt
    return None


def _attempts(text: str, document: Document, entry: str) -> Iterator[str]:
    lines = [line for line in _LINE.findall(text) if line]
    root, name = document.root, document.root.fields["name"]
    if root.flow:
        line, column = root.start.line - 1, root.start.column
        lines[line] = f"{lines[line][:column]}{entry}, {lines[line][column:]}"
        yield "".join(lines)
        return
    end = _ending(lines[0]) or "\n"
    added = f"{' ' * (root.start.column - 1)}{entry}{end}"
    # A block of lines ends where the next one begins.
    below = name.end.line - (name.end.column == 1)
    before, after = lines[:below], lines[below:]
    if not _ending(before[-1]):
        before.append(end)
    yield "".join([*before, added, *after])
    above = root.keys["name"].line - 1
    yield "".join([*lines[:above], added, *lines[above:]])


def _ending(line: str) -> str:
    found = re.search("(?:\r\n|[\r\n\x85\u2028\u2029])\\Z", line)
    return found.group() if found else ""


def composed(values: Mapping[str, Any]) -> str:
    """Returns the text of an agent file that says `values`. Raises `InvalidError` for what it cannot hold."""
    given = {"version": 1, **_plain(values)}
    ordered = {key: given[key] for key in (*_FIRST, *given) if given.get(key) is not None}
    text = as_text(ordered)
    if text is None:
        raise InvalidError("These values cannot be written as an agent file.", code="agent_not_written")
    return text


def with_changes(text: str, changes: Mapping[str, Any]) -> str:
    """Returns the text of an agent file with other values. Dots in a key lead into mappings; None takes out.

    Raises `InvalidError` for a key that cannot be changed in a file that is written like this.
    """
    document, _ = compose(text, "")
    for key, value in _plain(changes).items():
        path = tuple(key.split("."))
        if document is not None and _says(document, path, value):
            continue  # to look for a place in a long text takes a while
        if value is None:
            changed = without_value(text, path)
        elif isinstance(value, list):
            changed = with_list(text, path, value)
        else:
            changed = with_value(text, path, value)
        if changed is None:
            shown = sanitize_line(shorten(key, 80))
            raise InvalidError(
                f"`{shown}` cannot be changed in a file that is written like this; change its text.",
                code="agent_not_edited",
            )
        text = changed
        document, _ = compose(text, "")
    return text


def _says(document: Document, path: tuple[str, ...], value: Plain) -> bool:
    node = document.find(path)
    if node is None or value is None:
        return node is None and value is None
    return json.dumps(node.value, sort_keys=True) == json.dumps(value, sort_keys=True)


def free_name(title: str, taken: Collection[str]) -> str:
    """Returns a name for an agent that is called `title`: its letters and digits, with a number behind where
    it is taken."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:_NAME].rstrip("-_") or "agent"
    if re.fullmatch(ID_PATTERN, base):
        base = f"agent-{base}"
    names = (base if number == 1 else _numbered(base, number) for number in range(1, len(taken) + 3))
    return next(name for name in names if name not in taken)


def _numbered(base: str, number: int) -> str:
    end = f"-{number}"
    return base[: _NAME - len(end)].rstrip("-_") + end


def _plain(values: Mapping[str, Any]) -> dict[str, Plain]:
    """Returns values as YAML knows them. Raises `InvalidError` for others."""
    found = _listed(dict(values)) if not nested_deeper(dict(values), _MAX_DEPTH) else None
    if not isinstance(found, dict):
        raise InvalidError(f"The values are nested deeper than {_MAX_DEPTH} levels.", code="agent_not_edited")
    return found


def _listed(value: Any) -> Plain:
    if isinstance(value, dict):
        return {str(key): _listed(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidError(f"{value} is no number that an agent file can say.", code="agent_not_edited")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InvalidError(
        f"{type(value).__name__} is nothing that an agent file can say.", code="agent_not_edited"
    )
