"""Files that clients write, send, fetch and attach, through both implementations of a workbench."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    HoldfastError,
    InvalidError,
    NotFoundError,
    OutsideWorkspace,
    TooLargeError,
    ToolError,
)
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.files import Change
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.messages import FilePart, ImagePart, TextPart
from holdfast.core.files.attach import MAX_ATTACHMENT_BYTES
from holdfast.core.services.local import LocalWorkbench
from holdfast.core.tools.web import WebFetcher

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20

both = pytest.mark.parametrize("door", ["local", "remote"])


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def changes(bench, session):
    found = await bench.workbench.events.read(EventFilter(session_id=session.id))
    return [logged.event for logged in found.items if logged.event.type == "file.changed"]


@both
async def test_a_text_is_written_and_read_again(open_bench) -> None:
    async with open_bench() as bench:
        session, files = await bench.session(), bench.workbench.files
        written = await files.write(session.id, "notes/a.md", "# Größe\n", "")
        read = await files.read(session.id, "notes/a.md")
        assert (read.text, read.kind) == ("# Größe\n", "markdown")
        assert read.digest == written.digest == digest("# Größe\n".encode())
        again = await files.write(session.id, "notes/a.md", "two", read.digest)
        assert (written.change, again.change) == (Change.CREATED, Change.MODIFIED)
        with pytest.raises(ConflictError) as refused:
            await files.write(session.id, "notes/a.md", "three", read.digest)
        assert refused.value.code == "file_changed"
        with pytest.raises(InvalidError):
            await files.write(session.id, "notes/a.md", "three", "any")
        (entry,) = await files.list(session.id)
        assert (entry.path, entry.state, entry.run_id, entry.size) == ("notes/a.md", "created", None, 3)
        assert [(c.change, c.origin, c.run_id, c.path) for c in await changes(bench, session)] == [
            ("created", "api", None, "notes/a.md"),
            ("modified", "api", None, "notes/a.md"),
        ]


@both
async def test_a_deleted_file_stays_among_its_versions(open_bench) -> None:
    async with open_bench() as bench:
        session, files = await bench.session(), bench.workbench.files
        await files.write(session.id, "a.txt", "one")
        await files.delete(session.id, "a.txt")
        assert await files.list(session.id) == ()
        first, gone = await files.versions(session.id, "./a.txt")
        assert (first.origin, first.kept, gone.change, gone.kept) == ("api", True, Change.DELETED, False)
        assert first.digest is not None
        old = await files.download(session.id, "a.txt", first.digest)
        assert (old.name, await old.read()) == ("a.txt", b"one")
        with pytest.raises(NotFoundError):
            await files.delete(session.id, "a.txt")
        with pytest.raises(NotFoundError):
            await files.download(session.id, "a.txt")


@both
async def test_what_goes_up_comes_down_as_it_was(open_bench, tmp_path: Path) -> None:
    async with open_bench() as bench:
        session, files = await bench.session(), bench.workbench.files
        content = bytes(range(256)) * 8_000
        await files.upload(session.id, "bin/ü a.dat", io.BytesIO(content))
        found = await files.download(session.id, "bin/ü a.dat")
        assert (found.name, found.size) == ("ü a.dat", len(content))
        assert found.media_type == "application/octet-stream"
        assert await found.read() == content
        written = await files.upload(session.id, "empty", b"", "")
        assert (written.size, await (await files.download(session.id, "empty")).read()) == (0, b"")


@both
async def test_a_run_sees_what_was_sent_and_its_undo_leaves_it(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "free.md", "content": "by the run"}')), say("ok")]
    async with open_bench(steps) as bench:
        session, files = await bench.session(), bench.workbench.files
        await files.upload(session.id, "given.bin", b"\0given")
        await bench.end(await bench.send(session))
        assert [(c.path, c.origin) for c in await changes(bench, session)] == [
            ("given.bin", "api"),
            ("free.md", "run"),
        ]
        assert [entry.path for entry in await files.undo(session.id)] == ["given.bin"]
        await files.redo(session.id)
        await files.write(session.id, "free.md", "by a client")
        with pytest.raises(ConflictError, match=r"free\.md"):
            await files.undo(session.id)
        run, taken, back, client = await files.versions(session.id, "free.md")
        assert [v.origin for v in (run, taken, back, client)] == ["run", "undo", "redo", "api"]
        assert run.digest is not None
        old = await files.download(session.id, "free.md", run.digest)
        assert await old.read() == b"by the run"


@both
async def test_files_are_changed_while_a_run_waits_for_a_person(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "asked.md", "content": "x"}')), say("ok")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.approval()
        await bench.workbench.files.write(session.id, "given.md", "here you are")
        await bench.workbench.runs.cancel(run_id)
        assert [c.path for c in await changes(bench, session)] == ["given.md"]


async def test_files_are_not_changed_while_a_call_may_be_changing_them(open_bench, say, call) -> None:
    steps = [call(("run_command", '{"command": "read line < gate; echo $line > made"}')), say("ok")]
    async with open_bench(steps) as bench:
        session, files = await bench.session(), bench.workbench.files
        gate = Path(session.workspace) / "gate"
        os.mkfifo(gate)
        run_id = await bench.send(session, approve="all")
        await bench.until("tool_call.started", run_id=run_id)
        opened = await asyncio.to_thread(gate.open, "w")  # the command is there now
        for refused in (files.write(session.id, "a", "x"), files.delete(session.id, "gate")):
            with pytest.raises(ConflictError) as error:
                await refused
            assert error.value.code == "busy"
        opened.write("go\n")
        await asyncio.to_thread(opened.close)
        await bench.end(run_id)
        await files.write(session.id, "a", "x")
        assert [(c.path, c.origin) for c in await changes(bench, session)] == [("made", "run"), ("a", "api")]


async def test_a_writer_who_goes_away_leaves_file_and_event_or_neither(open_bench) -> None:
    async with open_bench() as bench:
        session, files = await bench.session(), bench.workbench.files
        reached, go = threading.Event(), threading.Event()

        class Slow(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                reached.set()
                go.wait(10)
                return super().read(size)

        writing = asyncio.create_task(files.upload(session.id, "a", Slow(b"content")))
        await asyncio.to_thread(reached.wait, 10)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        go.set()
        (seen,) = [e.event for e in await bench.until("file.changed") if e.event.type == "file.changed"]
        assert (seen.path, (Path(session.workspace) / "a").read_bytes()) == ("a", b"content")


@both
async def test_a_file_of_the_caller_is_attached_and_does_not_enter_the_workspace(open_bench) -> None:
    async with open_bench() as bench:
        session, files = await bench.session(), bench.workbench.files
        image = await files.attach_data(session.id, "/home/ann/../pic.bin", PNG)
        table = await files.attach_data(session.id, "t.csv", io.BytesIO(b"a,b\n"))
        assert isinstance(image, ImagePart)
        assert (image.name, image.media_type, bench.blobs.get(image.blob)) == ("pic.bin", "image/png", PNG)
        assert isinstance(table, FilePart)
        assert (table.name, table.size, table.media_type) == ("t.csv", 4, "text/csv")
        assert await files.list(session.id) == ()
        with pytest.raises(TooLargeError):
            await files.attach_data(session.id, "big", bytes(MAX_ATTACHMENT_BYTES + 1))
        with pytest.raises(NotFoundError):
            await files.attach_data("no-session", "a", b"x")


async def test_a_file_of_the_web_is_attached_under_the_rules_for_the_web(open_bench) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        async def content() -> AsyncIterator[bytes]:
            yield PNG

        gone = request.url.path == "/gone.png"
        return httpx.Response(404 if gone else 200, content=content(), headers={"content-type": "text/html"})

    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34" if host == "a.test" else "10.0.0.1"]

    web = WebFetcher(resolve=resolve, transport=lambda: httpx.MockTransport(answer))
    async with open_bench(web=web) as bench:
        session, files = await bench.session(), bench.workbench.files
        image = await files.attach_url(session.id, "https://a.test/x/the%20pic.png?y")
        assert isinstance(image, ImagePart), "what it is can be seen of it"
        assert (image.name, bench.blobs.get(image.blob)) == ("the pic.png", PNG)
        for wrong, error in (
            ("https://a.test/gone.png", ToolError),
            ("https://inside.test/", ForbiddenError),
            ("http://127.0.0.1/", ForbiddenError),
            ("file:///etc/passwd", InvalidError),
        ):
            with pytest.raises(error):
                await files.attach_url(session.id, wrong)
        with pytest.raises(NotFoundError):
            await files.attach_url("no-session", "https://a.test/x.png")


@both
async def test_workspaces_are_counted_each_once(open_bench) -> None:
    async with open_bench() as bench:
        files = bench.workbench.files
        first, second = await bench.session(), await bench.session()
        await files.upload(first.id, "a/b", b"123")
        await files.upload(second.id, "c", b"12345")
        fork = await bench.workbench.sessions.fork(first.id)
        found = {stats.sessions: stats for stats in await files.stats()}
        assert set(found) == {(first.id,), (second.id,), (fork.id,)}
        one = found[(first.id,)]
        assert (one.files, one.folders, one.total_bytes, one.largest) == (1, 1, 3, "a/b")
        assert await files.stats(second.id) == (found[(second.id,)],)
        with pytest.raises(NotFoundError):
            await files.stats("nothing")


async def test_a_folder_that_several_sessions_share_is_counted_once(open_bench) -> None:
    async with open_bench() as bench:
        agent = bench.home / "config" / "agents" / "here.yaml"
        text = (agent.parent / "tester.yaml").read_text().replace("workspace: session", "workspace: project")
        agent.write_text(text.replace("name: tester", "name: here"))
        (bench.project / "a").write_text("12")
        sessions = [
            await bench.workbench.sessions.create("here", str(bench.project)),
            await bench.workbench.sessions.create("here", str(bench.project)),
        ]
        (found,) = await bench.workbench.files.stats()
        assert (set(found.sessions), found.files, found.total_bytes) == ({s.id for s in sessions}, 1, 2)
        (one,) = await bench.workbench.files.stats(sessions[0].id)
        assert one.sessions == found.sessions


@both
@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "link/x", "a/../../out", "evil", ".."])
async def test_no_path_leads_outside(open_bench, path: str, tmp_path: Path) -> None:
    async with open_bench() as bench:
        session, files = await bench.session(), bench.workbench.files
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "x").write_text("secret")
        (Path(session.workspace) / "link").symlink_to(outside)
        (Path(session.workspace) / "evil").symlink_to(outside / "x")
        for wanted in (
            files.write(session.id, path, "x"),
            files.upload(session.id, path, b"x"),
            files.delete(session.id, path),
            files.download(session.id, path),
            files.read(session.id, path),
        ):
            with pytest.raises(OutsideWorkspace):
                await wanted
        with pytest.raises(HoldfastError):
            await files.download(session.id, path, digest(b"secret"))
        assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "outside", "project"]
        assert (outside / "x").read_text() == "secret"


@both
async def test_a_version_of_another_session_is_not_there(open_bench) -> None:
    async with open_bench() as bench:
        files = bench.workbench.files
        mine, other = await bench.session(), await bench.session()
        theirs = await files.upload(other.id, "a", b"theirs")
        await files.upload(mine.id, "a", b"mine")
        with pytest.raises(NotFoundError) as refused:
            await files.download(mine.id, "a", theirs.digest)
        assert refused.value.code == "version_not_found"


async def test_a_fork_takes_back_what_clients_did_after_its_point(open_bench) -> None:
    async with open_bench() as bench:
        session, files = await bench.session(), bench.workbench.files
        await files.write(session.id, "a", "one")
        seen = await bench.until("file.changed")
        await files.write(session.id, "a", "two")
        await files.write(session.id, "b", "later")
        fork = await bench.workbench.sessions.fork(session.id, seen[-1].id + 1)
        assert [entry.path for entry in await files.list(fork.id)] == ["a"]
        assert (Path(fork.workspace) / "a").read_text() == "one"
        (version,) = await files.versions(fork.id, "a")
        assert await (await files.download(fork.id, "a", version.digest)).read() == b"one"


async def test_what_says_what_agents_may_do_is_for_the_scope_admin(open_bench) -> None:
    async with open_bench() as bench:
        assert isinstance(bench.workbench, LocalWorkbench)
        session = await bench.session()
        chat = bench.workbench.as_principal(
            Principal(user_id="local", name="local", role=Role.ADMIN, scope=Scope.CHAT)
        )
        for path in (".holdfast/settings.yaml", "agents/mine.yaml", "./Agents/x.YML", ".holdfast//x"):
            with pytest.raises(ForbiddenError) as refused:
                await chat.files.write(session.id, path, "x")
            assert refused.value.code == "scope_missing"
            with pytest.raises(ForbiddenError):
                await chat.files.delete(session.id, path)
        await chat.files.write(session.id, "agents.md", "fine")
        await bench.workbench.files.write(session.id, "agents/mine.yaml", "mine")


@both
async def test_an_image_of_a_message_is_shown_in_its_session_and_in_no_other(open_bench) -> None:
    async with open_bench() as bench:
        session, other, files = await bench.session(), await bench.session(), bench.workbench.files
        part = await files.attach_data(session.id, "chart.png", PNG)
        submitted = await bench.workbench.runs.send(session.id, (TextPart(text="see"), part))
        await bench.end(submitted.run_id)
        image = await files.image(session.id, digest(PNG))
        assert (image.kind, image.media_type, image.size) == ("image", "image/png", len(PNG))
        assert base64.b64decode(image.data) == PNG
        for session_id, blob in ((other.id, digest(PNG)), (session.id, "0" * 64), (session.id, "../x")):
            with pytest.raises(NotFoundError):
                await files.image(session_id, blob)


@both
async def test_a_digest_in_a_text_shows_nobody_the_content_that_it_names(open_bench) -> None:
    async with open_bench() as bench:
        session, other = await bench.session(), await bench.session()
        await bench.workbench.files.attach_data(session.id, "chart.png", PNG)
        submitted = await bench.workbench.runs.send(other.id, (TextPart(text=digest(PNG)),))
        await bench.end(submitted.run_id)
        with pytest.raises(NotFoundError):
            await bench.workbench.files.image(other.id, digest(PNG))
