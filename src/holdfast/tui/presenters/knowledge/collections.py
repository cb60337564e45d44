"""Collections and their documents as lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.figures import age, size
from holdfast.tui.presenters.knowledge.jobs import JobList, number, percent
from holdfast.tui.presenters.spans import Line, Span, fit, fit_end, line, space

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.core.domain.knowledge import Collection, Document


@dataclass(frozen=True, slots=True)
class FolderView:
    """A folder that a collection is kept in step with."""

    path: str
    """As the engine knows it: to be sent, not to be shown."""
    name: str
    watched: bool = False


@dataclass(frozen=True, slots=True)
class CollectionView:
    """One collection, sanitised."""

    id: str
    name: str
    description: str = ""
    model: str = ""
    documents: int = 0
    chunks: int = 0
    size: int = 0
    method: str = "hybrid"
    top_k: int = 8
    folders: tuple[FolderView, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentView:
    """One document, sanitised."""

    id: str
    name: str
    title: str = ""
    source: str = ""
    media_type: str = ""
    size: int = 0
    chunks: int = 0
    pages: int | None = None
    characters: int = 0
    summary: str = ""
    questions: tuple[str, ...] = ()
    added_at: datetime | None = None


def collection_views(collections: Iterable[Collection]) -> list[CollectionView]:
    """Returns collections as they are shown."""
    return [_collection(one) for one in collections]


def _collection(one: Collection) -> CollectionView:
    return CollectionView(
        id=one.id,
        name=sanitize_line(one.name),
        description=sanitize_line(one.description),
        model=sanitize_line(one.embedding_model),
        documents=one.documents,
        chunks=one.chunks,
        size=one.size,
        method=one.retrieval.method,
        top_k=one.retrieval.top_k,
        folders=tuple(FolderView(f.path, sanitize_line(f.path), f.watched) for f in one.folders),
    )


def document_view(one: Document) -> DocumentView:
    """Returns a document as it is shown."""
    return DocumentView(
        id=one.id,
        name=sanitize_line(one.name),
        title=sanitize_line(one.title),
        source=sanitize_line(one.source),
        media_type=sanitize_line(one.media_type),
        size=one.size,
        chunks=one.chunks,
        pages=one.pages,
        characters=one.characters,
        summary=sanitize_line(one.summary),
        questions=tuple(map(sanitize_line, one.questions)),
        added_at=one.added_at,
    )


def state_of(collection: CollectionView, jobs: JobList) -> Span:
    """Returns how a collection does: ready, empty, indexing with how far, failed."""
    job = jobs.latest(collection.id)
    if job is not None and job.running:
        return f"indexing {percent(job)}", "accent"
    if job is not None and job.status == "failed":
        return "failed", "error"
    if job is not None and job.failed:
        return f"{job.failed} failed", "warning"
    return ("ready", "success") if collection.documents else ("empty", "muted")


def counts(collection: CollectionView) -> str:
    """Returns documents, chunks and bytes of a collection."""
    said = [number(collection.documents, "document"), number(collection.chunks, "chunk")]
    return " · ".join([*said, size(collection.size)] if collection.size else said)


def collection_row(collection: CollectionView, jobs: JobList, width: int) -> tuple[Line, Line]:
    """Returns a collection as two lines: name and state; how much is in it."""
    state, role = state_of(collection, jobs)
    much = counts(collection).replace(" document", " doc")
    much = much if len(much) + 4 <= width else much.rpartition(" · ")[0]
    room = max(4, width - len(state) - 1)
    name = fit(collection.name, room)
    watched = " ◉" if any(folder.watched for folder in collection.folders) else ""
    return (
        line((name, "strong"), (f"{space(name, room)}{state}", role)),
        line(("  ", ""), (much, "muted"), (watched, "success")),
    )


def collection_facts(collection: CollectionView | None, jobs: JobList) -> list[Line]:
    """Returns what is said of the collection above its documents."""
    if collection is None:
        return []
    name, much = (collection.name, "heading"), (f"  {counts(collection)}", "muted")
    lines = [line(name, "  ", state_of(collection, jobs), much)]
    said = [f"embeddings {collection.model}", f"{collection.method}, {collection.top_k} passages"]
    lines.append(line((" · ".join(said), "muted")))
    if collection.description:
        lines.append(line(collection.description))
    for folder in collection.folders[:3]:
        mark: Span = ("◉ watched ", "success") if folder.watched else ("○ folder ", "muted")
        lines.append(line(mark, (folder.name, "muted")))
    if len(collection.folders) > 3:
        lines.append(line((f"and {len(collection.folders) - 3} more folders", "muted")))
    return lines


def document_row(document: DocumentView, width: int, now: datetime) -> tuple[Line, Line]:
    """Returns a document as two lines: name and size; title, chunks, pages and when it was added."""
    right = size(document.size)
    room = max(4, width - len(right) - 1)
    name = fit_end(document.name, room)
    said = [document.title] if document.title and document.title != document.name else []
    said.append(number(document.chunks, "chunk"))
    if document.pages is not None:
        said.append(number(document.pages, "page"))
    if document.added_at is not None:
        said.append(age(document.added_at, now))
    return (
        line((name, "strong"), (f"{space(name, room)}{right}", "muted")),
        line(("  ", ""), (" · ".join(said), "muted")),
    )


def document_detail(document: DocumentView | None) -> list[Line]:
    """Returns what a model has said of a document: its summary, and questions that it answers."""
    if document is None or not (document.summary or document.questions):
        return []
    lines = [line((document.title or document.name, "heading"))]
    if document.summary:
        lines.append(line(document.summary))
    if document.questions:
        lines += [(), line(("It answers", "muted"))]
        lines += [line(("· ", "muted"), question) for question in document.questions]
    return lines


def document_note(document: DocumentView, now: datetime) -> str:
    """Returns what stands beside a document's name in its own view."""
    said = [size(document.size), number(document.chunks, "chunk")]
    if document.pages is not None:
        said.append(number(document.pages, "page"))
    if document.added_at is not None:
        said.append(f"added {age(document.added_at, now)}")
    return " · ".join(said)
