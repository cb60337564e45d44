"""Which part of a YAML text has which role, for its colours."""

from __future__ import annotations

from collections.abc import Iterator

MAX_CHARS = 64 * 1024
"""Longer texts stay plain: colouring one takes a moment with every key."""

Stretch = tuple[int, int, str]
"""From and to which character of a line, and the role."""

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

    found: dict[int, list[Stretch]] = {}
    row = column = 0
    for kind, value in YamlLexer(stripnl=False, ensurenl=False).get_tokens(text):
        role = _role(str(kind))
        for number, part in enumerate(value.split("\n")):
            if number:
                row, column = row + 1, 0
            if role and part:
                found.setdefault(row, []).append((column, column + len(part), role))
            column += len(part)
    return found


def _role(kind: str) -> str:
    return next(_starts(kind), "")


def _starts(kind: str) -> Iterator[str]:
    return (role for name, role in _ROLES if kind.startswith(name))
