"""Knowledge as a service: collections, their documents, and searches in them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.ext import Ext, annotated, checked_ext
from holdfast.core.domain.jobs import Job, JobKind
from holdfast.core.domain.knowledge import (
    DEFAULT_EMBEDDING,
    Chunk,
    Chunking,
    Collection,
    ContextRecord,
    Document,
    DocumentOrder,
    IngestItem,
    IngestRequest,
    Method,
    Passage,
    Retrieval,
    RetrievalSettings,
    StagedUpload,
    Submission,
    SubmissionsFound,
    SubmissionStatus,
)
from holdfast.core.domain.models import ModelCatalog, ModelClient
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.domain.values import MAX_LIMIT, Page, new_id, utc_now
from holdfast.core.services.access import Access
from holdfast.core.services.library import Library
from holdfast.core.services.naming import (
    check_model_of_summaries,
    check_same_model,
    checked_collection_name,
    checked_document_name,
    checked_embedding_model,
    checked_metadata,
    checked_questions,
    checked_text,
    checked_urls,
    document_name,
    title_of,
)
from holdfast.core.services.originals import gone, kept, unchanged
from holdfast.core.services.owned import OwnedKnowledge
from holdfast.core.services.paging import checked_limit
from holdfast.core.services.patterns import checked_pattern, fitting
from holdfast.core.services.searching import Searches
from holdfast.core.services.sources import Walk
from holdfast.core.services.staging import Staging
from holdfast.core.services.submitting import Submissions
from holdfast.core.store.submission_table import Wanted

MAX_TEXT = 1_000_000
"""Characters of a document's text that one call gives."""
MOST_EMBEDDED = 200
"""Texts that one call embeds."""


class KnowledgeService:
    """Implements the `Knowledge` of a workbench."""

    def __init__(  # noqa: PLR0913 (its parts, none optional)
        self,
        access: Access,
        library: Library,
        follow: Callable[[Collection], None],
        staging: Staging,
        walk: Callable[[], Walk],
        client: ModelClient,
        catalog: ModelCatalog,
        settings: Callable[[Path | None], Settings],
        redact: Callable[[str], str],
        check_countable: Callable[[], None],
    ) -> None:
        """`follow` watches the folders that a collection says are watched; `walk` makes what finds files;
        `redact` takes secrets out of what
        models are asked; `check_countable` raises `UnsupportedError` for who may ask none outside of runs."""
        self._access = access
        self._follow = follow
        self._library = library
        self._staging = staging
        self._walk = walk
        self._settings = settings
        self._check_countable = check_countable
        self._own = OwnedKnowledge(library, access.owner)
        self._given = Submissions(library, self._own, access.owner, staging.blobs, access.source, self._start)
        self._searches = Searches(
            library, self._own, client, catalog, settings, access.principal, redact, check_countable
        )

    # --- collections

    async def list(self) -> tuple[Collection, ...]:
        return await self._own.collections()

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
        settings = await asyncio.to_thread(self._settings, None)
        model = embedding_model or settings.knowledge.embedding_model
        if embedding_model is not None:
            check_same_model(await self._own.collections(), name, checked_embedding_model(model))
        now = utc_now()
        return await self._library.create(
            Collection(
                id=new_id(),
                owner=self._access.owner,
                name=checked_collection_name(name),
                description=checked_text(description, "description"),
                embedding_model=checked_embedding_model(model),
                chunking=chunking or Chunking(),
                retrieval=retrieval or RetrievalSettings(),
                metadata=checked_metadata(metadata),
                ext=checked_ext(ext),
                created_at=now,
                updated_at=now,
            )
        )

    async def get(self, collection: str) -> Collection:
        return await self._own.collection(collection)

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
        own = await self._own.collection(collection)
        changed = await self._library.index.update(
            own.id,
            name=None if name is None else checked_collection_name(name),
            description=None if description is None else checked_text(description, "description"),
            retrieval=retrieval,
            chunking=chunking,
            metadata=None if metadata is None else checked_metadata(metadata),
            ext=annotated(own.ext, ext),
        )
        await self._library.tell(changed, "updated")
        return changed

    async def delete(self, collection: str) -> None:
        own = await self._own.collection(collection)
        self._follow(own.model_copy(update={"folders": ()}))
        await self._library.discard(own)

    # --- taking in

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
        own = await self._own.collection(collection)
        check_model_of_summaries(own, summaries, model)
        if not paths and not urls:
            raise InvalidError("Name a file, a folder or an address to take in.", code="nothing_to_add")
        named = await asyncio.to_thread(lambda: [self._access.source(path) for path in paths])
        if pattern is not None:
            named = await asyncio.to_thread(fitting, self._walk(), named, checked_pattern(pattern))
        given, kept_with = checked_metadata(metadata), checked_ext(ext)
        files = [path for path in named if not path.is_dir()]
        folders = tuple(dict.fromkeys(str(path) for path in named if path.is_dir()))
        request = IngestRequest(
            collection_id=own.id,
            items=tuple(
                IngestItem(
                    source=str(path),
                    name=document_name(path.name),
                    path=str(path),
                    metadata=given,
                    ext=kept_with,
                )
                for path in dict.fromkeys(files)
            ),
            folders=folders,
            urls=checked_urls(urls),
            metadata=given,
            ext=kept_with,
            summaries=summaries,
            model=await self._searches.model(model) if summaries else None,
        )
        await self._library.folders.remember(own.id, folders)
        return await self._start(own, "ingest", request)

    async def upload(
        self,
        collection: str,
        name: str,
        data: Upload,
        metadata: dict[str, Any] | None = None,
        summaries: bool = False,
        model: str | None = None,
    ) -> Job:
        own = await self._own.collection(collection)
        check_model_of_summaries(own, summaries, model)
        plain = checked_document_name(name)
        given = checked_metadata(metadata)
        asked = await self._searches.model(model) if summaries else None
        async with self._staging.keeping():
            blob = await self._staging.keep(plain, data)
            item = IngestItem(source=f"upload:{plain}", name=plain, blob=blob, metadata=given)
            request = IngestRequest(collection_id=own.id, items=(item,), summaries=summaries, model=asked)
            return await self._start(own, "ingest", request)

    async def stage(self, name: str, data: Upload, ext: Ext | None = None) -> StagedUpload:
        return await self._staging.put(self._access.owner, name, data, ext)

    async def staged(self) -> tuple[StagedUpload, ...]:
        return await self._staging.list(self._access.owner)

    async def unstage(self, upload_id: str) -> None:
        await self._staging.drop(self._access.owner, upload_id)

    async def take_in(
        self,
        collection: str,
        uploads: tuple[str, ...],
        metadata: dict[str, dict[str, Any]] | None = None,
        summaries: bool = False,
        model: str | None = None,
        replace: bool = True,
    ) -> Job:
        own = await self._own.collection(collection)
        check_model_of_summaries(own, summaries, model)
        if not uploads:
            raise InvalidError("Name an upload to take in.", code="nothing_to_add")
        staged = await self._staging.find(self._access.owner, uploads)
        given = {id: checked_metadata(each) for id, each in (metadata or {}).items()}
        request = IngestRequest(
            collection_id=own.id,
            items=tuple(
                IngestItem(
                    source=f"upload:{each.name}" if replace else f"upload:{each.id}/{each.name}",
                    name=each.name,
                    blob=each.blob,
                    metadata=given.get(each.id, {}),
                    ext=each.ext,
                )
                for each in staged
            ),
            summaries=summaries,
            model=await self._searches.model(model) if summaries else None,
        )
        job = await self._start(own, "ingest", request)
        await self._staging.taken(staged)
        return job

    async def sync(self, collection: str) -> Job:
        own = await self._own.collection(collection)
        request = await self._library.sync_request(own)
        if not (request.folders or request.urls or request.items):
            raise InvalidError(
                f"{own.name} has no folder and no address to be kept in step with; add one first.",
                code="nothing_to_sync",
            )
        return await self._start(own, "sync", request)

    async def watch(self, collection: str, path: str, on: bool = True) -> Collection:
        own = await self._own.collection(collection)
        known = Path(path) in {Path(folder.path) for folder in own.folders}
        folder = Path(path) if known and not on else await asyncio.to_thread(self._access.source, path)
        if on and not folder.is_dir():
            raise InvalidError(f"{folder} is not a folder.", code="no_such_folder")
        changed = await self._library.folders.watch(own, str(folder), on=on)
        self._follow(changed)
        await self._library.tell(changed, "updated")
        return changed

    async def reembed(self, collection: str, model: str) -> Job:
        own = await self._own.collection(collection)
        request = IngestRequest(collection_id=own.id, embedding_model=checked_embedding_model(model))
        return await self._start(own, "reembed", request)

    # --- documents

    async def documents(
        self, collection: str, query: str = "", limit: int = 200, cursor: str | None = None
    ) -> Page[Document]:
        own = await self._own.collection(collection)
        return await self._library.index.documents(own.id, query, checked_limit(limit), cursor)

    async def every_document(
        self,
        collection: str | None = None,
        query: str = "",
        where: dict[str, Any] | None = None,
        order: DocumentOrder = "added_at",
        descending: bool = True,
        limit: int = 200,
        cursor: str | None = None,
    ) -> Page[Document]:
        own = None if collection is None else (await self._own.collection(collection)).id
        if not self._library.exists:
            return Page[Document](items=())
        return await self._library.index.every_document(
            self._access.owner, own, query, where, order, descending, checked_limit(limit), cursor
        )

    async def document(self, document_id: str) -> Document:
        return await self._own.document(document_id)

    async def chunks(self, document_id: str, limit: int = 200, cursor: str | None = None) -> Page[Chunk]:
        own = await self._own.document(document_id)
        return await self._library.index.chunks(own.id, checked_limit(limit), cursor)

    async def text(self, document_id: str, start: int = 0, characters: int = 100_000) -> str:
        if start < 0 or not 1 <= characters <= MAX_TEXT:
            raise InvalidError(
                f"A part of a text begins at 0 or later and has 1 to {MAX_TEXT} characters.",
                code="invalid_range",
            )
        own = await self._own.document(document_id)
        return await self._library.index.text(own.id, start, characters)

    async def original(self, document_id: str) -> Download:
        document = await self._own.document(document_id)
        found = await asyncio.to_thread(kept, self._staging.blobs, document)
        if found is not None:
            return found
        if not Path(document.source).is_absolute():
            raise gone(document)
        try:
            path = self._access.source(document.source)
        except NotFoundError:
            raise gone(document) from None
        return await asyncio.to_thread(unchanged, path, document)

    async def passages(
        self, chunk_ids: tuple[int, ...], collection: str | None = None
    ) -> tuple[Passage, ...]:
        if len(chunk_ids) > MAX_LIMIT:
            raise InvalidError(f"At most {MAX_LIMIT} chunks are read at once.", code="too_many_chunks")
        own = {each.id for each in await self._own.collections()}
        if collection is not None:
            own = {(await self._own.collection(collection)).id}
        found = await self._library.index.passages(chunk_ids) if own else ()
        return tuple(each for each in found if each.collection_id in own)

    async def describe(
        self,
        document_id: str,
        summary: str | None = None,
        questions: tuple[str, ...] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        ext: Ext | None = None,
    ) -> Document:
        own = await self._own.document(document_id)
        changed = await self._library.index.describe(
            own.id,
            name=None if name is None else checked_document_name(name),
            summary=None if summary is None else checked_text(summary, "summary"),
            questions=None if questions is None else checked_questions(questions),
            metadata=None if metadata is None else checked_metadata(metadata),
            ext=annotated(own.ext, ext),
        )
        await self._library.tell(await self._library.index.collection(own.collection_id), "documents")
        return changed

    async def copy(self, document_id: str, collection: str) -> Job:
        into = await self._own.collection(collection)
        document = await self._own.document(document_id)
        path, uploaded = None, self._staging.blobs.path(document.digest)
        if not await asyncio.to_thread(uploaded.is_file):
            if not Path(document.source).is_absolute():
                raise gone(document)
            path = str(await asyncio.to_thread(self._access.source, document.source))
        item = IngestItem(
            source=document.source,
            name=document.name,
            path=path,
            blob=document.digest if path is None else None,
            media_type=document.media_type,
            metadata=document.metadata,
            ext=document.ext,
        )
        return await self._start(into, "ingest", IngestRequest(collection_id=into.id, items=(item,)))

    async def remove(self, document_id: str) -> None:
        await self._given.remove(document_id)

    # --- what was given, taken in yet or not

    async def submissions(
        self,
        collection: str,
        query: str = "",
        statuses: tuple[SubmissionStatus, ...] = (),
        job_id: str | None = None,
        offset: int = 0,
        limit: int = 200,
    ) -> SubmissionsFound:
        own = await self._own.collection(collection)
        wanted = Wanted(own.id, query, statuses, job_id)
        return await self._given.page(own, wanted, offset, checked_limit(limit))

    async def submission(self, document_id: str) -> Submission:
        return await self._given.find(document_id)

    async def redo(self, collection: str, documents: tuple[str, ...] = (), job_id: str | None = None) -> Job:
        return await self._given.redo(await self._own.collection(collection), documents, job_id)

    async def clear(self, collection: str) -> Collection:
        own = await self._own.collection(collection)
        self._follow(own.model_copy(update={"folders": ()}))
        await self._given.clear(own)
        return await self._own.collection(own.id)

    # --- searching

    async def search(
        self,
        query: str,
        collections: tuple[KnowledgeUse, ...],
        method: Method | None = None,
        top_k: int | None = None,
        model: str | None = None,
    ) -> Retrieval:
        return await self._searches.search(query, collections, method, top_k=top_k, model=model)

    async def embed(self, texts: tuple[str, ...], model: str | None = None) -> tuple[tuple[float, ...], ...]:
        if not 1 <= len(texts) <= MOST_EMBEDDED or sum(map(len, texts)) > MAX_TEXT:
            raise InvalidError(
                f"1 to {MOST_EMBEDDED} texts of {MAX_TEXT} characters together are embedded at once.",
                code="too_many_texts",
            )
        usual = (await asyncio.to_thread(self._settings, None)).knowledge.embedding_model
        chosen = checked_embedding_model(model or usual)
        if chosen != DEFAULT_EMBEDDING:
            self._check_countable()
        made = await self._library.index.embed(chosen, texts)
        return tuple(map(tuple, made))

    async def nearest(
        self, collection: str, vector: tuple[float, ...], top_k: int = 8
    ) -> tuple[Passage, ...]:
        own = await self._own.collection(collection)
        return await self._library.index.nearest(own.id, vector, top_k)

    async def keep(
        self,
        query: str,
        collections: tuple[KnowledgeUse, ...],
        method: Method | None = None,
        max_tokens: int | None = None,
        model: str | None = None,
    ) -> ContextRecord:
        return await self._searches.keep(query, collections, method, max_tokens=max_tokens, model=model)

    async def contexts(self, limit: int = 50, cursor: str | None = None) -> Page[ContextRecord]:
        if not self._library.exists:
            return Page[ContextRecord](items=())
        return await self._library.index.contexts(self._access.owner, checked_limit(limit), cursor)

    async def context(self, context_id: str) -> ContextRecord:
        return await self._own.context(context_id)

    async def drop(self, context_id: str) -> None:
        await self._own.context(context_id)
        await self._library.index.drop_context(context_id)

    # --- what they share

    async def _start(self, own: Collection, kind: JobKind, request: IngestRequest) -> Job:
        if kind == "ingest":
            request = await self._given.identified(own, request)
        return await self._library.jobs.start(self._access.owner, kind, title_of(kind, own, request), request)
