"""Objects: files that who knows their address may fetch, in a folder or wherever fsspec reaches."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.presence import client_python
from tests.fakes.s3_server import FakeS3
from tests.runs.conftest import door, open_bench

import holdfast
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
    UnsupportedError,
)
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.objects import checked_key
from holdfast.core.files import object_places
from holdfast.core.files.object_places import FolderPlace, place_at
from holdfast.core.store import objects as store_objects
from holdfast.core.tools.web import WebFetcher

__all__ = ["door", "open_bench"]

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.mark.parametrize(
    ("path", "name", "key"),
    [
        ("", "e x.png", "20261121195930_e x.png"),
        ("uploads/images", "example.png", "uploads/images/example.png"),
        ("uploads/", "a.png", "uploads/a.png"),
        ("uploads/cover.png", "a.png", "uploads/cover.png"),
        ("/../../etc/./passwd.txt", "a", "etc/passwd.txt"),
        ("", "../../etc/passwd", "20261121195930_passwd"),
        ("", "C:\\a\\b.txt", "20261121195930_b.txt"),
        ("", "..", "20261121195930_file"),
        ("", "x" * 500 + ".png", "20261121195930_" + "x" * 196 + ".png"),
    ],
)
def test_a_key_is_a_path_that_leads_nowhere_else(path: str, name: str, key: str) -> None:
    assert checked_key(path, name, "20261121195930") == key


async def test_who_knows_an_objects_id_fetches_it_and_its_keeper_alone_removes_it(open_bench: Any) -> None:
    async with open_bench() as bench:
        objects = bench.workbench.objects
        made = await objects.put("a.png", io.BytesIO(PNG), "pictures/")
        assert (made.key, made.name, made.media_type, made.size) == (
            "pictures/a.png",
            "a.png",
            "image/png",
            28,
        )
        assert len(made.id) >= 43
        assert await (await objects.open(made.id)).read() == PNG
        again = await objects.put("a.png", b"other", "pictures/")
        assert again.id == made.id and await (await objects.open(made.id)).read() == b"other"
        contents = [each for each in bench.home.rglob("objects/*/*") if each.is_file()]
        assert len(contents) == 1 and contents[0].stat().st_mode & 0o077 == 0
        await bench.workbench.users.add("ann")
        key = await bench.workbench.keys.create("k", Scope.ADMIN, user="ann")
        if hasattr(bench.workbench, "as_principal"):
            ann = bench.workbench.as_principal(await bench.workbench.authenticate(key.secret))
            assert await ann.objects.list() == ()
            assert (await ann.objects.look(made.id)).id == made.id
            with pytest.raises(NotFoundError):
                await ann.objects.remove(made.id)
            theirs = await ann.objects.put("a.png", b"hers", "pictures/")
            assert theirs.id != made.id
            await bench.workbench.users.remove("ann")
            with pytest.raises(NotFoundError):
                await objects.look(theirs.id)
        first, second = await objects.put("n.txt", b"1"), await objects.put("n.txt", b"2")
        assert first.id != second.id and first.key != second.key
        for each in await objects.list():
            await objects.remove(each.id)
        assert not [each for each in bench.home.rglob("objects/*/*") if each.is_file()]
        with pytest.raises(NotFoundError):
            await objects.open(made.id)


async def test_objects_are_no_larger_than_uploads_and_a_user_has_only_so_much(open_bench: Any) -> None:
    small = {"server": {"max_upload_mb": 1}, "objects": {"max_mb": 2}}
    async with open_bench(more_settings=small) as bench:
        objects = bench.workbench.objects
        with pytest.raises(TooLargeError):
            await objects.put("a", b"x" * (2**20 + 1))
        for name in ("a", "b"):
            await objects.put(name, b"x" * 2**20, f"{name}.bin")
        with pytest.raises(ConflictError) as full:
            await objects.put("c", b"x")
        assert full.value.code == "objects_full"
        await objects.put("a", b"less", "a.bin")
        assert len([each for each in bench.home.rglob("objects/*/*") if each.is_file()]) == 2


async def test_a_user_has_only_so_many_objects_even_empty_ones(
    open_bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_objects, "MOST", 2)
    async with open_bench() as bench:
        objects = bench.workbench.objects
        for name in ("a", "b"):
            await objects.put(name, b"", f"{name}.bin")
        for path in ("", "c.bin"):
            with pytest.raises(ConflictError) as full:
                await objects.put("c", b"", path)
            assert full.value.code == "objects_full"
        await objects.put("a", b"again", "a.bin")
        assert {each.key for each in await objects.list()} == {"a.bin", "b.bin"}


async def test_what_the_web_answers_is_kept_unless_it_is_private(open_bench: Any) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["10.0.0.1" if host == "inside.example.org" else "93.184.216.34"]

    def answer(request: httpx.Request) -> httpx.Response:
        status = 200 if request.url.path.endswith(".png") else 404
        return httpx.Response(status, stream=httpx.ByteStream(PNG))

    web = WebFetcher(resolve=resolve, transport=lambda: httpx.MockTransport(answer))
    async with open_bench(web=web) as bench:
        made = await bench.workbench.objects.fetch("https://example.org/a%20b.png?size=1")
        assert (made.name, made.media_type) == ("a b.png", "image/png")
        with pytest.raises(ForbiddenError):
            await bench.workbench.objects.fetch("http://inside.example.org/a.png")
        with pytest.raises(Exception, match="404"):
            await bench.workbench.objects.fetch("http://example.org/none")


async def test_objects_are_kept_wherever_fsspec_reaches(open_bench: Any) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    async with open_bench(more_settings={"objects": {"url": "memory://kept/here"}}) as bench:
        made = await bench.workbench.objects.put("a.txt", b"in memory")
        assert await (await bench.workbench.objects.open(made.id)).read() == b"in memory"
        files = [path for path in MemoryFileSystem.store if path.startswith("/kept/here/")]
        assert len(files) == 1
        await bench.workbench.objects.remove(made.id)
        assert not [path for path in MemoryFileSystem.store if path.startswith("/kept/here/")]


def test_a_place_that_fails_says_so_and_keeps_nothing(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)

    def fails(file: Any) -> None:
        file.write(b"half")
        raise TooLargeError("too much")

    with pytest.raises(TooLargeError):
        place.put("abcd", fails)
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]
    with pytest.raises(UnavailableError):
        place.open("abcd")
    place.delete("abcd")
    with pytest.raises(InvalidError):
        place_at("nothing-of-that-kind://x/y", "", "", None)
    memory = place_at("memory://none", "", "", None)
    with pytest.raises(UnavailableError):
        memory.open("abcd")
    memory.delete("abcd")


def test_without_its_package_it_is_said_how_to_reach_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_places.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnsupportedError, match=r"holdfast\[s3\]"):
        place_at("s3://bucket/prefix", "", "", None)


@pytest.mark.thorough
def test_objects_are_kept_at_a_server_of_s3() -> None:
    """In an environment of its own: Holdfast is tested with the newest botocore, s3fs takes an older one."""
    fake = FakeS3(key_id="ID")
    with fake.serving():
        ended = subprocess.run(
            [client_python("s3fs"), Path(__file__).with_name("keep_at_s3.py"), fake.url],
            capture_output=True,
            text=True,
            timeout=120,
            env={"PYTHONPATH": str(Path(holdfast.__file__).parents[1]), "LANG": "C.UTF-8"},
        )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["content", "objects_unavailable", "gone"]
    assert fake.objects == {"bucket/prefix/cd/cdef": b"stays"}
    assert ("PUT", "bucket/prefix/ab/abcd") in fake.asked
