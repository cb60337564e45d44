"""The fifteen journeys: from a person's first key to what they wanted, on the real workbench."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # what journeys share with other areas

from tests.e2e.fixtures import bench, installed, server
from tests.journeys.person import Desk

__all__ = ["bench", "installed", "server"]
"""The fixtures of whole-program tests: for the journeys that need a real terminal."""

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial"
NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there: the tester's own Ollama must not answer."""


@pytest.fixture
def desk(_own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A home of its own and a project with the tutorial's files, to open apps at; keys decide at once."""
    for name, value in {
        "HOLDFAST_SCRIPTED": "1",
        "HOLDFAST_MODELS__OLLAMA_URL": NOWHERE,
        "HOLDFAST_TUI__KEY_GUARD_S": "0",
    }.items():
        monkeypatch.setenv(name, value)
    project = tmp_path / "project"
    shutil.copytree(TUTORIAL, project)
    return Desk(_own_home, project, tmp_path)
