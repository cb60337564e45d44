"""Writing, deleting, fetching and counting files by a client's word."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
from pathlib import Path

import pytest

from holdfast.core.domain.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    OutsideWorkspace,
    UnavailableError,
)
from holdfast.core.domain.events import FileChanged
from holdfast.core.domain.files import Change
from holdfast.core.files import put as putting
from holdfast.core.files import stats as counting
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.files.fetch import fetch_file, fetch_version
from holdfast.core.files.history import versions
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.files.put import ABSENT, put, remove
from holdfast.core.files.stats import count
from holdfast.core.files.versions import WorkspaceWatch


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def event(change, **more) -> FileChanged:
    return FileChanged.model_validate({"session_id": "s", "origin": "api", **change.model_dump(), **more})


def test_a_file_is_made_replaced_and_deleted_and_every_content_kept(
    workspace: WorkspaceJail, blobs: FileBlobs
) -> None:
    made, first = put(workspace, blobs, "./a/b.txt", b"one", ABSENT)
    replaced, second = put(workspace, blobs, "a/b.txt", io.BytesIO(b"two"), made.digest)
    third = remove(workspace, blobs, "a//b.txt")
    assert (made.path, made.size, made.digest, made.change) == ("a/b.txt", 3, digest(b"one"), Change.CREATED)
    assert replaced.change is Change.MODIFIED
    assert first is not None
    assert second is not None
    assert [(c.change, c.before, c.after) for c in (first, second, third)] == [
        (Change.CREATED, None, digest(b"one")),
        (Change.MODIFIED, digest(b"one"), digest(b"two")),
        (Change.DELETED, digest(b"two"), None),
    ]
    assert blobs.get(digest(b"one")) == b"one"
    assert blobs.get(digest(b"two")) == b"two"
    assert not (workspace.root / "a/b.txt").exists()


def test_writing_what_is_there_already_is_no_change(workspace: WorkspaceJail, blobs: FileBlobs) -> None:
    workspace.write("a", b"same")
    written, change = put(workspace, blobs, "a", b"same")
    assert (written.change, written.digest, change) == (None, digest(b"same"), None)


@pytest.mark.parametrize("expected", [ABSENT, digest(b"other")])
def test_a_file_that_is_not_as_expected_is_left(
    workspace: WorkspaceJail, blobs: FileBlobs, expected: str
) -> None:
    workspace.write("a", b"mine")
    with pytest.raises(ConflictError) as refused:
        put(workspace, blobs, "a", b"yours", expected)
    assert refused.value.code == "file_changed"
    assert workspace.read("a") == b"mine"
    with pytest.raises(ConflictError):
        put(workspace, blobs, "b", b"yours", digest(b"was"))


def test_a_large_file_is_written_whole_and_its_content_not_kept(
    workspace: WorkspaceJail, blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(putting, "_KEPT_BYTES", 10)
    big, bigger = b"x" * 11, b"y" * 400_000
    _, first = put(workspace, blobs, "a", big)
    written, second = put(workspace, blobs, "a", io.BytesIO(bigger))
    _, third = put(workspace, blobs, "a", b"small")
    assert (written.digest, written.size) == (digest(bigger), 400_000)
    assert first is not None
    assert second is not None
    assert third is not None
    assert [(c.before, c.after, c.size) for c in (first, second, third)] == [
        (None, None, 11),
        (None, None, 400_000),
        (None, digest(b"small"), 5),
    ]
    assert not blobs.path(digest(bigger)).exists()
    with pytest.raises(ConflictError):
        put(workspace, blobs, "a", bigger, digest(big))


def test_what_is_sent_is_read_from_where_it_stands(workspace: WorkspaceJail, blobs: FileBlobs) -> None:
    source = io.BytesIO(b"0123456789")
    source.seek(4)
    put(workspace, blobs, "a", source)
    assert workspace.read("a") == b"456789"


def test_a_name_with_control_characters_is_not_made(workspace: WorkspaceJail, blobs: FileBlobs) -> None:
    for path in ("a\nb", "a/\x1b[31m", "\u2028"):
        with pytest.raises(InvalidError):
            put(workspace, blobs, path, b"x")
    assert list(workspace.walk(hidden=True)) == []


def test_a_folder_is_neither_replaced_nor_deleted(workspace: WorkspaceJail, blobs: FileBlobs) -> None:
    workspace.write("a/b", b"x")
    for act in (lambda: put(workspace, blobs, "a", b"y"), lambda: remove(workspace, blobs, "a")):
        with pytest.raises(InvalidError):
            act()
    with pytest.raises(NotFoundError):
        remove(workspace, blobs, "b")
    assert workspace.read("a/b") == b"x"


def test_versions_tell_every_content_and_what_made_it(workspace: WorkspaceJail, blobs: FileBlobs) -> None:
    workspace.write("a", b"given")
    changes = [event(put(workspace, blobs, "a", b"written")[1])]
    workspace.write("a", b"by hand")
    changes.append(event(put(workspace, blobs, "a", b"by a run")[1], origin="run", run_id="r"))
    changes.append(event(put(workspace, blobs, "other", b"else")[1]))
    changes.append(event(remove(workspace, blobs, "a")))
    found = versions(changes, "a", blobs)
    assert [(v.origin, v.change, v.run_id, v.size, v.digest, v.kept) for v in found] == [
        ("other", None, None, 5, digest(b"given"), True),
        ("api", Change.MODIFIED, None, 7, digest(b"written"), True),
        ("other", None, None, 7, digest(b"by hand"), True),
        ("run", Change.MODIFIED, "r", 8, digest(b"by a run"), True),
        ("api", Change.DELETED, None, None, None, False),
    ]
    assert found[0].at is None
    assert found[1].at == changes[0].at


def test_a_version_whose_content_is_gone_is_said_to_be(workspace: WorkspaceJail, blobs: FileBlobs) -> None:
    change = event(put(workspace, blobs, "a", b"x")[1])
    blobs.path(digest(b"x")).unlink()
    (found,) = versions([change], "a", blobs)
    assert (found.digest, found.kept) == (digest(b"x"), False)
    with pytest.raises(NotFoundError) as refused:
        fetch_version(blobs, [change], "a", digest(b"x"))
    assert refused.value.code == "version_not_kept"


async def test_a_version_is_fetched_by_its_digest_and_by_no_other(
    workspace: WorkspaceJail, blobs: FileBlobs
) -> None:
    change = event(put(workspace, blobs, "a", b"mine")[1])
    secret = blobs.put(b"somebody else's")
    elsewhere = event(put(workspace, blobs, "b", b"of another file")[1])
    changes = [change, elsewhere]
    assert await fetch_version(blobs, changes, "a", digest(b"mine")).read() == b"mine"
    for wanted in (secret, elsewhere.after, "", "../../etc/passwd", "None"):
        with pytest.raises(NotFoundError) as refused:
            fetch_version(blobs, changes, "a", str(wanted))
        assert refused.value.code == "version_not_found"


async def test_a_file_is_fetched_as_it_was_when_it_was_opened(workspace: WorkspaceJail) -> None:
    workspace.write("a.txt", b"x" * 300_000)
    found = fetch_file(workspace, "a.txt")
    workspace.write("a.txt", b"new")
    assert (found.name, found.media_type, found.size) == ("a.txt", "text/plain", 300_000)
    assert await found.read() == b"x" * 300_000


async def test_a_file_that_is_cut_while_it_is_fetched_is_an_error(workspace: WorkspaceJail) -> None:
    workspace.write("a", b"x" * 600_000)
    found = fetch_file(workspace, "a")
    os.truncate(workspace.root / "a", 10)
    with pytest.raises(UnavailableError):
        await found.read()


async def test_no_file_is_fetched_as_something_that_a_browser_executes(workspace: WorkspaceJail) -> None:
    names = ("a.html", "a.htm", "a.xhtml", "a.svg", "a.xml", "a.js", "a", "A.HTML")
    for name in names:
        workspace.write(name, b"<html><script>alert(1)</script></html>")
        async with fetch_file(workspace, name) as found:
            assert found.media_type == "text/plain", name


async def test_a_fetched_name_is_plain(workspace: WorkspaceJail) -> None:
    workspace.write_chunks("folder/a\nb\x1b", [b"x"])
    async with fetch_file(workspace, "folder/a\nb\x1b") as found:
        assert found.name == "a b"


async def test_only_a_file_is_fetched(workspace: WorkspaceJail, tmp_path: Path) -> None:
    workspace.write("folder/a", b"x")
    os.mkfifo(workspace.root / "pipe")
    (workspace.root / "link").symlink_to(tmp_path)
    for path, error in (
        ("folder", InvalidError),
        ("pipe", InvalidError),
        ("nothing", NotFoundError),
        ("link/x", OutsideWorkspace),
        ("", InvalidError),
    ):
        with pytest.raises(error):
            fetch_file(workspace, path)


def test_what_is_in_a_workspace_is_counted(workspace: WorkspaceJail) -> None:
    workspace.write("a.txt", b"12345")
    workspace.write("b/.hidden", b"123")
    workspace.write("b/big.bin", b"x" * 1000)
    workspace.write("node_modules/left.js", b"out")
    (workspace.root / "link").symlink_to("a.txt")
    for path in ("a.txt", "b/.hidden", "b/big.bin"):
        os.utime(workspace.root / path, (1_000_000, 1_000_000))
    os.utime(workspace.root / "a.txt", (2_000_000, 2_000_000))
    found = count(workspace, ("s1", "s2"), deadline=1, clock=lambda: 0)
    assert (found.files, found.folders, found.total_bytes) == (3, 1, 1008)
    assert (found.largest, found.largest_bytes) == ("b/big.bin", 1000)
    assert (found.sessions, found.complete) == (("s1", "s2"), True)
    assert found.changed_at is not None
    assert found.changed_at.timestamp() == 2_000_000


def test_an_empty_workspace_has_no_largest_file(workspace: WorkspaceJail) -> None:
    found = count(workspace, (), deadline=1, clock=lambda: 0)
    assert (found.files, found.largest, found.changed_at, found.complete) == (0, None, None, True)


def test_counting_ends_in_time_and_says_so(workspace: WorkspaceJail, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abcd":
        workspace.write(name, b"x")
    times = iter(range(100))
    found = count(workspace, (), deadline=2, clock=lambda: next(times))
    assert (found.files, found.complete) == (3, False)
    monkeypatch.setattr(counting, "MAX_ENTRIES", 2)
    found = count(workspace, (), deadline=1, clock=lambda: 0)
    assert (found.files, found.complete) == (2, False)


async def test_a_client_writes_only_while_no_call_is_under_way(
    workspace: WorkspaceJail, blobs: FileBlobs
) -> None:
    watch = WorkspaceWatch(workspace, blobs)
    async with watch.call(), watch.call():
        with pytest.raises(ConflictError) as refused:
            async with watch.writing():
                raise AssertionError
        assert (refused.value.code, refused.value.retryable) == ("busy", True)
    began = asyncio.Event()

    async def call() -> None:
        async with watch.call():
            began.set()

    async with watch.writing():
        calling = asyncio.create_task(call())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not began.is_set()
    async with asyncio.timeout(5):
        await calling
    async with watch.writing():
        pass
