"""Which events belong to one message, and what its run waits for."""

from __future__ import annotations

from typing import Any

from cli_fakes import approval_of

from holdfast.cli.running.progress import Progress
from holdfast.core.domain import events as ev
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.tools import Question

PARTS = (TextPart(text="hello"),)


class Feed:
    """Numbers events and gives them to a progress."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.count = 0

    def __call__(self, kind: type, /, run_id: str | None = "mine", **fields: Any) -> list[str]:
        self.count += 1
        logged = ev.LoggedEvent(id=self.count, event=kind(session_id="s", run_id=run_id, **fields))
        return [taken.event.type for taken in self.progress.take(logged)]


def test_a_run_is_blocked_only_while_nothing_executes_and_something_waits() -> None:
    progress = Progress("m", "mine")
    feed = Feed(progress)
    feed(ev.ToolCallStarted, call_id="a", arguments={})
    assert not progress.blocked
    feed(ev.ApprovalRequested, approval=approval_of("x", call_id="b"))
    assert not progress.blocked
    feed(ev.ToolCallCompleted, call_id="a", name="t", outcome="ok", content=())
    assert progress.blocked
    feed(ev.ApprovalResolved, approval_id="x", call_id="b", status="approved")
    assert not progress.blocked


def test_a_call_that_asks_a_person_does_not_count_as_executing() -> None:
    progress = Progress("m", "mine")
    feed = Feed(progress)
    feed(ev.ToolCallStarted, call_id="a", arguments={})
    feed(ev.QuestionAsked, question=Question(id="q", session_id="s", run_id="mine", call_id="a", text="?"))
    assert progress.blocked
    feed(ev.QuestionAnswered, question_id="q", call_id="a", answer="yes")
    assert not progress.blocked
    feed(ev.ApprovalRequested, approval=approval_of("x", call_id="b"))
    assert not progress.blocked


def test_what_other_messages_and_runs_do_is_left_out() -> None:
    feed = Feed(Progress("m", "mine"))
    assert feed(ev.MessageQueued, run_id=None, message_id="other", parts=PARTS) == []
    assert feed(ev.MessageDequeued, run_id=None, message_id="other", reason="pulled_back") == []
    assert feed(ev.RunCompleted, run_id="other") == []
    assert feed(ev.FileChanged, run_id=None, path="x", change="created", origin="undo") == []
    assert feed(ev.SessionRenamed, run_id=None, title="x", automatic=True) == ["session.renamed"]
    assert feed.progress.end is None


def test_a_queued_message_finds_its_run_by_its_id() -> None:
    feed = Feed(Progress("m", None))
    assert feed(ev.MessageQueued, run_id=None, message_id="m", parts=PARTS) == ["message.queued"]
    assert feed(ev.RunStarted, run_id="first", agent="a", model="m") == []
    assert feed(ev.MessageAdded, run_id="first", message_id="other", parts=PARTS) == []
    assert feed(ev.RunCompleted, run_id="first") == []
    assert feed(ev.RunStarted, run_id="second", agent="a", model="m") == []
    assert feed(ev.MessageAdded, run_id="second", message_id="m", parts=PARTS) == [
        "run.started",
        "message.added",
    ]
    assert feed(ev.RunCompleted, run_id="second") == ["run.completed"]


def test_a_message_that_was_pulled_back_ends_the_wait() -> None:
    progress = Progress("m", None)
    Feed(progress)(ev.MessageDequeued, run_id=None, message_id="m", reason="pulled_back")
    assert isinstance(progress.end, ev.MessageDequeued)


def test_a_message_that_is_sent_from_the_queue_does_not_end_it() -> None:
    progress = Progress("m", None)
    Feed(progress)(ev.MessageDequeued, run_id=None, message_id="m", reason="sent")
    assert progress.end is None


def test_a_deleted_session_ends_the_wait() -> None:
    progress = Progress("m", "mine")
    Feed(progress)(ev.SessionDeleted, run_id=None)
    assert isinstance(progress.end, ev.SessionDeleted)
