"""What is imported is kept whole: with its folder, also when who asked for it does not wait for the end."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.events import AnyEvent, SessionCreated
from holdfast.core.services.importing import Importer

TWO = json.dumps([{"messages": [{"role": "user", "content": text}]} for text in ("one", "two")]).encode()


class SlowLog:
    """Keeps a log when it is told to, or cannot."""

    def __init__(self, error: StoreError | None = None) -> None:
        self.asked, self.go_on, self.done = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.kept: list[str] = []
        self._error = error

    async def append_many(self, events: list[AnyEvent]) -> None:
        self.asked.set()
        await self.go_on.wait()
        if self._error is not None:
            raise self._error
        self.kept.append(events[0].session_id)
        self.done.set()


def importer(log: SlowLog, forgotten: list[str]) -> Importer:
    names = iter("abc")

    async def begin(agent: str, title: str) -> SessionCreated:
        return SessionCreated(session_id=next(names), title=title, agent=agent, project="/p", workspace="/w")

    async def get(session_id: str) -> Any:
        return session_id

    async def default_agent() -> str:
        return "general"

    return Importer(log, "local", begin, default_agent, get, forgotten.append)  # type: ignore[arg-type]


async def test_what_is_being_kept_keeps_its_folder_when_the_caller_goes_away() -> None:
    log, forgotten = SlowLog(), []
    taking = asyncio.create_task(importer(log, forgotten).take_in(TWO, "", ""))
    await asyncio.wait_for(log.asked.wait(), 5)
    taking.cancel()
    await asyncio.wait([taking], timeout=5)
    log.go_on.set()
    await asyncio.wait_for(log.done.wait(), 5)
    assert log.kept == ["a"]
    assert forgotten == ["b"], "the second was not begun to be kept"


async def test_what_could_not_be_kept_leaves_no_folder() -> None:
    log, forgotten = SlowLog(StoreError("full")), []
    log.go_on.set()
    with pytest.raises(StoreError):
        await importer(log, forgotten).take_in(TWO, "", "")
    assert sorted(forgotten) == ["a", "b"]
