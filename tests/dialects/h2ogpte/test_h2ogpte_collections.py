"""Collections, uploads, ingestion, jobs, documents, chunks and tags of h2oGPTe's API, on a real index."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.threaded_index import ThreadedIndex

from holdfast.core.config.paths import Paths
from holdfast.core.domain.knowledge import Chunking
from holdfast.core.files.blobs import FileBlobs

API = "/h2ogpte/api/v1"
CSV = b"product,revenue\nWidget A,12500\n\nWidget B,8300"


class Library:
    """The API with knowledge, and what tests do with it again and again."""

    def __init__(self, served: Any, index: ThreadedIndex) -> None:
        self.served = served
        self.index = index

    async def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """Returns what is answered, which must have the status."""
        answer = await self.served.http.request(method, f"{API}{path}", **more)
        assert answer.status_code == status, answer.text
        if status >= 400:
            said = answer.json()
            assert said["code"] == status and said["message"]
            return said["message"]
        if status == 204:
            assert answer.content == b""
            return None
        return answer.json()

    async def collection(self, name: str = "demo", **more: Any) -> str:
        body = {"name": name, "description": "A demo", **more}
        return str((await self.ask("POST", "/collections", 201, json=body))["id"])

    async def upload(self, name: str = "sales.csv", data: bytes = CSV) -> str:
        said = await self.ask("PUT", "/uploads", files={"file": (name, data, "text/csv")})
        assert said["filename"] == name
        return str(said["id"])

    async def taken_in(self, collection: str, *files: tuple[str, bytes], **metadata: Any) -> list[str]:
        """Takes files in, and returns the ids of their documents."""
        uploads = [await self.upload(*each) for each in files]
        body = {"metadata": {uploads[0]: metadata}} if metadata else {}
        path = f"/uploads/{','.join(uploads)}/ingest"
        await self.ask("POST", path, 204, params={"collection_id": collection}, json=body)
        documents = await self.ask("GET", f"/collections/{collection}/documents")
        by_name = {each["name"]: each["id"] for each in documents}
        return [by_name[name] for name, _ in files]

    async def ended(self, job: dict[str, Any]) -> dict[str, Any]:
        """Returns a job at its end, polled as clients do."""
        async with asyncio.timeout(10):
            while job["overall_status"] == "in progress":
                await asyncio.sleep(0.02)
                job = await self.ask("GET", f"/jobs/{job['id']}")
        return job


@pytest.fixture
def library(serve: Any, tmp_path: Path) -> Callable[..., Any]:
    """Serves the APIs of a workbench with knowledge."""

    @asynccontextmanager
    async def opened(door: Any = serve, **options: Any) -> AsyncIterator[Library]:
        paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
        paths.make()
        index = ThreadedIndex(paths.knowledge, FileBlobs(paths.blobs))
        async with door(knowledge=index, **options) as served:
            yield Library(served, index)

    return opened


# --- collections


@pytest.mark.covers(
    "h2ogpte.create_collection",
    "h2ogpte.get_collection",
    "h2ogpte.delete_collection",
    "h2ogpte.list_collections",
    "h2ogpte.get_collection_count",
)
async def test_a_collection_is_made_found_and_deleted(library) -> None:
    async with library() as api:
        body = {"name": "demo", "description": "A demo"}
        # As text: some clients say nothing else.
        headers = {"content-type": "text/plain"}
        made = await api.ask("POST", "/collections", 201, content=json.dumps(body), headers=headers)
        assert made["name"] == "demo" and made["description"] == "A demo"
        assert (made["document_count"], made["document_size"], made["sessions_count"]) == (0, 0, 0)
        assert (made["is_public"], made["status"], made["user_count"]) == (False, "active", 1)
        assert made["username"] == "local" and made["embedding_model"] == "wordllama"
        assert "rag_type" not in made and "metadata_dict" not in made
        assert await api.ask("GET", f"/collections/{made['id']}") == made
        assert await api.ask("GET", "/collections", params={"limit": 5, "ascending": "False"}) == [made]
        assert await api.ask("GET", "/collections/count") == {"count": 1}
        await api.ask("POST", "/chats", 201, params={"collection_id": made["id"]})
        await api.ask("POST", "/chats", 201)
        assert (await api.ask("GET", f"/collections/{made['id']}"))["sessions_count"] == 1
        await api.ask("DELETE", f"/collections/{made['id']}", 204, params={"timeout": 300})
        await api.ask("DELETE", f"/collections/{made['id']}", 404)
        await api.ask("GET", f"/collections/{made['id']}", 404)
        assert await api.ask("GET", "/collections") == []


@pytest.mark.covers("h2ogpte.create_collection")
async def test_what_a_collection_lacks_is_said(library) -> None:
    async with library() as api:
        assert "description" in await api.ask("POST", "/collections", 400, json={"name": "a"})
        await api.ask("POST", "/collections", 400)
        await api.ask("POST", "/collections", 400, json={"name": "", "description": ""})
        wrong = {"name": "a", "description": "", "embedding_model": "none"}
        await api.ask("POST", "/collections", 400, json=wrong)
        settings = {"name": "a", "description": "", "chat_settings": {"llm_args": {"temperature": 9}}}
        await api.ask("POST", "/collections", 400, json=settings)


@pytest.mark.covers("h2ogpte.create_collection", "h2ogpte.update_collection")
async def test_names_may_be_there_twice_and_be_anything(library) -> None:
    async with library() as api:
        first, second = [await api.collection("Q1/Q2 report") for _ in range(2)]
        for each in (first, second):
            assert (await api.ask("GET", f"/collections/{each}"))["name"] == "Q1/Q2 report"
        kept = {each.name for each in await api.served.bench.workbench.knowledge.list()}
        assert kept == {"Q1-Q2 report", "Q1-Q2 report (2)"}
        path = f"/collections/{second}"
        assert (await api.ask("PATCH", path, json={"name": "other"}))["name"] == "other"
        assert (await api.ask("PATCH", path, json={"name": "a/b", "description": "D"}))["name"] == "a/b"
        await api.served.bench.workbench.knowledge.update(second, name="renamed here")
        assert (await api.ask("GET", path))["name"] == "renamed here"


@pytest.mark.covers("h2ogpte.list_collections")
async def test_collections_are_listed_in_any_order_and_filtered(library) -> None:
    async with library() as api:
        ids = {name: await api.collection(name) for name in ("beta", "alpha", "Gamma")}
        await api.taken_in(ids["alpha"], ("a.txt", b"one"), ("b.txt", b"two"))
        await api.taken_in(ids["beta"], ("a.txt", b"much longer than the others"))
        await api.ask("PUT", f"/collections/{ids['Gamma']}/metadata", 204, json={"team": "x"})

        async def names(**params: Any) -> list[str]:
            return [each["name"] for each in await api.ask("GET", "/collections", params=params)]

        assert await names() == ["Gamma", "beta", "alpha"]
        assert await names(sort_column="name", ascending="true") == ["alpha", "beta", "Gamma"]
        assert await names(sort_column="document_count") == ["alpha", "beta", "Gamma"]
        assert await names(sort_column="document_size", limit=1) == ["beta"]
        assert await names(offset=1, limit=1) == ["beta"]
        assert await names(name_filter="GAM") == ["Gamma"]
        assert await names(metadata_filter='{"team": "x"}') == ["Gamma"]
        assert await names(metadata_filter='{"team": "y"}', current_user_only="true") == []
        for wrong in ({"sort_column": "size"}, {"limit": -1}, {"metadata_filter": "["}):
            await api.ask("GET", "/collections", 400, params=wrong)


@pytest.mark.covers("h2ogpte.get_collection")
async def test_the_default_collection_is_there_when_it_is_asked_for(library) -> None:
    async with library() as api:
        made, same = await asyncio.gather(*[api.ask("GET", "/collections/default") for _ in range(2)])
        assert made == same
        assert await api.ask("GET", "/collections/default") == made
        upload = await api.upload()
        await api.ask("POST", f"/uploads/{upload}/ingest", 204, params={"collection_id": "default"})
        assert (await api.ask("GET", f"/collections/{made['id']}"))["document_count"] == 1


@pytest.mark.covers(
    "h2ogpte.get_collection_settings",
    "h2ogpte.update_collection_settings",
    "h2ogpte.get_collection_chat_settings",
    "h2ogpte.update_collection_chat_settings",
    "h2ogpte.get_collection_metadata",
    "h2ogpte.update_collection_metadata",
    "h2ogpte.update_collection",
)
async def test_settings_and_metadata_stay_with_a_collection(library) -> None:
    async with library() as api:
        collection = await api.collection(collection_settings={"max_tokens_per_chunk": 100, "other": [1]})
        path = f"/collections/{collection}"
        for each in ("chat_settings", "metadata"):
            assert await api.ask("GET", f"{path}/{each}") == {}
        assert await api.ask("GET", f"{path}/settings") == {"max_tokens_per_chunk": 100, "other": [1]}
        kept = await api.served.bench.workbench.knowledge.get(collection)
        assert kept.chunking.max_chars == 400
        await api.ask("PUT", f"{path}/settings", 204, json={"chunk_overlap_tokens": 10})
        assert await api.ask("GET", f"{path}/settings") == {"chunk_overlap_tokens": 10}
        assert (await api.served.bench.workbench.knowledge.get(collection)).chunking.overlap_chars == 40
        chat = {"llm": "m", "llm_args": {"temperature": 0.5}, "rag_config": {"rag_type": "agentic_rag"}}
        await api.ask("PUT", f"{path}/chat_settings", 204, json=chat)
        assert await api.ask("GET", f"{path}/chat_settings") == chat
        # Clients raise for the types that only completions know.
        assert "rag_type" not in await api.ask("GET", path)
        assert (await api.ask("PATCH", path, json={"rag_type": "hyde1"}))["rag_type"] == "hyde1"
        changed = {**chat, "rag_config": {"rag_type": "hyde1"}}
        assert await api.ask("GET", f"{path}/chat_settings") == changed
        assert await api.ask("GET", f"{path}/settings") == {"chunk_overlap_tokens": 10}
        await api.ask("PUT", f"{path}/metadata", 204, json={"a": {"b": None}})
        assert await api.ask("GET", f"{path}/metadata") == {"a": {"b": None}}
        await api.ask("PUT", f"{path}/settings", 204)
        assert await api.ask("GET", f"{path}/settings") == {}
        assert (await api.served.bench.workbench.knowledge.get(collection)).chunking == Chunking()
        await api.ask("PUT", f"{path}/settings", 400, json={"max_tokens_per_chunk": "many"})
        await api.ask("PUT", f"{path}/chat_settings", 400, json={"llm_args": {"temperature": 9}})
        await api.ask("GET", f"/collections/{uuid.uuid4()}/settings", 404)


# --- taking in


@pytest.mark.covers("h2ogpte.upload_file", "h2ogpte.ingest_upload")
async def test_an_upload_is_a_document_as_soon_as_its_ingestion_is_answered(library) -> None:
    async with library() as api:
        collection = await api.collection()
        upload = await api.upload()
        params = {"collection_id": collection, "gen_doc_summaries": "False", "gen_doc_questions": "False"}
        # No body, but the content type of JSON, as the guide has it.
        headers = {"content-type": "application/json"}
        await api.ask("POST", f"/uploads/{upload}/ingest", 204, params=params, headers=headers)
        found = await api.ask("GET", f"/collections/{collection}")
        assert (found["document_count"], found["document_size"]) == (1, len(CSV))
        await api.ask("POST", f"/uploads/{upload}/ingest", 404, params=params)


@pytest.mark.covers("h2ogpte.upload_file", "h2ogpte.ingest_upload")
async def test_what_cannot_be_taken_in_is_said(library) -> None:
    async with library() as api:
        collection, upload = await api.collection(), await api.upload("empty.txt", b"")
        into = {"collection_id": collection}
        for params, status in (
            ({}, 400),
            ({"collection_id": str(uuid.uuid4())}, 404),
            ({**into, "ingest_mode": "agent_only"}, 501),
            ({**into, "ingest_mode": "other"}, 400),
            ({**into, "encrypt_document": "true"}, 501),
        ):
            await api.ask("POST", f"/uploads/{upload}/ingest", status, params=params)
        await api.ask("POST", f"/uploads/{upload},{uuid.uuid4()}/ingest", 404, params=into)
        body = {"metadata": {upload: "text"}}
        await api.ask("POST", f"/uploads/{upload}/ingest", 400, params=into, json=body)
        said = await api.ask("POST", f"/uploads/{upload}/ingest", 400, params=into)
        assert "empty.txt" in said
        assert (await api.ask("GET", f"/collections/{collection}"))["document_count"] == 0
        await api.ask("PUT", "/uploads", 400, files={"other": (None, "text")})


@pytest.mark.covers("h2ogpte.ingest_upload", "h2ogpte.get_document_metadata")
async def test_several_uploads_go_at_once_with_metadata_and_the_same_name(library) -> None:
    async with library() as api:
        collection = await api.collection()
        one, two = await api.upload("a.txt", b"one"), await api.upload("a.txt", b"two")
        body = {"metadata": {one: {"year": 2020}}}
        path = f"/uploads/{one}%2C{two}/ingest"
        await api.ask("POST", path, 204, params={"collection_id": collection}, json=body)
        found = await api.ask("GET", f"/collections/{collection}/documents")
        assert [each["name"] for each in found] == ["a.txt", "a.txt"]
        assert [each.get("metadata_dict") for each in found].count({"year": 2020}) == 1


@pytest.mark.covers(
    "h2ogpte.create_ingest_upload_job",
    "h2ogpte.get_job",
    "h2ogpte.list_jobs",
    "h2ogpte.count_pending_jobs",
    "h2ogpte.delete_job",
)
async def test_a_job_is_polled_to_its_end_and_forgotten(library) -> None:
    async with library() as api:
        collection, upload = await api.collection(), await api.upload()
        api.index.gate = asyncio.Event()
        params = {"collection_id": collection, "restricted": "false"}
        job = await api.ask("POST", f"/uploads/{upload}/ingest/job", 201, params=params, json={})
        assert (job["kind"], job["overall_status"]) == ("IngestUploadsJob", "in progress")
        assert (await api.ask("GET", "/jobs/pending/count"))["count"] == 1
        api.index.gate.set()
        job = await api.ended(job)
        assert (job["overall_status"], job["passed_percentage"], job["failed_percentage"]) == (
            "completed",
            1.0,
            0.0,
        )
        assert (job["progress"], job["errors"], job["files_total"], job["files_failed"]) == (1.0, [], 1, 0)
        assert job["duration_seconds"] >= 0 and job["duration"].count(":") == 2
        assert [each["id"] for each in await api.ask("GET", "/jobs")] == [job["id"]]
        assert (await api.ask("GET", "/jobs/pending/count"))["count"] == 0
        await api.ask("DELETE", f"/jobs/{job['id']}", 204)
        await api.ask("GET", f"/jobs/{job['id']}", 404)
        await api.ask("DELETE", f"/jobs/{job['id']}", 404)
        assert await api.ask("GET", "/jobs") == []


@pytest.mark.covers("h2ogpte.cancel_job", "h2ogpte.delete_job", "h2ogpte.ingest_upload")
async def test_a_job_is_cancelled_and_one_that_takes_too_long_goes_on(library) -> None:
    async with library() as api:
        collection = await api.collection()
        api.index.gate = asyncio.Event()
        first, second = await api.upload("a.txt", b"one"), await api.upload("b.txt", b"two")
        params = {"collection_id": collection, "timeout": 0.05}
        said = await api.ask("POST", f"/uploads/{first}/ingest", 504, params=params)
        (job,) = await api.ask("GET", "/jobs")
        assert job["id"] in said
        other = await api.ask("POST", f"/uploads/{second}/ingest/job", 201, params=params)
        ended = await api.ask("POST", f"/jobs/{other['id']}/cancel")
        assert ended["overall_status"] == "canceled"
        await api.ask("DELETE", f"/jobs/{job['id']}", 204)
        assert [each["id"] for each in await api.ask("GET", "/jobs")] == [other["id"]]
        await api.ask("POST", f"/jobs/{uuid.uuid4()}/cancel", 404)
        api.index.gate.set()


@pytest.mark.covers("h2ogpte.create_ingest_upload_job")
async def test_a_job_of_which_nothing_came_has_failed_and_one_of_some_has_not(library) -> None:
    async with library() as api:
        collection = await api.collection()
        good, bad = await api.upload("a.txt", b"one"), await api.upload("b.txt", b"")
        worse = await api.upload("c.txt", b"")
        into = {"collection_id": collection}
        job = await api.ended(await api.ask("POST", f"/uploads/{worse}/ingest/job", 201, params=into))
        assert (job["overall_status"], job["failed_percentage"], job["passed_percentage"]) == ("failed", 1, 0)
        assert job["statuses"] == [{"id": "c.txt", "status": "failed"}]
        job = await api.ended(await api.ask("POST", f"/uploads/{good},{bad}/ingest/job", 201, params=into))
        assert (job["overall_status"], job["failed_percentage"], job["passed_percentage"]) == (
            "completed",
            0.5,
            0.5,
        )
        assert len(job["errors"]) == 1 and "b.txt" in job["errors"][0]


@pytest.mark.covers("h2ogpte.ingest_from_plain_text", "h2ogpte.create_ingest_from_plain_text_job")
async def test_a_text_is_taken_in_as_it_is(library) -> None:
    async with library() as api:
        collection = await api.collection()
        params = {"collection_id": collection, "file_name": "note.txt", "metadata": '{"a": 1}'}
        more = {"content": "Lamps give light. ü", "headers": {"content-type": "text/plain"}}
        await api.ask("POST", "/ingest/plain_text", 204, params=params, **more)
        (document,) = await api.ask("GET", f"/collections/{collection}/documents")
        assert (document["name"], document["metadata_dict"]) == ("note.txt", {"a": 1})
        assert document["connector"] == "plain_text"
        params["file_name"] = "other.txt"
        job = await api.ended(await api.ask("POST", "/ingest/plain_text/job", 201, params=params, **more))
        assert (job["kind"], job["overall_status"]) == ("IngestPlainTextJob", "completed")
        assert await api.ask("GET", f"/collections/{collection}/documents/count") == {"count": 2}
        del params["file_name"]
        await api.ask("POST", "/ingest/plain_text", 400, params=params, **more)
        wrong = {**params, "file_name": "a.txt", "metadata": "[]"}
        await api.ask("POST", "/ingest/plain_text", 400, params=wrong, **more)


@pytest.mark.covers("h2ogpte.ingest_from_website", "h2ogpte.create_ingest_from_website_job")
async def test_pages_inside_the_machines_network_are_not_taken_in(library) -> None:
    async with library() as api:
        into = {"collection_id": await api.collection()}
        body = {"url": "http://127.0.0.1:1/"}
        await api.ask("POST", "/ingest/website", 403, params=into, json=body)
        job = await api.ended(await api.ask("POST", "/ingest/website/job", 201, params=into, json=body))
        assert (job["kind"], job["overall_status"]) == ("IngestWebsiteJob", "failed")
        await api.ask("POST", "/ingest/website", 501, params={**into, "follow_links": "true"}, json=body)
        await api.ask("POST", "/ingest/website", 400, params=into, json={"url": "file:///etc/passwd"})
        await api.ask("POST", "/ingest/website", 400, params=into, json={})


@pytest.mark.covers("h2ogpte.ingest_from_file_system", "h2ogpte.create_ingest_from_file_system_job")
async def test_files_of_the_machine_are_taken_in_by_their_pattern(library, tmp_path: Path) -> None:
    folder = tmp_path / "books"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.md", "b.txt", "deep/c.md"):
        (folder / name).write_text(name)
    async with library() as api:
        collection = await api.collection()
        into = {"collection_id": collection}
        body = {"root_dir": str(folder), "glob": "*.md"}
        await api.ask("POST", "/ingest/file_system", 204, params=into, json=body)
        documents = await api.ask("GET", f"/collections/{collection}/documents")
        assert [each["name"] for each in documents] == ["a.md"]
        body["glob"] = "**/*.md"
        job = await api.ended(await api.ask("POST", "/ingest/file_system/job", 201, params=into, json=body))
        assert (job["kind"], job["files_total"]) == ("IngestFromFileSystemJob", 2)
        for wrong, status in (({"glob": "../*"}, 400), ({"root_dir": str(tmp_path / "none")}, 404)):
            await api.ask("POST", "/ingest/file_system", status, params=into, json={**body, **wrong})


# --- deleting


@pytest.mark.covers(
    "h2ogpte.create_delete_collection_job",
    "h2ogpte.create_delete_document_job",
    "h2ogpte.create_delete_document_from_collection_job",
)
async def test_many_things_are_deleted_by_jobs(library) -> None:
    async with library() as api:
        collection, other = await api.collection(), await api.collection("other")
        files = [(f"{name}.txt", name.encode()) for name in "abc"]
        a, b, c = await api.taken_in(collection, *files)
        jobs = []
        body = {"document_ids": [a]}
        jobs.append(await api.ask("POST", "/documents/delete_job", 201, json=body))
        path = f"/collections/{collection}/documents/delete_job"
        jobs.append(await api.ask("POST", path, 201, json={"document_ids": [b]}))
        jobs = [await api.ended(job) for job in jobs]
        body = {"document_ids": [c]}
        await api.ask("POST", f"/collections/{other}/documents/delete_job", 404, json=body)
        body = {"collection_ids": [other, str(uuid.uuid4())]}
        await api.ask("POST", "/collections/delete_job", 404, json=body)
        assert await api.ask("GET", "/collections/count") == {"count": 2}
        body = {"collection_ids": [collection, other]}
        jobs.append(await api.ended(await api.ask("POST", "/collections/delete_job", 201, json=body)))
        assert [each["kind"] for each in jobs] == [
            "DeleteDocumentsJob",
            "DeleteDocumentsFromCollectionJob",
            "DeleteCollectionsJob",
        ]
        assert {each["overall_status"] for each in jobs} == {"completed"}
        assert await api.ask("GET", "/collections/count") == {"count": 0}
        assert await api.ask("GET", "/documents/count") == {"count": 0}


# --- documents


@pytest.mark.covers(
    "h2ogpte.list_documents",
    "h2ogpte.list_documents_for_collection",
    "h2ogpte.get_document_count",
    "h2ogpte.get_document_count_for_collection",
)
async def test_documents_are_listed_over_all_collections_and_of_one(library) -> None:
    async with library() as api:
        first, second = await api.collection("one"), await api.collection("two")
        await api.taken_in(first, ("b.txt", b"bb"), year=2020)
        await api.taken_in(first, ("a.md", b"a"), year=2021)
        await api.taken_in(second, ("c.txt", b"ccc"))

        async def names(path: str = "/documents", **params: Any) -> list[str]:
            return [each["name"] for each in await api.ask("GET", path, params=params)]

        assert await names() == ["c.txt", "a.md", "b.txt"]
        assert await names(sort_column="name", ascending="true") == ["a.md", "b.txt", "c.txt"]
        assert await names(sort_column="size", offset=1, limit=1) == ["b.txt"]
        assert await names(metadata_filter='{"year": {"$gt": 2020}}') == ["a.md"]
        assert await names(f"/collections/{first}/documents") == ["a.md", "b.txt"]
        assert await names(f"/collections/{first}/documents", limit=1, offset=1) == ["b.txt"]
        assert await api.ask("GET", "/documents/count") == {"count": 3}
        assert await api.ask("GET", f"/collections/{first}/documents/count") == {"count": 2}
        await api.ask("GET", "/documents", 400, params={"metadata_filter": '{"$no": 1}'})
        await api.ask("GET", "/documents", 400, params={"sort_column": "nothing"})
        await api.ask("GET", f"/collections/{uuid.uuid4()}/documents", 404)


@pytest.mark.covers(
    "h2ogpte.get_document",
    "h2ogpte.update_document",
    "h2ogpte.get_document_metadata",
    "h2ogpte.update_document_metadata",
    "h2ogpte.list_collections_for_document",
    "h2ogpte.get_document_internal_metadata",
    "h2ogpte.get_document_user_source_file",
    "h2ogpte.get_document_page_ocr_model",
    "h2ogpte.get_document_guardrails_settings",
    "h2ogpte.delete_document",
)
async def test_a_document_is_looked_at_changed_and_deleted(library) -> None:
    async with library() as api:
        collection = await api.collection()
        (document,) = await api.taken_in(collection, ("sales.csv", CSV))
        path = f"/documents/{document}"
        found = await api.ask("GET", path)
        assert (found["name"], found["type"], found["size"]) == ("sales.csv", "csv", len(CSV))
        assert (found["status"], found["page_count"], found["username"]) == ("completed", 1, "local")
        assert "uri" not in found and "summary" not in found
        changed = await api.ask("PATCH", path, json={"name": "x.csv", "uri": "https://a.test/x"})
        assert (changed["name"], changed["uri"]) == ("x.csv", "https://a.test/x")
        assert await api.ask("GET", f"{path}/metadata") == {}
        await api.ask("PUT", f"{path}/metadata", 204, json={"year": 2020})
        assert await api.ask("GET", f"{path}/metadata") == {"year": 2020}
        assert (await api.ask("GET", path))["metadata_dict"] == {"year": 2020}
        for each in ("internal_metadata", "user_source_file", "page_ocr_model", "guardrails_settings"):
            await api.ask("GET", f"{path}/{each}", 204)
            await api.ask("GET", f"/documents/{uuid.uuid4()}/{each}", 404)
        own = await api.ask("GET", f"/collections/{collection}")
        assert await api.ask("GET", f"{path}/collections") == [own]
        assert await api.ask("GET", f"{path}/collections", params={"offset": 1}) == []
        await api.ask("DELETE", path, 204, params={"timeout": 300})
        await api.ask("DELETE", path, 404)
        await api.ask("GET", f"{path}/collections", 404)
        await api.ask("PATCH", path, 404, json={"name": "y"})
        assert (await api.ask("GET", f"/collections/{collection}"))["document_count"] == 0


@pytest.mark.covers("h2ogpte.delete_document_from_collection")
async def test_a_document_is_deleted_from_the_collection_that_it_is_in(library) -> None:
    async with library() as api:
        collection, other = await api.collection(), await api.collection("other")
        (document,) = await api.taken_in(collection, ("a.txt", b"one"))
        await api.ask("DELETE", f"/collections/{other}/documents/{document}", 404)
        await api.ask("DELETE", f"/collections/{collection}/documents/{document}", 204)
        await api.ask("DELETE", f"/collections/{collection}/documents/{document}", 404)


@pytest.mark.covers("h2ogpte.list_questions_for_collection")
async def test_questions_that_documents_answer_are_listed(library) -> None:
    async with library() as api:
        collection = await api.collection()
        (document,) = await api.taken_in(collection, ("a.txt", b"one"))
        path = f"/collections/{collection}/questions"
        assert await api.ask("GET", path) == []
        await api.served.bench.workbench.knowledge.describe(
            document, summary="About one.", questions=("Which?", "Why?")
        )
        assert await api.ask("GET", path, params={"limit": 1}) == [{"question": "Which?"}]
        assert (await api.ask("GET", f"/documents/{document}"))["summary"] == "About one."


@pytest.mark.covers("h2ogpte.ingest_upload", "h2ogpte.get_document", "h2ogpte.list_questions_for_collection")
async def test_a_model_writes_summaries_where_they_are_asked_for(library, say) -> None:
    told = say(json.dumps({"summary": "On lamps.", "questions": ["Why light?"]}))
    async with library(steps=[told, told]) as api:
        collection, upload = await api.collection(), await api.upload("lamps.md", b"A lamp gives light.")
        params = {"collection_id": collection, "gen_doc_summaries": "True"}
        await api.ask("POST", f"/uploads/{upload}/ingest", 204, params=params)
        (document,) = await api.ask("GET", f"/collections/{collection}/documents")
        assert document["summary"] == "On lamps."
        questions = await api.ask("GET", f"/collections/{collection}/questions")
        assert questions == [{"question": "Why light?"}]
        # What the collection says holds where the request says nothing.
        settings = {"gen_doc_questions": True}
        await api.ask("PUT", f"/collections/{collection}/settings", 204, json=settings)
        await api.taken_in(collection, ("owls.md", b"An owl sleeps."))
        assert len(await api.ask("GET", f"/collections/{collection}/questions")) == 2
        assert len(api.served.bench.model.requests) == 2


# --- chunks


@pytest.mark.covers(
    "h2ogpte.list_document_chunks", "h2ogpte.get_collection_chunks", "h2ogpte.search_collection_chunks"
)
async def test_chunks_are_read_by_their_ids_and_found_by_their_words(library) -> None:
    async with library() as api:
        collection, other = await api.collection(), await api.collection("other")
        (document,) = await api.taken_in(collection, ("lamps.md", b"A lamp gives light.\n\nAn owl sleeps."))
        into = {"collection_id": collection}
        chunks = await api.ask("GET", f"/documents/{document}/chunks", params=into)
        assert [each["text"] for each in chunks] == ["A lamp gives light.", "An owl sleeps."]
        assert {(each["name"], each["topic"]) for each in chunks} == {("lamps.md", "")}
        assert json.loads(chunks[0]["pages"]) == {"selections": []} and chunks[0]["size"] == 19
        first, second = (each["id"] for each in chunks)
        assert isinstance(first, int) and first >= 1
        found = await api.ask("GET", f"/collections/{collection}/chunks/{second},{first}")
        assert [each["id"] for each in found] == [second, first] and "score" not in found[0]
        body = {"query": "owl", "topics": []}
        best = await api.ask("POST", f"/collections/{collection}/chunks/search", json=body)
        assert [each["id"] for each in best] == [second] and best[0]["score"] == 1.0
        for more in ({"offset": 1}, {"limit": 0}, {"query": " "}):
            asked = {**body, **more}
            assert await api.ask("POST", f"/collections/{collection}/chunks/search", json=asked) == []
        await api.ask("GET", f"/documents/{document}/chunks", 404, params={"collection_id": other})
        await api.ask("GET", f"/collections/{other}/chunks/{first}", 404)
        await api.ask("GET", f"/collections/{collection}/chunks/{second + 1}", 404)
        await api.ask("GET", f"/collections/{collection}/chunks/no", 400)
        await api.ask("GET", f"/collections/{collection}/chunks/{'9' * 40}", 400)


@pytest.mark.covers(
    "h2ogpte.list_embedding_models",
    "h2ogpte.get_default_embedding_model",
    "h2ogpte.encode_chunks_for_retrieval",
    "h2ogpte.match_collection_chunks",
)
async def test_chunks_are_found_by_vectors(library) -> None:
    async with library() as api:
        collection = await api.collection()
        path = f"/collections/{collection}/chunks/match"
        model = await api.ask("GET", "/embedding_models/default")
        assert model["id"] == "wordllama" and {"display_name", "description", "languages"} <= set(model)
        assert await api.ask("GET", "/embedding_models") == [model]
        encode = f"/embedding_models/{model['id']}/encode_chunks_for_retrieval"
        vectors = await api.ask("POST", encode, json={"chunks": ["lamp", "owl"]})
        assert len(vectors) == 2 and len(vectors[0]) == len(vectors[1]) > 1
        assert await api.ask("POST", path, json={"vectors": vectors, "topics": []}) == []
        await api.taken_in(collection, ("lamps.md", b"lamp lamp\n\nowl owl"))
        found = await api.ask("POST", path, json={"vectors": vectors[:1], "topics": []})
        assert [each["text"] for each in found] == ["lamp lamp", "owl owl"]
        assert found[0]["score"] == pytest.approx(1) and found[1]["score"] < 0.9
        both = await api.ask("POST", path, json={"vectors": vectors, "limit": 1, "offset": 1})
        assert [each["score"] for each in both] == [pytest.approx(1)]
        near = await api.ask("POST", path, json={"vectors": vectors[:1], "cut_off": 0.01})
        assert [each["text"] for each in near] == ["lamp lamp"]
        assert await api.ask("POST", path, json={"vectors": [[0.0] * len(vectors[0])]}) == []
        for wrong in ([[1.0]], [], [["a"]]):
            await api.ask("POST", path, 400, json={"vectors": wrong, "topics": []})
        await api.ask("POST", encode, 400, json={"chunks": []})
        await api.ask(
            "POST", "/embedding_models/none/encode_chunks_for_retrieval", 400, json={"chunks": ["a"]}
        )


@pytest.mark.covers(
    "h2ogpte.insert_document_into_collection", "h2ogpte.create_insert_document_to_collection_job"
)
async def test_a_document_is_copied_into_another_collection(library, tmp_path: Path) -> None:
    (tmp_path / "book.md").write_text("A lamp.")
    async with library() as api:
        collection, other = await api.collection(), await api.collection("other")
        (document,) = await api.taken_in(collection, ("a.txt", b"one"), year=2020)
        await api.ask("PUT", f"/collections/{other}/documents/{document}", 204)
        (copy,) = await api.ask("GET", f"/collections/{other}/documents")
        assert (copy["name"], copy["metadata_dict"]) == ("a.txt", {"year": 2020}) and copy["id"] != document
        files = {"root_dir": str(tmp_path), "glob": "book.md"}
        await api.ask("POST", "/ingest/file_system", 204, params={"collection_id": collection}, json=files)
        (book, _) = await api.ask("GET", f"/collections/{collection}/documents")
        body = {"document_id": book["id"]}
        path = f"/collections/{other}/documents/insert_job"
        job = await api.ended(await api.ask("POST", path, 201, json=body))
        assert job["overall_status"] == "completed"
        assert await api.ask("GET", f"/collections/{other}/documents/count") == {"count": 2}
        await api.ask("PUT", f"/collections/{other}/documents/{uuid.uuid4()}", 404)
        await api.ask("PUT", f"/collections/{uuid.uuid4()}/documents/{document}", 404)


# --- tags


@pytest.mark.covers(
    "h2ogpte.create_tag_on_document",
    "h2ogpte.delete_tag_from_document",
    "h2ogpte.list_tags",
    "h2ogpte.get_tag",
    "h2ogpte.delete_tag",
    "h2ogpte.list_documents_for_tags",
)
async def test_documents_are_tagged_and_found_by_their_tags(library) -> None:
    async with library() as api:
        collection = await api.collection()
        a, b = await api.taken_in(collection, ("a.txt", b"one"), ("b.txt", b"two"))
        tag = await api.ask("POST", f"/documents/{a}/tags", 201, json={"name": "red"})
        assert await api.ask("POST", f"/documents/{b}/tags", 201, json={"name": "red"}) == tag
        await api.ask("POST", f"/documents/{b}/tags", 201, json={"name": "blue"})
        assert [each["name"] for each in await api.ask("GET", "/tags")] == ["blue", "red"]
        assert await api.ask("GET", "/tags/red") == tag
        into = {"collection_id": collection}
        found = await api.ask("GET", "/tags/blue,green/documents", params=into)
        assert [each["id"] for each in found] == [b]
        blue = (await api.ask("GET", "/tags/blue"))["id"]
        assert await api.ask("DELETE", f"/documents/{b}/tags/blue") == {"tag_id": blue}
        await api.ask("DELETE", f"/documents/{b}/tags/blue", 404)
        await api.ask("GET", "/tags/blue", 404)
        assert await api.ask("DELETE", "/tags/red") == {"tag_id": tag["id"]}
        await api.ask("DELETE", "/tags/red", 404)
        assert await api.ask("GET", "/tags") == []
        await api.ask("POST", f"/documents/{b}/tags", 400, json={"name": ""})


@pytest.mark.covers("h2ogpte.create_tag", "h2ogpte.update_tag")
async def test_a_tag_is_there_without_a_document_and_something_is_said_of_it(library) -> None:
    async with library() as api:
        made = await api.ask("POST", "/tags", 201, json={"name": "red"})
        assert made["name"] == "red" and "description" not in made
        said = await api.ask("PATCH", "/tags/red", json={"description": "Urgent", "format": "#f00"})
        assert said == {**made, "description": "Urgent", "format": "#f00"}
        assert await api.ask("POST", "/tags", 201, json={"name": "red"}) == said
        assert await api.ask("GET", "/tags/red") == said
        assert await api.ask("GET", "/tags") == [said]
        (document,) = await api.taken_in(await api.collection(), ("a.txt", b"one"))
        assert await api.ask("POST", f"/documents/{document}/tags", 201, json={"name": "red"}) == said
        await api.ask("PATCH", "/tags/blue", 404, json={"description": "x"})
        await api.ask("DELETE", "/tags/red")
        assert await api.ask("GET", "/tags") == []


# --- users


@pytest.mark.covers("h2ogpte.get_collection", "h2ogpte.get_document", "h2ogpte.get_job", "h2ogpte.list_jobs")
async def test_what_is_somebody_elses_is_not_there(library, serve_users, tmp_path: Path) -> None:
    async with library(serve_users) as api:
        collection, upload = await api.collection(), await api.upload("b.txt", b"two")
        (document,) = await api.taken_in(collection, ("a.txt", b"one"))
        into = {"collection_id": collection}
        (job,) = await api.ask("GET", "/jobs")
        (chunk,) = await api.ask("GET", f"/documents/{document}/chunks", params=into)
        ann = {"headers": await api.served.user("ann")}
        body = {"name": "demo", "description": "Hers"}
        own = (await api.ask("POST", "/collections", 201, json=body, **ann))["id"]
        for method, path in (
            ("GET", f"/collections/{collection}"),
            ("DELETE", f"/collections/{collection}"),
            ("GET", f"/collections/{collection}/documents"),
            ("GET", f"/documents/{document}"),
            ("DELETE", f"/documents/{document}"),
            ("GET", f"/documents/{document}/metadata"),
            ("GET", f"/jobs/{job['id']}"),
            ("POST", f"/jobs/{job['id']}/cancel"),
            ("DELETE", f"/jobs/{job['id']}"),
            ("GET", f"/collections/{own}/chunks/{chunk['id']}"),
        ):
            await api.ask(method, path, 404, **ann)
        await api.ask("POST", f"/uploads/{upload}/ingest", 404, params={"collection_id": own}, **ann)
        await api.ask("POST", "/documents/delete_job", 404, json={"document_ids": [document]}, **ann)
        assert await api.ask("GET", "/jobs", **ann) == []
        assert await api.ask("GET", "/documents", **ann) == []
        assert [each["username"] for each in await api.ask("GET", "/collections", **ann)] == ["ann"]
        files = {"root_dir": str(tmp_path), "glob": "*"}
        await api.ask("POST", "/ingest/file_system", 403, params={"collection_id": own}, json=files, **ann)
        await api.ask("GET", "/collections", 401, headers={"Authorization": "Bearer wrong"})
        assert (await api.ask("GET", f"/collections/{collection}"))["document_count"] == 1
