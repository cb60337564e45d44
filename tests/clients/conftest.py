"""Real clients, each in an environment of its own, against a real engine's listener on TCP."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # `tests.e2e` is shared by areas

from tests.e2e.bench import Bench
from tests.e2e.fixtures import bench, installed
from tests.e2e.over_tcp import Door, open_door

__all__ = ["bench", "door", "installed"]


@pytest.fixture
async def door(bench: Bench) -> Door:
    """A listener of a fresh engine that takes scripted models, with a key that may do everything."""
    bench.environment["HOLDFAST_SCRIPTED"] = "1"
    workbench = bench.start_engine()
    opened = await open_door(workbench)
    await workbench.close()
    return opened
