"""Themes: from YAML files, or as they were remembered, to Textual's own type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

if TYPE_CHECKING:
    from holdfast.core.config.nodes import Document

AUTO = "auto"
"""Stands for no theme of its own: the dark or the light one, as the terminal is."""
KEYS = ("version", "name", "dark", "colors", "variables")
_STYLES = re.compile(r"(none|not|bold|dim|italic|underline|reverse|strike|\s)+")
_PERCENT = re.compile(r"\s+\d{1,3}%$")
COLORS = (
    "primary", "secondary", "accent", "foreground", "background",
    "surface", "panel", "success", "warning", "error",
)  # fmt: skip

BUILT_IN: dict[str, Any] = {
    "name": "holdfast-dark",
    "dark": True,
    "colors": {
        "primary": "#d9a441",
        "secondary": "#7f9fb8",
        "accent": "#e58f65",
        "foreground": "#e6e1d8",
        "background": "#15171a",
        "surface": "#1c1f23",
        "panel": "#262a30",
        "success": "#9ad19a",
        "warning": "#e6c15c",
        "error": "#f0746a",
    },
}
"""The shipped `holdfast-dark`: what is shown at the very first start, before theme files are read."""


class ThemeError(ValueError):
    """A theme is wrong; the message says how, `path` where in the file."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(slots=True)
class ThemeShelf:
    """The themes that were found, by name, and what was wrong with the others."""

    themes: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def to_theme(data: dict[str, Any]) -> Theme:
    """Returns the theme that `data` describes. Raises `ThemeError`."""
    for key in data:
        if key not in KEYS:
            raise ThemeError(f"unknown key {key!r}; expected name, dark, colors, variables", key)
    name, colors, dark = data.get("name"), data.get("colors"), data.get("dark", True)
    if not isinstance(name, str) or not name or not isinstance(colors, dict):
        raise ThemeError("a theme has a name and colors")
    if name == AUTO:
        raise ThemeError("`auto` stands for the terminal's own dark or light; take another name", "name")
    if not isinstance(dark, bool):
        raise ThemeError("dark is true or false", "dark")
    _check_colors(colors)
    return Theme(name=name, dark=dark, variables=_variables(data.get("variables") or {}), **colors)


def _check_colors(colors: dict[str, Any]) -> None:
    for key, value in colors.items():
        if key not in COLORS:
            raise ThemeError(f"this colour is unknown; expected one of {', '.join(COLORS)}", "colors", key)
        if not _is_color(value):
            raise ThemeError(f"{value!r} is no colour; write it as '#rrggbb'", "colors", key)
    if "primary" not in colors:
        raise ThemeError("colors.primary is missing", "colors")


def _variables(given: object) -> dict[str, str]:
    """Returns the variables; whatever the style sheets could not be read with is refused."""
    if not isinstance(given, dict):
        raise ThemeError("variables is a mapping of names to values", "variables")
    for key, value in given.items():
        text = str(value)
        if not _STYLES.fullmatch(text) and not _is_color(_PERCENT.sub("", text)):
            raise ThemeError(
                f"{text!r} is neither a colour nor styles such as 'bold underline'", "variables", str(key)
            )
    return {str(key): str(value) for key, value in given.items()}


def _is_color(value: object) -> bool:
    try:
        Color.parse(str(value))
    except ColorParseError:
        return False
    return True


def remembered(data: dict[str, Any]) -> Theme:
    """Returns the theme of last time; the built-in one when there is none or it is damaged."""
    try:
        return to_theme(data or BUILT_IN)
    except ThemeError:
        return to_theme(BUILT_IN)


def read(folders: Iterable[Path]) -> ThemeShelf:
    """Returns the themes of all YAML files in `folders`; of one name, the first wins."""
    shelf = ThemeShelf()
    for path in (p for folder in folders for p in sorted(folder.glob("*.y*ml"))):
        try:
            data = _read_one(path, shelf.problems)
        except FileNotFoundError:
            continue  # deleted just now
        if data is not None:
            shelf.themes.setdefault(str(data["name"]), data)
    shelf.themes.setdefault("holdfast-dark", BUILT_IN)
    return shelf


def _read_one(path: Path, problems: list[str]) -> dict[str, Any] | None:
    """Returns one file's theme; None when it is wrong, which `problems` then says with the place."""
    from holdfast.core.config.nodes import compose  # YAML: after the first paint only
    from holdfast.core.config.yaml import read_file

    text, wrong = read_file(path)
    document = None
    if text is not None:
        document, wrong = compose(text, str(path))
    if document is None or wrong:
        problems.extend(str(each) for each in wrong[:1])
        return None
    return _checked(document, problems)


def _checked(document: Document, problems: list[str]) -> dict[str, Any] | None:
    value = document.root.value
    data: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
    try:
        to_theme(data)
    except ThemeError as error:
        problems.append(str(document.mistake(error.path, str(error), of_key=True)))
        return None
    return data
