"""The nouns `knowledge` and `jobs` of a workbench."""

from __future__ import annotations

from typing import Any, Protocol

from holdfast.core.domain.ext import Ext
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.jobs import Job
from holdfast.core.domain.knowledge import (
    Chunk,
    Chunking,
    Collection,
    ContextRecord,
    Document,
    DocumentOrder,
    Method,
    Passage,
    Retrieval,
    RetrievalSettings,
    StagedUpload,
    Submission,
    SubmissionsFound,
    SubmissionStatus,
)
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.domain.values import Cursor, Limit, Page, Wait
from holdfast.core.services.needs import needs


class Knowledge(Protocol):
    """Collections of documents, and searches in them. A collection is named by its id or by its name."""

    @needs(Scope.READ)
    async def list(self) -> tuple[Collection, ...]:
        """Returns the user's collections, by name."""
        ...

    @needs(Scope.ADMIN)
    async def create(
        self,
        name: str,
        description: str = "",
        embedding_model: str | None = None,
        chunking: Chunking | None = None,
        retrieval: RetrievalSettings | None = None,
        metadata: dict[str, Any] | None = None,
        ext: Ext | None = None,
    ) -> Collection:
        """Makes an empty collection. Without `embedding_model` it has that of the settings. Raises
        `ConflictError` (`collection_exists`; `embedding_mismatch` where that one has another model),
        `InvalidError`."""
        ...

    @needs(Scope.READ)
    async def get(self, collection: str) -> Collection:
        """Returns a collection. Raises `NotFoundError` with the nearest names."""
        ...

    @needs(Scope.ADMIN)
    async def update(
        self,
        collection: str,
        name: str | None = None,
        description: str | None = None,
        chunking: Chunking | None = None,
        retrieval: RetrievalSettings | None = None,
        metadata: dict[str, Any] | None = None,
        ext: Ext | None = None,
    ) -> Collection:
        """Changes what is given; chunking holds for documents that are taken in later. Of `ext`, what is kept
        of APIs that are not named stays, and an empty map is taken out."""
        ...

    @needs(Scope.ADMIN)
    async def delete(self, collection: str) -> None:
        """Puts a collection with its documents into the trash; files on disk stay. Its jobs are cancelled."""
        ...

    @needs(Scope.ADMIN)
    async def add(
        self,
        collection: str,
        paths: tuple[str, ...] = (),
        urls: tuple[str, ...] = (),
        metadata: dict[str, Any] | None = None,
        summaries: bool = False,
        model: str | None = None,
        pattern: str | None = None,
        ext: Ext | None = None,
    ) -> Job:
        """Starts a job that takes in files and folders of the engine's machine (whole paths) and web pages. A
        folder is kept in mind: `sync` brings the collection in step with it. With a `pattern` such as
        `**/*.md` only the files of folders are taken in whose path below the folder fits it, once.

        Raises `ForbiddenError` for paths that are not the user's to name, `NotFoundError`, `InvalidError`.
        """
        ...

    @needs(Scope.ADMIN)
    async def upload(
        self,
        collection: str,
        name: str,
        data: Upload,
        metadata: dict[str, Any] | None = None,
        summaries: bool = False,
        model: str | None = None,
    ) -> Job:
        """Starts a job that takes in a document of the caller's own machine; one of the same name is
        replaced. Raises `TooLargeError`."""
        ...

    @needs(Scope.ADMIN)
    async def stage(self, name: str, data: Upload, ext: Ext | None = None) -> StagedUpload:
        """Keeps a document of the caller's own machine for a day, to be taken in by `take_in`. Raises
        `TooLargeError`, also where too much waits already (`too_many_uploads`)."""
        ...

    @needs(Scope.READ)
    async def staged(self) -> tuple[StagedUpload, ...]:
        """Returns what waits to be taken in, oldest first."""
        ...

    @needs(Scope.ADMIN)
    async def unstage(self, upload_id: str) -> None:
        """Drops what waits to be taken in. Raises `NotFoundError` (`upload_not_found`)."""
        ...

    @needs(Scope.ADMIN)
    async def take_in(
        self,
        collection: str,
        uploads: tuple[str, ...],
        metadata: dict[str, dict[str, Any]] | None = None,
        summaries: bool = False,
        model: str | None = None,
        replace: bool = True,
    ) -> Job:
        """Starts a job that takes in what waits, by ids; it waits no longer then. `metadata` has that of each
        document, by upload. Documents of the same names are replaced, unless `replace` says that they stay
        beside the new ones. Raises `NotFoundError` (`upload_not_found`) and takes nothing in then."""
        ...

    @needs(Scope.ADMIN)
    async def sync(self, collection: str) -> Job:
        """Starts a job that brings the collection in step with its folders and addresses: only what
        changed, by content. Raises `InvalidError` when it has none."""
        ...

    @needs(Scope.ADMIN)
    async def watch(self, collection: str, path: str, on: bool = True) -> Collection:
        """Keeps the collection in step with a folder as it changes, while the engine runs; or no longer."""
        ...

    @needs(Scope.ADMIN)
    async def reembed(self, collection: str, model: str) -> Job:
        """Starts a job that makes all vectors anew with another embedding model."""
        ...

    @needs(Scope.READ)
    async def documents(
        self, collection: str, query: str = "", limit: Limit = 200, cursor: Cursor | None = None
    ) -> Page[Document]:
        """Returns documents, by name; `query`: words in name or title."""
        ...

    @needs(Scope.READ)
    async def every_document(
        self,
        collection: str | None = None,
        query: str = "",
        where: dict[str, Any] | None = None,
        order: DocumentOrder = "added_at",
        descending: bool = True,
        limit: Limit = 200,
        cursor: Cursor | None = None,
    ) -> Page[Document]:
        """Returns documents of all collections, or of one, in any order; `where` is a filter over their
        metadata, as that of searches. Raises `InvalidError` (`invalid_filter`)."""
        ...

    @needs(Scope.READ)
    async def document(self, document_id: str) -> Document:
        """Returns a document. Raises `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def chunks(self, document_id: str, limit: Limit = 200, cursor: Cursor | None = None) -> Page[Chunk]:
        """Returns the chunks of a document, in order."""
        ...

    @needs(Scope.READ)
    async def text(self, document_id: str, start: int = 0, characters: int = 100_000) -> str:
        """Returns a part of a document's text, to which the offsets of chunks refer."""
        ...

    @needs(Scope.READ)
    async def original(self, document_id: str) -> Download:
        """Returns the bytes of a document as they were taken in. Raises `NotFoundError` (`original_gone`)
        where they are not kept: those of a file on disk are there while it is the same."""
        ...

    @needs(Scope.READ)
    async def passages(
        self, chunk_ids: tuple[int, ...], collection: str | None = None
    ) -> tuple[Passage, ...]:
        """Returns chunks by their ids, in the order given, of all collections or of one; those that are not
        there are left out."""
        ...

    @needs(Scope.ADMIN)
    async def describe(
        self,
        document_id: str,
        summary: str | None = None,
        questions: tuple[str, ...] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        ext: Ext | None = None,
    ) -> Document:
        """Changes what is said of a document; `metadata` replaces the old, `ext` as in `update`."""
        ...

    @needs(Scope.ADMIN)
    async def copy(self, document_id: str, collection: str) -> Job:
        """Starts a job that takes a document into another collection as well, with what is said of it. Raises
        `NotFoundError` (`original_gone`) where what it was made of is gone, `ForbiddenError` for a file
        of the engine's machine that is not the user's to name."""
        ...

    @needs(Scope.ADMIN)
    async def remove(self, document_id: str) -> None:
        """Removes a document from its collection; what was given to it and could not be taken in is
        forgotten. Raises `ConflictError` (`document_waiting`) for what is on its way."""
        ...

    @needs(Scope.READ)
    async def submissions(
        self,
        collection: str,
        query: str = "",
        statuses: tuple[SubmissionStatus, ...] = (),
        job_id: str | None = None,
        offset: int = 0,
        limit: Limit = 200,
    ) -> SubmissionsFound:
        """Returns what was given to a collection, taken in yet or not, latest first: up to `limit` behind
        the first `offset`. `query` is a part of the name, `statuses` are all where none is named,
        `job_id` the job that it came with. Pages of the web are there when they were fetched."""
        ...

    @needs(Scope.READ)
    async def submission(self, document_id: str) -> Submission:
        """Returns what was given under the id of a document, which may not be taken in yet. Raises
        `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def redo(self, collection: str, documents: tuple[str, ...] = (), job_id: str | None = None) -> Job:
        """Starts a job that takes in again what a collection was given: all of it, these documents, or what
        came with a job. What is as it was, and is cut as it was, costs nothing. Raises `NotFoundError`
        (`document_not_found`; `original_gone` for a document whose bytes are gone, which is left out where
        none is named), `InvalidError` (`nothing_to_redo`)."""
        ...

    @needs(Scope.ADMIN)
    async def clear(self, collection: str) -> Collection:
        """Removes all documents of a collection for good; its name and its settings stay. Its jobs are
        cancelled, and it is kept in step with no folder any more. Files on disk stay."""
        ...

    @needs(Scope.READ)
    async def search(
        self,
        query: str,
        collections: tuple[KnowledgeUse, ...],
        method: Method | None = None,
        top_k: int | None = None,
        model: str | None = None,
    ) -> Retrieval:
        """Returns the best passages. Methods that ask a model use `model`, or the one that a new session
        would have; they need the scope `chat`. Raises `NotFoundError`, `UnsupportedError` where that is
        `offline`."""
        ...

    @needs(Scope.CHAT)
    async def embed(self, texts: tuple[str, ...], model: str | None = None) -> tuple[tuple[float, ...], ...]:
        """Returns the vector of each text, by an embedding model, or by that of the settings. Raises
        `InvalidError`, `ModelError`, and `UnsupportedError` (`not_counted`) for a provider's model and who
        has a budget."""
        ...

    @needs(Scope.READ)
    async def nearest(
        self, collection: str, vector: tuple[float, ...], top_k: int = 8
    ) -> tuple[Passage, ...]:
        """Returns the passages nearest to a vector that the collection's model has made, best first; their
        score is the cosine. Raises `InvalidError` (`wrong_dimensions`)."""
        ...

    @needs(Scope.CHAT)
    async def keep(
        self,
        query: str,
        collections: tuple[KnowledgeUse, ...],
        method: Method | None = None,
        max_tokens: int | None = None,
        model: str | None = None,
    ) -> ContextRecord:
        """Searches, and keeps what is found under an id, for the context of runs."""
        ...

    @needs(Scope.READ)
    async def contexts(self, limit: Limit = 50, cursor: Cursor | None = None) -> Page[ContextRecord]:
        """Returns the kept retrievals, latest first."""
        ...

    @needs(Scope.READ)
    async def context(self, context_id: str) -> ContextRecord:
        """Returns a kept retrieval. Raises `NotFoundError`."""
        ...

    @needs(Scope.CHAT)
    async def drop(self, context_id: str) -> None:
        """Deletes a kept retrieval."""
        ...


class Jobs(Protocol):
    """Long work that goes on in the engine, whoever listens."""

    @needs(Scope.READ)
    async def list(
        self, collection_id: str | None = None, limit: Limit = 50, cursor: Cursor | None = None
    ) -> Page[Job]:
        """Returns the user's jobs, latest first."""
        ...

    @needs(Scope.READ)
    async def pending(self) -> int:
        """Returns how many of the user's jobs have not ended."""
        ...

    @needs(Scope.READ)
    async def get(self, job_id: str, wait_s: Wait = 0) -> Job:
        """Returns a job, at once or when it has ended within `wait_s` seconds. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def cancel(self, job_id: str) -> Job:
        """Ends a job; what it has taken in stays. One that has ended is returned as it is."""
        ...

    @needs(Scope.ADMIN)
    async def delete_knowledge(
        self,
        collections: tuple[str, ...] = (),
        documents: tuple[str, ...] = (),
        collection: str | None = None,
    ) -> Job:
        """Starts a job that does what `knowledge.delete` and `knowledge.remove` do, for many. With
        `collection`, the documents must be in it. Raises `NotFoundError` for one that there is not, and
        deletes nothing then."""
        ...

    @needs(Scope.CHAT)
    async def delete_sessions(self, sessions: tuple[str, ...]) -> Job:
        """Starts a job that does what `sessions.delete` does, for many; one that runs is among its failures.
        Raises `NotFoundError` for one that there is not, and deletes nothing then."""
        ...

    @needs(Scope.ADMIN)
    async def forget(self, job_id: str) -> None:
        """Takes the record of a job that has ended out of the list; what it has done stays. Raises
        `ConflictError` (`job_running`)."""
        ...

    @needs(Scope.ADMIN)
    async def retry(self, job_id: str) -> Job:
        """Starts a job for the items of an ended one that failed or were not reached. Raises `ConflictError`
        when there are none, or it goes on."""
        ...
