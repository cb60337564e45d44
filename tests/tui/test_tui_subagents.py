"""What is shown of sub-agents: their calls in the call that waits for them, what waits, where it leads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.core.domain import events
from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.delegating import ChildOf
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import Session
from holdfast.core.domain.tools import ChildRunBlock, Question, Risk
from holdfast.tui.control.sessions import SessionsControl
from holdfast.tui.presenters.entries import TextView
from holdfast.tui.presenters.entry_index import EntryIndex
from holdfast.tui.presenters.inbox import Inbox, item_line
from holdfast.tui.presenters.sessions import SessionList
from holdfast.tui.presenters.status import Header
from holdfast.tui.presenters.transcript import TranscriptPresenter

IDS = {"session_id": "s1", "run_id": "r1"}
BELOW = {"session_id": "s2", "run_id": "r2"}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def logged(*found: Any, after: int = 0) -> list[LoggedEvent]:
    return [LoggedEvent(id=after + number, event=event) for number, event in enumerate(found, 1)]


def delegating(background: bool = False) -> list[Any]:
    return [
        events.RunStarted(**IDS, agent="lead", model="m"),
        events.StepStarted(**IDS, step=1, model="m", prompt="p"),
        events.ToolCallRequested(**IDS, call_id="c", step=1, name="delegate", arguments={"agent": "helper"}),
        events.ToolCallStarted(**IDS, call_id="c", arguments={"agent": "helper"}),
        events.ChildRunStarted(
            **IDS,
            call_id="c",
            child_session_id="s2",
            child_run_id="r2",
            agent="helper",
            task="Read\x1b[31m it.",
            background=background,
        ),
    ]


def done() -> Any:
    block = ChildRunBlock(
        session_id="s2",
        run_id="r2",
        agent="helper",
        status="completed",
        calls=("  ✓ read_file a.md", "✓ delegate reader"),
        reply="It says \x1b[2Jx.",
    )
    return events.ToolCallCompleted(
        **IDS, call_id="c", name="delegate", outcome="ok", content=(TextPart(text="x"),), display=(block,)
    )


def call_of(presenter: TranscriptPresenter, found: Iterable[Any]) -> Any:
    return next(entry for entry in presenter.present(logged(*found)) if entry.kind == "tool")


def test_a_call_shows_who_works_for_it_and_what_he_does_a_line_each() -> None:
    presenter = TranscriptPresenter()
    entry = call_of(presenter, delegating())
    assert (entry.subject, entry.child, entry.state) == ("helper · Read[31m it.", "s2", "running")
    told = events.ToolCallProgressed(**IDS, call_id="c", text="✓ read_file a.md\n? write_file b.md\n")
    presenter.apply(LoggedEvent(id=9, event=told))
    assert entry.text == "✓ read_file a.md\n? write_file b.md\n"


def test_when_it_has_ended_its_calls_and_its_reply_stay_closed() -> None:
    entry = call_of(TranscriptPresenter(), [*delegating(), done()])
    assert entry.blocks == [TextView("  ✓ read_file a.md\n✓ delegate reader\n\nIt says [2Jx.")]
    assert entry.collapsed and not entry.open and entry.child == "s2"


def test_the_last_sub_agent_is_the_one_that_is_opened() -> None:
    index = EntryIndex()
    assert index.last_child() == ""
    index.add(TranscriptPresenter().present(logged(*delegating(), done())))
    assert index.last_child() == "s2"


def test_a_run_in_the_background_is_told_as_a_notice() -> None:
    ended = events.MessageAdded(
        **IDS, message_id="r2", parts=(TextPart(text="It has ended.\nIts words"),), origin="child_run"
    )
    notice = TranscriptPresenter().present(logged(*delegating(background=True), ended))[-1]
    assert (notice.kind, notice.title, notice.text, notice.collapsed) == (
        *("notice", "It has ended.", "Its words"),
        True,
    )


def test_the_session_of_a_sub_agent_says_what_it_is_and_who_spoke() -> None:
    child_of = ChildOf(session_id="s1", run_id="r1", call_id="c", root_id="s1", depth=1)
    found = [
        events.SessionCreated(
            session_id="s2", title="t", agent="helper", project="/p", workspace="/w", child_of=child_of
        ),
        events.RunStarted(**BELOW, agent="helper", model="m"),
        events.MessageAdded(**BELOW, message_id="m", parts=(TextPart(text="Read."),), origin="agent"),
    ]
    first, said = TranscriptPresenter().present(logged(*found))
    assert "as a sub-agent" in first.title and "/subagent" in first.title
    assert said.speaker == "another agent"


def test_what_is_handed_over_is_said() -> None:
    found = [delegating()[0], events.RunCompleted(**IDS, reason="handed_over")]
    titles = [entry.title for entry in TranscriptPresenter().present(logged(*found))]
    assert titles == ["Handed over to another agent."]


@pytest.fixture
def approval() -> Approval:
    return Approval(
        id="a",
        **BELOW,
        call_id="c",
        agent="helper",
        parent_session_id="s1",
        tool="write_file",
        risk=Risk.WRITE,
        subject="a.md",
        arguments={},
        requested_at=NOON,
    )


def test_what_waits_below_stands_in_the_inbox_under_the_session_that_a_person_knows(approval) -> None:
    inbox = Inbox()
    inbox.preferred = "s1"
    item = inbox.apply(events.ApprovalRequested(**BELOW, approval=approval), 0.0)
    assert item is not None and item.session_id == "s1" and inbox.selected is item
    head, foot = item_line(item, "Q3", NOON)
    assert "helper · Q3" in "".join(text for text, _ in foot)
    question = Question(id="q", **BELOW, call_id="c", agent="helper", parent_session_id="s1", text="Which?")
    asked = inbox.apply(events.QuestionAsked(**BELOW, question=question), 0.0)
    assert asked is not None and inbox.question_of("s1") is asked
    assert "helper · Q3" in "".join(text for text, _ in item_line(asked, "Q3", NOON)[1])
    assert head


def test_the_list_shows_what_waits_below_at_the_session_above_and_no_session_of_a_sub_agent(
    approval,
) -> None:
    listed = SessionList()
    facts = {"agent": "lead", "project": "/p", "workspace": "/w", "created_at": NOON, "updated_at": NOON}
    listed.replace([Session(id="s1", title="Q3", status="running", messages=1, **facts)])
    started = delegating()[-1]
    created = events.SessionCreated(
        session_id="s2",
        title="t",
        agent="helper",
        project="/p",
        workspace="/w",
        child_of=ChildOf(session_id="s1", run_id="r1", call_id="c", root_id="s1", depth=1),
    )
    asked = events.ApprovalRequested(**BELOW, approval=approval)
    begun = events.RunStarted(**BELOW, agent="helper", model="m")
    effects = [listed.apply(each) for each in logged(started, created, begun, asked)]
    assert effects == ["none", "none", "none", "changed"]
    (state,) = listed.states(None)
    assert (state.id, state.status, state.pending) == ("s1", "waiting", 1)
    resolved = events.ApprovalResolved(**BELOW, approval_id="a", call_id="c", status="approved")
    listed.apply(logged(resolved, after=9)[0])
    assert listed.states(None)[0].status == "running"


def test_what_a_sub_agent_uses_is_in_the_header_of_the_session_once() -> None:
    spent = {"model": "m", "input_tokens": 30, "output_tokens": 10, "cost_usd": 0.5}
    model = SimpleNamespace(session_id="s1", sessions=SessionList(), header=Header(tokens=2, cost_usd=0.25))
    view = SimpleNamespace(mark=lambda *_: None)
    control = SessionsControl(SimpleNamespace(model=model, view=view), SimpleNamespace())  # type: ignore[arg-type]
    found = logged(*delegating(), events.UsageRecorded(**BELOW, **spent))
    elsewhere = events.UsageRecorded(session_id="s9", run_id="r9", **spent)
    for each in (*found, *logged(elsewhere, events.UsageRecorded(**IDS, **spent), after=20)):
        model.sessions.apply(each)
        control.take(each)
    assert (model.header.tokens, model.header.cost_usd) == (42, 0.75)  # its own comes with its own events
    control._counted = found[-1].id
    control.take(found[-1])  # what is in the sums already
    assert model.header.tokens == 42
