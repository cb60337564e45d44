import os
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.files import Change, FileChange
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.files.undo import redo, undo
from holdfast.core.files.versions import Manifest, WatchLimits, WorkspaceWatch, diff, scan


class CountingJail(WorkspaceJail):
    reads = 0

    def read(self, path: str, limit: int | None = None) -> bytes:
        self.reads += 1
        return super().read(path, limit)


@pytest.fixture
def watch(workspace: WorkspaceJail, blobs: FileBlobs) -> WorkspaceWatch:
    return WorkspaceWatch(workspace, blobs)


def facts(changes: Sequence[FileChange]) -> list[tuple[str, str]]:
    return [(c.path, c.change.value) for c in changes]


def content(workspace: WorkspaceJail) -> dict[str, bytes]:
    return {s.path: workspace.read(s.path) for s in workspace.walk(hidden=True) if not s.is_dir}


def age(workspace: WorkspaceJail) -> None:
    """Makes every file look as if it had been written long ago."""
    for stat in workspace.walk(hidden=True):
        os.utime(workspace.root / stat.path, ns=(1, 1))


def test_created_modified_and_deleted_files_are_seen_once(
    workspace: WorkspaceJail, blobs: FileBlobs, watch: WorkspaceWatch
) -> None:
    workspace.write("stays", b"1")
    workspace.write("goes", b"2")
    workspace.write(".env", b"3")
    watch.look()
    workspace.write("d/new", b"4")
    workspace.write(".env", b"33")
    workspace.delete("goes")
    changes = watch.changes()
    assert facts(changes) == [(".env", "modified"), ("d/new", "created"), ("goes", "deleted")]
    assert blobs.get(changes[0].before or "") == b"3"
    assert blobs.get(changes[0].after or "") == b"33"
    assert changes[0].size == 2
    assert watch.changes() == []


def test_a_change_of_the_same_size_at_once_is_seen(workspace: WorkspaceJail, watch: WorkspaceWatch) -> None:
    path = workspace.root / "f"
    path.write_bytes(b"aaaa")
    watch.look()
    times = path.stat()
    path.write_bytes(b"bbbb")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert facts(watch.changes()) == [("f", "modified")]


def test_a_touched_file_is_no_change(workspace: WorkspaceJail, watch: WorkspaceWatch) -> None:
    workspace.write("f", b"same")
    watch.look()
    workspace.write("f", b"same")
    os.utime(workspace.root / "f", ns=(5, 5))
    assert watch.changes() == []


def test_files_that_did_not_change_are_not_read_again(workspace: WorkspaceJail, blobs: FileBlobs) -> None:
    jail = CountingJail(workspace.root)
    jail.write("a", b"1")
    jail.write("b", b"2")
    first = scan(jail, blobs)
    assert jail.reads == 2
    settled = Manifest(first.files, first.scanned_ns + 60 * 10**9)
    jail.reads = 0
    assert scan(jail, blobs, settled).files == first.files
    assert jail.reads == 0
    jail.write("b", b"3")
    scan(jail, blobs, settled)
    assert jail.reads == 1


def test_kept_outputs_and_what_programs_make_are_not_watched(
    workspace: WorkspaceJail, watch: WorkspaceWatch
) -> None:
    watch.look()
    workspace.write(".holdfast/outputs/1.txt", b"x")
    workspace.write("p/__pycache__/m.pyc", b"x")
    workspace.write(".git/HEAD", b"x")
    assert watch.changes() == []


def test_a_change_of_a_file_over_the_limit_is_seen_but_cannot_be_undone(
    workspace: WorkspaceJail, blobs: FileBlobs
) -> None:
    watch = WorkspaceWatch(workspace, blobs, WatchLimits(file_bytes=10))
    workspace.write("big", b"x" * 11)
    workspace.write("small", b"x")
    watch.look()
    workspace.write("big", b"y" * 11)
    workspace.write("small", b"y")
    changes = watch.changes()
    assert facts(changes) == [("big", "modified"), ("small", "modified")]
    assert changes[0].before is None
    assert changes[0].after is None
    with pytest.raises(ConflictError) as raised:
        undo(workspace, blobs, changes)
    assert raised.value.code == "not_undoable"
    assert raised.value.details == {"paths": ["big"]}
    assert workspace.read("small") == b"y"


def test_contents_are_kept_only_up_to_the_limits_of_a_workspace(
    workspace: WorkspaceJail, blobs: FileBlobs
) -> None:
    for name in "abcd":
        workspace.write(name, b"12345")
    by_count = scan(workspace, blobs, limits=WatchLimits(files=2))
    by_bytes = scan(workspace, blobs, limits=WatchLimits(workspace_bytes=16))
    assert [s.digest is not None for s in by_count.files.values()] == [True, True, False, False]
    assert [s.digest is not None for s in by_bytes.files.values()] == [True, True, True, False]


def test_a_scan_that_ended_early_invents_no_changes(workspace: WorkspaceJail, blobs: FileBlobs) -> None:
    for name in ("a", "b", "c", "d"):
        workspace.write(name, b"")
    limits = WatchLimits(entries=3)
    old = scan(workspace, blobs, limits=limits)
    assert old.last == ("c",)
    workspace.write("aa", b"")
    new = scan(workspace, blobs, limits=limits)
    assert facts(diff(old, new)) == [("aa", "created")]
    workspace.delete("aa")
    assert facts(diff(new, scan(workspace, blobs, limits=limits))) == [("aa", "deleted")]


def test_undo_and_redo_of_several_changes(
    workspace: WorkspaceJail, blobs: FileBlobs, watch: WorkspaceWatch
) -> None:
    workspace.write("report.md", b"old")
    workspace.write("gone.txt", b"precious")
    watch.look()
    before = content(workspace)
    changes = []
    for text in (b"one", b"two"):
        workspace.write("report.md", text)
        workspace.write("d/new.txt", text)
        changes += watch.changes()
    workspace.delete("gone.txt")
    changes += watch.changes()
    after = content(workspace)

    undone = undo(workspace, blobs, changes)
    assert content(workspace) == before
    assert sorted(facts(undone)) == [
        ("d/new.txt", "deleted"),
        ("gone.txt", "created"),
        ("report.md", "modified"),
    ]
    assert {(c.path, c.before, c.after, c.change) for c in watch.changes()} == {
        (c.path, c.before, c.after, c.change) for c in undone
    }
    redo(workspace, blobs, changes)
    assert content(workspace) == after


@pytest.mark.parametrize("meddle", ["edited", "deleted", "folder", "link"])
def test_undo_touches_nothing_when_a_file_was_changed_since(
    workspace: WorkspaceJail, blobs: FileBlobs, watch: WorkspaceWatch, meddle: str
) -> None:
    watch.look()
    workspace.write("a", b"1")
    workspace.write("b", b"1")
    changes = watch.changes()
    path = workspace.root / "b"
    path.unlink()
    match meddle:
        case "edited":
            path.write_bytes(b"mine")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to("a")
    with pytest.raises(ConflictError) as raised:
        undo(workspace, blobs, changes)
    assert raised.value.details == {"paths": ["b"]}
    assert "b" in raised.value.message
    assert workspace.read("a") == b"1"


def test_undo_refuses_when_somebody_else_changed_the_file_in_between(
    workspace: WorkspaceJail, blobs: FileBlobs, watch: WorkspaceWatch
) -> None:
    watch.look()
    workspace.write("a", b"by the run")
    changes = watch.changes()
    workspace.write("a", b"by a person")
    watch.look()
    workspace.write("a", b"by the run again")
    changes += watch.changes()
    with pytest.raises(ConflictError):
        undo(workspace, blobs, changes)
    assert workspace.read("a") == b"by the run again"


def test_undo_that_fails_in_the_middle_puts_back_what_it_did(
    workspace: WorkspaceJail, blobs: FileBlobs, watch: WorkspaceWatch
) -> None:
    for name in ("a", "b"):
        workspace.write(name, b"old " + name.encode())
    watch.look()
    for name in ("a", "b"):
        workspace.write(name, b"new")
    changes = watch.changes()
    blobs.path(changes[1].before or "").write_bytes(b"damaged")
    with pytest.raises(ConflictError):
        undo(workspace, blobs, changes)
    assert content(workspace) == {"a": b"new", "b": b"new"}


def test_undo_without_the_earlier_blob_is_refused(workspace: WorkspaceJail, blobs: FileBlobs) -> None:
    after = blobs.put(b"new")
    workspace.write("a", b"new")
    change = FileChange(path="a", change=Change.MODIFIED, before="0" * 64, after=after)
    with pytest.raises(ConflictError) as raised:
        undo(workspace, blobs, [change])
    assert raised.value.code == "not_undoable"


def test_undo_writes_no_path_that_leads_out(workspace: WorkspaceJail, blobs: FileBlobs) -> None:
    before = blobs.put(b"evil")
    change = FileChange(path="../evil", change=Change.DELETED, before=before)
    with pytest.raises(ConflictError):
        undo(workspace, blobs, [change])
    assert not (workspace.root.parent / "evil").exists()


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "d/c", "d/e"]), st.sampled_from([b"", b"1", b"22", None])),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=ACTIONS, run=ACTIONS)
def test_undo_brings_back_the_start_and_redo_the_end(
    tmp_path_factory: pytest.TempPathFactory,
    start: list[tuple[str, bytes | None]],
    run: list[tuple[str, bytes | None]],
) -> None:
    base = tmp_path_factory.mktemp("u")
    (base / "w").mkdir()
    workspace, blobs = WorkspaceJail(base / "w"), FileBlobs(base / "b")
    watch = WorkspaceWatch(workspace, blobs)

    def act(path: str, data: bytes | None) -> None:
        if data is not None:
            workspace.write(path, data)
        elif workspace.digest(path) is not None:
            workspace.delete(path)

    for action in start:
        act(*action)
    watch.look()
    before = content(workspace)
    changes = []
    for action in run:
        act(*action)
        changes += watch.changes()
    after = content(workspace)
    undo(workspace, blobs, changes)
    assert content(workspace) == before
    redo(workspace, blobs, changes)
    assert content(workspace) == after
    workspace.close()
