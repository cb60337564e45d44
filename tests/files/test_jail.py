import hashlib
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    OutsideWorkspace,
    TooLargeError,
)
from holdfast.core.files.jail import MAX_DEPTH, WorkspaceJail


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("canary")
    return outside / "secret.txt"


def test_a_file_is_written_with_its_folders_and_read_back(workspace: WorkspaceJail) -> None:
    workspace.write("a/b/c.txt", b"hello")
    assert workspace.read("a/b/c.txt") == b"hello"
    assert workspace.read("a/b/c.txt", 2) == b"he"
    assert workspace.stat("a/b/c.txt").size == 5
    assert workspace.stat("a").is_dir
    assert sorted(p.name for p in (workspace.root / "a/b").iterdir()) == ["c.txt"]


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("a//b/", "a/b"),
        ("./a/./b", "a/b"),
        ("", ""),
        (".", ""),
        ("a b", "a b"),
        ("~/x", "~/x"),
        ("a\\b", "a\\b"),
    ],
)
def test_a_path_has_one_plain_form(workspace: WorkspaceJail, given: str, plain: str) -> None:
    assert workspace.relative(given) == plain


def test_an_absolute_path_inside_is_made_relative(workspace: WorkspaceJail) -> None:
    assert workspace.relative(f"{workspace.root}/x/y") == "x/y"
    assert workspace.relative(str(workspace.root)) == ""


def test_a_root_that_is_reached_by_a_link_has_both_names(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    jail = WorkspaceJail(tmp_path / "link")
    assert jail.relative(f"{tmp_path}/real/x") == jail.relative(f"{tmp_path}/link/x") == "x"


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "a/../b", "..", "/etc/passwd", "/", "{root}/../x", "{root}x/y"]
)
def test_a_path_that_leads_out_is_refused(workspace: WorkspaceJail, path: str) -> None:
    path = path.format(root=workspace.root)
    for act in (workspace.read, workspace.digest, workspace.stat, workspace.delete, workspace.relative):
        with pytest.raises(OutsideWorkspace):
            act(path)
    with pytest.raises(OutsideWorkspace):
        workspace.write(path, b"x")
    with pytest.raises(OutsideWorkspace):
        list(workspace.walk(path))


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "x\udcff"])
def test_a_path_that_is_no_text_is_refused(workspace: WorkspaceJail, path: str) -> None:
    with pytest.raises(InvalidError):
        workspace.read(path)
    with pytest.raises(InvalidError):
        workspace.write(path, b"")


@pytest.mark.parametrize(
    "name", ["a\nb", "a\x1b[31m", "tab\t", "\x7f", "\x9b", "abc\u202etxt.exe", "d\x07/x"]
)
def test_a_name_with_control_characters_is_not_made(workspace: WorkspaceJail, name: str) -> None:
    with pytest.raises(InvalidError):
        workspace.write(name, b"x")
    assert list(workspace.root.iterdir()) == []


def test_a_link_to_a_file_outside_is_neither_read_nor_written(workspace: WorkspaceJail, secret: Path) -> None:
    (workspace.root / "link").symlink_to(secret)
    for act in (workspace.read, workspace.digest, workspace.stat, workspace.delete):
        with pytest.raises(OutsideWorkspace):
            act("link")
    with pytest.raises(OutsideWorkspace):
        workspace.write("link", b"x")
    assert secret.read_text() == "canary"
    assert list(workspace.walk(hidden=True)) == []


def test_a_link_to_a_folder_outside_is_not_entered(workspace: WorkspaceJail, secret: Path) -> None:
    (workspace.root / "link").symlink_to(secret.parent)
    for path in ("link/secret.txt", "link/new.txt"):
        with pytest.raises(OutsideWorkspace):
            workspace.read(path)
        with pytest.raises(OutsideWorkspace):
            workspace.write(path, b"x")
    with pytest.raises(OutsideWorkspace):
        list(workspace.walk("link"))
    assert [p.name for p in secret.parent.iterdir()] == ["secret.txt"]


def test_a_link_inside_is_not_followed_either(workspace: WorkspaceJail) -> None:
    workspace.write("real.txt", b"x")
    (workspace.root / "link.txt").symlink_to("real.txt")
    with pytest.raises(OutsideWorkspace):
        workspace.read("link.txt")
    assert [s.path for s in workspace.walk()] == ["real.txt"]


def test_the_root_stays_the_folder_that_was_opened(tmp_path: Path, secret: Path) -> None:
    root = tmp_path / "moving"
    root.mkdir()
    jail = WorkspaceJail(root)
    root.rename(tmp_path / "moved")
    root.symlink_to(secret.parent)
    with pytest.raises(NotFoundError):
        jail.read("secret.txt")
    jail.write("secret.txt", b"mine")
    assert secret.read_text() == "canary"
    assert (tmp_path / "moved" / "secret.txt").read_text() == "mine"


def test_pipes_sockets_and_devices_are_refused_at_once(workspace: WorkspaceJail) -> None:
    os.mkfifo(workspace.root / "pipe")
    (workspace.root / "null").symlink_to("/dev/null")
    server = socket.socket(socket.AF_UNIX)
    try:
        server.bind(str(workspace.root / "s"))
    finally:
        server.close()
    for path in ("pipe", "s"):
        with pytest.raises(InvalidError):
            workspace.read(path)
        with pytest.raises(InvalidError):
            workspace.write(path, b"x")
        with pytest.raises(InvalidError):
            workspace.stat(path)
    with pytest.raises(OutsideWorkspace):
        workspace.read("null")
    assert list(workspace.walk()) == []


def test_a_folder_is_no_file_and_a_file_no_folder(workspace: WorkspaceJail) -> None:
    workspace.write("d/f", b"x")
    for act in (workspace.read, workspace.digest, workspace.delete):
        with pytest.raises(InvalidError):
            act("d")
        with pytest.raises(InvalidError):
            act("")
        with pytest.raises(InvalidError):
            act("d/f/g")
    with pytest.raises(InvalidError):
        workspace.write("d", b"x")
    with pytest.raises(InvalidError):
        workspace.write("d/f/g", b"x")
    with pytest.raises(InvalidError):
        list(workspace.walk("d/f"))


def test_what_is_missing_is_not_found(workspace: WorkspaceJail, tmp_path: Path) -> None:
    for act in (workspace.read, workspace.delete, workspace.stat):
        with pytest.raises(NotFoundError):
            act("a/b")
    assert workspace.digest("a/b") is None
    with pytest.raises(NotFoundError):
        list(workspace.walk("nowhere"))
    with pytest.raises(NotFoundError):
        WorkspaceJail(tmp_path / "nowhere")


def test_expected_content_is_compared_before_writing(workspace: WorkspaceJail) -> None:
    workspace.write("f", b"one", expected=None)
    with pytest.raises(ConflictError):
        workspace.write("f", b"two", expected=None)
    with pytest.raises(ConflictError):
        workspace.write("f", b"two", expected=digest(b"other"))
    with pytest.raises(ConflictError):
        workspace.write("missing", b"two", expected=digest(b"one"))
    assert workspace.read("f") == b"one"
    workspace.write("f", b"two", expected=digest(b"one"))
    assert workspace.digest("f") == digest(b"two")
    assert [p.name for p in workspace.root.iterdir()] == ["f"]


def test_an_existing_file_keeps_its_mode_but_no_special_bits(workspace: WorkspaceJail) -> None:
    workspace.write("run.sh", b"1")
    (workspace.root / "run.sh").chmod(0o4750)
    workspace.write("run.sh", b"2")
    assert stat.S_IMODE((workspace.root / "run.sh").stat().st_mode) == 0o750


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(workspace: WorkspaceJail) -> None:
    workspace.write("f", b"old")

    def broken() -> object:
        yield b"half"
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        workspace.write_chunks("f", broken())  # type: ignore[arg-type]
    assert workspace.read("f") == b"old"
    assert [p.name for p in workspace.root.iterdir()] == ["f"]


def test_writing_replaces_the_name_and_not_the_file_behind_a_hard_link(
    workspace: WorkspaceJail, secret: Path
) -> None:
    os.link(secret, workspace.root / "hard")
    workspace.write("hard", b"mine")
    assert secret.read_text() == "canary"


def test_files_over_the_limit_are_refused(tmp_path: Path) -> None:
    jail = WorkspaceJail(tmp_path, max_file_bytes=10)
    with pytest.raises(TooLargeError):
        jail.write("big", b"x" * 11)
    (tmp_path / "big").write_bytes(b"x" * 11)
    with pytest.raises(TooLargeError):
        jail.read("big")
    assert jail.read("big", 4) == b"xxxx"
    assert jail.digest("big") == digest(b"x" * 11)
    with pytest.raises(InvalidError):
        jail.write("n" * 300, b"")
    with pytest.raises(InvalidError):
        jail.read("/".join("d" * (MAX_DEPTH + 1)))


def test_a_walk_goes_by_name_and_passes_by_what_programs_make(workspace: WorkspaceJail) -> None:
    for path in (
        "b/x",
        "b.txt",
        "a.txt",
        ".git/config",
        "node_modules/m",
        ".hidden",
        "c/__pycache__/y",
        ".holdfast/o",
    ):
        workspace.write(path, b"")
    assert [s.path for s in workspace.walk()] == ["a.txt", "b", "b/x", "b.txt", "c"]
    assert [s.path for s in workspace.walk(hidden=True)] == [".hidden", "a.txt", "b", "b/x", "b.txt", "c"]
    assert [s.path for s in workspace.walk("b")] == ["b/x"]
    assert ".git/config" in [s.path for s in workspace.walk(hidden=True, skip=frozenset())]


def test_a_name_that_is_no_utf8_is_left_out_of_a_walk(workspace: WorkspaceJail) -> None:
    (Path(os.fsdecode(os.fsencode(workspace.root) + b"/bad\xff"))).write_bytes(b"")
    workspace.write("good", b"")
    assert [s.path for s in workspace.walk()] == ["good"]


def test_a_folder_that_goes_during_a_walk_ends_nothing(workspace: WorkspaceJail, secret: Path) -> None:
    workspace.write("a/x", b"")
    workspace.write("b/y", b"")
    seen = []
    for entry in workspace.walk():
        seen.append(entry.path)
        if entry.path == "a":
            (workspace.root / "a" / "x").unlink()
            (workspace.root / "a").rmdir()
            (workspace.root / "a").symlink_to(secret.parent)
    assert seen == ["a", "b", "b/y"]


def test_a_very_deep_tree_ends_the_walk_and_not_the_process(workspace: WorkspaceJail) -> None:
    fd = os.open(workspace.root, os.O_RDONLY)
    for _ in range(MAX_DEPTH + 30):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    assert len(list(workspace.walk())) == MAX_DEPTH - 1


def test_no_descriptor_is_left_open(workspace: WorkspaceJail, secret: Path) -> None:
    (workspace.root / "link").symlink_to(secret.parent)
    workspace.write("a/b", b"x")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        for path in ("a/b", "link/secret.txt", "a", "nowhere/x", "link"):
            for act in (workspace.read, workspace.stat, workspace.digest):
                try:
                    act(path)
                except (ForbiddenError, NotFoundError, InvalidError):
                    continue
        next(workspace.walk())
        workspace.write("a/b", b"x")
    assert len(list(Path("/proc/self/fd").iterdir())) <= before  # others may be collected meanwhile


MOUNTS = """
import subprocess, sys
from pathlib import Path
from holdfast.core.domain.errors import HoldfastError
from holdfast.core.files.jail import WorkspaceJail
root, outside = map(Path, sys.argv[1:])
(root / "m").mkdir()
(root / "f").touch()
subprocess.run(["mount", "--bind", outside, root / "m"], check=True)
subprocess.run(["mount", "--bind", outside / "secret.txt", root / "f"], check=True)
jail = WorkspaceJail(root)
for act in (lambda: jail.read("m/secret.txt"), lambda: jail.write("m/new", b""), lambda: jail.read("f"),
            lambda: list(jail.walk("m"))):
    try:
        act()
    except HoldfastError as error:
        print(error.code)
print([s.path for s in jail.walk() if not s.is_dir and s.path != "f"])
"""


def test_a_bind_mount_is_not_entered(workspace: WorkspaceJail, secret: Path) -> None:
    own_mounts = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        subprocess.run(
            [*own_mounts, "mount", "--bind", "/tmp", "/tmp"], check=True, timeout=20, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine gives no mounts of one's own")
    done = subprocess.run(
        [*own_mounts, sys.executable, "-c", MOUNTS, str(workspace.root), str(secret.parent)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.split("\n")[:5] == ["outside_workspace"] * 4 + ["[]"]
    assert [p.name for p in secret.parent.iterdir()] == ["secret.txt"]


def test_a_closed_folder_is_neither_seen_nor_entered(tmp_path: Path) -> None:
    own = tmp_path / "deep" / "own"
    own.mkdir(parents=True)
    (own / "keys.yaml").write_text("canary")
    (own.parent / "other.txt").write_text("x")
    jail = WorkspaceJail(tmp_path, closed=(own, tmp_path / "never-made"))
    assert [each.path for each in jail.walk(hidden=True)] == ["deep", "deep/other.txt"]
    for path in ("deep/own/keys.yaml", "deep/./own/keys.yaml", f"{own}/keys.yaml"):
        with pytest.raises(ForbiddenError) as refused:
            jail.read(path)
        assert refused.value.code == "own_folder"
    with pytest.raises(ForbiddenError):
        jail.write("deep/own/policy.yaml", b"allow: ['*']")
    with pytest.raises(ForbiddenError):
        jail.delete("deep/own/keys.yaml")
    with pytest.raises(ForbiddenError):
        list(jail.walk("deep/own"))
    assert (own / "keys.yaml").read_text() == "canary"
    own.rename(tmp_path / "renamed")
    with pytest.raises(ForbiddenError):
        jail.read("renamed/keys.yaml")


def test_a_closed_folder_may_itself_be_the_root(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    assert WorkspaceJail(tmp_path, closed=(tmp_path,)).read("a.txt") == b"x"
