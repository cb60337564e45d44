from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from holdfast.core.domain.events import PartDelta, PartStarted, RunStarted, SessionCreated
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store.log import EventLog


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs")


@pytest.fixture
async def log(tmp_path: Path, blobs: FileBlobs) -> AsyncIterator[EventLog]:
    opened = await EventLog.open(tmp_path / "holdfast.db", blobs)
    yield opened
    await opened.close()


@pytest.fixture
def created() -> Callable[[str], SessionCreated]:
    def make(session_id: str, title: str = "A session") -> SessionCreated:
        return SessionCreated(
            session_id=session_id, title=title, agent="general", project="/p", workspace="/w"
        )

    return make


@pytest.fixture
def delta() -> Callable[[str, str], PartDelta]:
    def make(text: str, session_id: str = "s", run_id: str = "r") -> PartDelta:
        return PartDelta(session_id=session_id, run_id=run_id, part_id="1.1", text=text)

    return make


@pytest.fixture
def started() -> Callable[[str, str], list[RunStarted | PartStarted]]:
    def make(session_id: str = "s", run_id: str = "r") -> list[RunStarted | PartStarted]:
        return [
            RunStarted(session_id=session_id, run_id=run_id, agent="general", model="offline"),
            PartStarted(session_id=session_id, run_id=run_id, part_id="1.1", kind="text"),
        ]

    return make
