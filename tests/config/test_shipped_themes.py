"""The themes that come with Holdfast: their keys, and that people can read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.config.nodes import compose
from holdfast.core.config.paths import shipped
from holdfast.core.config.settings import TuiSettings

FILES = sorted(shipped("themes").glob("*.yaml"))
COLORS = {
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "success",
    "warning",
    "error",
}
GROUNDS = ("background", "surface", "panel")
TEXTS = sorted(COLORS - set(GROUNDS))
MUTED = 0.6
"""How much of the foreground muted text has; the rest is the background's."""
CURSOR = 0.3
"""How much of `primary` the row under the cursor of a list has."""
UNSEEN = {
    "red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
}
"""What is left of linear red, green and blue for eyes without one of the receptors."""


def theme(path: Path) -> dict[str, Any]:
    document, problems = compose(path.read_text(encoding="utf-8"), str(path))
    assert problems == []
    assert document is not None
    value = document.root.value
    assert isinstance(value, dict)
    return value


def linear(color: str) -> list[float]:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def luminance(color: str) -> float:
    red, green, blue = linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def blended(color: str, ground: str, part: float) -> str:
    pairs = [(int(color[at : at + 2], 16), int(ground[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(one * part + other * (1 - part)):02x}" for one, other in pairs)


def lab(color: str, sight: tuple[tuple[float, ...], ...]) -> tuple[float, float, float]:
    """The colour in CIELAB as eyes of that sight see it."""
    seen = [sum(f * c for f, c in zip(row, linear(color), strict=True)) for row in sight]
    red, green, blue = (min(1.0, max(0.0, c)) for c in seen)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_of_contrast_knows_black_and_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_there_are_many_themes_dark_and_light_and_those_that_follow_the_terminal() -> None:
    themes = {one["name"]: one["dark"] for one in map(theme, FILES)}
    assert len(themes) >= 14
    assert sum(themes.values()) >= 4
    assert len(themes) - sum(themes.values()) >= 4
    assert themes[TuiSettings().theme_dark] is True
    assert themes[TuiSettings().theme_light] is False


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_theme_has_its_keys_and_nothing_else(path: Path) -> None:
    one = theme(path)
    assert set(one) - {"variables"} == {"name", "dark", "colors"}
    assert one["name"] == path.stem
    assert isinstance(one["dark"], bool)
    assert set(one["colors"]) == COLORS
    assert all(re.fullmatch(r"#[0-9a-f]{6}", color) for color in one["colors"].values())
    dark_ground = luminance(one["colors"]["background"]) < luminance(one["colors"]["foreground"])
    assert dark_ground is one["dark"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_text_of_a_theme_can_be_read(path: Path) -> None:
    colors = theme(path)["colors"]
    for ground in GROUNDS:
        for name in TEXTS:
            assert contrast(colors[name], colors[ground]) >= 4.5, f"{name} on {ground}"
        muted = blended(colors["foreground"], colors[ground], MUTED)
        assert contrast(muted, colors[ground]) >= 3, f"muted on {ground}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_text_under_the_cursor_can_be_read(path: Path) -> None:
    colors = theme(path)["colors"]
    under = blended(colors["primary"], colors["background"], CURSOR)
    assert contrast(colors["foreground"], under) >= 4.5
    assert contrast(blended(colors["foreground"], under, MUTED), under) >= 3


@pytest.mark.parametrize("sight", sorted(UNSEEN))
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_went_well_differs_from_what_failed_for_eyes_that_see_fewer_colours(
    path: Path, sight: str
) -> None:
    colors = theme(path)["colors"]
    good, bad = (lab(colors[name], UNSEEN[sight]) for name in ("success", "error"))
    assert sum((one - other) ** 2 for one, other in zip(good, bad, strict=True)) ** 0.5 >= 10


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.stem.startswith("high-contrast")], ids=lambda p: p.stem
)
def test_a_high_contrast_theme_keeps_its_name(path: Path) -> None:
    colors = theme(path)["colors"]
    assert all(contrast(colors["foreground"], colors[ground]) >= 15 for ground in GROUNDS)
    assert all(
        contrast(colors[name], colors[ground]) >= 7
        for ground in GROUNDS
        for name in ("primary", "accent", "success", "warning", "error")
    )
