from pathlib import Path

import pytest

from holdfast.core.files.blobs import FileBlobs
from holdfast.core.files.jail import WorkspaceJail


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceJail:
    root = tmp_path / "workspace"
    root.mkdir()
    return WorkspaceJail(root)


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs")
