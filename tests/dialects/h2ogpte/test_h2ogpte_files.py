"""Agents' files and folders through h2oGPTe's API."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.fakes.threaded_index import ThreadedIndex

from holdfast.core.config.paths import Paths
from holdfast.core.domain.events import EventFilter, FileChanged
from holdfast.core.files.blobs import FileBlobs
from holdfast.server.dialects.h2ogpte.mapping_directories import readable
from holdfast.server.dialects.h2ogpte.mapping_files import doc_id

API = "/h2ogpte/api/v1"
NOBODY = "00000000-0000-4000-8000-000000000000"


def write(path: str, content: str) -> tuple[str, str]:
    return "write_file", json.dumps({"path": path, "content": content})


@pytest.fixture
def steps(call: Any, say: Any) -> list[Any]:
    return [call(write("free/a.csv", "1,2\n"), write("free b.html", "<b>ü</b>")), say("done")]


async def worked(served: Any) -> Any:
    """Returns a chat in which an agent has made two files."""
    session = await served.bench.session(title="Some work")
    await served.bench.end(await served.bench.send(session))
    return session


@pytest.mark.covers("h2ogpte.list_agent_server_files", "h2ogpte.delete_agent_server_files")
async def test_files_of_agents_are_listed_and_deleted(serve: Any, steps: Any) -> None:
    async with serve(steps) as served:
        session = await worked(served)
        await served.bench.workbench.files.write(session.id, "mine.txt", "kept")
        where = f"{API}/chats/{session.id}/agent_server_files"
        found = (await served.http.get(where)).json()
        assert [(each["filename"], each["bytes"]) for each in found] == [
            ("free b.html", 9),
            ("free/a.csv", 4),
        ]
        assert {(each["object"], each["purpose"]) for each in found} == {("file", "assistants")}
        assert all(abs(each["created_at"] - session.created_at.timestamp()) < 60 for each in found)
        deleted = await served.http.delete(where)
        assert (deleted.status_code, deleted.content) == (204, b"")
        assert (await served.http.get(where)).json() == []
        assert [each.name for each in Path(session.workspace).iterdir()] == ["mine.txt"]
        assert (await served.http.delete(where)).status_code == 204


async def test_a_second_deletion_at_the_same_time_is_a_conflict(serve: Any, steps: Any) -> None:
    async with serve(steps) as served:
        session = await worked(served)
        where = f"{API}/chats/{session.id}/agent_server_files"
        # The session is held, as by a run that starts: whoever comes first waits.
        async with served.bench.workbench._core.supervisor.held(session.id):
            asked = {asyncio.create_task(served.http.delete(where)) for _ in range(2)}
            (refused,), (first,) = await asyncio.wait(asked, timeout=10, return_when="FIRST_COMPLETED")
            assert refused.result().status_code == 409
            assert "being deleted" in refused.result().json()["message"]
        assert (await first).status_code == 204


@pytest.mark.covers(
    "h2ogpte.list_all_agent_server_directories_stats",
    "h2ogpte.get_agent_server_directory_stats",
)
async def test_the_folder_of_a_chat_is_described(serve: Any, steps: Any) -> None:
    async with serve(steps) as served:
        empty = await served.bench.session()
        where = f"{API}/chats/{empty.id}/agent_server_directories"
        assert (await served.http.get(f"{where}/stats")).json() == []
        session = await worked(served)
        where = f"{API}/chats/{session.id}/agent_server_directories"
        (plain,) = (await served.http.get(f"{where}/stats")).json()
        assert "files" not in plain
        assert (plain["file_count"], plain["directory_count"], plain["size_bytes"]) == (2, 1, 13)
        assert (plain["top_level_contents"], plain["is_empty"]) == (["free", "free b.html"], False)
        assert (plain["size_human_readable"], plain["owner"], plain["permissions"]) == (
            "13 B",
            "local",
            "drwx------",
        )
        (detailed,) = (await served.http.get(f"{where}/stats", params={"detail_level": 1})).json()
        assert [(each["path"], each["is_directory"]) for each in detailed["files"]] == [
            ("free", True),
            ("free/a.csv", False),
            ("free b.html", False),
        ]
        assert detailed["files"][1]["name"] == "a.csv"
        assert detailed["files"][1]["permissions"].startswith("-rw")
        one = f"{where}/{quote(plain['id'], safe='')}/stats"
        assert (await served.http.get(one)).json() == plain
        assert (await served.http.get(one, params={"detail_level": 2})).json() == detailed
        for wrong, status in ((f"{where}/other/stats", 404), (f"{one}?detail_level=-1", 400)):
            assert (await served.http.get(wrong)).status_code == status


@pytest.mark.covers("h2ogpte.list_agent_directory_stats")
async def test_the_folders_of_all_chats_are_described(serve: Any, steps: Any) -> None:
    async with serve(steps) as served:
        session = await worked(served)
        other = await served.bench.session(title="Other work")
        await served.bench.workbench.files.write(other.id, "x", "1")
        await served.bench.session(title="No work")

        async def chats(**params: Any) -> list[str]:
            found = (await served.http.get(f"{API}/agents/directory_stats", params=params)).json()
            return [each["chat_preview"] for each in found]

        assert sorted(await chats()) == ["Other work", "Some work"]
        assert await chats(filter_text="some W") == ["Some work"]
        assert len(await chats(limit=1)) == len(await chats(offset=1)) == 1
        found = (await served.http.get(f"{API}/agents/directory_stats?filter_text=some")).json()
        where = f"{API}/chats/{session.id}/agent_server_directories/stats"
        assert found[0]["agent_chat_session_id"] == session.id
        assert found[0]["stats"] == (await served.http.get(where)).json()


@pytest.mark.covers("h2ogpte.delete_agent_server_directories")
async def test_the_folders_of_chats_are_emptied(serve: Any, steps: Any) -> None:
    async with serve(steps) as served:
        session, other = await worked(served), await served.bench.session()
        where = f"{API}/chats/{session.id}%2C{other.id}/agent_server_directories"
        assert (await served.http.delete(f"{where}?dir_types=venv")).status_code == 204
        assert len(list(Path(session.workspace).iterdir())) == 2
        assert (await served.http.delete(f"{API}/chats/{NOBODY}/agent_server_directories")).status_code == 404
        assert (await served.http.delete(where)).status_code == 204
        assert (await served.http.get(f"{API}/agents/directory_stats")).json() == []


@pytest.mark.covers("h2ogpte.download_file")
async def test_a_file_is_sent_as_it_is_and_as_it_was(serve: Any, steps: Any) -> None:
    async with serve(steps) as served:
        session = await worked(served)
        listed = (await served.http.get(f"{API}/chats/{session.id}/agent_server_files")).json()
        params = {"id": listed[0]["id"], "name": "free b.html"}
        sent = await served.http.get("/h2ogpte/file", params=params)
        assert (sent.status_code, sent.text) == (200, "<b>ü</b>")
        assert sent.headers["content-disposition"].startswith('attachment; filename="free b.html"')
        assert sent.headers["x-content-type-options"] == "nosniff"
        assert not sent.headers["content-type"].startswith("text/html")
        events = (await served.bench.workbench.events.read(EventFilter(session_id=session.id))).items
        changes = [logged.event for logged in events if isinstance(logged.event, FileChanged)]
        (change,) = (each for each in changes if each.path == "free/a.csv")
        await served.bench.workbench.files.write(session.id, "free/a.csv", "new")
        await served.http.delete(f"{API}/chats/{session.id}/agent_server_files")
        assert change.after is not None
        then = doc_id(session.id, change.path, change.after)
        assert (await served.http.get("/h2ogpte/file", params={"id": then, "name": "x"})).text == "1,2\n"
        now = doc_id(session.id, change.path, "")
        assert (await served.http.get("/h2ogpte/file", params={"id": now})).status_code == 404


async def test_a_document_of_a_collection_is_sent_as_it_was_taken_in(serve: Any, tmp_path: Path) -> None:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    paths.make()
    index = ThreadedIndex(paths.knowledge, FileBlobs(paths.blobs))
    async with serve(knowledge=index) as served:
        http, body = served.http, {"name": "a", "description": "b"}
        collection = (await http.post(f"{API}/collections", json=body)).json()["id"]
        upload = (await http.put(f"{API}/uploads", files={"file": ("a.csv", b"x,y\n1,2\n")})).json()["id"]
        where = f"{API}/uploads/{upload}/ingest?collection_id={collection}"
        assert (await http.post(where)).status_code == 204
        (document,) = (await http.get(f"{API}/collections/{collection}/documents")).json()
        sent = await http.get("/h2ogpte/file", params={"id": document["id"], "name": "a.csv"})
        assert (sent.status_code, sent.content) == (200, b"x,y\n1,2\n")
        assert 'filename="a.csv"' in sent.headers["content-disposition"]


async def test_files_of_others_and_made_up_ids_are_not_found(serve_users: Any, steps: Any) -> None:
    async with serve_users(steps) as served:
        session, bob = await worked(served), await served.user("bob")
        known = doc_id(session.id, "free/a.csv", "")
        assert (await served.http.get("/h2ogpte/file", params={"id": known})).status_code == 200
        made_up = (
            doc_id(session.id, "nothing", ""),
            doc_id(session.id, "free/a.csv", "0" * 64),
            doc_id(NOBODY, "free/a.csv", ""),
            "x",
            NOBODY,
        )
        for id in made_up:
            answer = await served.http.get("/h2ogpte/file", params={"id": id, "name": "a"})
            assert (answer.status_code, answer.json()["error"]) == (404, answer.json()["message"])
        assert (await served.http.get("/h2ogpte/file")).status_code == 400
        outside = {"id": doc_id(session.id, "../../x", "")}
        assert (await served.http.get("/h2ogpte/file", params=outside)).status_code in (400, 403, 404)
        assert (await served.http.get("/h2ogpte/file", params={"id": known}, headers=bob)).status_code == 404
        for path in ("agent_server_files", "agent_server_directories/stats"):
            where = f"{API}/chats/{session.id}/{path}"
            assert (await served.http.get(where, headers=bob)).status_code == 404
        files = f"{API}/chats/{session.id}/agent_server_files"
        assert (await served.http.delete(files, headers=bob)).status_code == 404
        assert (await served.http.get(f"{API}/agents/directory_stats", headers=bob)).json() == []


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.50 KB"), (2**40 * 5000, "5000.00 TB")]
)
def test_sizes_are_said_for_people(size: int, said: str) -> None:
    assert readable(size) == said
