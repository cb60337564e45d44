"""Folders that an agent's knowledge is kept in step with, at the start of a run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.fake_index import FakeIndex

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import ForbiddenError
from holdfast.core.domain.events import EVENT, LoggedEvent, MessageAdded, RetrievalCompleted
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.domain.values import utc_now
from holdfast.core.knowledge.retrieval.searcher import Searcher
from holdfast.core.runs.emitter import Emitter
from holdfast.core.runs.knowledge.begin import FIRST_SYNC_S, run_knowledge
from holdfast.core.runs.knowledge.desk import KnowledgePorts
from holdfast.core.runs.projections.context import ContextProjection
from holdfast.core.runs.projections.state import RunState


class Keeper:
    """A `KnowledgeKeeper` that notes what it is asked, and makes the collection."""

    def __init__(self, index: FakeIndex, *, done: bool = True, error: Exception | None = None) -> None:
        self.asked: list[tuple[str, str, Path, float]] = []
        self._index, self._done, self._error = index, done, error

    async def keep_in_step(self, owner: str, collection: str, folder: Path, wait_s: float = 0) -> bool:
        self.asked.append((owner, collection, folder, wait_s))
        if self._error is not None:
            raise self._error
        self._index.add(collection, {"a.md": ["hotels"]}, owner=owner)
        return self._done


class Log:
    """As much of a log as an emitter needs."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def append(self, *events: Any, durable: bool = False) -> asyncio.Future[list[LoggedEvent]]:
        future: asyncio.Future[list[LoggedEvent]] = asyncio.get_running_loop().create_future()
        logged = [
            LoggedEvent(id=len(self.events) + n, event=EVENT.validate_python(e))
            for n, e in enumerate(events, 1)
        ]
        self.events += events
        future.set_result(logged)
        return future


async def begin(tmp_path: Path, keeper: Keeper, index: FakeIndex, path: str = "./handbook") -> Log:
    log, ids = Log(), {"session_id": "s", "run_id": "r"}
    spec = AgentSpec.model_validate(
        {
            "version": 1,
            "name": "a",
            "knowledge": [{"collection": "docs", "path": path, "retrieval": {"mode": "context"}}],
        }
    )
    now = utc_now()
    session = Session(
        id="s",
        title="",
        agent="a",
        project=str(tmp_path),
        workspace=str(tmp_path),
        created_at=now,
        updated_at=now,
    )
    emitter = Emitter(log, RunState("s", "r", model="offline"), ContextProjection(), lambda: None)  # type: ignore[arg-type]
    ports = KnowledgePorts(index, Searcher(index), lambda *_: None, keeper)  # type: ignore[arg-type]
    knowledge = run_knowledge(ports, session, spec, RunOptions(), emitter)
    assert knowledge is not None
    await emitter.emit(MessageAdded(**ids, message_id="m", parts=(TextPart(text="hotels"),)))
    await knowledge.begin()
    await knowledge.begin()  # once in a run
    return log


def retrievals(log: Log) -> list[RetrievalCompleted]:
    return [event for event in log.events if isinstance(event, RetrievalCompleted)]


async def test_the_collection_is_made_and_searched_at_once(tmp_path: Path) -> None:
    index = FakeIndex()
    keeper = Keeper(index)
    (found,) = retrievals(await begin(tmp_path, keeper, index))
    assert keeper.asked == [("local", "docs", (tmp_path / "handbook").resolve(), FIRST_SYNC_S)]
    assert [item.content for item in found.items] == ["hotels"]


async def test_a_first_time_that_takes_longer_is_said_and_what_is_there_is_searched(tmp_path: Path) -> None:
    index = FakeIndex()
    said, found = retrievals(await begin(tmp_path, Keeper(index, done=False), index))
    assert said.error is not None
    assert (said.error.code, said.collections) == ("knowledge_syncing", ("docs",))
    assert [item.content for item in found.items] == ["hotels"]


async def test_a_folder_that_cannot_be_kept_is_said_and_the_run_goes_on(tmp_path: Path) -> None:
    index = FakeIndex()
    keeper = Keeper(index, error=ForbiddenError("not yours"))
    said, missing = retrievals(await begin(tmp_path, keeper, index))
    assert said.error is not None
    assert said.error.message == "not yours"
    assert missing.error is not None
    assert missing.error.code == "collection_not_found"


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x"])
async def test_a_path_that_is_none_is_said(tmp_path: Path, path: str) -> None:
    index = FakeIndex()
    said, *_ = retrievals(await begin(tmp_path, Keeper(index), index, path))
    assert said.error is not None
    assert said.error.code == "folder_not_found"
