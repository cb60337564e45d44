"""Pictures of the log of runs, with 10,000 of them, and of the map of a session."""

from __future__ import annotations

import time
from typing import Any

import pytest
from logged_runs import furnish_runs
from stage import DARK, LARGE, LIGHT, SMALL, Scene

pytestmark = pytest.mark.thorough

WIDE = (200, 50)
LOOKS = ((SMALL, DARK), (LARGE, LIGHT), (WIDE, DARK), (WIDE, LIGHT))
SCENES = (
    Scene("runs", ("/runs", "?10,000 runs", "down", "down"), "model 202 ms"),
    Scene("runs-found", ("/runs", "?10,000 runs", "slash", ":Oslo", "?2,500 runs", "down", "S"), "1.7k in"),
    Scene("runs-none", ("/runs", "?10,000 runs", "slash", ":zzz"), "No run fits."),
    Scene("map", ("/map sales", "?Quarterly figures", "down", "down", "down"), "took  240 ms"),
    Scene("map-folded", ("/map sales", "?Quarterly figures", "space"), "▸"),
    Scene("map-empty", ("/map other",), "Nothing has happened"),
)


async def test_runs_and_maps(stage: Any, pictures: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")  # the log says when a run was by the clock on the wall
    time.tzset()
    scene = stage()
    furnish_runs(scene.bench, 10_000)
    wrong = []
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        for each in SCENES:
            await scene.go(pilot, *each.steps)
            await scene.see(pilot, each.sees)
            wrong += await pictures(
                pilot, each.name, scene, LOOKS if each.name in ("runs", "map") else LOOKS[:2]
            )
            await scene.leave(pilot)
    assert not wrong, "\n".join(wrong)
