"""Names, jobs, chunks and vectors between h2oGPTe's words and ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import ErrorInfo, ErrorKind, InvalidError
from holdfast.core.domain.jobs import Job, JobProgress, JobStatus
from holdfast.core.domain.knowledge import (
    Collection,
    Document,
    IngestItem,
    IngestRequest,
    IngestResult,
    Passage,
    Place,
)
from holdfast.core.services.naming import checked_collection_name
from holdfast.server.dialects.h2ogpte.mapping_collections import (
    changes_of,
    chunking_of,
    free_name,
    made_of,
    shown_name,
)
from holdfast.server.dialects.h2ogpte.mapping_documents import chunk_ids_of, document_of, pages_of
from holdfast.server.dialects.h2ogpte.mapping_jobs import failure_of, job_of, kind_of
from holdfast.server.dialects.h2ogpte.mapping_vectors import matched
from holdfast.server.dialects.h2ogpte.wire_collections import (
    CollectionCreate,
    CollectionSettings,
    CollectionUpdate,
)
from holdfast.server.dialects.h2ogpte.wire_documents import ChunksMatch
from holdfast.server.dialects.h2ogpte.wire_ingest import JobKind

AT = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = st.text(min_size=1, max_size=300)


def kept(made: dict[str, Any]) -> Collection:
    return Collection(id="c", name=made["name"], ext=made["ext"], created_at=AT, updated_at=AT)


@given(NAMES, st.sets(NAMES, max_size=5))
def test_any_name_is_taken_and_shown_as_it_came(name: str, taken: set[str]) -> None:
    made = made_of(CollectionCreate(name=name, description=""), {*taken, free_name(name, ())})
    assert checked_collection_name(made["name"]) == made["name"]
    assert made["name"] not in taken
    assert shown_name(kept(made)) == name


@given(NAMES, NAMES)
def test_a_collection_gets_any_other_name(before: str, after: str) -> None:
    collection = kept(made_of(CollectionCreate(name=before, description=""), ()))
    changes = changes_of(CollectionUpdate(name=after), collection, {collection.name})
    if before == after:
        assert changes == {"name": None, "description": None, "ext": None}
        return
    now = collection.model_copy(update={"name": changes["name"], "ext": changes["ext"]})
    assert shown_name(now) == after


@given(st.none() | st.integers(1, 10**9), st.none() | st.integers(0, 10**9))
def test_chunks_have_a_size_that_is_taken(size: int | None, overlap: int | None) -> None:
    asked = CollectionSettings(max_tokens_per_chunk=size, chunk_overlap_tokens=overlap)
    found = chunking_of(asked)
    assert (found is None) == (size is None and overlap is None)
    assert found is None or found.overlap_chars < found.max_chars


def job(status: JobStatus = JobStatus.COMPLETED, **more: Any) -> Job:
    request = more.pop("request", {})
    ended = AT + timedelta(seconds=61.5) if status.ended else None
    fields = {"id": "j", "kind": "ingest", "title": "T", "collection_id": "c", "started_at": AT, **more}
    request = IngestRequest(collection_id="c", **request)
    return Job(status=status, ended_at=ended, request=request, **fields)


UPLOAD = IngestItem(source="upload:a", name="a", blob="0" * 64)
TEXT = UPLOAD.model_copy(update={"ext": {"h2ogpte": {"connector": "plain_text"}}})
FILE = IngestItem(source="/a", name="a", path="/a")


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (job(request={"items": (UPLOAD,)}), "IngestUploadsJob"),
        (job(request={"items": (TEXT,)}), "IngestPlainTextJob"),
        (job(request={"items": (FILE,)}), "IngestFromFileSystemJob"),
        (job(request={"folders": ("/a",)}), "IngestFromFileSystemJob"),
        (job(request={"urls": ("https://a.test/",)}), "IngestWebsiteJob"),
        (job(kind="reembed"), "IndexFilesJob"),
        (job(kind="delete", request={"sessions": ("s",)}), "DeleteChatSessionsJob"),
        (job(kind="delete", request={"collections": ("c",)}), "DeleteCollectionsJob"),
        (job(kind="delete", request={"documents": ("d",)}, collection_id=""), "DeleteDocumentsJob"),
        (job(kind="delete", request={"documents": ("d",)}), "DeleteDocumentsFromCollectionJob"),
    ],
)
def test_a_job_has_a_word_that_clients_know(made: Job, kind: str) -> None:
    assert kind_of(made) == kind
    assert kind in get_args(JobKind)


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.sampled_from(JobStatus))
def test_the_shares_of_a_job_are_shares(total: int, done: int, failed: int, status: JobStatus) -> None:
    told = job_of(job(status, progress=JobProgress(total=total, done=done, failed=min(failed, done))), AT)
    for share in (told.passed_percentage, told.failed_percentage, told.progress):
        assert 0 <= share <= 1
    assert told.passed_percentage + told.failed_percentage == pytest.approx(told.progress)
    assert (told.overall_status == "in progress") == (status is JobStatus.RUNNING)


def test_a_job_that_failed_says_why() -> None:
    error = ErrorInfo(kind=ErrorKind.INVALID, code="unreadable", message="It is bad.")
    failed = IngestResult(source="a", name="a.md", status="failed", error=error)
    told = failure_of(job(failures=(failed,), progress=JobProgress(total=1, done=1, failed=1)))
    assert isinstance(told, InvalidError) and told.message == "a.md: It is bad."
    broken = job(JobStatus.FAILED, error=error)
    assert failure_of(broken).message == "It is bad."
    assert job_of(broken, AT).errors == ("It is bad.",)
    assert job_of(broken, AT).duration == "0:01:02"
    assert failure_of(job(JobStatus.CANCELLED)).code == "job_cancelled"
    assert failure_of(job()) is None


@pytest.mark.parametrize(
    "wrong", ["", ",", "a", "1,-2", "1.5", "9" * 30, "0" * 20 + "9" * 30, ",".join(["1"] * 1_001), "²"]
)
def test_what_is_no_id_of_a_chunk_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidError):
        chunk_ids_of(wrong)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("1700000000000", "2023-11-14T22:13:20+00:00"),
        ("9" * 14, "5138-11-16T09:46:39.999000+00:00"),
        ("9" * 30, "9" * 30),
        ("yesterday", "yesterday"),
        ("", AT.isoformat()),
    ],
)
def test_a_document_says_when_its_original_was_changed(said: str, shown: str) -> None:
    document = Document(
        id="d",
        collection_id="c",
        name="a.md",
        source="upload:a.md",
        media_type="text/markdown",
        size=1,
        digest="",
        added_at=AT,
        modified_at=AT,
        ext={"h2ogpte": {"mtime": said}},
    )
    assert document_of(document, "ann").original_mtime == shown


def test_pages_are_json_in_text() -> None:
    place = Place(start=0, end=1, page=2, last_page=3)
    expected = '{"selections": [{"page": 2, "polygons": []}, {"page": 3, "polygons": []}]}'
    assert pages_of(place) == expected


@given(
    st.lists(st.tuples(st.integers(1, 5), st.floats(-1, 1)), max_size=20),
    st.integers(0, 6),
    st.integers(0, 6),
)
def test_each_chunk_is_matched_once_best_first(found: list[Any], offset: int, limit: int) -> None:
    passages = [
        Passage(
            chunk_id=id,
            number=0,
            collection_id="c",
            collection="c",
            document_id="d",
            document="d",
            source="s",
            text="t",
            place=Place(start=0, end=1),
            score=score,
        )
        for id, score in found
    ]
    told = matched(passages, ChunksMatch(vectors=((1.0,),), offset=offset, limit=limit))
    best = {id: max(score for each, score in found if each == id) for id, _ in found}
    assert len(told) == len({each.id for each in told}) <= limit
    assert [each.score for each in told] == sorted(best.values(), reverse=True)[offset : offset + limit]
