"""A log that takes nothing for a while: the run still ends, with what was committed and nothing else."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from grammar import check

from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.events import EventFilter, RunCompleted
from holdfast.core.domain.runs import RunStatus
from holdfast.core.runs import ending, supervisor
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.store.log import EventLog


class Full:
    """Makes appends fail from the moment that `when` holds, `times` times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, when: Any, times: int) -> None:
        self.left = times
        self.refused = asyncio.Event()
        self._when = when
        self._append = EventLog.append
        full = self

        def append(log: EventLog, *events: Any, durable: bool = False) -> asyncio.Future[Any]:
            return full.take(log, events, durable)

        monkeypatch.setattr(EventLog, "append", append)
        for module in (ending, supervisor):
            monkeypatch.setattr(module, "RETRY_S", 0.01)
        self._full = False

    def take(self, log: EventLog, events: Any, durable: bool) -> asyncio.Future[Any]:
        self._full = self._full or any(map(self._when, events))
        if self._full and self.left:
            self.left -= 1
            self.refused.set()
            failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            failed.set_exception(StoreError("The disk is full.", code="disk_full"))
            return failed
        return self._append(log, *events, durable=durable)


async def test_deltas_that_were_not_kept_end_the_run_without_them(open_bench, say, monkeypatch) -> None:
    offered: list[str] = []

    def second_delta(event: Any) -> bool:
        if event.type == "part.delta":
            offered.append(event.text)
        return len(offered) > 1

    async with open_bench([say(*["word "] * 40)]) as bench:
        bench.model._delay_s = 0.005
        full = Full(monkeypatch, second_delta, times=4)
        run_id = await bench.send(await bench.session())
        events = await bench.end(run_id)
        assert full.left == 0, "the end was tried again"
        assert events[-1].event.error.code == "disk_full"
        [said] = [e.event.text for e in events if e.event.type == "part.completed"]
        assert said == offered[0]
        check((await bench.workbench.events.read(EventFilter(run_id=run_id))).items)


async def test_an_end_that_was_not_kept_is_written_later(open_bench, say, monkeypatch) -> None:
    async with open_bench([say("All said.")]) as bench:
        full = Full(monkeypatch, lambda event: isinstance(event, RunCompleted), times=3)
        run_id = await bench.send(await bench.session())
        await bench.end(run_id)
        assert full.left == 0
        assert (await bench.workbench.runs.get(run_id)).status is RunStatus.FAILED


async def test_an_end_that_cannot_be_written_holds_up_neither_cancel_nor_stop(
    open_bench, say, monkeypatch
) -> None:
    async with asyncio.timeout(10), open_bench([say("All said.")]) as bench:
        full = Full(monkeypatch, lambda event: isinstance(event, RunCompleted), times=10_000)
        run_id = await bench.send(await bench.session())
        await full.refused.wait()
        await bench.workbench.runs.cancel(run_id)
        assert (await bench.workbench.engine.status()).active_runs == 1
    monkeypatch.undo()
    async with open_bench() as bench:
        run = await bench.workbench.runs.get(run_id)
        assert run.error.code == "interrupted", "the next start closes it"


async def test_a_run_that_is_not_kept_gives_back_what_it_has() -> None:
    given_back: list[str] = []

    async def refuse(*events: Any, durable: bool) -> None:
        raise StoreError("The disk is full.", code="disk_full")

    run: Any = SimpleNamespace(
        emitter=SimpleNamespace(emit=refuse), give_back=lambda: given_back.append("servers")
    )
    unused: Any = object.__new__(Supervisor)
    with pytest.raises(StoreError):
        await unused._begin(run)
    assert given_back == ["servers"]
