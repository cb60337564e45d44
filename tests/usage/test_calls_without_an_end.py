"""Model calls that do not end in good order are charged all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from paying import ended, followed, start

from holdfast.core.domain.errors import BudgetSpent, ModelAuthError, ModelStreamCut
from holdfast.core.domain.events import RUN_ENDS
from holdfast.core.domain.limits import Budget
from holdfast.core.domain.models import (
    Finished,
    ModelDelta,
    ModelInfo,
    ModelRequest,
    TextDelta,
    UsageReport,
)
from holdfast.core.services.local import LocalWorkbench

SAID = "the whole long answer"
PAID = UsageReport(input_tokens=10, output_tokens=2, cost_usd=5.0)
GUARDED = (
    "version: 1\nname: guarded\nmodel: offline\n"
    'hooks: [{"point": "after_model", "type": "rule", "rules": [{"reason": "no"}]}]\n'
)

Stream = Callable[[ModelRequest], AsyncIterator[ModelDelta]]


class Endless:
    """Says one text, and then nothing more until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.calls = 0
        self.limit = asyncio.timeout(None)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelDelta]:
        self.calls += 1
        yield TextDelta(text=SAID)
        await self.go.wait()
        yield PAID
        yield Finished(reason="stop")


@pytest.fixture
def play(host: LocalWorkbench, monkeypatch: pytest.MonkeyPatch) -> Callable[[Stream], None]:
    """Puts a stream in the place of the model's, whose tokens cost a dollar each."""

    async def priced(model: str, owner: str = "") -> ModelInfo:
        dollar = 1_000_000.0
        return ModelInfo(
            name=model,
            provider="offline",
            max_output_tokens=10,
            input_usd_per_million=dollar,
            output_usd_per_million=dollar,
        )

    monkeypatch.setattr(host._core.parts.catalog, "get", priced)
    return lambda stream: monkeypatch.setattr(host._core.parts.client, "stream", stream)


def used(found: list[Any]) -> list[tuple[bool, int, float | None]]:
    """Returns what was recorded: whether by an estimate, the tokens that came back, the cost."""
    assert sum(event.type in RUN_ENDS for event in found) == 1
    recorded = [event for event in found if event.type == "usage.recorded"]
    return [(event.estimated, event.output_tokens, event.cost_usd) for event in recorded]


async def test_a_call_that_is_cancelled_is_charged_by_what_came_back(
    host: LocalWorkbench, play: Callable[[Stream], None]
) -> None:
    play(Endless().stream)
    await host.usage.set_limit("user", "local", budgets=(Budget(amount=1),))
    run_id = await start(host)
    await followed(host, ("part.delta",), run_id=run_id)
    await host.runs.cancel(run_id)
    found = await ended(host, run_id)
    ((estimated, written, cost),) = used(found)
    assert (estimated, written) == (True, -(-len(SAID) // 4))
    assert cost is not None
    assert cost > written
    types = [event.type for event in found]
    assert types[-4:] == ["part.completed", "usage.recorded", "step.completed", "run.cancelled"]
    with pytest.raises(BudgetSpent):
        await start(host)


async def test_a_call_that_runs_out_of_time_is_charged(
    host: LocalWorkbench, play: Callable[[Stream], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Endless()

    async def timed(run: Any, work: Callable[[], Any]) -> Any:
        async with asyncio.timeout(None) as limit:
            model.limit = limit
            return await work()

    monkeypatch.setattr("holdfast.core.runs.loop.timed", timed)
    play(model.stream)
    run_id = await start(host)
    await followed(host, ("part.delta",), run_id=run_id)
    model.limit.reschedule(asyncio.get_running_loop().time())
    found = await ended(host, run_id)
    assert found[-1].type == "run.failed"
    assert [each[:2] for each in used(found)] == [(True, 6)]


@pytest.mark.parametrize("reported", [True, False])
async def test_a_stream_that_is_dropped_is_charged_by_its_report_or_an_estimate(
    host: LocalWorkbench, play: Callable[[Stream], None], reported: bool
) -> None:
    async def dropped(request: ModelRequest) -> AsyncIterator[ModelDelta]:
        yield TextDelta(text=SAID)
        if reported:
            yield PAID
        raise ModelStreamCut("cut")

    play(dropped)
    found = await ended(host, await start(host))
    assert found[-1].error.code == "model_stream_cut"
    ((estimated, written, _),) = used(found)
    assert (estimated, written) == ((False, 2) if reported else (True, 6))


async def test_a_reply_that_a_hook_refuses_is_charged(host: LocalWorkbench, replies: list[Any]) -> None:
    await host.agents.create(GUARDED)
    replies[:] = [[TextDelta(text="x"), PAID, Finished(reason="stop")]]
    found = await ended(host, await start(host, "guarded"))
    assert found[-1].error.code == "hook_denied"
    assert used(found) == [(False, 2, 5.0)]


async def test_a_call_that_is_refused_before_it_is_answered_costs_nothing(
    host: LocalWorkbench, play: Callable[[Stream], None]
) -> None:
    async def refused(request: ModelRequest) -> AsyncIterator[ModelDelta]:
        if request.messages:
            raise ModelAuthError("no key")
        yield Finished(reason="stop")

    play(refused)
    found = await ended(host, await start(host))
    assert found[-1].error.code == "model_auth"
    assert used(found) == []


async def test_runs_at_once_cannot_pass_a_budget_together(
    host: LocalWorkbench, play: Callable[[Stream], None]
) -> None:
    model = Endless()
    play(model.stream)
    await host.usage.set_limit("user", "local", budgets=(Budget(amount=5),))
    run_ids = [await start(host) for _ in range(4)]
    for run_id in run_ids:
        await followed(host, ("step.started",), run_id=run_id)
    model.go.set()
    ends = [(await ended(host, run_id))[-1] for run_id in run_ids]
    assert model.calls == 1
    assert sorted(end.type for end in ends) == ["run.completed", *["run.failed"] * 3]
    assert {end.error.code for end in ends if end.type == "run.failed"} == {"budget_spent"}
    assert (await host.usage.report(by="user")).total.cost_usd == 5.0
