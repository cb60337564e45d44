"""What an index in the test's own process needs: a parser of paragraphs, and small vectors of letters."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.knowledge import Chunking, Collection, IngestItem, IngestResult, Passage, Place
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.knowledge.index.index import Index
from holdfast.core.knowledge.index.stopping import Stop
from holdfast.core.knowledge.parsing.model import Parsed, Piece


class Paragraphs:
    """A parser in this process: each paragraph is a chunk; `# ` begins a heading."""

    def __init__(self) -> None:
        self.parsed = 0

    def parse(
        self,
        path: Path,
        name: str,
        *,
        max_bytes: int,
        timeout_s: float,
        chunking: Chunking,
        media_type: str = "",
    ) -> Parsed:
        data = path.read_bytes()
        if len(data) > max_bytes or not data:
            raise InvalidError(f"{name} cannot be read", code="document_unreadable")
        self.parsed += 1
        text = data.decode()
        pieces: list[Piece] = []
        at, headings = 0, ()
        for paragraph in text.split("\n\n"):
            if paragraph.startswith("# "):
                headings = (paragraph[2:],)
            place = Place(start=at, end=at + len(paragraph), line=len(pieces) + 1, headings=headings)
            pieces.append(Piece(paragraph, place))
            at += len(paragraph) + 2
        return Parsed(
            text=text,
            title=f"Title of {name}",
            media_type=media_type or "text/plain",
            pages=None,
            digest=hashlib.sha256(data).hexdigest(),
            size=len(data),
            modified_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
            chunks=tuple(pieces),
        )

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class Letters:
    """Embeds by counting letters; each model counts another number of them."""

    dimensions: dict[str, int] = field(default_factory=lambda: {"wordllama": 26, "other/small": 13})
    calls: list[tuple[str, int]] = field(default_factory=list)
    """Model and number of texts of each call."""
    before: Callable[[str], None] = lambda model: None
    """Called before each; may raise."""

    def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> Any:
        self.before(model)
        self.calls.append((model, len(texts)))
        size = self.dimensions[model]
        letters = [[text.lower().count(chr(97 + i)) for i in range(size)] for text in texts]
        return np.array(letters, dtype=np.float32).reshape(len(texts), size)


class Library:
    """An index in this process with one collection, and short words for what tests do to it."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.folder = folder
        self.embeddings: Letters = more.pop("embeddings", None) or Letters()
        self.parser = Paragraphs()
        self._more = more
        self.index = self.opened()
        found = self.index.collections()
        self.id = found[0].id if found else self.collection("docs").id

    def opened(self) -> Index:
        return Index(self.folder / "index", self.embeddings, self.parser, **self._more)

    def reopen(self) -> None:
        """As another start of the worker does."""
        self.index.close()
        self.index = self.opened()

    def collection(self, name: str, **more: Any) -> Collection:
        now = utc_now()
        return self.index.create(Collection(id=new_id(), name=name, created_at=now, updated_at=now, **more))

    def add(
        self, name: str, text: str, *, collection: str = "", stop: Stop | None = None, **more: Any
    ) -> IngestResult:
        """Takes a file `name` with `text` in."""
        path = self.folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{name.rpartition('/')[2]}.{new_id()}")
        part.write_text(text)
        part.replace(path)  # at once: other threads may be reading it
        item = IngestItem(source=str(path), name=name, path=str(path), **more)
        settings = KnowledgeSettings(max_file_mb=1)
        return self.index.ingest(collection or self.id, item, settings=settings, stop=stop or Stop())

    def find(self, query: str, **more: Any) -> tuple[Passage, ...]:
        """Searches the collection; `use` holds what is said of it."""
        use = KnowledgeUse(collection=self.id, **more.pop("use", {}))
        return self.index.search([use], query, **more)

    def names(self, query: str, **more: Any) -> list[str]:
        """Returns the names of the documents that are found, best first, each once."""
        return list(dict.fromkeys(passage.document for passage in self.find(query, **more)))

    def close(self) -> None:
        self.index.close()
