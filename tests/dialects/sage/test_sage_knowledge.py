"""Knowledge bases through Sage's API, on an index in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.knowledge_service.conftest import MemoryIndex

ROOT = "/sage/api/knowledge-base"
NOBODY = "00000000-0000-4000-8000-000000000000"


async def data_of(asked: Any, code: int = 200) -> Any:
    """Returns what the envelope of an answer holds."""
    answer = await asked
    said = answer.json()
    assert (answer.status_code, said["code"], said["success"]) == (code, code, code == 200), answer.text
    return said["data"] if code == 200 else said["message"]


async def made(http: Any, **more: Any) -> str:
    body = {"name": "Lamps", "type": "rag", "intro": "How they burn", **more}
    return str((await data_of(http.post(f"{ROOT}/add", json=body)))["kdb_id"])


async def sent(served: Any, base: str, *files: tuple[str, bytes], **fields: str) -> str:
    """Sends files by one task, which has ended when this returns."""
    form = [("files", (name, text, "text/plain")) for name, text in files]
    asked = served.http.post(f"{ROOT}/doc/add_by_files", data={"kdb_id": base, **fields}, files=form)
    task = str((await data_of(asked))["taskId"])
    await served.bench.workbench.jobs.get(task, wait_s=20)
    return task


async def documents(served: Any, base: str, query: str = "") -> list[tuple[str, int]]:
    found = await data_of(served.http.get(f"{ROOT}/doc/list?kdb_id={base}{query}"))
    assert len(found["list"]) <= found["total"]
    return [(each["doc_name"], each["status"]) for each in found["list"]]


@pytest.mark.covers("sage.kdb_add", "sage.kdb_update", "sage.kdb_info", "sage.kdb_list", "sage.kdb_delete")
async def test_a_knowledge_base_lives_its_life(serve: Any, index: MemoryIndex) -> None:
    async with serve([], knowledge=index) as served:
        http = served.http
        base = await made(http, language="en")
        info = await data_of(http.get(f"{ROOT}/info?kdb_id={base}"))
        assert (info["kdbId"], info["name"], info["intro"], info["type"]) == (
            base,
            "Lamps",
            "How they burn",
            "rag",
        )
        assert info["kdbSetting"] == {"kdbAttach": {"language": "en"}}
        assert info["createdAt"] <= info["updatedAt"]
        setting = {"kdbAttach": {"language": "en"}, "wick": 2}
        asked = {"kdb_id": base, "name": "Lamps / new", "intro": "", "kdb_setting": setting}
        assert (await data_of(http.post(f"{ROOT}/update", json=asked)))["success"] is True
        info = await data_of(http.get(f"{ROOT}/info?kdb_id={base}"))
        assert (info["name"], info["intro"], info["kdbSetting"]) == ("Lamps / new", "How they burn", setting)
        twin = await made(http, name="Lamps / new", type="code")
        listed = await data_of(http.get(f"{ROOT}/list"))
        assert [(each["id"], each["name"], each["dataSource"], each["type"]) for each in listed["list"]] == [
            (twin, "Lamps / new", "code", None),
            (base, "Lamps / new", "rag", None),
        ]
        assert listed["list"][0]["index_name"].startswith("kdb_")
        page = await data_of(http.get(f"{ROOT}/list?query_name=lamps&page=2&page_size=1"))
        assert ([each["id"] for each in page["list"]], page["total"]) == ([base], 2)
        assert (await data_of(http.get(f"{ROOT}/list?type=code")))["total"] == 1
        assert (await data_of(http.delete(f"{ROOT}/delete/{base}")))["success"] is True
        assert await data_of(http.get(f"{ROOT}/info?kdb_id={base}"), 500) == "知识库不存在"


@pytest.mark.covers(
    "sage.kdb_doc_add_by_files",
    "sage.kdb_doc_list",
    "sage.kdb_doc_info",
    "sage.kdb_doc_task_process",
    "sage.kdb_doc_delete",
    "sage.kdb_retrieve",
)
async def test_documents_are_sent_found_and_deleted(serve: Any, index: MemoryIndex) -> None:
    async with serve([], knowledge=index) as served:
        http, base = served.http, await made(served.http)
        task = await sent(served, base, ("wick.md", b"A wick of cotton."), ("oil.md", b"BAD oil"))
        process = await data_of(http.get(f"{ROOT}/doc/task_process?kdb_id={base}&task_id={task}"))
        assert {name: process[name] for name in ("success", "fail", "total", "taskProcess")} == {
            "success": 1,
            "fail": 1,
            "total": 2,
            "taskProcess": 100.0,
        }
        assert await documents(served, base) == [("oil.md", 3), ("wick.md", 2)]
        assert await documents(served, base, "&query_name=WICK") == [("wick.md", 2)]
        assert await documents(served, base, "&query_status=0&query_status=3") == [("oil.md", 3)]
        assert await documents(served, base, "&query_status=9") == []
        assert await documents(served, base, f"&task_id={NOBODY}") == []
        assert await documents(served, base, "&page_no=2&page_size=1") == [("wick.md", 2)]
        found = await data_of(
            http.post(f"{ROOT}/retrieve", json={"kdb_id": base, "query": "wick", "top_k": 5})
        )
        (passage,) = found["results"]
        assert (passage["title"], passage["doc_content"]) == ("wick.md", "A wick of cotton.")
        assert passage["metadata"]["main_doc_id"] == passage["doc_id"]
        about = await data_of(http.get(f"{ROOT}/doc/info/{passage['doc_id']}"))
        assert (about["dataName"], about["status"], about["taskId"], about["type"]) == (
            "wick.md",
            2,
            task,
            "file",
        )
        for nobody in (NOBODY, "none"):
            assert await data_of(http.get(f"{ROOT}/doc/info/{nobody}")) is None
            assert await data_of(http.delete(f"{ROOT}/doc/delete/{nobody}"), 500) == "知识库文档不存在"
            assert (await data_of(http.put(f"{ROOT}/doc/redo/{nobody}")))["user_id"] == ""
            assert await data_of(http.delete(f"{ROOT}/delete/{nobody}"), 500) == "知识库不存在"
        await data_of(http.delete(f"{ROOT}/doc/delete/{passage['doc_id']}"))
        assert await data_of(http.delete(f"{ROOT}/doc/delete/{passage['doc_id']}"), 500) == "知识库文档不存在"
        assert await documents(served, base) == [("oil.md", 3)]


@pytest.mark.covers("sage.kdb_doc_redo", "sage.kdb_doc_task_redo", "sage.kdb_redo_all", "sage.kdb_clear")
async def test_what_has_failed_is_done_again_and_all_is_cleared(serve: Any, index: MemoryIndex) -> None:
    async with serve([], knowledge=index) as served:
        http, base = served.http, await made(served.http)
        task = await sent(served, base, ("oil.md", b"BAD oil"))
        (oil,) = (await data_of(http.get(f"{ROOT}/doc/list?kdb_id={base}")))["list"]
        assert oil["metadata"]["error"] == "It is bad."
        index.gate = asyncio.Event()
        for again in (
            http.put(f"{ROOT}/doc/redo/{oil['id']}"),
            http.post(f"{ROOT}/doc/task_redo", json={"kdb_id": base, "task_id": task}),
            http.post(f"{ROOT}/redo_all", json={"kdb_id": base}),
        ):
            assert (await data_of(again))["success"] is True
            process = await data_of(http.get(f"{ROOT}/doc/task_process?kdb_id={base}&task_id={task}"))
            assert (process["waiting"] + process["inProgress"], process["taskProcess"]) == (1, 0.0)
        index.gate.set()
        for job in (await served.bench.workbench.jobs.list()).items:
            await served.bench.workbench.jobs.get(job.id, wait_s=20)
        assert await documents(served, base) == [("oil.md", 3)]
        assert (await data_of(http.put(f"{ROOT}/doc/redo/{NOBODY}")))["user_id"] == ""
        await data_of(http.post(f"{ROOT}/clear", json={"kdb_id": base}))
        assert await documents(served, base) == []
        assert (await data_of(http.post(f"{ROOT}/redo_all", json={"kdb_id": base})))["success"] is True
        unknown = {"kdb_id": base, "task_id": NOBODY}
        assert (await data_of(http.post(f"{ROOT}/doc/task_redo", json=unknown)))["success"] is True


async def test_documents_of_one_name_stay_beside_each_other_unless_they_override(
    serve: Any, index: MemoryIndex
) -> None:
    async with serve([], knowledge=index) as served:
        base = await made(served.http)
        await sent(served, base, ("wick.md", b"old wick"))
        await sent(served, base, ("wick.md", b"new wick"), override="false")
        assert await documents(served, base) == [("wick.md", 2), ("wick.md", 2)]
        await sent(served, base, ("oil.md", b"old oil"), override="true")
        await sent(served, base, ("oil.md", b"new oil"), override="true")
        assert len(await documents(served, base)) == 3


async def test_a_base_of_questions_takes_tables_only(serve: Any, index: MemoryIndex) -> None:
    async with serve([], knowledge=index) as served:
        base = await made(served.http, type="qa")
        form = [("files", ("wick.md", b"prose", "text/plain"))]
        asked = served.http.post(f"{ROOT}/doc/add_by_files", data={"kdb_id": base}, files=form)
        assert await data_of(asked, 500) == "QA知识库仅支持CSV或Excel文件: wick.md"
        assert await served.bench.workbench.knowledge.staged() == ()
        await sent(served, base, ("wick.csv", b"Question: What is a wick?\nAnswer: A cord."))
        asked = served.http.post(f"{ROOT}/retrieve", json={"kdb_id": base, "query": "wick"})
        (found,) = (await data_of(asked))["results"]
        assert (found["title"], found["metadata"]["answer"]) == ("What is a wick?", "A cord.")
        about = await data_of(served.http.get(f"{ROOT}/doc/info/{found['doc_id']}"))
        assert about["type"] == "qa"


async def test_mistakes_are_told_as_fastapi_does(serve: Any, index: MemoryIndex) -> None:
    async with serve([], knowledge=index) as served:
        base, http = await made(served.http), served.http
        form = [("files", ("wick.md", b"prose", "text/plain"))]
        for answer, place in (
            (await http.post(f"{ROOT}/doc/add_by_files", files=form), ["body", "kdb_id"]),
            (await http.post(f"{ROOT}/doc/add_by_files", files={"kdb_id": (None, base)}), ["body", "files"]),
            (await http.get(f"{ROOT}/doc/list"), ["query", "kdb_id"]),
            (await http.get(f"{ROOT}/list?page=0"), ["query", "page"]),
            (await http.post(f"{ROOT}/add", json={"name": "x"}), ["body", "type"]),
        ):
            assert answer.status_code == 422, answer.text
            assert answer.json()["detail"][0]["loc"] == place


async def test_nobody_sees_anothers_knowledge(serve_users: Any, index: MemoryIndex) -> None:
    async with serve_users([], knowledge=index) as served:
        base = await made(served.http)
        await sent(served, base, ("wick.md", b"A wick."))
        (wick,) = (await data_of(served.http.get(f"{ROOT}/doc/list?kdb_id={base}")))["list"]
        headers = await served.user("ann")
        http = served.http

        def ask(method: str, path: str, **more: Any) -> Any:
            return http.request(method, f"{ROOT}{path}", headers=headers, **more)

        assert (await data_of(ask("GET", "/list")))["total"] == 0
        for asked in (
            ask("GET", f"/info?kdb_id={base}"),
            ask("GET", f"/doc/list?kdb_id={base}"),
            ask("GET", f"/doc/task_process?kdb_id={base}&task_id={wick['task_id']}"),
            ask("POST", "/update", json={"kdb_id": base, "name": "mine"}),
            ask("POST", "/clear", json={"kdb_id": base}),
            ask("POST", "/redo_all", json={"kdb_id": base}),
            ask("POST", "/doc/task_redo", json={"kdb_id": base, "task_id": wick["task_id"]}),
            ask("POST", "/retrieve", json={"kdb_id": base, "query": "wick"}),
            ask("DELETE", f"/delete/{base}"),
        ):
            assert await data_of(asked, 500) == "知识库不存在"
        assert await data_of(ask("GET", f"/doc/info/{wick['id']}")) is None
        assert await data_of(ask("DELETE", f"/doc/delete/{wick['id']}"), 500) == "知识库文档不存在"
        assert (await data_of(ask("PUT", f"/doc/redo/{wick['id']}")))["user_id"] == ""
        assert await documents(served, base) == [("wick.md", 2)]
