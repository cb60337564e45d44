"""A session with those that sub-agents work in for it: what waits and what was used in them is its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.delegating import ChildOf
from holdfast.core.domain.events import (
    ApprovalRequested,
    QuestionAsked,
    RunStarted,
    SessionCreated,
    SessionDeleted,
    UsageRecorded,
)
from holdfast.core.domain.tools import Question, Risk
from holdfast.core.domain.usage import UsageKey, UsageOf
from holdfast.core.store.decisions import read_history
from holdfast.core.store.log import EventLog
from holdfast.core.store.usage import UsageTable

PLACES = {"s": "r", "below": "r1", "deeper": "r2", "other": "r3"}
"""Sessions with their runs."""


def made(session_id: str, above: str | None = None) -> list[Any]:
    ids = {"session_id": session_id, "run_id": PLACES[session_id]}
    child = None
    if above is not None:
        child = ChildOf(session_id=above, run_id=PLACES[above], call_id="c", root_id="s", depth=1)
    about = {"title": session_id, "agent": "a", "project": "/p", "workspace": "/w"}
    return [
        SessionCreated(session_id=session_id, child_of=child, **about),
        RunStarted(**ids, agent="a", model="m"),
        UsageRecorded(**ids, model="m", input_tokens=10, output_tokens=1, cost_usd=0.25),
    ]


def waiting(session_id: str) -> list[Any]:
    ids = {"session_id": session_id, "run_id": PLACES[session_id], "call_id": "c"}
    approval = Approval(
        id=f"a-{session_id}",
        **ids,
        agent="a",
        tool="t",
        arguments={},
        subject="s",
        risk=Risk.WRITE,
        reason="r",
        requested_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    question = Question(id=f"q-{session_id}", **ids, text="?")
    scoped = {name: ids[name] for name in ("session_id", "run_id")}
    return [ApprovalRequested(**scoped, approval=approval), QuestionAsked(**scoped, question=question)]


@pytest.fixture
async def family(log: EventLog) -> EventLog:
    await log.append(*made("s"), *made("below", "s"), *made("deeper", "below"), *made("other"))
    return log


async def test_what_sub_agents_wait_for_waits_in_the_session(family: EventLog) -> None:
    await family.append(*waiting("deeper"), *waiting("other"))
    for session_id, found in (("s", "deeper"), ("deeper", "deeper"), ("below", None), ("other", "other")):
        ids = [] if found is None else [f"a-{found}"]
        approvals = await family.reader.approvals(session_id, True, 10)
        assert [each.id for each in approvals.items] == ids
        history = await read_history(family.reader, "local", session_id=session_id)
        assert [each.id for each in history.items] == ids
        questions = await family.reader.questions(session_id, 10)
        assert [each.call_id for each in questions.items] == ["c"] * len(ids)


async def test_a_sessions_sums_are_those_of_all_its_events_once(family: EventLog) -> None:
    found = await family.reader.session("s")
    assert found is not None
    assert (found.usage.input_tokens, found.usage.cost_usd) == (30, 0.75)
    assert found.last_event_id == 9, "its sums hold up to the last event of all, of those before the other's"
    below = await family.reader.session("below")
    assert below is not None and below.usage.input_tokens == 10
    assert await used(family, "session") == {"s": 30, "other": 10}
    assert await used(family, "run", session="s") == {"r": 10, "r1": 10, "r2": 10}
    assert await used(family, "run", session="below") == {"r1": 10}


async def test_what_sub_agents_have_used_stays_with_a_session_that_is_gone(family: EventLog) -> None:
    await family.append(*(SessionDeleted(session_id=each) for each in ("deeper", "below", "s")))
    await family.rebuild_index()
    assert await used(family, "session") == {"s": 30, "other": 10}


async def used(log: EventLog, by: UsageKey, **of: str) -> dict[str, int]:
    found = await UsageTable(log.reader).report(
        by, None, None, asking="local", everybody=False, limit=10, of=UsageOf(**of)
    )
    assert found.total.input_tokens == sum(group.input_tokens for group in found.groups)
    return {group.key: group.input_tokens for group in found.groups}
