"""A workbench on an index in memory, with what tests of knowledge do again and again."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import ConflictError, InvalidError, KnowledgeUnavailable, NotFoundError
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.jobs import Job
from holdfast.core.domain.knowledge import (
    Chunk,
    Collection,
    ContextRecord,
    Document,
    IndexProblem,
    IngestItem,
    IngestResult,
    Passage,
    Place,
)
from holdfast.core.domain.models import Finished, ModelChoice, ModelInfo, TextDelta
from holdfast.core.domain.values import Page, new_id, utc_now
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.sandbox.environment import child_environment
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.services import keeping
from holdfast.core.services.local import LocalWorkbench, Parts
from holdfast.core.services.sources import modified
from holdfast.core.services.workbench import Workbench
from holdfast.core.tools.builtin.catalog import builtin_tools
from holdfast.core.tools.registry import ToolRegistry
from holdfast.core.tools.web import WebFetcher

ANN = Principal(user_id="ann", name="ann", role=Role.USER, scope=Scope.ADMIN)
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


class MemoryIndex:
    """A `KnowledgeIndex` in memory: a document is one chunk of its text. Tests put failures into it."""

    def __init__(self, folder: Path, blobs: FileBlobs) -> None:
        self._file = folder / "knowledge.db"
        self._blobs = blobs
        self.kept: dict[str, Collection] = {}
        self.held: dict[str, tuple[Document, str]] = {}
        self.records: dict[str, ContextRecord] = {}
        self.problems: tuple[IndexProblem, ...] = ()
        self.ingested: list[str] = []
        self.paths: dict[str, str | None] = {}
        """What was read for each source."""
        self.errors: list[Exception] = []
        """Raised by the next items, one each."""
        self.gate: asyncio.Event | None = None
        """Items wait for it."""
        self.reached = asyncio.Event()
        """Set when an item waits."""
        self.waiting = 0
        """Items that are under way."""
        self.closed = False

    async def collections(self, owner: str | None = None) -> tuple[Collection, ...]:
        found = (each for each in self.kept.values() if owner in (None, each.owner))
        return tuple(sorted(map(self._counted, found), key=lambda each: each.name))

    def _counted(self, collection: Collection) -> Collection:
        own = [d for d, _ in self.held.values() if d.collection_id == collection.id]
        return collection.model_copy(update={"documents": len(own), "chunks": len(own)})

    async def collection(self, collection_id: str) -> Collection:
        if collection_id not in self.kept:
            raise NotFoundError("no such collection", code="collection_not_found")
        return self._counted(self.kept[collection_id])

    async def create(self, collection: Collection) -> Collection:
        if any((e.owner, e.name) == (collection.owner, collection.name) for e in self.kept.values()):
            raise ConflictError("taken", code="collection_exists")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.touch()
        self.kept[collection.id] = collection
        return collection

    async def update(self, collection_id: str, **changes: Any) -> Collection:
        own = await self.collection(collection_id)
        given = {name: value for name, value in changes.items() if value is not None}
        self.kept[collection_id] = own.model_copy(update=given)
        return self.kept[collection_id]

    async def hand_over(self, collection_id: str, owner: str, name: str) -> Collection:
        own = await self.collection(collection_id)
        if any((e.owner, e.name, e.id != own.id) == (owner, name, True) for e in self.kept.values()):
            raise ConflictError("taken", code="collection_exists")
        self.kept[collection_id] = own.model_copy(update={"owner": owner, "name": name})
        return self.kept[collection_id]

    async def delete(self, collection_id: str) -> None:
        await self.collection(collection_id)
        del self.kept[collection_id]
        for document, _ in list(self.held.values()):
            if document.collection_id == collection_id:
                del self.held[document.id]

    async def ingest(self, collection_id: str, item: IngestItem) -> IngestResult:
        self.waiting += 1
        self.reached.set()
        if self.gate is not None:
            await self.gate.wait()
        self.waiting -= 1
        if self.errors:
            raise self.errors.pop(0)
        await self.collection(collection_id)
        self.ingested.append(item.source)
        self.paths[item.source] = item.path
        path = Path(item.path) if item.path else self._blobs.path(item.blob or "")
        told = {"source": item.source, "name": item.name}
        try:
            data = path.read_bytes()
        except OSError as error:
            problem = InvalidError(str(error.strerror), code="unreadable").info
            return IngestResult(**told, status="failed", error=problem)
        if b"BAD" in data:
            problem = InvalidError("It is bad.", code="bad_document").info
            return IngestResult(**told, status="failed", error=problem)
        digest = hashlib.sha256(data).hexdigest()
        old = (await self._by_source(collection_id)).get(item.source)
        if old is not None and old.digest == digest:
            return IngestResult(**told, status="unchanged", document_id=old.id, size=len(data))
        document = Document(
            id=old.id if old else item.document_id or new_id(),
            collection_id=collection_id,
            name=item.name,
            source=item.source,
            media_type=item.media_type or "text/plain",
            size=len(data),
            digest=digest,
            chunks=1,
            metadata=item.metadata,
            modified_at=modified(path.stat().st_mtime) if item.path else None,
            added_at=utc_now(),
        )
        self.held[document.id] = (document, data.decode("utf-8", "replace"))
        return IngestResult(
            **told,
            status="changed" if old else "added",
            document_id=document.id,
            chunks=1,
            size=len(data),
        )

    async def _by_source(self, collection_id: str) -> dict[str, Document]:
        return {d.source: d for d, _ in self.held.values() if d.collection_id == collection_id}

    async def documents(
        self, collection_id: str, query: str = "", limit: int = 200, cursor: str | None = None
    ) -> Page[Document]:
        own = sorted((await self._by_source(collection_id)).values(), key=lambda d: d.name)
        start = int(cursor or 0)
        more = str(start + limit) if start + limit < len(own) else None
        found = [d for d in own[start : start + limit] if query in d.name]
        return Page[Document](items=tuple(found), next_cursor=more)

    async def document(self, document_id: str) -> Document:
        if document_id not in self.held:
            raise NotFoundError("no such document", code="document_not_found")
        return self.held[document_id][0]

    async def sources(self, collection_id: str, below: str = "") -> Mapping[str, str]:
        own = await self._by_source(collection_id)
        return {source: d.id for source, d in own.items() if source.startswith(below)}

    async def chunks(self, document_id: str, limit: int = 200, cursor: str | None = None) -> Page[Chunk]:
        text = await self.text(document_id)
        place = Place(start=0, end=len(text), line=1)
        return Page[Chunk](items=(Chunk(id=1, document_id=document_id, number=0, text=text, place=place),))

    async def text(self, document_id: str, start: int = 0, characters: int = 100_000) -> str:
        await self.document(document_id)
        return self.held[document_id][1][start : start + characters]

    async def describe(self, document_id: str, **changes: Any) -> Document:
        document, text = await self.document(document_id), await self.text(document_id)
        given = {name: value for name, value in changes.items() if value is not None}
        self.held[document_id] = (document.model_copy(update=given), text)
        return self.held[document_id][0]

    async def remove(self, document_id: str) -> None:
        await self.document(document_id)
        del self.held[document_id]

    async def reembed(self, collection_id: str, model: str, document_id: str | None = None) -> int:
        own = await self._by_source(collection_id)
        if document_id is None:
            await self.update(collection_id, embedding_model=model)
            return len(own)
        self.ingested.append(document_id)
        return 1

    async def search(self, uses: Sequence[Any], query: str, **_: Any) -> tuple[Passage, ...]:
        wanted = {use.collection for use in uses}
        found = [
            self._passage(number, document, text)
            for number, (document, text) in enumerate(self.held.values())
            if document.collection_id in wanted and query.lower() in text.lower()
        ]
        return tuple(found)

    def _passage(self, number: int, document: Document, text: str) -> Passage:
        return Passage(
            chunk_id=number,
            number=0,
            collection_id=document.collection_id,
            collection=self.kept[document.collection_id].name,
            document_id=document.id,
            document=document.name,
            source=document.source,
            text=text,
            place=Place(start=0, end=len(text), line=1),
            score=1.0,
        )

    async def keep_context(self, record: ContextRecord) -> None:
        self.records[record.id] = record

    async def context(self, context_id: str) -> ContextRecord:
        if context_id not in self.records:
            raise NotFoundError("no such context", code="context_not_found")
        return self.records[context_id]

    async def contexts(self, owner: str, limit: int = 50, cursor: str | None = None) -> Page[ContextRecord]:
        return Page[ContextRecord](items=tuple(r for r in self.records.values() if r.owner == owner))

    async def drop_context(self, context_id: str) -> None:
        del self.records[context_id]

    async def check(self, *, repair: bool = False) -> tuple[IndexProblem, ...]:
        return tuple(each.model_copy(update={"repaired": repair}) for each in self.problems)

    async def forget_owner(self, owner: str) -> None:
        for each in await self.collections(owner):
            await self.delete(each.id)

    async def close(self) -> None:
        self.closed = True


@dataclass
class TellingModel:
    """A model that answers every question with the same text, or an error."""

    answer: str | Exception = "{}"
    asked: list[Any] = field(default_factory=list)

    async def stream(self, request: Any) -> AsyncIterator[Any]:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        yield TextDelta(text=self.answer)
        yield Finished(reason="stop")

    async def close(self) -> None:
        return None


@dataclass
class OneModel:
    """A catalog whose every choice is one model."""

    name: str = "told/model"

    async def list(self, owner: str = "") -> tuple[ModelInfo, ...]:
        return (await self.get(self.name),)

    async def get(self, model: str, owner: str = "") -> ModelInfo:
        return ModelInfo(name=model, provider="test")

    async def choose(self, *, flag: str | None, **_: str | None) -> ModelChoice:
        return ModelChoice(model=flag or self.name, source="agent")


class Web:
    """Pages by their addresses; what is asked for is noted."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, str, bytes]] = {}
        self.asked: list[str] = []

    def fetcher(self) -> WebFetcher:
        async def resolve(host: str, port: int) -> Sequence[str]:
            return ["127.0.0.1" if host == "inside.test" else "93.184.216.34"]

        return WebFetcher(resolve=resolve, transport=lambda: httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        address = f"{request.url.scheme}://{request.headers['host']}{request.url.raw_path.decode()}"
        self.asked.append(address)
        status, kind, data = self.pages.get(address, (404, "text/plain", b"none"))
        headers = {"content-type": kind} | ({"location": data.decode()} if status == 302 else {})

        async def pieces() -> AsyncIterator[bytes]:
            yield data

        return httpx.Response(status, headers=headers, content=pieces())


@dataclass
class Shelf:
    """A workbench with knowledge, and what it is made of."""

    workbench: LocalWorkbench
    index: MemoryIndex
    model: TellingModel
    catalog: OneModel
    web: Web
    folder: Path
    paths: Paths
    delays: list[float]

    @property
    def keeper(self) -> Any:
        """What keeps collections in step for runs."""
        return self.workbench._core.keeper

    async def collection(self, name: str = "docs") -> Collection:
        return await self.workbench.knowledge.create(name)

    def file(self, name: str, text: str | bytes = "text") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    async def ended(self, job: Job, workbench: Workbench | None = None) -> Job:
        """Returns the job when it has ended."""
        found = await (workbench or self.workbench).jobs.get(job.id, wait_s=20)
        assert found.status.ended
        return found

    async def added(self, *paths: Path, collection: str = "docs", **more: Any) -> Job:
        """Takes paths in, and returns the ended job."""
        given = tuple(str(path) for path in paths)
        return await self.ended(await self.workbench.knowledge.add(collection, given, **more))

    async def names(self, collection: str = "docs") -> list[str]:
        return [each.name for each in (await self.workbench.knowledge.documents(collection)).items]

    async def events(self, job: Job) -> list[LoggedEvent]:
        return list((await self.workbench.events.read(EventFilter(job_id=job.id))).items)

    async def results(self, job: Job) -> list[IngestResult]:
        """Returns what the events of a job tell of its items."""
        return [
            result for logged in await self.events(job) for result in getattr(logged.event, "results", ())
        ]

    def view(self, principal: Principal = ANN) -> Workbench:
        return self.workbench.as_principal(principal)


OpenShelf = Callable[..., Any]


@pytest.fixture
def open_shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenShelf:
    """Opens a workbench on the test's home, which a second one may open again on the same index."""
    folder = tmp_path / "files"
    folder.mkdir()
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    paths.make()
    blobs = FileBlobs(paths.blobs)
    index = MemoryIndex(paths.knowledge, blobs)

    @asynccontextmanager
    async def opened(
        *, changes: Any = None, start_after_s: float | None = None, **settings: Any
    ) -> AsyncIterator[Shelf]:
        index.closed = False
        model, catalog, web, delays = TellingModel(), OneModel(), Web(), []

        async def sleep(seconds: float) -> None:
            delays.append(seconds)
            await asyncio.sleep(0)

        values = Settings.model_validate(settings)
        parts = Parts(
            paths=paths,
            settings=lambda project: values,
            blobs=blobs,
            client=model,
            catalog=catalog,
            tools=ToolRegistry(builtin_tools(ChildProcesses())),
            keys=ProviderKeys(paths, ENVIRONMENT, {}),
            environment=child_environment(ENVIRONMENT),
            sleep=sleep,
            knowledge=index,
            web=web.fetcher(),
            changes=changes,
        )
        if start_after_s is not None:
            monkeypatch.setattr(keeping, "START_AFTER_S", start_after_s)
        workbench = await LocalWorkbench.open(parts)
        try:
            yield Shelf(workbench, index, model, catalog, web, folder, paths, delays)
        finally:
            async with asyncio.timeout(10):
                await workbench.close()

    return opened


@pytest.fixture(scope="session")
def parts_on() -> Callable[..., Parts]:
    """Makes the parts of a workbench on a home, with an index of the test's choice."""

    def make(home: Path, index: Callable[[Paths], Any]) -> Parts:
        paths = Paths.resolve({"HOLDFAST_HOME": str(home / "h")})
        paths.make()
        return Parts(
            paths=paths,
            settings=lambda project: Settings(),
            blobs=FileBlobs(paths.blobs),
            client=TellingModel(),
            catalog=OneModel(),
            tools=ToolRegistry(builtin_tools(ChildProcesses())),
            keys=ProviderKeys(paths, ENVIRONMENT, {}),
            environment=child_environment(ENVIRONMENT),
            knowledge=index(paths),
        )

    return make


@pytest.fixture
async def shelf(open_shelf: OpenShelf) -> AsyncIterator[Shelf]:
    """An open workbench with the collection `docs`."""
    async with open_shelf() as found:
        await found.collection()
        yield found


@pytest.fixture
def gone() -> KnowledgeUnavailable:
    """What the index raises when it cannot be reached."""
    return KnowledgeUnavailable("The index is away.")


@pytest.fixture
def described() -> str:
    """What a model says of a document."""
    return "Sure:\n" + json.dumps({"summary": "On hinges.", "questions": ["How many?", "Why?\x1b[31m"]})
