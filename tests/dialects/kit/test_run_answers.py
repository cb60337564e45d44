"""Answers that are runs: streamed, waited for, left by their callers, and cut."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.runs import RunStatus
from holdfast.core.services.runs import EventService

ASKED = ("write_file", '{"path": "asked.md", "content": "x"}')
THING = {"name": "Hello"}


def said(body: str) -> str:
    lines = [line.removeprefix("text ") for line in body.splitlines() if line.startswith("text ")]
    return "".join(json.loads(line) for line in lines)


async def ended(served: Any, status: RunStatus) -> None:
    """Waits until the only run has ended, and looks how."""
    seen = await served.bench.until(("run.completed", "run.failed", "run.cancelled"))
    assert seen[-1].event.type == f"run.{status}"


async def test_a_stream_and_a_whole_answer_say_the_same(serve_toy, say, call) -> None:
    steps = [[*say("One", " moment.")[:-1], *call(("list_files", "{}"))], say("There is", " nothing.")]
    async with serve_toy([*steps, *steps]) as served:
        streamed = await served.http.post("/toy/stream", json=THING)
        whole = (await served.http.post("/toy/whole", json=THING)).json()
    assert streamed.headers["content-type"] == "text/plain"
    assert streamed.headers["x-accel-buffering"] == "no"
    lines = streamed.text.splitlines()
    assert (lines[0], lines[-1]) == ("begin", "end completed")
    assert whole["status"] == "completed"
    assert said(streamed.text) == whole["reply"] == "One moment.\n\nThere is nothing."


async def test_a_run_can_be_read_while_it_goes_on_and_afterwards(serve_toy, say, call) -> None:
    async with serve_toy([call(ASKED), say("Done.")]) as served:
        asking = asyncio.create_task(served.http.post("/toy/whole", json=THING))
        approval = await served.bench.approval()
        before = (await served.http.get(f"/toy/runs/{approval.run_id}")).json()
        assert before == {"status": "running", "reply": "", "run": approval.run_id}
        await served.bench.workbench.approvals.decide(approval.id, Decision(outcome="deny"))
        whole = (await asking).json()
        assert (await served.http.get(f"/toy/runs/{approval.run_id}")).json() == whole
        assert whole == {"status": "completed", "reply": "Done.", "run": approval.run_id}
        unknown = await served.http.get("/toy/runs/00000000-0000-0000-0000-000000000000")
        assert (unknown.status_code, unknown.json().keys()) == (404, {"oops", "fields"})


@pytest.mark.parametrize("path", ["stream", "whole"])
@pytest.mark.parametrize("cancels", [True, False])
async def test_a_run_is_cancelled_or_goes_on_when_its_caller_leaves(
    serve_toy, say, call, path: str, cancels: bool
) -> None:
    async with serve_toy([call(ASKED), say("Done.")]) as served:
        leaving = {"flag": cancels}
        url = f"http://engine/toy/{path}"
        async with httpx.AsyncClient(transport=served.http._transport, timeout=20) as client:
            asking = asyncio.create_task(client.post(url, json=THING, params=leaving))
            approval = await served.bench.approval()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            if cancels:
                await ended(served, RunStatus.CANCELLED)
                return
            await served.bench.workbench.approvals.decide(approval.id, Decision(outcome="deny"))
            await ended(served, RunStatus.COMPLETED)


async def test_a_stream_that_the_door_cuts_says_so_with_what_had_come(serve_toy, say, call) -> None:
    async with serve_toy([[*say("Just a")[:-1], *call(ASKED)]]) as served:
        asking = asyncio.create_task(served.http.post("/toy/stream", json=THING))
        approval = await served.bench.approval()
        served.stop.set()
        async with asyncio.timeout(20):
            answer = await asking
        assert answer.text.splitlines()[-1] == 'cut engine_stopping after "Just a"'
        run = await served.bench.workbench.runs.get(approval.run_id)
        assert run.status is RunStatus.WAITING


async def test_a_whole_answer_that_the_door_cuts_is_an_error(serve_toy, call) -> None:
    async with serve_toy([call(ASKED)]) as served:
        asking = asyncio.create_task(served.http.post("/toy/whole", json=THING, params={"flag": "true"}))
        await served.bench.approval()
        served.stop.set()
        async with asyncio.timeout(20):
            answer = await asking
        assert (answer.status_code, answer.json()) == (503, {"oops": "The engine is stopping", "fields": []})
        await ended(served, RunStatus.CANCELLED)


async def test_an_error_in_the_middle_ends_a_stream_in_the_dialects_words(
    serve_toy, say, monkeypatch
) -> None:
    follow = EventService.follow

    async def failing(self: Any, *of: Any) -> Any:
        async for logged in follow(self, *of):
            yield logged
            if logged.event.type == "part.completed":
                raise StoreError("The disk is gone", code="disk_gone")

    monkeypatch.setattr(EventService, "follow", failing)
    async with serve_toy([say("Just a")] * 2) as served:
        answer = await served.http.post("/toy/stream", json=THING)
        assert answer.text.splitlines()[-1] == 'cut disk_gone after "Just a"'
        whole = await served.http.post("/toy/whole", json=THING)
        assert (whole.status_code, whole.json()["oops"]) == (503, "The disk is gone")


async def test_a_bug_of_an_encoder_ends_the_stream_and_not_the_engine(serve_toy, say, caplog) -> None:
    caplog.set_level("CRITICAL")
    async with serve_toy([say("Just a")] * 2) as served:
        with pytest.raises(httpx.RemoteProtocolError):
            await served.http.post("/toy/stream", json={"name": "bug"})
        whole = await served.http.post("/toy/whole", json={"name": "bug"})
        assert (whole.status_code, whole.json().keys()) == (500, {"oops", "fields"})
        assert "secret" not in whole.text


async def test_a_silence_is_broken_by_the_dialects_own_words(serve_toy, say, call) -> None:
    async with (
        serve_toy([call(ASKED), say("Done.")], ping_s=0.02) as served,
        served.http.stream("POST", "/toy/stream", json=THING) as answer,
        asyncio.timeout(20),
    ):
        lines = answer.aiter_lines()
        assert [await anext(lines), await anext(lines)] == ["begin", "..."]
