"""What is counted while events are committed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import (
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    SessionCreated,
    SessionDeleted,
)

AT = datetime(2026, 11, 20, tzinfo=UTC)
ERROR = ErrorInfo(kind="timeout", code="timeout", message="late")


async def test_events_and_the_ends_of_runs_are_counted(log, created, started, delta) -> None:
    assert log.tally.runs_ended == {"completed": 0, "failed": 0, "cancelled": 0}
    await log.append(created("s"), *started(), delta("a"), delta("b"))
    await log.append(RunCompleted(session_id="s", run_id="r"))
    await log.append(RunFailed(session_id="s", run_id="r2", error=ERROR))
    await log.append(RunFailed(session_id="s", run_id="r3", error=ERROR))
    assert log.tally.events == 8
    assert log.tally.runs_ended == {"completed": 1, "failed": 2, "cancelled": 0}


async def test_the_runs_that_a_fork_copies_have_not_ended_again(log) -> None:
    fields = {"title": "t", "agent": "a", "project": "/p", "workspace": "/w"}
    fork = SessionCreated(session_id="f", forked_from="s", at=AT, **fields)
    ids = {"session_id": "f", "run_id": "copy"}
    before, after = AT - timedelta(hours=1), AT + timedelta(hours=1)
    await log.append(fork, RunStarted(**ids, agent="a", model="m", at=before), RunCompleted(**ids, at=before))
    await log.append(RunCancelled(**ids, reason="forked", at=after))
    assert sum(log.tally.runs_ended.values()) == 0
    await log.append(RunCancelled(session_id="f", run_id="own", at=after))
    assert log.tally.runs_ended["cancelled"] == 1
    await log.append(SessionDeleted(session_id="f"))
    assert log.tally.events == 6
