import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.domain.errors import NotFoundError, StoreError
from holdfast.core.files.blobs import FileBlobs


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_bytes_come_back_as_they_were(blobs: FileBlobs, data: bytes) -> None:
    digest = blobs.put(data)
    assert blobs.put(data) == digest
    assert blobs.get(digest) == data


def test_a_blob_is_its_owners_alone_and_two_folders_deep(blobs: FileBlobs, tmp_path: Path) -> None:
    digest = blobs.put(b"x")
    path = blobs.path(digest)
    assert path == tmp_path / "blobs" / digest[:2] / digest[2:4] / digest
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == [digest]


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64, "a" * 64 + "\n"])
def test_what_is_no_blob_is_not_found(blobs: FileBlobs, digest: str) -> None:
    with pytest.raises(NotFoundError):
        blobs.get(digest)


def test_a_damaged_blob_is_told_and_written_again(blobs: FileBlobs) -> None:
    digest = blobs.put(b"precious")
    blobs.path(digest).write_bytes(b"")
    with pytest.raises(StoreError):
        blobs.get(digest)
    blobs.put(b"precious")
    assert blobs.get(digest) == b"precious"


def test_a_folder_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file is in the way")
    with pytest.raises(StoreError):
        FileBlobs(tmp_path / "blobs").put(b"x")


def test_a_sweep_removes_what_nothing_uses_and_keeps_what_is_new(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    used, old, new = (blobs.put(text) for text in (b"used", b"old", b"new"))
    for digest in (used, old):
        os.utime(blobs.path(digest), (1, 1))
    assert blobs.sweep({used}) == 1
    assert [blobs.path(digest).exists() for digest in (used, old, new)] == [True, False, True]
