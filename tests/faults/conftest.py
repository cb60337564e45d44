"""What must hold when something breaks: real processes, killed, filled up, locked out, lied to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # `tests.e2e` and `tests.fakes` are shared by areas

from tests.e2e.bench import Bench
from tests.e2e.fixtures import bench, installed, openai_bench, server
from tests.faults.disk import SmallDisk

__all__ = ["bench", "disk", "installed", "openai_bench", "server"]


@pytest.fixture
def disk(bench: Bench) -> Iterator[SmallDisk]:
    """The bench's home, on a disk of 8 MB of its own."""
    try:
        with SmallDisk(bench.home, 8) as mounted:
            try:
                yield mounted
            finally:
                bench.close()
    except PermissionError as refused:
        pytest.skip(f"needs the right to mount a file system in memory: {refused}")
