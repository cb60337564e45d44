"""Vectors, in Chroma: a folder of ours, or a server. The only module that names it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core.domain.errors import KnowledgeUnavailable
from holdfast.core.domain.values import utc_now
from holdfast.core.knowledge.loading import loading

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.collection_configuration import CreateHNSWConfiguration
    from chromadb.api.models.Collection import Collection

    from holdfast.core.knowledge.embedding import Vectors

BATCH = 256
"""Vectors that are written at once. No search runs meanwhile, some 100 ms for so many; but one alone takes
25 ms."""

MISSING = "chroma_missing"
"""Code of the error for vectors that should be there and are not."""
UNREADABLE = "chroma_unreadable"
"""Code of the error for a folder that Chroma cannot use."""

_PAGE = 2_000
_MAX_FILTERED = 10_000
"""Documents that one query names at most; SQLite, which Chroma asks, takes some 30,000 values."""
_SERVER_TIMEOUT_S = 60.0

_GRAPH: CreateHNSWConfiguration = {"space": "cosine", "max_neighbors": 32, "ef_search": 200}
"""Denser than Chroma's own, and searched more widely: nearly every one of the 50 nearest is found (99.6 % of
them, 98.4 % with Chroma's own, among 5,454 passages), at no cost that could be measured."""
_DOCUMENT = "document"
"""Key of the one thing that Chroma knows of a vector beside its id: its document's number."""


class VectorStore:
    """Collections of vectors by name; ids are those of chunks. Raises `KnowledgeUnavailable`.

    Nothing of Chroma is imported before the first call. After a failure the next call opens it anew.
    """

    def __init__(self, folder: Path, url: str | None = None, *, timeout_s: float = _SERVER_TIMEOUT_S) -> None:
        self._folder = folder
        self._url = url
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        # Beside a deletion, a search of a folder of Chroma finds "nothing on disk", or misses an id.
        self._turn = nullcontext() if url else threading.Lock()
        self._client: ClientAPI | None = None
        self._loaded = False
        self._file_number = 0
        self._collections: dict[str, Collection] = {}

    @property
    def place(self) -> str:
        """Where the vectors are, for people."""
        return self._url or str(self._folder)

    @property
    def is_own(self) -> bool:
        """Whether nobody else keeps vectors there."""
        return self._url is None

    @property
    def is_there(self) -> bool:
        """Whether there are vectors at all; a server is taken to have some."""
        return self._url is not None or self._file.exists()

    def create(self, name: str) -> None:
        """Makes a collection, and Chroma's folder with it; nothing changes when it is there."""
        with self._translated():
            client = self._open(create=True)
            self._collections[name] = client.get_or_create_collection(
                name, configuration={"hnsw": _GRAPH}, embedding_function=None
            )

    def upsert(self, name: str, ids: Sequence[int], documents: Sequence[int], vectors: Vectors) -> None:
        """Puts vectors in, `BATCH` of them at most; each has its chunk's id and its document's number."""
        with self._translated():
            self._collection(name).upsert(
                ids=[str(chunk_id) for chunk_id in ids],
                embeddings=vectors,
                metadatas=[{_DOCUMENT: number} for number in documents],
            )

    def query(
        self, name: str, vector: Vectors, most: int, *, documents: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """Returns the chunks nearest to `vector`, and the cosine of the angle to each; nearest first."""
        if documents is None:
            return self._query(name, vector, most, None)
        found: list[tuple[int, float]] = []
        for at in range(0, len(documents), _MAX_FILTERED):
            part = list(documents[at : at + _MAX_FILTERED])
            found += self._query(name, vector, most, _of_documents(part))
        return sorted(found, key=lambda pair: -pair[1])[:most]

    def _query(self, name: str, vector: Vectors, most: int, where: Any) -> list[tuple[int, float]]:
        with self._translated():
            answer = self._collection(name).query(
                query_embeddings=vector[None, :], n_results=most, where=where, include=["distances"]
            )
        distances = answer["distances"] or [[]]
        pairs = zip(answer["ids"][0], distances[0], strict=True)
        return [(int(chunk_id), 1.0 - distance) for chunk_id, distance in pairs]

    def read(self, name: str, ids: Sequence[int], dimensions: int) -> dict[int, Vectors]:
        """Returns the vectors of chunks; those that are gone, or have another length, are left out."""
        with self._translated():
            kept = self._collection(name).get(ids=[str(i) for i in ids], include=["embeddings"])
        found = zip(
            map(int, kept["ids"]), kept["embeddings"] if kept["embeddings"] is not None else (), strict=False
        )
        asked = set(ids)
        return {i: vector for i, vector in found if i in asked and len(vector) == dimensions}

    def delete(self, name: str, ids: Sequence[int]) -> None:
        for at in range(0, len(ids), _PAGE):
            with self._translated():
                self._collection(name).delete(ids=[str(chunk_id) for chunk_id in ids[at : at + _PAGE]])

    def delete_documents(self, name: str, documents: Iterable[int]) -> None:
        """Deletes all vectors of documents; a collection that is gone has none."""
        numbers = list(documents)
        for at in range(0, len(numbers), _MAX_FILTERED):
            with self._translated(), self._unless_gone():
                part = numbers[at : at + _MAX_FILTERED]
                self._collection(name).delete(where=_of_documents(part))

    def readable(self, name: str) -> dict[int, int]:
        """Returns the documents' numbers of all vectors in a collection by their ids, having read each.

        Raises `VectorsDamaged` where they are listed but cannot be read.
        """
        found: dict[int, int] = {}
        with self._translated():
            from chromadb.errors import InternalError

            collection = self._collection(name)
            try:
                while page := self._page(collection, len(found)):
                    found.update(page)
            except InternalError as error:
                raise VectorsDamaged(name) from error
        return found

    def _page(self, collection: Collection, offset: int) -> dict[int, int]:
        # Chroma lists ids from another place than it keeps the vectors: only those prove that they are there.
        page = collection.get(limit=_PAGE, offset=offset, include=["metadatas", "embeddings"])
        metadatas = page["metadatas"] or []
        return {
            int(chunk_id): int(metadata[_DOCUMENT])  # type: ignore[arg-type]  # we put an int there
            for chunk_id, metadata in zip(page["ids"], metadatas, strict=True)
        }

    def drop(self, name: str) -> None:
        """Deletes a collection; nothing happens when it is gone."""
        with self._translated(), self._unless_gone():
            self._collections.pop(name, None)
            self._open().delete_collection(name)

    def names(self) -> set[str]:
        """Returns the names of all collections."""
        with self._translated():
            client = self._open()
            found: set[str] = set()
            while page := client.list_collections(limit=1_000, offset=len(found)):
                found.update(collection.name for collection in page)
            return found

    def set_aside(self) -> None:
        """Moves the folder away, beside its place, so that another one can be made. Raises `OSError`."""
        self.close()
        aside = self._folder.with_name(f"{self._folder.name}.{utc_now():%Y%m%d-%H%M%S-%f}")
        self._folder.rename(aside)

    def close(self) -> None:
        """Lets go of Chroma; the next call opens it anew."""
        with self._lock:
            client, self._client, self._collections = self._client, None, {}
            if client is not None and self._url:
                parts: tuple[Any, Any] = (client, client._admin_client)  # type: ignore[attr-defined]
                for part in parts:
                    part._server._session.close()  # it has no other end
            if not self._loaded:
                return
            from chromadb.api.shared_system_client import SharedSystemClient

            # Else the same one is handed out again, also one that could not be opened.
            SharedSystemClient.clear_system_cache()

    def _collection(self, name: str) -> Collection:
        client = self._open()
        found = self._collections.get(name)
        if found is None:
            found = client.get_collection(name, embedding_function=None)
            self._collections[name] = found
        return found

    def _open(self, *, create: bool = False) -> ClientAPI:
        with self._lock:
            if self._url is None:
                self._check_folder(create=create)
            if self._client is None:
                self._loaded = True
                self._client = self._connect(self._url) if self._url else self._open_folder()
            return self._client

    def _open_folder(self) -> ClientAPI:
        with loading():  # a second, and only where vectors are needed
            import chromadb
            from chromadb.config import Settings
        client = chromadb.PersistentClient(self._folder, settings=Settings(anonymized_telemetry=False))
        self._file_number = self._file.stat().st_ino
        return client

    def _connect(self, url: str) -> ClientAPI:
        with loading():  # a second, and only where vectors are needed
            import chromadb
            import httpx
            from chromadb.config import Settings

        # The client waits for ever, already when it is made, and has no setting for that.
        httpx.get(f"{url.rstrip('/')}/api/v2/heartbeat", timeout=self._timeout_s).raise_for_status()
        client = chromadb.HttpClient(host=url, settings=Settings(anonymized_telemetry=False))
        client._server._session.timeout = self._timeout_s  # type: ignore[attr-defined]
        return client

    @property
    def _file(self) -> Path:
        return self._folder / "chroma.sqlite3"

    def _check_folder(self, *, create: bool) -> None:
        """Chroma itself makes an empty folder where one is gone, and goes on with files that are deleted."""
        try:
            here = self._file.stat().st_ino
        except FileNotFoundError:
            if not create:
                raise missing(self.place) from None
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            here = 0
        if self._client is not None and here != self._file_number:
            raise KnowledgeUnavailable(f"Chroma's folder {self._folder} was replaced; try again.")

    @contextmanager
    def _unless_gone(self) -> Iterator[None]:
        from chromadb.errors import NotFoundError

        try:
            yield
        except NotFoundError:
            return
        except KnowledgeUnavailable as error:
            if error.code != MISSING:
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Says what fails in Chroma in our words."""
        with loading():
            import chromadb.errors
            import httpx

        try:
            with self._turn:
                yield
        except KnowledgeUnavailable:
            self.close()
            raise
        except chromadb.errors.NotFoundError as error:
            self.close()
            raise missing(self.place) from error
        except (chromadb.errors.ChromaError, httpx.HTTPError, OSError, ValueError, RuntimeError) as error:
            self.close()  # RuntimeError: another thread has failed, and closed it meanwhile
            raise self._failed(error) from error
        except BaseException as error:
            self.close()
            if (
                type(error).__name__ != "PanicException"
            ):  # of Rust; it is no Exception, and has no home to import
                raise
            raise self._failed(error) from error

    def _failed(self, error: BaseException) -> KnowledgeUnavailable:
        said = " ".join(str(error).split())[:300]
        if self._url:
            return KnowledgeUnavailable(
                f"The Chroma server {self._url} does not answer as it should: {said}. Look whether it runs; "
                "the setting knowledge.chroma_url names it.",
                code="chroma_unreachable",
            )
        return KnowledgeUnavailable(
            f"Chroma cannot use its folder {self._folder}: {said}. `holdfast doctor --repair` makes the "
            "vectors anew; where a newer Holdfast has written them, start that one.",
            code="chroma_unreadable",
        )


def _of_documents(numbers: list[int]) -> Any:
    return {_DOCUMENT: {"$in": numbers}}


class VectorsDamaged(Exception):
    """Vectors of a collection are listed, but cannot be read."""


def missing(place: str) -> KnowledgeUnavailable:
    """The error for vectors that should be there and are not."""
    return KnowledgeUnavailable(
        f"The vectors in {place} are gone. `holdfast doctor --repair` makes them anew from the documents, "
        "which are still here; searching for words alone (`lexical`) works without.",
        code="chroma_missing",
        retryable=False,
    )
