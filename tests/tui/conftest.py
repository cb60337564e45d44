"""What the tests of the terminal app share."""

from __future__ import annotations

import difflib
import html
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_workbench import NOON, FakeWorkbench
from pytest_textual_snapshot import SVGImageExtension
from stage import TWO, Stage
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from holdfast.tui.app import HoldfastApp
from holdfast.tui.start import Start

Pictures = Callable[..., Awaitable[list[str]]]
Until = Callable[[Pilot[Any], Callable[[], object]], Awaitable[None]]
LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def make_app(tmp_path: Path) -> Callable[..., HoldfastApp]:
    """Returns a function that makes an app on a fake workbench; keys of approvals act at once."""

    def make(bench: FakeWorkbench, **more: Any) -> HoldfastApp:
        known: dict[str, Any] = {
            "folder": tmp_path,
            "state_file": tmp_path / "state" / "tui.json",
            "now": lambda: LATER,
            "version": "0.1.0",
        }
        return HoldfastApp(Start(more.pop("connect", bench.connect), **(known | more)))

    return make


@pytest.fixture
def until() -> Until:
    """Returns a function that waits for a condition on a screen that is up, at most twenty seconds."""

    async def wait(pilot: Pilot[Any], condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        # A screen that was just opened has none of its widgets yet.
        while not (all(one.is_mounted for one in pilot.app.screen_stack[-1:]) and condition()):
            assert time.monotonic() < deadline, "the screen never came to that"
            await pilot.pause(0.01)

    return wait


@pytest.fixture
def clock() -> datetime:
    return LATER


@pytest.fixture
def pictures(snapshot: Any, request: pytest.FixtureRequest) -> Pictures:
    """Returns a function that compares a scene with its kept pictures, of a size and a theme each.

    It returns the names of those that are not as they were, each with the lines that differ."""
    kept = snapshot.use_extension(SVGImageExtension)
    folder = request.path.parent / "__snapshots__" / request.path.stem

    async def compare(
        pilot: Pilot[Any],
        scene: str,
        stage: Stage,
        looks: Iterable[tuple[tuple[int, int], str]] = TWO,
    ) -> list[str]:
        app = stage.app
        wrong = []
        for size, theme in looks:
            await pilot.resize_terminal(*size)
            app.theming.show(theme)
            for field in (*app.screen.query(Input), *app.screen.query(TextArea)):
                field.cursor_blink = False
            await stage.rest(pilot)
            name = f"{scene}-{size[0]}x{size[1]}-{theme.removeprefix('holdfast-')}"
            if kept(name=name) != (taken := app.export_screenshot()):
                file = folder / f"{request.node.name}[{name}].svg"
                wrong.append(f"{name}\n{_difference(file, taken)}")
        return wrong

    return compare


def _difference(file: Path, taken: str) -> str:
    """Returns the lines of text in which a picture differs from the one in a file."""
    if not file.exists():
        return "there is none yet"
    lines = difflib.unified_diff(
        *(_text(file.read_text(encoding="utf-8")), _text(taken)), "kept", "taken", n=0, lineterm=""
    )
    return "\n".join(lines) or "the text is the same, colours are not"


def _text(svg: str) -> list[str]:
    """Returns the lines of text in the picture of a screen."""
    lines: dict[int, str] = {}
    for number, text in re.findall(r'terminal(?:-\w+)?-line-(\d+)\)">([^<]*)</text>', svg):
        lines[int(number)] = lines.get(int(number), "") + html.unescape(text).rstrip("\n")
    return [lines[number] for number in sorted(lines)]


@pytest.fixture
def stage(make_app: Any, until: Any) -> Callable[..., Stage]:
    return lambda **more: Stage(make_app, until, **more)
