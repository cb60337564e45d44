"""What a call watches beside its own run: the run that it hands over to, and those of sub-agents."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from mcp_types import ClientCapabilities, ElicitationCapability
from mcp_types import FormElicitationCapability as Form
from mcp_types import UrlElicitationCapability as Url

from holdfast.core.domain.events import (
    AnyEvent,
    ChildRunCompleted,
    ChildRunStarted,
    LoggedEvent,
    PartCompleted,
    QuestionAnswered,
    QuestionAsked,
    RunCompleted,
    RunStarted,
    StepStarted,
)
from holdfast.core.domain.runs import Run, RunStatus
from holdfast.core.domain.tools import Question
from holdfast.core.domain.values import utc_now
from holdfast.server.mcp.caller import Asking, Caller
from holdfast.server.tasks.watched import Watched

TOP = {"session_id": "top", "run_id": "r1"}
CHILD = {"session_id": "child", "run_id": "r2"}
GRANDCHILD = {"session_id": "grandchild", "run_id": "r3"}


class Log:
    """Events, given out with growing ids."""

    def __init__(self) -> None:
        run = Run(
            id="r1",
            session_id="top",
            agent="tester",
            model="m",
            status=RunStatus.RUNNING,
            started_at=utc_now(),
            first_event_id=5,
        )
        self.watched = Watched(run)
        self._ids = count(5)

    def take(self, *events: AnyEvent) -> list[str]:
        return [self.watched.take(LoggedEvent(id=next(self._ids), event=event)) for event in events]

    @property
    def waiting(self) -> list[str]:
        return list(self.watched.waiting)


def asks(place: dict[str, str], id: str) -> QuestionAsked:
    question = Question(id=id, call_id="c", text=f"{id}?", **place)
    return QuestionAsked(question=question, **place)


def begins(above: dict[str, str], child: dict[str, str]) -> ChildRunStarted:
    ids = {"child_session_id": child["session_id"], "child_run_id": child["run_id"]}
    return ChildRunStarted(call_id="c", agent="helper", task="Help", **ids, **above)


def ends(above: dict[str, str], child: dict[str, str]) -> ChildRunCompleted:
    ids = {"child_session_id": child["session_id"], "child_run_id": child["run_id"]}
    return ChildRunCompleted(call_id="c", agent="helper", status="completed", **ids, **above)


def says(place: dict[str, str], text: str) -> list[AnyEvent]:
    return [
        StepStarted(step=1, model="m", prompt="p", **place),
        PartCompleted(part_id="p", kind="text", text=text, **place),
    ]


def test_what_a_sub_agent_waits_for_is_seen_and_its_words_are_not_the_reply() -> None:
    log = Log()
    told = log.take(*says(TOP, "Let me see."), begins(TOP, CHILD), *says(CHILD, "Hm."), asks(CHILD, "q"))
    assert (log.waiting, log.watched.reply, told[-1]) == (["q"], "Let me see.", "asks: q?")
    assert log.watched.cursors == {"top": 7, "child": 10}
    log.take(QuestionAnswered(question_id="q", call_id="c", answer="Yes", **CHILD))
    log.take(RunCompleted(**CHILD))
    assert (log.waiting, log.watched.ended) == ([], False)
    log.take(ends(TOP, CHILD), *says(TOP, "Done."), RunCompleted(**TOP))
    assert (log.watched.reply, log.watched.ended, list(log.watched.cursors)) == ("Done.", True, ["top"])


def test_with_a_sub_agent_all_that_it_had_started_is_over() -> None:
    log = Log()
    log.take(begins(TOP, CHILD), begins(CHILD, GRANDCHILD), asks(GRANDCHILD, "q"), asks(CHILD, "p"))
    log.take(asks(TOP, "own"), ends(TOP, CHILD))
    assert (log.waiting, list(log.watched.cursors)) == (["own"], ["top"])
    assert log.take(asks(GRANDCHILD, "late")) == [""]
    assert log.waiting == ["own"]


def test_the_reply_is_that_of_the_agent_that_a_conversation_was_handed_over_to() -> None:
    log = Log()
    log.take(*says(TOP, "Ask the other."), RunCompleted(reason="handed_over", **TOP))
    assert not log.watched.ended
    other = {"session_id": "top", "run_id": "r9"}
    log.take(RunStarted(agent="other", model="m", hand_overs=1, **other), *says(other, "Here."))
    assert (log.watched.run_id, log.watched.reply, log.watched.ended) == ("r9", "Here.", False)
    log.take(RunCompleted(**other))
    assert log.watched.ended


def test_other_runs_of_the_session_are_none_of_its_business() -> None:
    log = Log()
    before = {"session_id": "top", "run_id": "r0"}
    assert log.take(asks(before, "q"), RunCompleted(**before)) == ["", ""]
    assert (log.waiting, log.watched.ended) == ([], False)


class Context:
    """What a caller sees of a request."""

    def __init__(self, capability: Any, version: str) -> None:
        self.session = self
        self.client_capabilities = ClientCapabilities(elicitation=capability)
        self.protocol_version = version


@pytest.mark.parametrize(
    ("capability", "old", "new"),
    [
        (None, Asking.NEVER, Asking.NEVER),
        (ElicitationCapability(), Asking.REQUESTS, Asking.ROUNDS),
        (ElicitationCapability(form=Form()), Asking.REQUESTS, Asking.ROUNDS),
        (ElicitationCapability(form=Form(), url=Url()), Asking.REQUESTS, Asking.ROUNDS),
        (ElicitationCapability(url=Url()), Asking.NEVER, Asking.NEVER),
    ],
)
def test_who_can_show_forms_is_asked_as_the_version_of_the_protocol_wants_it(
    capability: Any, old: Asking, new: Asking
) -> None:
    asking = [
        Caller(Context(capability, version)).asking  # type: ignore[arg-type]
        for version in ("2025-06-18", "2025-11-25", "2026-07-28")
    ]
    assert asking == [old, old, new]
