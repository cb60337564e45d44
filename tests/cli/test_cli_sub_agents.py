"""`holdfast run` with sub-agents: what they do is shown in lines, what waits below waits here."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeRun, FakeWorkbench, approval_of

from holdfast.cli.running.progress import Progress
from holdfast.core.domain import events as ev
from holdfast.core.domain.errors import ErrorInfo, ErrorKind
from holdfast.core.domain.messages import TextPart

Cli = Callable[..., Any]


def play(fake: FakeDoors, script: Any) -> None:
    fake.build = lambda: FakeWorkbench(script)


def begin(run: FakeRun, number: int = 1, background: bool = False) -> FakeRun:
    """Starts a sub-agent's run below a call of its own."""
    run.request(call_id=f"c{number}", name="delegate", agent="helper", task="Read.")
    run.emit(ev.ToolCallStarted, call_id=f"c{number}", arguments={})
    child = FakeRun(run.workbench, f"below-{number}", f"child-{number}")
    run.emit(
        ev.ChildRunStarted,
        call_id=f"c{number}",
        child_session_id=child.session_id,
        child_run_id=child.id,
        agent="helper",
        task="Read.",
        background=background,
    )
    child.emit(ev.RunStarted, agent="helper", model="offline")
    child.emit(ev.MessageAdded, message_id="m", parts=(TextPart(text="Read."),), origin="agent")
    return child


def end(run: FakeRun, child: FakeRun, number: int = 1, **more: Any) -> None:
    fields = {"status": "completed", **more}
    child.emit(ev.RunCompleted)
    run.emit(
        ev.ChildRunCompleted,
        call_id=f"c{number}",
        child_session_id=child.session_id,
        child_run_id=child.id,
        agent="helper",
        **fields,
    )
    run.complete_call(call_id=f"c{number}", name="delegate", text="It says x.")


def test_what_a_sub_agent_does_comes_a_line_each_and_its_words_are_not_the_reply(
    fake: FakeDoors, cli: Cli
) -> None:
    async def script(run: FakeRun) -> None:
        child = begin(run)
        child.text("My words.")
        run.emit(ev.ToolCallProgressed, call_id="c1", text="✓ read_file a\x1b[2Jb.md\n  ✓ deeper\n")
        end(run, child)
        run.text("All done.")
        run.emit(ev.RunCompleted)

    play(fake, script)
    outcome = cli("run", "general", "hello")
    assert (outcome.status, outcome.out) == (0, "All done.\n")
    assert "  helper begins\n" in outcome.err
    assert "  ✓ read_file a[2Jb.md\n    ✓ deeper\n" in outcome.err
    assert "My words." not in outcome.err


def test_one_that_was_not_completed_says_why(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        error = ErrorInfo(kind=ErrorKind.CONFLICT, code="cost_limit", message="Too dear.")
        end(run, begin(run), status="failed", error=error)
        run.emit(ev.RunCompleted)

    play(fake, script)
    assert "helper was not completed (failed): Too dear." in cli("run", "general", "hello").err


def test_json_has_the_events_of_the_runs_below(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        await begin(run).approval("approval-below")

    play(fake, script)
    outcome = cli("run", "general", "hello", "--json")
    types = {(event["type"], event["session_id"]) for event in map(json.loads, outcome.out.splitlines())}
    assert outcome.status == 3
    assert {("run.started", "below-1"), ("approval.requested", "below-1")} <= types


def test_an_approval_below_without_a_terminal_exits_3(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        child = begin(run)
        await child.approval("approval-below")

    play(fake, script)
    outcome = cli("run", "general", "hello")
    assert outcome.status == 3
    assert "holdfast approvals approve approval-below" in outcome.err


def test_the_reply_after_a_hand_over_is_the_other_agents(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        run.emit(ev.RunCompleted, reason="handed_over")
        other = FakeRun(run.workbench, run.session_id, "next")
        other.emit(ev.RunStarted, agent="helper", model="offline", hand_overs=1)
        other.emit(ev.MessageAdded, message_id="n", parts=(TextPart(text="Go on."),), origin="agent")
        other.text("I am the helper.")
        other.emit(ev.RunCompleted)

    play(fake, script)
    outcome = cli("run", "general", "hello")
    assert (outcome.status, outcome.out) == (0, "I am the helper.\n")


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_run_is_blocked_when_all_that_works_below_it_waits(order: tuple[int, int]) -> None:
    progress, count = Progress("m", "mine"), 0

    def feed(kind: type, run_id: str = "mine", **fields: Any) -> None:
        nonlocal count
        count += 1
        progress.take(ev.LoggedEvent(id=count, event=kind(session_id="s", run_id=run_id, **fields)))

    for number in order:
        feed(ev.ToolCallStarted, call_id=f"c{number}", arguments={})
        ids = {"child_session_id": f"s{number}", "child_run_id": f"r{number}"}
        feed(ev.ChildRunStarted, call_id=f"c{number}", agent="a", task="t", **ids)
    feed(ev.ApprovalRequested, run_id="r1", approval=approval_of("x", "s1", "r1"))
    assert not progress.blocked  # the other one works
    feed(ev.ApprovalRequested, run_id="r2", approval=approval_of("y", "s2", "r2", "d"))
    assert progress.blocked
    feed(ev.ApprovalResolved, run_id="r2", approval_id="y", call_id="d", status="approved")
    assert not progress.blocked
