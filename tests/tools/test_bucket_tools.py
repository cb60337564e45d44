"""Buckets: what agents list, read and write in them, at a server and in a folder, and what they cannot."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.fakes.s3_server import FakeS3

from holdfast.core.config.settings import BucketsSettings
from holdfast.core.domain.buckets import bucket_of
from holdfast.core.domain.errors import ConflictError, InvalidError, OutsideWorkspace, ToolError
from holdfast.core.domain.identity import LOCAL
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.tools.buckets import s3
from holdfast.core.tools.buckets.desk import BucketDesk, in_bucket_thread
from holdfast.core.tools.buckets.s3 import _client, _session
from holdfast.core.tools.builtin.list_bucket import ListBucket
from holdfast.core.tools.builtin.read_bucket import ReadBucket
from holdfast.core.tools.builtin.write_bucket import WriteBucket

KEY = "AKIACANARY:secret/with+signs"


class Land:
    """A server and a folder with the same objects, each a bucket that can be written and one that cannot."""

    def __init__(self, server: FakeS3, folder: Path) -> None:
        self.server, self.folder = server, folder
        at = f"endpoint={server.url} region=eu-central-1"
        self.places = {
            "s3": f"s3://company/reports/ {at} write",
            "s3-read": f"s3://company/reports {at}",
            "folder": f"{folder}/reports write shared",
            "folder-read": f"{folder}/reports",
            "keyless": f"s3://company/reports/ {at}",
        }
        self.keys = {"bucket-s3": KEY, "bucket-s3-read": KEY, "bucket-gone": KEY, "bucket-half": "AKIACANARY"}
        desk = BucketDesk(lambda: self.places, self.keys.get, WorkspaceJail)
        self.list, self.read, self.write = ListBucket(desk), ReadBucket(desk), WriteBucket(desk)

    def put(self, key: str, data: bytes) -> None:
        self.server.objects[f"company/{key}"] = data
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def get(self, bucket: str, key: str) -> bytes:
        if bucket.startswith("s3"):
            return self.server.objects[f"company/{key}"]
        return (self.folder / key).read_bytes()


@pytest.fixture(scope="module")
def server() -> Iterator[FakeS3]:
    with FakeS3().serving() as server:
        yield server


@pytest.fixture
def land(server: FakeS3, tmp_path: Path) -> Land:
    server.key_id = "AKIACANARY"
    server.objects.clear()
    server.asked.clear()
    server.raw = b""
    server.go.clear()
    made = Land(server, tmp_path / "storage")
    for key, data in {
        "reports/a.txt": b"alpha",
        "reports/b/c.txt": b"gamma",
        "reports/b/d.bin": b"\0\1\2",
        "reports-2025/z.txt": b"another one's",
        "secret.txt": b"canary",
    }.items():
        made.put(key, data)
    return made


both = pytest.mark.parametrize("bucket", ["s3", "folder"])


@both
async def test_objects_are_listed_by_prefix_and_page(bench: Any, text: Any, land: Land, bucket: str) -> None:
    shown = text(await bench.run(land.list, {"bucket": bucket}, owner=LOCAL))
    assert [line.split("\t")[:2] for line in shown.splitlines()] == [
        ["a.txt", "5"],
        ["b/c.txt", "5"],
        ["b/d.bin", "3"],
    ]
    first = text(await bench.run(land.list, {"bucket": bucket, "prefix": "b/", "limit": 1}, owner=LOCAL))
    assert first.startswith("b/c.txt\t5\t") and "after='b/c.txt'" in first
    given = {"bucket": bucket, "prefix": "b/", "after": "b/c.txt"}
    assert text(await bench.run(land.list, given, owner=LOCAL)).startswith("b/d.bin\t3\t")
    none = await bench.run(land.list, {"bucket": bucket, "prefix": "../"}, owner=LOCAL)
    assert text(none) == "There are no such objects."


@both
async def test_an_object_is_read_as_text_or_saved(bench: Any, text: Any, land: Land, bucket: str) -> None:
    assert text(await bench.run(land.read, {"bucket": bucket, "key": "b/c.txt"}, owner=LOCAL)) == "gamma"
    with pytest.raises(ToolError, match="is no text"):
        await bench.run(land.read, {"bucket": bucket, "key": "b/d.bin"}, owner=LOCAL)
    given = {"bucket": bucket, "key": "b/d.bin", "path": "in/d.bin"}
    assert "Saved b/d.bin as in/d.bin (3 bytes)" in text(await bench.run(land.read, given, owner=LOCAL))
    assert bench.workspace.read("in/d.bin") == b"\0\1\2"
    with pytest.raises(ToolError, match=r"no missing\.txt") as caught:
        await bench.run(land.read, {"bucket": bucket, "key": "missing.txt"}, owner=LOCAL)
    assert caught.value.code == "object_not_found"
    with pytest.raises(OutsideWorkspace):
        await bench.run(land.read, {**given, "path": "../d.bin"}, owner=LOCAL)


@both
async def test_a_write_is_shown_before_and_goes_stale(bench: Any, text: Any, land: Land, bucket: str) -> None:
    bench.workspace.write("report.md", b"# Report")
    given = {"bucket": bucket, "key": "new/report.md", "path": "report.md"}

    async def preview() -> Any:
        return await land.write.preview(land.write.arguments(**given), bench.context(owner=LOCAL))

    first = await preview()
    assert "which is new" in first.blocks[0].text and "reports/new/report.md" in first.blocks[0].text
    await bench.run(land.write, given, owner=LOCAL)
    assert land.get(bucket, "reports/new/report.md") == b"# Report"
    second = await preview()
    assert "in the place of 8 bytes" in second.blocks[0].text
    assert second.fingerprint != first.fingerprint
    await bench.run(land.write, {"bucket": bucket, "key": "new/report.md", "content": "Grüße"}, owner=LOCAL)
    assert land.get(bucket, "reports/new/report.md") == "Grüße".encode()
    assert (await preview()).fingerprint != second.fingerprint


@pytest.mark.parametrize("bucket", ["s3-read", "folder-read"])
async def test_only_what_the_settings_let_be_written_is(bench: Any, land: Land, bucket: str) -> None:
    given = {"bucket": bucket, "key": "a.txt", "content": "x"}
    with pytest.raises(ToolError, match="only be read") as caught:
        await bench.run(land.write, given, owner=LOCAL)
    assert caught.value.code == "bucket_read_only"
    assert land.get(bucket, "reports/a.txt") == b"alpha"


@both
@pytest.mark.parametrize(
    "key",
    ["../secret.txt", "b/../../secret.txt", "/etc/passwd", "a//b", "./a.txt", "a\x1b.txt", "x" * 901, "b/"],
)
async def test_a_key_never_leads_out_of_the_prefix(bench: Any, land: Land, bucket: str, key: str) -> None:
    for tool, more in ((land.read, {}), (land.write, {"content": "x"})):
        with pytest.raises((ToolError, InvalidError)):
            await bench.run(tool, {"bucket": bucket, "key": key, **more}, owner=LOCAL)
    assert land.server.asked == []


async def test_a_link_in_a_folder_leads_nowhere(bench: Any, land: Land) -> None:
    (land.folder / "reports" / "out.txt").symlink_to(land.folder / "secret.txt")
    with pytest.raises((OutsideWorkspace, ToolError, ConflictError)):
        await bench.run(land.read, {"bucket": "folder", "key": "out.txt"}, owner=LOCAL)


async def test_other_users_have_the_buckets_that_are_shared_with_them(
    bench: Any, text: Any, land: Land
) -> None:
    assert text(await bench.run(land.read, {"bucket": "folder", "key": "a.txt"}, owner="u2")) == "alpha"
    for bucket in ("s3", "folder-read", "nothing"):
        with pytest.raises(ToolError, match=r"There are: folder\.") as caught:
            await bench.run(land.read, {"bucket": bucket, "key": "a.txt"}, owner="u2")
        assert caught.value.code == "bucket_not_found"


async def test_a_server_that_refuses_is_told_without_key_and_escapes(bench: Any, land: Land) -> None:
    with pytest.raises(ToolError, match="AccessDenied") as caught:
        await bench.run(land.list, {"bucket": "keyless"}, owner=LOCAL)
    assert caught.value.message.isprintable()
    land.server.key_id = "AKIAOTHER"
    with pytest.raises(ToolError, match="AccessDenied") as caught:
        await bench.run(land.read, {"bucket": "s3", "key": "a.txt"}, owner=LOCAL)
    assert "secret/with" not in caught.value.message
    land.places["half"] = land.places["s3"]
    with pytest.raises(ToolError, match="as ID:SECRET"):
        await bench.run(land.list, {"bucket": "half"}, owner=LOCAL)
    land.places["gone"] = "s3://company endpoint=http://127.0.0.1:1"
    with pytest.raises(ToolError, match="bucket gone") as caught:
        await bench.run(land.list, {"bucket": "gone"}, owner=LOCAL)
    assert caught.value.code == "bucket_failed"


async def test_the_machines_own_keys_for_amazon_are_not_used(
    bench: Any, land: Land, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "credentials"
    own.write_text("[default]\naws_access_key_id = AKIACANARY\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(own))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIACANARY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    _session.cache_clear()
    _client.cache_clear()
    with pytest.raises(ToolError, match="AccessDenied"):
        await bench.run(land.list, {"bucket": "keyless"}, owner=LOCAL)


async def test_rules_match_bucket_and_key(bench: Any, land: Land) -> None:
    given = {"bucket": "s3", "key": "b/c.txt"}
    assert bench.subjects(land.read, given) == ("s3/b/c.txt",)
    assert bench.subjects(land.write, {**given, "content": ""}) == ("s3/b/c.txt",)
    assert bench.subjects(land.list, {"bucket": "s3", "prefix": "b/"}) == ("s3/b/",)


async def test_without_buckets_it_says_how_to_set_one_up(bench: Any) -> None:
    with pytest.raises(ToolError, match=r"buckets\.places"):
        await bench.run("list_bucket", {"bucket": "any"})
    assert "either" in bench.mistakes("write_bucket", {"bucket": "any", "key": "a"})


@pytest.mark.parametrize(
    "line",
    [
        "",
        "reports",
        "../reports",
        "http://host/bucket",
        "s3://",
        "s3://A_B",
        "s3://company speed=9",
        "s3://company endpoint=ftp://host",
        "s3://company endpoint=http://user@host",
        "/srv/reports region=eu",
        "'/srv/reports",
    ],
)
def test_a_line_that_describes_no_bucket_is_refused(line: str) -> None:
    with pytest.raises(ValidationError, match=r"write `s3://BUCKET|no bucket|no place"):
        BucketsSettings(places={"a": line})


def test_a_line_says_where_a_bucket_is_and_who_may_do_what() -> None:
    found = bucket_of("a", "s3://company/a/b region=eu-central-1 endpoint=https://host:9000 write")
    assert (found.place, found.prefix, found.writable, found.shared) == ("company", "a/b/", True, False)
    assert (found.endpoint, found.region, str(found)) == (
        "https://host:9000",
        "eu-central-1",
        "s3://company/a/b/",
    )
    assert bucket_of("a", "'/srv/two words' shared").place == "/srv/two words"
    with pytest.raises(ValidationError, match="no name of a bucket"):
        BucketsSettings(places={"A b": "/srv/a"})


async def test_the_approval_of_a_long_text_says_how_much_it_leaves_out(bench: Any, land: Land) -> None:
    given = {"bucket": "folder", "key": "long.txt", "content": "a" * 2_000 + "b" * 1_234}
    shown = (await bench.preview(land.write, given)).blocks[0].text
    assert "b" * 10 not in shown
    assert shown.endswith("[1,234 more characters are not shown here]")


OK = b"HTTP/1.1 200 OK\r\nLast-Modified: Fri, 20 Nov 2026 12:30:00 GMT\r\n"
XML = b"<?xml version='1.0'?><ListBucketResult><Contents><Key>reports/a</Key></Contents></ListBucketResult>"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("tool", "raw", "why"),
    [
        ("write", OK + b"\r\n", "ContentLength"),
        ("write", OK.replace(b"2026", b"x") + b"Content-Length: 1\r\n\r\n", ""),
        ("list", OK + b"Content-Length: %d\r\n\r\n" % len(XML) + XML, "Size"),
        ("list", CHUNKED + b"zz\r\nxx", ""),
        ("read", CHUNKED + b"zz\r\nxx", ""),
        ("read", OK + b"Content-Length: 10\r\n\r\nabc", ""),
    ],
)
async def test_an_answer_that_cannot_be_read_is_an_error_of_the_bucket(
    bench: Any, land: Land, tool: str, raw: bytes, why: str
) -> None:
    land.server.raw = raw
    land.server.go.set()
    given = {"list": {}, "read": {"key": "a.txt"}, "write": {"key": "a.txt", "content": "x"}}[tool]
    used = getattr(land, tool)
    way = used.preview if tool == "write" else used.run
    with pytest.raises(ToolError) as caught:
        await way(used.arguments(bucket="s3", **given), bench.context(owner=LOCAL))
    assert caught.value.code == "bucket_failed" and why in caught.value.message


async def test_a_server_that_sends_a_byte_now_and_then_is_not_waited_for_for_ever(
    bench: Any, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_WHOLE_S", -1.0)
    land.server.raw = OK + b"Content-Length: 1000\r\n\r\na"
    with pytest.raises(ToolError, match="took longer"):
        await bench.run(land.read, {"bucket": "s3", "key": "a.txt"}, owner=LOCAL)
    land.server.go.set()


async def test_a_bucket_that_does_not_answer_keeps_no_thread_of_the_engine() -> None:
    names = {await in_bucket_thread(lambda: threading.current_thread().name) for _ in range(3)}
    assert all(name.startswith("bucket") for name in names)


async def test_what_can_be_read_in_a_folder_is_listed(bench: Any, text: Any, land: Land) -> None:
    for key in (".hidden", ".git/config", "node_modules/a.js"):
        land.put(f"reports/{key}", b"x")
    shown = text(await bench.run(land.list, {"bucket": "folder"}))
    listed = [line.split("\t")[0] for line in shown.splitlines()]
    assert listed == [".git/config", ".hidden", "a.txt", "b/c.txt", "b/d.bin", "node_modules/a.js"]
    for key in listed[:3]:
        assert text(await bench.run(land.read, {"bucket": "folder", "key": key}))
