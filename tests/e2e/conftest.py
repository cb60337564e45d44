"""Whole-program tests: the installed wheel on a fresh home."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # `tests.e2e` and `tests.fakes` are shared by areas

from tests.e2e.fixtures import bench, installed, openai_bench, server

__all__ = ["bench", "installed", "openai_bench", "server"]
