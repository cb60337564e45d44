"""Tasks as messages of A2A, whatever models and servers have written into them."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.runs import Run, RunStatus
from holdfast.core.domain.tools import Question, Risk
from holdfast.core.domain.values import utc_now
from holdfast.server.a2a.mapping import task_of
from holdfast.server.tasks.views import view_of
from holdfast.server.tasks.watched import Waiting


def shown(waiting: Waiting) -> tuple[str, dict[str, Any]]:
    """Returns the words and the data by which a task asks."""
    run = Run(id="r", session_id="s", agent="a", model="m", status=RunStatus.WAITING, started_at=utc_now())
    parts = MessageToDict(task_of(view_of(run, (), (waiting,))))["status"]["message"]["parts"]
    return parts[0]["text"], parts[1]["data"]


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [nested(60), "half \ud800", 10**400, float("nan"), float("inf")],
    ids=lambda value: type(value).__name__,
)
def test_arguments_that_the_protocol_cannot_say_do_not_hide_the_task(value: Any) -> None:
    approval = Approval(
        id="a1",
        session_id="s",
        run_id="r",
        call_id="c",
        agent="a",
        tool="any_tool",
        risk=Risk.WRITE,
        subject="",
        arguments={"value": value},
        requested_at=utc_now(),
    )
    words, data = shown(approval)
    assert '"value"' in words
    assert (data["id"], data["decisions"]) == ("a1", ["approve", "deny"])
    assert "arguments" not in data


def test_questions_that_the_protocol_cannot_say_do_not_hide_the_task() -> None:
    question = Question(id="q1", session_id="s", run_id="r", call_id="c", text="Half \ud800?", choices=("a",))
    words, data = shown(question)
    assert "Half" in words
    assert data == {"kind": "question", "id": "q1", "free_text": True}
