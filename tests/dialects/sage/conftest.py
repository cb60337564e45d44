"""Sage's API, asked by several users, with knowledge in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.dialects.h2ogpte.conftest import serve_users
from tests.knowledge_service.conftest import MemoryIndex

from holdfast.core.config.paths import Paths
from holdfast.core.files.blobs import FileBlobs

__all__ = ["serve_users"]


@pytest.fixture
def index(tmp_path: Path) -> MemoryIndex:
    """An index of knowledge in memory, for the home of `open_bench`."""
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    return MemoryIndex(paths.knowledge, FileBlobs(paths.blobs))
