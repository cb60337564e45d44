"""Files over HTTP: bodies as they are, limits before they are read, and nothing that a browser executes."""

from __future__ import annotations

import asyncio
import io
import tempfile
import tracemalloc
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from server_fakes import AT
from starlette.requests import Request

from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import InvalidError, NotFoundError, TooLargeError, UnavailableError
from holdfast.core.domain.files import Change, WrittenFile
from holdfast.core.domain.jobs import Job, JobStatus
from holdfast.core.domain.knowledge import IngestRequest
from holdfast.core.domain.transfer import Download
from holdfast.server.kit.transfer import disposition, received_file
from holdfast.server.native.transfers import sent_body

WRITTEN = WrittenFile(path="a", size=1, digest="00", change=Change.CREATED)
JOB = Job(
    id="j1",
    kind="ingest",
    title="Take a in",
    collection_id="k1",
    status=JobStatus.RUNNING,
    request=IngestRequest(collection_id="k1"),
    started_at=AT,
)
ONE_MB = Settings.model_validate({"server": {"max_upload_mb": 1}})


class Source:
    """Gives pieces, and notes that it was closed."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.closed = 0

    async def read(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    async def close(self) -> None:
        self.closed += 1

    def download(self, size: int, name: str = "a.bin", media_type: str = "application/zip") -> Download:
        return Download(name, media_type, size, self.read, self.close)


async def test_a_file_is_sent_for_saving_only(served: Any) -> None:
    source = Source(b"abc", b"def")
    served.fake.results["files.download"] = source.download(6, 'a"b\\c ü.html', "text/plain")
    answer = await served.http.get("/sessions/s1/files/data", params={"path": "x y", "version": "00"})
    assert answer.content == b"abcdef"
    assert answer.headers["content-length"] == "6"
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["x-content-type-options"] == "nosniff"
    shown = "attachment; filename=\"a_b_c _.html\"; filename*=UTF-8''a%22b%5Cc%20%C3%BC.html"
    assert answer.headers["content-disposition"] == shown
    assert source.closed
    assert served.fake.calls == [("files.download", (), {"session_id": "s1", "path": "x y", "version": "00"})]


async def test_the_head_of_a_file_is_its_size_alone(served: Any) -> None:
    source = Source(b"abc")
    served.fake.results["files.download"] = source.download(3)
    answer = await served.http.head("/sessions/s1/files/data?path=x")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "3", b"")
    assert source.closed
    assert source.pieces


async def test_a_download_arrives_with_name_type_and_size(served: Any) -> None:
    served.fake.results["files.download"] = Source(b"ab" * 200_000, b"c").download(400_001, "ü ;=.zip")
    found = await served.remote.files.download("s1", "x")
    assert (found.name, found.media_type, found.size) == ("ü ;=.zip", "application/zip", 400_001)
    pieces = [piece async for piece in found.chunks()]
    assert b"".join(pieces) == b"ab" * 200_000 + b"c"
    assert len(pieces) > 1


async def test_an_empty_file_arrives_as_such(served: Any) -> None:
    served.fake.results["files.download"] = Source().download(0)
    assert await (await served.remote.files.download("s1", "x")).read() == b""


async def test_a_file_that_is_shorter_than_it_was_is_no_answer(served: Any) -> None:
    source = Source(b"abc")
    served.fake.results["files.download"] = source.download(5)
    found = await served.remote.files.download("s1", "x")
    with pytest.raises(UnavailableError):
        await found.read()
    assert source.closed


async def test_a_file_that_grows_meanwhile_ends_where_it_ended(served: Any) -> None:
    served.fake.results["files.download"] = Source(b"abc", b"defg").download(5)
    assert await (await served.remote.files.download("s1", "x")).read() == b"abcde"


async def test_a_client_that_goes_away_in_the_middle_closes_the_file(served: Any) -> None:
    released = asyncio.Event()

    class Endless(Source):
        async def read(self) -> bytes:
            await asyncio.sleep(0)
            return b"x" * 65_536

        async def close(self) -> None:
            released.set()

    served.fake.results["files.download"] = Endless().download(10**12)
    async with await served.remote.files.download("s1", "x") as found:
        assert await anext(found.chunks())
    async with asyncio.timeout(10):
        await released.wait()


async def test_an_error_before_a_download_arrives_as_itself(served: Any) -> None:
    served.fake.results["files.download"] = NotFoundError("There is no file x", code="file_not_found")
    with pytest.raises(NotFoundError, match="no file x"):
        await served.remote.files.download("s1", "x")


async def test_a_body_of_any_type_is_taken_as_it_is(served: Any) -> None:
    served.fake.results["files.upload"] = WRITTEN
    for content_type in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
        answer = await served.http.put(
            "/sessions/s1/files/data?path=a&expected=",
            content=b'{"not": json',
            headers={"Content-Type": content_type},
        )
        assert answer.json() == WRITTEN.model_dump(mode="json")
    made = {"session_id": "s1", "path": "a", "expected": "", "data": b'{"not": json'}
    assert [call for call in served.fake.calls if call[0] == "files.upload"] == [
        ("files.upload", (), made)
    ] * 3


def uploads(served: Any) -> list[Any]:
    return [made for name, _, made in served.fake.calls if name == "files.upload"]


async def test_a_form_gives_its_file_and_the_files_name(served: Any) -> None:
    served.fake.results["files.upload"] = WRITTEN
    answer = await served.http.put("/sessions/s1/files/data", files={"any": ("ü a.bin", b"x\0" * 600_000)})
    assert answer.json() == WRITTEN.model_dump(mode="json")
    assert uploads(served) == [{"session_id": "s1", "path": "ü a.bin", "data": b"x\0" * 600_000}]


async def test_other_fields_of_a_form_are_parameters(served: Any) -> None:
    served.fake.results["files.upload"] = WRITTEN
    await served.http.put(
        "/sessions/s1/files/data?expected=", files={"file": ("a", b"x")}, data={"path": "b/c.md"}
    )
    assert uploads(served) == [{"session_id": "s1", "path": "b/c.md", "expected": "", "data": b"x"}]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"data": {"path": "a"}, "files": {"x": (None, b"no file")}}, "invalid_form"),
        ({"files": [("a", ("a", b"x")), ("b", ("b", b"y"))]}, "invalid_form"),
        ({"files": {"file": ("a", b"x")}, "data": {"nope": "1"}}, "invalid_request"),
        ({"files": {"file": ("a", b"x")}, "data": {"path": "b", "session_id": "s2"}}, "invalid_request"),
        ({"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}}, "invalid_form"),
        ({"content": b"zz", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, "invalid_form"),
    ],
)
async def test_a_form_that_is_not_one_file_is_refused(served: Any, form: Any, code: str) -> None:
    answer = await served.http.put("/sessions/s1/files/data", **form)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert uploads(served) == []


async def test_parts_of_another_kind_are_refused_for_their_frame_would_be_stored(served: Any) -> None:
    headers = {"Content-Type": "multipart/mixed; boundary=x"}
    answer = await served.http.put("/sessions/s1/files/data?path=a", content=b"--x", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
    assert uploads(served) == []


@pytest.mark.parametrize("size", [2**20 + 1, 2**21])
async def test_the_file_of_a_form_is_not_larger_than_others(served: Any, size: int) -> None:
    served.fake.results["engine.settings"] = ONE_MB
    answer = await served.http.put("/sessions/s1/files/data", files={"file": ("a", b"x" * size)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


async def test_an_upload_with_a_key_is_done_once(served: Any) -> None:
    kept: dict[Any, Any] = {}

    class Answers:
        async def claim(self, request: Any) -> Any:
            return kept.get((request.key, request.digest))

        async def keep(self, request: Any, answer: Any) -> None:
            kept[request.key, request.digest] = answer

    served.fake.answers = Answers()
    served.fake.results["knowledge.upload"] = JOB
    for data in (b"x", b"x", b"y"):
        answer = await served.http.post(
            "/knowledge/collections/k1/uploads",
            files={"file": ("a", data)},
            headers={"Idempotency-Key": "one"},
        )
        assert answer.status_code == 202
    assert [made["data"] for name, _, made in served.fake.calls if name == "knowledge.upload"] == [b"x", b"y"]


async def test_the_other_parameters_of_an_upload_stand_in_the_query(served: Any) -> None:
    for query in ("", "?path=a&data=x", "?path=a&nope=1", "?path=a&session_id=s2"):
        answer = await served.http.put(f"/sessions/s1/files/data{query}", content=b"x")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request"), query


async def test_a_declared_upload_over_the_limit_is_refused_before_it_is_read(served: Any) -> None:
    served.fake.results["engine.settings"] = ONE_MB
    reader, writer = await asyncio.open_unix_connection(served.socket)
    writer.write(
        b"PUT /holdfast/v1/sessions/s1/files/data?path=a HTTP/1.1\r\nHost: engine\r\n"
        b"Content-Length: 1048577\r\nExpect: 100-continue\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
    await writer.wait_closed()


async def test_an_upload_that_grows_over_the_limit_is_refused(served: Any) -> None:
    served.fake.results["engine.settings"] = ONE_MB

    async def pieces() -> Any:
        for _ in range(17):
            yield b"x" * 65_536

    answer = await served.http.put("/sessions/s1/files/data?path=a", content=pieces())
    assert answer.status_code == 413
    assert answer.json()["error"]["details"] == {"limit_bytes": 2**20}
    assert "server.max_upload_mb" in answer.json()["error"]["message"]


async def test_the_client_is_told_of_a_file_that_is_too_large_while_it_sends(served: Any) -> None:
    served.fake.results["engine.settings"] = ONE_MB
    with pytest.raises(TooLargeError), tempfile.TemporaryFile() as file:
        file.truncate(30 * 2**20)
        await served.remote.files.upload("s1", "a", file)


async def test_an_open_file_is_uploaded_from_where_it_stands(served: Any) -> None:
    served.fake.results["files.upload"] = WRITTEN
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 3_000_000)
        file.seek(10)
        await served.remote.files.upload("s1", "a", file)
    assert served.fake.calls[-1][2]["data"] == b"x" * 2_999_990


async def test_a_pipe_is_uploaded_without_a_length(served: Any) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.left = [b"abc", b"def", b""]

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self.left.pop(0)

    pipe: Any = Pipe()
    assert "Content-Length" not in sent_body(pipe)[1]
    served.fake.results["files.upload"] = WRITTEN
    await served.remote.files.upload("s1", "a", pipe)
    assert served.fake.calls[-1][2]["data"] == b"abcdef"


async def test_an_argument_beside_a_file_is_checked_before_the_file_is_sent(served: Any) -> None:
    with pytest.raises(InvalidError, match="path"):
        await served.remote.files.upload("s1", 5, b"x")
    assert served.fake.calls == []


async def test_a_large_file_is_taken_in_without_being_held_in_memory() -> None:
    pieces = 64

    async def receive() -> dict[str, Any]:
        nonlocal pieces
        pieces -= 1
        return {"type": "http.request", "body": b"x" * 524_288, "more_body": pieces > 0}

    request = Request({"type": "http", "method": "PUT", "headers": []}, receive)
    tracemalloc.start()
    try:
        async with received_file(request, 40 * 2**20) as received:
            most = tracemalloc.get_traced_memory()[1]
            assert received.file.seek(0, io.SEEK_END) == 32 * 2**20
    finally:
        tracemalloc.stop()
    assert most < 8 * 2**20


@given(st.text(max_size=30))
def test_no_name_breaks_out_of_its_header(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    header = disposition(name)
    assert header.isascii()
    assert header.isprintable()
    assert httpx.Headers({"Content-Disposition": header})["content-disposition"] == header
    plain, _, encoded = header.removeprefix('attachment; filename="').partition("\"; filename*=UTF-8''")
    assert '"' not in plain
    assert "\\" not in plain
    assert unquote(encoded) == name
