import base64
import time
from pathlib import Path

import pytest

from holdfast.core.domain.errors import ConflictError, TooLargeError
from holdfast.core.domain.events import FileChanged
from holdfast.core.domain.files import Change, FileStat
from holdfast.core.domain.messages import FilePart, ImagePart
from holdfast.core.files import attach as attaching
from holdfast.core.files.attach import attach
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.files.complete import PathIndex, complete
from holdfast.core.files.entries import entries
from holdfast.core.files.fork import copy_tree
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.files.preview import MAX_IMAGE_BYTES, MAX_TEXT_BYTES, read_for_preview

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.mark.parametrize(
    ("name", "data", "kind", "media_type"),
    [
        ("a.txt", b"hi", "text", "text/plain"),
        ("a.py", b"pass", "text", "text/x-python"),
        ("a.md", b"# hi", "markdown", "text/markdown"),
        ("a.csv", b"a,b", "csv", "text/csv"),
        ("a.json", b"{}", "json", "application/json"),
        ("a.txt", PNG, "image", "image/png"),
        ("a.png", b"no image", "text", "text/plain"),
        ("a.png", b"\0\1\2", "binary", "application/octet-stream"),
        ("a.md", b"\xff\xfe\0", "binary", "application/octet-stream"),
        ("a.bin", b"%PDF-1.7 \xff", "binary", "application/pdf"),
        ("a.zip", b"PK\3\4\0", "binary", "application/zip"),
        ("empty", b"", "text", "text/plain"),
    ],
)
def test_a_preview_knows_what_a_file_is(
    workspace: WorkspaceJail, name: str, data: bytes, kind: str, media_type: str
) -> None:
    workspace.write(name, data)
    found = read_for_preview(workspace, f"./{name}")
    assert (found.path, found.kind, found.media_type, found.size) == (name, kind, media_type, len(data))
    assert found.text == (data.decode() if kind not in ("image", "binary") else "")
    assert base64.b64decode(found.data) == (data if kind == "image" else b"")
    assert not found.truncated


def test_a_preview_is_cut_where_it_is_long_enough(workspace: WorkspaceJail) -> None:
    workspace.write("long.txt", ("é" * MAX_TEXT_BYTES).encode())
    workspace.write("big.png", PNG + b"\0" * MAX_IMAGE_BYTES)
    text, image = (read_for_preview(workspace, path) for path in ("long.txt", "big.png"))
    assert (len(text.text), text.truncated) == (MAX_TEXT_BYTES // 2, True)
    assert (image.kind, image.data, image.truncated) == ("image", "", True)


def test_an_image_is_attached_as_an_image_and_the_rest_as_files(blobs: FileBlobs) -> None:
    image = attach(PNG, "/home/me/pic\x1b.txt", blobs)
    assert isinstance(image, ImagePart)
    assert (image.media_type, image.name, blobs.get(image.blob)) == ("image/png", "pic.txt", PNG)
    table = attach(b"a,b\n", "t.csv", blobs)
    assert isinstance(table, FilePart)
    assert (table.media_type, table.name, table.size) == ("text/csv", "t.csv", 4)
    assert attach(b"%PDF-1.4", "x", blobs).media_type == "application/pdf"


def test_an_attachment_that_is_too_large_is_refused(blobs: FileBlobs) -> None:
    with pytest.raises(TooLargeError):
        attach(bytes(attaching.MAX_ATTACHMENT_BYTES + 1), "big", blobs)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("read", ["README.md", "docs/reading.txt", "src/spread.py", "src/r_e_a_d.py"]),
        ("src/", ["src/main.py", "src/spread.py", "src/r_e_a_d.py"]),
        ("mpy", ["src/main.py"]),
        ("zzz", []),
        ("./README", ["README.md"]),
    ],
)
def test_completion_puts_the_best_first(prefix: str, expected: list[str]) -> None:
    paths = ["src/main.py", "src/spread.py", "docs/reading.txt", "README.md", "src/r_e_a_d.py"]
    assert list(complete(paths, prefix)) == expected


def test_without_letters_completion_shows_the_top() -> None:
    assert complete(["a/b/c", "z", "a/b", "a"], "", limit=3) == ("a", "z", "a/b")


def test_completion_of_many_paths_costs_little() -> None:
    paths = [f"package_{i % 97}/module_{i}/source_file_{i}.py" for i in range(20_000)]
    began = time.process_time()
    found = complete(paths, "p9sf1999")
    assert found
    # A hundred times what it takes would still be found out; the bound is for accidents of growth.
    assert time.process_time() - began < 2


def test_the_index_reads_again_when_it_is_old_and_hides_what_is_hidden(workspace: WorkspaceJail) -> None:
    now = 0.0
    index = PathIndex(workspace, clock=lambda: now)
    for path in ("notes.md", ".env", "node_modules/note.js", "d/.note"):
        workspace.write(path, b"")
    assert index.complete("no") == ("notes.md",)
    assert index.complete(".e", limit=1) == (".env",)
    workspace.write("news.md", b"")
    assert "news.md" not in index.complete("ne")
    now = 6.0
    assert "news.md" in index.complete("ne")
    assert "d/" in index.complete("d")


def test_a_fork_gets_all_files_but_no_links(workspace: WorkspaceJail, tmp_path: Path) -> None:
    for path in ("a.txt", ".env", ".git/config", ".holdfast/outputs/1.txt", "d/e/f"):
        workspace.write(path, path.encode())
    (workspace.root / "a.txt").chmod(0o750)
    (workspace.root / "link").symlink_to("/etc/passwd")
    (tmp_path / "fork").mkdir()
    fork = WorkspaceJail(tmp_path / "fork")
    assert copy_tree(workspace, fork) == 5
    assert {s.path for s in fork.walk(hidden=True, skip=frozenset()) if not s.is_dir} == {
        "a.txt",
        ".env",
        ".git/config",
        ".holdfast/outputs/1.txt",
        "d/e/f",
    }
    assert fork.read("d/e/f") == b"d/e/f"
    assert fork.stat("a.txt").mode == 0o750
    with pytest.raises(ConflictError):
        copy_tree(workspace, fork)


def changed(path: str, change: Change, run: str | None, before: str | None, after: str | None) -> FileChanged:
    return FileChanged(session_id="s", run_id=run, path=path, change=change, before=before, after=after)


def test_entries_tell_the_state_against_the_start_of_the_session() -> None:
    log = [
        changed("made", Change.CREATED, "r1", None, "1"),
        changed("edited", Change.MODIFIED, "r1", "0", "1"),
        changed("gone", Change.DELETED, "r1", "0", None),
        changed("came and went", Change.CREATED, "r1", None, "1"),
        changed("back", Change.MODIFIED, "r1", "0", "1"),
        changed("made", Change.MODIFIED, "r2", "1", "2"),
        changed("came and went", Change.DELETED, "r2", "1", None),
        changed("back", Change.MODIFIED, None, "1", "0"),
        changed("too big", Change.MODIFIED, "r2", None, None),
    ]
    disk = [FileStat(p, 3, 10**18) for p in ("plain", "made", "edited", "back", "too big")]
    found = entries(log, [*disk, FileStat("folder", 0, 0, is_dir=True)])
    assert [(e.path, e.state, e.run_id) for e in found] == [
        ("back", "unchanged", None),
        ("edited", "modified", "r1"),
        ("gone", "deleted", "r1"),
        ("made", "created", "r2"),
        ("plain", "unchanged", None),
        ("too big", "modified", "r2"),
    ]
    assert found[1].size == 3
    assert found[1].modified_at is not None
    assert found[2].modified_at is None
