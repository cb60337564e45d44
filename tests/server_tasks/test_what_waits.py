"""What waits in a conversation, in its order."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.tools import Question, Risk
from holdfast.server.tasks.desk import waiting_in

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 1, 13, tzinfo=UTC)


def lists(*items: Any) -> Any:
    async def listed(session_id: str) -> Any:
        return SimpleNamespace(items=items)

    return listed


async def test_a_question_that_came_first_is_answered_before_an_approval() -> None:
    approval = Approval(
        id="a",
        session_id="s",
        run_id="r",
        call_id="c",
        agent="helper",
        tool="write_file",
        risk=Risk.WRITE,
        subject="a.md",
        arguments={},
        requested_at=LATER,
    )
    question = Question(id="q", session_id="s", run_id="r", call_id="d", text="Coffee?", asked_at=NOON)
    workbench: Any = SimpleNamespace(
        approvals=SimpleNamespace(list=lists(approval)), runs=SimpleNamespace(questions=lists(question))
    )
    assert [each.id for each in await waiting_in(workbench, "s")] == ["q", "a"]
