"""Taking documents in: each is read, which may fail, and handed to `Writer`."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Protocol

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.errors import (
    ContextTooLong,
    HoldfastError,
    InvalidError,
    KnowledgeUnavailable,
    ModelRequestRefused,
)
from holdfast.core.domain.knowledge import Chunking, IngestItem, IngestResult
from holdfast.core.knowledge.index.cleaning import clean, clean_json
from holdfast.core.knowledge.index.collections import Collections
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.delivery import Delivery
from holdfast.core.knowledge.index.embedded import Embedded
from holdfast.core.knowledge.index.stopping import Stop
from holdfast.core.knowledge.index.writing import Waiting, Writer
from holdfast.core.knowledge.parsing.model import Parsed
from holdfast.core.knowledge.parsing.opening import open_real

_BLOCK = 1 << 20


class Parser(Protocol):
    """Reads and cuts documents, one at a time."""

    def parse(
        self,
        path: Path,
        name: str,
        *,
        max_bytes: int,
        timeout_s: float,
        chunking: Chunking,
        media_type: str = "",
    ) -> Parsed: ...

    def interrupt(self) -> None:
        """Ends the reading that is under way."""
        ...

    def close(self) -> None: ...


class Ingestion:
    """Takes items in. To be used by several threads: one reads while another writes for all that wait."""

    def __init__(
        self,
        database: Database,
        collections: Collections,
        embedded: Embedded,
        delivery: Delivery,
        parser: Parser,
        writing: threading.Lock,
    ) -> None:
        self._collections = collections
        self._parser = parser
        self._writer = Writer(database, collections, embedded, delivery, writing)
        self._reading = threading.Lock()

    def ingest(
        self, collection_id: str, item: IngestItem, settings: KnowledgeSettings, stop: Stop
    ) -> IngestResult:
        """Takes one item in; see `KnowledgeIndex.ingest`. Raises `Stopped` when `stop` was set."""
        item = item.model_copy(
            update={
                "source": clean(item.source),
                "name": clean(item.name),
                "metadata": clean_json(item.metadata),
                "ext": clean_json(item.ext),
            }
        )
        collection = self._collections.row(collection_id)
        same = self._writer.unchanged(collection, item, _digest(item, settings))
        if same is not None:
            return same
        try:
            parsed = self._read(item, collection, settings, stop)
        except KnowledgeUnavailable:
            raise
        except HoldfastError as error:
            stop.check()  # an interrupted reading fails too
            return _failed(item, error)
        try:
            return self._writer.put(Waiting(collection_id, item, parsed, stop))
        except (ContextTooLong, ModelRequestRefused) as error:
            return _failed(item, error)

    def _read(
        self, item: IngestItem, collection: sqlite3.Row, settings: KnowledgeSettings, stop: Stop
    ) -> Parsed:
        if item.path is None:
            raise InvalidError(f"{item.name} has no file to read.", code="document_unreadable")
        chunking = Chunking.model_validate_json(collection["chunking"])
        with self._reading:
            self._writer.wait_for_room()
            with stop.interrupting(self._parser.interrupt):
                return self._parser.parse(
                    Path(item.path),
                    item.name,
                    max_bytes=settings.max_file_mb << 20,
                    timeout_s=settings.parse_timeout_s,
                    chunking=chunking,
                    media_type=item.media_type,
                )


def _digest(item: IngestItem, settings: KnowledgeSettings) -> str | None:
    """Returns the SHA-256 of an item's bytes; None where it cannot be had, and reading says why."""
    if item.path is None:
        return None
    digest = hashlib.sha256()
    try:
        with os.fdopen(open_real(item.path), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > settings.max_file_mb << 20:
                return None
            while block := file.read(_BLOCK):
                digest.update(block)
    except (OSError, ValueError):
        return None
    return digest.hexdigest()


def _failed(item: IngestItem, error: HoldfastError) -> IngestResult:
    return IngestResult(source=item.source, name=item.name, status="failed", error=error.info)
