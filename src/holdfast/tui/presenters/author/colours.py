"""Which part of a YAML text has which role, for its colours."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_CHARS = 64 * 1024
"""Longer texts stay plain: colouring one takes a moment with every key."""

Stretch = tuple[int, int, str]
"""From and to which character of a line, and the role."""

_ENTRY = re.compile(r"[\w#\"']")
_ROLES = (
    ("Token.Comment", "comment"),
    ("Token.Name.Tag", "key"),
    ("Token.Literal.String", "text"),
    ("Token.Name.Constant", "block"),
    ("Token.Punctuation", "sign"),
    ("Token.Name.Variable", "value"),
    ("Token.Literal", "value"),
)


def coloured(text: str) -> dict[int, list[Stretch]]:
    """Returns the stretches of each line that have a role, by lines from 0; none of too long a text."""
    if len(text) > MAX_CHARS:
        return {}
    from pygments.lexers.data import YamlLexer  # type: ignore[import-untyped] # start-up time

    lexer = YamlLexer(stripnl=False, ensurenl=False)
    found: dict[int, list[Stretch]] = {}
    row = column = 0
    for part in _parts(text):
        for kind, value in lexer.get_tokens(part):
            role = _role(str(kind))
            for number, piece in enumerate(value.split("\n")):
                if number:
                    row, column = row + 1, 0
                if role and piece:
                    found.setdefault(row, []).append((column, column + len(piece), role))
                column += len(piece)
    return found


def _parts(text: str) -> Iterator[str]:
    """Yields the entries of a file, each with the lines below it: a bracket that is not closed yet must not
    colour those that follow."""
    part: list[str] = []
    for line in text.splitlines(keepends=True):
        if part and _ENTRY.match(line):
            yield "".join(part)
            part = []
        part.append(line)
    yield "".join(part)


def _role(kind: str) -> str:
    return next(_starts(kind), "")


def _starts(kind: str) -> Iterator[str]:
    return (role for name, role in _ROLES if kind.startswith(name))
