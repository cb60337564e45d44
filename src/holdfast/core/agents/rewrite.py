"""Puts an id into the text of an agent file, and leaves everything else as its author wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdfast.core.config.nodes import Document, compose

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
