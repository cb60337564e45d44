"""What waits in a conversation, in its order, and the messages that go into it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.tools import Question, Risk
from holdfast.server.tasks.desk import parts_of, waiting_in
from holdfast.server.tasks.said import Said

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


async def test_one_message_has_only_so_many_files_fetched() -> None:
    fetched: list[str] = []

    async def attach_url(session_id: str, url: str) -> Any:
        fetched.append(url)

    workbench: Any = SimpleNamespace(files=SimpleNamespace(attach_url=attach_url))
    with pytest.raises(InvalidError, match="at most 20"):
        await parts_of(workbench, "s", Said(links=("http://x.example/",) * 21))
    assert not fetched
    await parts_of(workbench, "s", Said(links=("http://x.example/",) * 20))
    assert len(fetched) == 20
