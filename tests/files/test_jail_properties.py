"""Whatever the path, and whatever happens to the folders meanwhile: nothing outside is read or written."""

import asyncio
import ctypes
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.files.fetch import fetch_file
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.files.put import ABSENT, put, remove

AT_FDCWD = -100
RENAME_EXCHANGE = 2
CANARY = b"canary-5b1f"
NAMES = [
    "..",
    ".",
    "",
    "a",
    "b",
    "out",
    "up",
    "root",
    "loop",
    "abs",
    "secret.txt",
    "workspace",
    "proc",
    "self",
    "\0",
]


class Arena:
    """A workspace with links planted in it, and a folder beside it that must stay as it is."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.outside = base / "outside"
        self.outside.mkdir()
        (self.outside / "secret.txt").write_bytes(CANARY)
        root = base / "workspace"
        (root / "a" / "b").mkdir(parents=True)
        (root / "out").symlink_to(self.outside)
        (root / "a" / "out").symlink_to("../../outside")
        (root / "up").symlink_to("..")
        (root / "root").symlink_to("/")
        (root / "loop").symlink_to("loop")
        (root / "abs").symlink_to(self.outside / "secret.txt")
        (root / "proc").symlink_to("/proc/self/cwd")
        self.jail = WorkspaceJail(root)

    def untouched(self) -> bool:
        return (
            sorted(p.name for p in self.base.iterdir()) == ["outside", "workspace"]
            and [p.name for p in self.outside.iterdir()] == ["secret.txt"]
            and (self.outside / "secret.txt").read_bytes() == CANARY
        )


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    arena = Arena(tmp_path_factory.mktemp("arena"))
    yield arena
    arena.jail.close()


def paths(arena: Arena) -> st.SearchStrategy[str]:
    starts = st.sampled_from(
        ["", "/", "//", f"{arena.base}/", f"{arena.jail.root}/", f"{arena.outside}/", "~/"]
    )
    joined = st.builds("/".join, st.lists(st.sampled_from(NAMES) | st.text(max_size=3), max_size=8))
    return st.builds("".join, st.tuples(starts, joined)) | st.text(max_size=30)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_path_whatever_reads_or_writes_outside(arena: Arena, data: st.DataObject) -> None:
    path = data.draw(paths(arena))
    content = b""
    try:
        content = arena.jail.read(path)
    except HoldfastError as error:
        assert CANARY.decode() not in error.message
    assert content != CANARY
    for act in (
        lambda: arena.jail.write(path, b"written"),
        lambda: arena.jail.delete(path),
        lambda: [arena.jail.read(s.path) for s in arena.jail.walk(path, hidden=True) if not s.is_dir],
    ):
        try:
            found = act()
        except HoldfastError:
            continue
        assert CANARY not in (found or [])
    assert arena.untouched()


@pytest.mark.thorough
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_path_whatever_is_put_fetched_or_told_outside(
    arena: Arena, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    blobs = FileBlobs(tmp_path_factory.getbasetemp() / "blobs")
    path = data.draw(paths(arena))
    expected = data.draw(st.sampled_from([None, ABSENT, hashlib.sha256(CANARY).hexdigest()]))
    for act in (
        lambda: fetched(arena.jail, path),
        lambda: put(arena.jail, blobs, path, b"written", expected),
        lambda: fetched(arena.jail, path),
        lambda: remove(arena.jail, blobs, path),
    ):
        try:
            found = act()
        except HoldfastError as error:
            assert CANARY.decode() not in error.message
            continue
        assert found != CANARY
    assert not blobs.path(hashlib.sha256(CANARY).hexdigest()).exists()
    assert arena.untouched()


def fetched(jail: WorkspaceJail, path: str) -> bytes:
    return asyncio.run(fetch_file(jail, path).read())


@given(path=st.text(max_size=40))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_plain_form_of_a_path_is_its_own_plain_form(arena: Arena, path: str) -> None:
    try:
        plain = arena.jail.relative(path)
    except HoldfastError:
        return
    assert arena.jail.relative(plain) == plain
    assert not plain.startswith("/")
    assert ".." not in plain.split("/")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "renameat2"), reason="swapping at one stroke is Linux's")
def test_a_folder_swapped_for_a_link_all_the_time_leads_nowhere(tmp_path: Path) -> None:
    arena = Arena(tmp_path)
    root = arena.jail.root
    (root / "real").mkdir()
    (root / "real" / "secret.txt").write_bytes(b"inside")
    (root / "evil").symlink_to(arena.outside)
    stop = threading.Event()
    libc = ctypes.CDLL(None, use_errno=True)
    real, evil = os.fsencode(root / "real"), os.fsencode(root / "evil")

    def swap() -> None:
        while not stop.is_set():
            assert libc.renameat2(AT_FDCWD, real, AT_FDCWD, evil, RENAME_EXCHANGE) == 0

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        outcomes = set()
        for _ in range(1500):
            try:
                outcomes.add(arena.jail.read("real/secret.txt"))
            except HoldfastError:
                outcomes.add(b"refused")
            try:
                arena.jail.write("real/new.txt", b"x")
            except HoldfastError:
                outcomes.add(b"refused")
    finally:
        stop.set()
        swapper.join(timeout=10)
    assert outcomes == {b"inside", b"refused"}
    assert arena.untouched()
