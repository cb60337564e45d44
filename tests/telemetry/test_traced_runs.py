"""Real runs, traced from the log: to a collector, over restarts, and without harm when it goes wrong."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest
from collector import Collector

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import InvalidError, ModelUnavailable, StoreError
from holdfast.core.domain.events import (
    RUN_ENDS,
    EventFilter,
    LoggedEvent,
    MessageAdded,
    RunStarted,
    SessionCreated,
    StepStarted,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import Finished, ModelDelta, TextDelta, ToolCallDelta, UsageReport
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.services.local import LocalWorkbench
from holdfast.core.store.log import EventLog
from holdfast.core.telemetry import tracing
from holdfast.core.telemetry.building import trace_id
from holdfast.core.telemetry.otlp import OtlpExporter
from holdfast.core.telemetry.tracing import LogTracing

USAGE = UsageReport(input_tokens=10, output_tokens=2, cost_usd=0.25)


def call(name: str, **arguments: Any) -> list[ModelDelta]:
    delta = ToolCallDelta(key="0", name=name, arguments=json.dumps(arguments))
    return [delta, USAGE, Finished(reason="tool_calls")]


def say(text: str) -> list[ModelDelta]:
    return [TextDelta(text=text), USAGE, Finished(reason="stop")]


async def test_a_run_with_two_steps_and_a_tool_call_arrives_as_a_tree(
    traced: Any, collector: Collector
) -> None:
    make = partial(OtlpExporter, collector.endpoint, delay_s=0.01)
    workbench = await traced.open(make, call("read_file", path="a.md"), say("There is none."))
    events = await traced.ask(workbench)
    await workbench.close()
    assert collector.tree() == [
        ("", "invoke_agent tester"),
        ("invoke_agent tester", "step 1"),
        ("step 1", "chat scripted/x"),
        ("step 1", "execute_tool read_file"),
        ("invoke_agent tester", "step 2"),
        ("step 2", "chat scripted/x"),
    ]
    run = collector.named("invoke_agent tester")
    first, last = events[0].event, events[-1].event
    assert run.span.start_time_unix_nano // 1_000 == round(first.at.timestamp() * 1_000_000)
    assert run.span.end_time_unix_nano // 1_000 == round(last.at.timestamp() * 1_000_000)
    assert run.attributes["holdfast.run.id"] == first.run_id
    assert run.attributes["gen_ai.usage.input_tokens"] == 20
    assert collector.named("execute_tool read_file").failed  # there was no such file
    assert {int.from_bytes(each.span.trace_id, "big") for each in collector.spans} == {
        trace_id(first.run_id or "")
    }
    assert "secret" not in repr(collector.spans)


async def test_with_contents_what_was_said_arrives_too(traced: Any, collector: Collector) -> None:
    traced.contents = True
    make = partial(OtlpExporter, collector.endpoint, delay_s=0.01)
    workbench = await traced.open(make, say("It is out."))
    await traced.ask(workbench)
    await workbench.close()
    said = json.loads(collector.named("invoke_agent tester").attributes["gen_ai.input.messages"])
    assert said == [{"role": "user", "parts": [{"type": "text", "content": "Tell me a secret"}]}]
    replied = json.loads(collector.named("chat scripted/x").attributes["gen_ai.output.messages"])
    assert replied[0]["parts"] == [{"type": "text", "content": "It is out."}]


async def test_a_run_that_waited_over_a_restart_is_one_trace(
    traced: Any, kept: Any, closing: AsyncExitStack
) -> None:
    first = await traced.open(lambda: kept, call("write_file", path="a.md", content="x"))
    events = await traced.ask(first, until="approval.requested")
    await first.close()
    assert [span.name for span in kept.spans] == ["chat scripted/x"]
    second = await traced.open(lambda: kept, say("Done."))
    closing.push_async_callback(second.close)
    (approval,) = (await second.approvals.list()).items
    await second.approvals.decide(approval.id, Decision(outcome="deny"))
    await _ended(second, events[0].event.run_id)
    await second.close()
    assert [span.name for span in kept.spans] == [
        "chat scripted/x",
        "approval write_file",
        "execute_tool write_file",
        "step 1",
        "chat scripted/x",
        "step 2",
        "invoke_agent tester",
    ]
    assert len({span.span_id for span in kept.spans}) == len(kept.spans)
    assert len({span.trace_id for span in kept.spans}) == 1


async def test_the_spans_of_an_interrupted_run_end_with_an_error_when_the_engine_starts_again(
    traced: Any, kept: Any
) -> None:
    await _killed_in_the_middle(traced)
    workbench = await traced.open(lambda: kept)
    await workbench.close()
    assert {span.name: span.error for span in kept.spans} == {
        "chat m": "interrupted",
        "step 1": "interrupted",
        "invoke_agent tester": "interrupted",
    }
    assert kept.closed


async def test_what_an_engine_interrupts_as_it_stops_is_sent_before_it_ends(traced: Any, kept: Any) -> None:
    workbench = await traced.open(lambda: kept, *[[ModelUnavailable("down")]] * 50)
    events = await traced.ask(workbench, until="model.retried")
    assert events[-1].event.type == "model.retried"
    await workbench.close()
    assert kept.spans[-1].name == "invoke_agent tester"
    assert kept.spans[-1].error is not None


async def test_the_runs_of_before_are_not_sent_when_an_engine_starts(traced: Any, kept: Any) -> None:
    first = await traced.open(None, say("Hello."))
    await traced.ask(first)
    await first.close()
    second = await traced.open(lambda: kept)
    await second.close()
    assert kept.spans == []


async def test_runs_do_not_notice_that_there_can_be_no_traces(
    traced: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> Any:
        raise InvalidError("The variables do not fit.")

    workbench = await traced.open(refuse, say("Hello."))
    events = await traced.ask(workbench)
    await workbench.close()
    assert events[-1].event.type == "run.completed"
    assert "there will be no traces" in caplog.text


async def test_the_end_does_not_wait_for_an_exporter_that_does_not_load(
    traced: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "CLOSE_S", 0.1)
    loaded = threading.Event()
    workbench = await traced.open(lambda: loaded.wait(20) and None, say("Hello."))
    await traced.ask(workbench)
    async with asyncio.timeout(10):
        await workbench.close()
    loaded.set()


class TornLog:
    """A log that cannot be read the first times that it is followed."""

    def __init__(self, events: list[LoggedEvent], failures: int) -> None:
        self.events = events
        self.failures = failures
        self.followed_from: list[int | None] = []
        self.whole = asyncio.Event()

    async def read(self, filter: EventFilter, after: int = 0, limit: int = 1_000) -> list[LoggedEvent]:
        return [each for each in self.events if each.id > after][:limit]

    async def follow(self, filter: EventFilter, after: int | None = None) -> AsyncIterator[LoggedEvent]:
        self.followed_from.append(after)
        for logged in await self.read(filter, after or 0, 3):
            yield logged
        if self.failures:
            self.failures -= 1
            raise StoreError("The disk is gone.")
        self.whole.set()
        await asyncio.Event().wait()


async def test_a_log_that_cannot_be_read_is_followed_again_from_where_it_broke(
    traced: Any, kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "RETRY_S", 0)
    workbench = await traced.open(None, say("Hello."))
    events = [each for each in await traced.ask(workbench) if each.event.type != "part.delta"]
    await workbench.close()
    log = TornLog(events, failures=2)
    followed = LogTracing(log, lambda: kept)
    followed.start(0, [])
    async with asyncio.timeout(10):
        await log.whole.wait()
        await followed.close()
    assert log.followed_from == [0, events[2].id, events[5].id]
    assert [span.name for span in kept.spans] == ["chat scripted/x", "step 1", "invoke_agent tester"]


async def _killed_in_the_middle(traced: Any) -> None:
    """Leaves a log as an engine does that was killed during a model call."""
    log = await EventLog.open(traced.paths.database, FileBlobs(traced.paths.blobs))
    created = SessionCreated(
        session_id="s",
        title="t",
        agent="tester",
        project=str(traced.paths.data),
        workspace=str(traced.paths.workspaces / "s"),
    )
    ids = {"session_id": "s", "run_id": "5f0c1c9e-6a52-4b57-9d9c-8f1f4f7ff001"}
    await log.append(
        created,
        RunStarted(**ids, agent="tester", model="m"),
        MessageAdded(**ids, message_id="m", parts=(TextPart(text="x"),)),
        StepStarted(**ids, step=1, model="m", prompt="p"),
    )
    await log.close()


async def _ended(workbench: LocalWorkbench, run_id: str | None) -> None:
    async with asyncio.timeout(20):
        async for logged in workbench.events.follow(EventFilter(run_id=run_id), 0):
            if logged.event.type in RUN_ENDS:
                return
