"""From roles to the theme's colours: the one place that says how a role looks."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from holdfast.tui.presenters.spans import Line

ROLES = {
    "": "",
    "muted": "$foreground 60%",
    "strong": "bold",
    "heading": "bold $primary",
    "brand": "bold $primary",
    "primary": "bold $primary",
    "accent": "$accent",
    "success": "$success",
    "warning": "$warning",
    "error": "$error",
    "added": "$success",
    "removed": "$error",
    "added_word": "bold $success on $success 25%",
    "removed_word": "bold $error on $error 25%",
    "hunk": "$accent",
    "code": "$secondary",
    "key": "bold $accent",
    "hit": "bold $warning",
    "number": "bold $accent",
    "passage": "on $primary 22%",
    "bar": "bold $warning",
    "indent": "",
    "struck": "strike $foreground 60%",
}


def paint(line: Line) -> Content:
    """Returns one line as content; nothing in it is read as markup."""
    return Content.assemble(*((text, _style(role)) if role else text for text, role in line))


def _style(role: str) -> str:
    # A picture's own colours are the only ones that are not the theme's.
    return role if role.startswith("#") else ROLES[role]


def paint_all(lines: Iterable[Line]) -> Content:
    """Returns lines as one content with line breaks."""
    return Content("\n").join(paint(line) for line in lines)
