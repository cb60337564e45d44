"""Themes: from YAML files, or as they were remembered, to Textual's own type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

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
        "success": "#8fbf7f",
        "warning": "#e6c15c",
        "error": "#ef7f73",
    },
}
"""The shipped `holdfast-dark`: what is shown at the very first start, before theme files are read."""


class ThemeError(ValueError):
    """A theme file is wrong; the message names the file and says what was expected."""


@dataclass(slots=True)
class ThemeShelf:
    """The themes that were found, by name, and what was wrong with the others."""

    themes: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def to_theme(data: dict[str, Any], origin: str = "theme") -> Theme:
    """Returns the theme that `data` describes. Raises `ThemeError`."""
    unknown = sorted(set(data) - {"version", "name", "dark", "colors", "variables"})
    if unknown:
        raise ThemeError(f"{origin}: unknown key {unknown[0]!r}; expected name, dark, colors, variables")
    name, colors = data.get("name"), data.get("colors")
    if not isinstance(name, str) or not name or not isinstance(colors, dict):
        raise ThemeError(f"{origin}: a theme has a name and colors")
    for key, value in colors.items():
        if key not in COLORS:
            raise ThemeError(f"{origin}: colors.{key} is unknown; expected one of {', '.join(COLORS)}")
        _check_color(f"{origin}: colors.{key}", value)
    if "primary" not in colors:
        raise ThemeError(f"{origin}: colors.primary is missing")
    variables = data.get("variables") or {}
    if not isinstance(variables, dict):
        raise ThemeError(f"{origin}: variables is a mapping of names to values")
    return Theme(
        name=name,
        dark=bool(data.get("dark", True)),
        variables={str(key): str(value) for key, value in variables.items()},
        **colors,
    )


def _check_color(where: str, value: object) -> None:
    try:
        Color.parse(str(value))
    except ColorParseError as error:
        raise ThemeError(f"{where}: {value!r} is no colour; write it as '#rrggbb'") from error


def remembered(data: dict[str, Any]) -> Theme:
    """Returns the theme of last time; the built-in one when there is none or it is damaged."""
    try:
        return to_theme(data or BUILT_IN)
    except ThemeError:
        return to_theme(BUILT_IN)


def read(folders: Iterable[Path]) -> ThemeShelf:
    """Returns the themes of all YAML files in `folders`; of one name, the first wins."""
    import yaml  # after the first paint only

    shelf = ThemeShelf()
    for path in (p for folder in folders for p in sorted(folder.glob("*.y*ml"))):
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
            theme = to_theme(data if isinstance(data, dict) else {}, path.name)
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ThemeError) as error:
            shelf.problems.append(str(error))
            continue
        shelf.themes.setdefault(theme.name, data)
    shelf.themes.setdefault("holdfast-dark", BUILT_IN)
    return shelf
