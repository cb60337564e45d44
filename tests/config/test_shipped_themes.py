"""The themes that come with Holdfast: their keys, and that people can read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.config.nodes import compose
from holdfast.core.config.paths import shipped

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


def theme(path: Path) -> dict[str, Any]:
    document, problems = compose(path.read_text(encoding="utf-8"), str(path))
    assert problems == []
    assert document is not None
    value = document.root.value
    assert isinstance(value, dict)
    return value


def luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_of_contrast_knows_black_and_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_there_are_five_themes_or_more_dark_and_light_and_the_default() -> None:
    themes = [theme(path) for path in FILES]
    assert len(themes) >= 5
    assert {one["dark"] for one in themes} == {True, False}
    assert "holdfast-dark" in {one["name"] for one in themes}


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
        assert contrast(colors["foreground"], colors[ground]) >= 4.5, ground
        for name in ("primary", "secondary", "accent", "success", "warning", "error"):
            assert contrast(colors[name], colors[ground]) >= 3, f"{name} on {ground}"


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
