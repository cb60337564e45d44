"""The record of decisions: its pages are read from its end, and grants without all the rest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from holdfast.core.domain.approvals import Approval, Decision
from holdfast.core.domain.events import ApprovalRequested, ApprovalResolved, RunStarted
from holdfast.core.domain.tools import Risk
from holdfast.core.store.decisions import read_grants, read_history

AT = datetime(2026, 11, 22, tzinfo=UTC)


class Asked:
    """A reader that notes what is asked, and finds nothing."""

    async def rows(self, sql: str, values: Iterable[Any] = ()) -> list[Any]:
        self.sql, self.values = sql, list(values)
        return []


async def test_a_page_of_the_record_is_read_from_its_end_without_sorting_all_of_it(log) -> None:
    asked = Asked()
    await read_history(asked, "local", query="make")  # type: ignore[arg-type]
    plan = [row["detail"] for row in await log.reader.rows(f"EXPLAIN QUERY PLAN {asked.sql}", asked.values)]
    assert any("approvals_by_time" in step for step in plan), plan
    assert not any("TEMP B-TREE" in step for step in plan), plan


async def test_grants_are_the_approvals_that_hold_for_more_than_one_call(log, created) -> None:
    await log.append(created("s"), RunStarted(session_id="s", run_id="r", agent="general", model="m"))
    for scope in ("once", "session", "always", "denied", "pending"):
        approval = Approval(
            id=scope,
            session_id="s",
            run_id="r",
            call_id=scope,
            agent="general",
            tool="run_command",
            risk=Risk.EXECUTE,
            subject="ls",
            arguments={},
            rule="run_command(ls)",
            requested_at=AT,
        )
        await log.append(ApprovalRequested(session_id="s", run_id="r", approval=approval))
        if scope == "pending":
            continue
        decision = Decision(outcome="deny") if scope == "denied" else Decision(outcome="approve", scope=scope)
        status = "denied" if scope == "denied" else "approved"
        await log.append(
            ApprovalResolved(
                session_id="s", run_id="r", approval_id=scope, call_id=scope, status=status, decision=decision
            )
        )
    assert [each.id for each in await read_grants(log.reader, "s")] == ["session", "always"]
    assert await read_grants(log.reader, "other") == ()
