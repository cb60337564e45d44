"""What the tests of the terminal app share."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_workbench import NOON, FakeWorkbench
from textual.pilot import Pilot

from holdfast.tui.app import HoldfastApp
from holdfast.tui.start import Start

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
    """Returns a function that waits for a condition, at most ten seconds."""

    async def wait(pilot: Pilot[Any], condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "the screen never came to that"
            await pilot.pause(0.01)

    return wait


@pytest.fixture
def clock() -> datetime:
    return LATER
