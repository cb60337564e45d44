"""Knowledge between Sage's words and ours. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection as Some
from collections.abc import Iterable, Sequence
from typing import Any

from holdfast.core.domain.knowledge import (
    Chunking,
    Collection,
    Passage,
    Retrieval,
    Submission,
    SubmissionsFound,
    SubmissionStatus,
)
from holdfast.core.domain.text import shorten
from holdfast.server.dialects.sage.mapping_times import local_time
from holdfast.server.dialects.sage.sessions import EXT
from holdfast.server.dialects.sage.wire_knowledge import (
    BaseAdd,
    BaseInfo,
    BaseLine,
    BasesQuery,
    BaseUpdate,
    DocumentInfo,
    DocumentLine,
    Found,
    TaskProcess,
)
from holdfast.server.kit.free_names import free_name, names_of

QUESTIONS = "qa"
"""The type of a knowledge base of questions and answers."""
LANGUAGE = "zh-cn"
"""Of a knowledge base that says none."""
_USUAL_TYPE = "document"
_STATUSES: dict[SubmissionStatus, int] = {"waiting": 0, "working": 1, "taken_in": 2, "failed": 3}
_HEADING = 100
_SCHEMES = ("http://", "https://")


def said_of(collection: Collection) -> dict[str, Any]:
    """Returns what only this API knows of a collection."""
    return dict(collection.ext.get(EXT, {}))


def shown_name(collection: Collection) -> str:
    """Returns what this API's clients have called a collection, unless somebody has renamed it here."""
    said = said_of(collection)
    return str(said["name"]) if said.get("name_here") == collection.name else collection.name


def type_of(collection: Collection) -> str:
    """Returns the type of a knowledge base; of one that was not made by this API, what it is made of."""
    usual = QUESTIONS if collection.chunking.unit == "questions" else _USUAL_TYPE
    return str(said_of(collection).get("type") or usual)


def made_of(asked: BaseAdd, taken: Some[str]) -> dict[str, Any]:
    """Returns a new knowledge base as `knowledge.create` takes it; `taken` are the names of others."""
    here = free_name(asked.name, taken)
    said = {"type": asked.type, "language": asked.language, **names_of(asked.name, here)}
    return {
        "name": here,
        "description": asked.intro,
        "chunking": Chunking(unit="questions") if asked.type == QUESTIONS else None,
        "ext": {EXT: {name: value for name, value in said.items() if value}},
    }


def changes_of(asked: BaseUpdate, collection: Collection, taken: Some[str]) -> dict[str, Any]:
    """Returns changes as `knowledge.update` takes them; what is empty stays."""
    said, here = said_of(collection), None
    if asked.name and asked.name != shown_name(collection):
        here = free_name(asked.name, set(taken) - {collection.name})
        said |= names_of(asked.name, here)
    if asked.kdb_setting is not None:
        said["setting"] = asked.kdb_setting
    kept = {name: value for name, value in said.items() if value}
    return {
        "name": here,
        "description": asked.intro or None,
        "ext": {EXT: kept} if kept != said_of(collection) else None,
    }


def info_of(collection: Collection, user_id: str) -> BaseInfo:
    """Returns what is told of one knowledge base."""
    said = said_of(collection)
    attached = {"language": said.get("language") or LANGUAGE}
    return BaseInfo(
        kdbId=collection.id,
        name=shown_name(collection),
        intro=collection.description,
        type=type_of(collection),
        createdAt=int(collection.created_at.timestamp()),
        updatedAt=int(collection.updated_at.timestamp()),
        kdbSetting={"kdbAttach": attached, **(said.get("setting") or {})},
        user_id=user_id,
    )


def wanted_bases(found: Iterable[Collection], asked: BasesQuery) -> list[Collection]:
    """Returns the knowledge bases that are asked for, newest first."""
    name = asked.query_name.lower()
    wanted = (
        each
        for each in found
        if name in shown_name(each).lower() and (not asked.type or type_of(each) == asked.type)
    )
    return sorted(wanted, key=lambda each: (each.created_at, each.id), reverse=True)


def line_of(collection: Collection, user_id: str) -> BaseLine:
    """Returns a knowledge base as it stands in a list."""
    return BaseLine(
        id=collection.id,
        name=shown_name(collection),
        index_name=index_name(collection.id),
        intro=collection.description,
        createTime=local_time(collection.created_at),
        dataSource=type_of(collection),
        docNum=collection.documents,
        user_id=user_id,
    )


def index_name(id: str) -> str:
    """Returns what the index of a knowledge base is called."""
    return f"kdb_{hashlib.sha1(id.encode(), usedforsecurity=False).hexdigest()[:8]}"


def statuses_of(numbers: Sequence[int]) -> tuple[SubmissionStatus, ...] | None:
    """Returns the statuses that are asked for; None where nothing can have any of them."""
    known = tuple(status for status, number in _STATUSES.items() if number in numbers)
    return known if known or not numbers else None


def document_line(given: Submission) -> DocumentLine:
    """Returns a document as it stands in a list."""
    return DocumentLine(
        id=given.id,
        doc_name=given.name,
        status=_STATUSES[given.status],
        create_time=local_time(given.added_at),
        metadata=_metadata(given),
        task_id=given.job_id or "",
    )


def document_info(given: Submission, collection: Collection, user_id: str) -> DocumentInfo:
    """Returns what is told of one document."""
    return DocumentInfo(
        id=given.id,
        type="qa" if collection.chunking.unit == "questions" else "file",
        dataName=given.name,
        status=_STATUSES[given.status],
        createTime=local_time(given.added_at),
        metadata=_metadata(given),
        taskId=given.job_id or "",
        user_id=user_id,
    )


def _metadata(given: Submission) -> dict[str, Any]:
    """Returns the metadata of a document, and why it could not be taken in."""
    return given.metadata if given.error is None else {**given.metadata, "error": given.error.message}


def process_of(found: SubmissionsFound, user_id: str) -> TaskProcess:
    """Returns how far an upload is."""
    waiting, working, success, failed = (found.counts.get(status, 0) for status in _STATUSES)
    total = waiting + working + success + failed
    return TaskProcess(
        success=success,
        fail=failed,
        inProgress=working,
        waiting=waiting,
        total=total,
        taskProcess=round(100 * (success + failed) / total, 2) if total else 0.0,
        user_id=user_id,
    )


def results_of(found: Retrieval) -> tuple[Found, ...]:
    """Returns the passages of a search, best first."""
    return tuple(map(_found, found.passages))


def _found(passage: Passage) -> Found:
    place = {"start": passage.place.start, "end": passage.place.end}
    question, answer = _question_of(passage.text)
    title = shorten(question, _HEADING) if question else passage.document
    path = passage.source if passage.source.startswith(_SCHEMES) else passage.document
    row = {"question": question, "answer": answer, "row_index": passage.number} if question else {}
    about = {"main_doc_id": passage.document_id, "origin_content": passage.text, "path": path, "title": title}
    return Found(
        doc_id=passage.document_id,
        doc_segment_id=hashlib.md5(passage.text.encode(), usedforsecurity=False).hexdigest(),
        doc_content=passage.text,
        score=passage.score,
        title=title,
        path=path,
        metadata={**passage.metadata, **place, **about, **row},
        full_content=passage.text,
        **place,
    )


def _question_of(text: str) -> tuple[str, str]:
    """Returns question and answer of a row; empty for a passage that is none."""
    question, found, answer = text.partition("\nAnswer: ")
    if not found or not question.startswith("Question: "):
        return "", ""
    return question.removeprefix("Question: "), answer
