"""Hooks in the app: a quiet line of the transcript for each, and a note where one did something."""

from __future__ import annotations

from typing import Any

from holdfast.core.domain.events import HookCompleted, LoggedEvent, RunStarted
from holdfast.tui.presenters.entries import Append
from holdfast.tui.presenters.run import RunView
from holdfast.tui.presenters.transcript import TranscriptPresenter

GIVEN: dict[str, Any] = {
    "session_id": "s",
    "run_id": "r1",
    "point": "before_tool",
    "hook_id": "h",
    "hook_type": "rule",
    "name": "guard\x1b[31m",
    "tool": "run_command",
}


def test_each_decision_is_a_line_and_what_was_refused_or_failed_stands_out() -> None:
    presenter = TranscriptPresenter()
    events = (
        HookCompleted(**GIVEN, outcome="allow"),
        HookCompleted(**GIVEN, outcome="deny", reason="no sudo"),
        HookCompleted(**GIVEN, outcome="allow", error="boom"),
    )
    lines = []
    for id, event in enumerate(events, 1):
        (update,) = presenter.apply(LoggedEvent(id=id, event=event))
        assert isinstance(update, Append)
        lines.append((update.entry.title, update.entry.state))
    assert lines == [
        ("hook guard[31m: allowed run_command", ""),
        ("hook guard[31m: denied run_command · no sudo", "warning"),
        ("hook guard[31m: allowed run_command · it failed: boom", "warning"),
    ]


def test_the_run_pane_notes_the_hooks_that_did_something() -> None:
    view = RunView()
    view.apply(RunStarted(session_id="s", run_id="r1", agent="a", model="m"))
    assert not view.apply(HookCompleted(**GIVEN, outcome="allow"))
    assert view.apply(HookCompleted(**GIVEN, outcome="modify"))
    assert view.current is not None
    assert view.current.notes == ["hook guard[31m: changed run_command"]
