"""The order of events as a state machine: fails where a log breaks the grammar of events."""

from __future__ import annotations

import re
from collections.abc import Iterable

from holdfast.core.domain.events import RUN_ENDS, LoggedEvent
from holdfast.core.domain.messages import Message, ToolCallPart, results_in


class RunGrammar:
    """Checks one run."""

    def __init__(self, deltas: bool = True) -> None:
        self.deltas = deltas
        self.started = self.ended = self.message = self.direct = False
        self.step_open = self.stepped = False
        self.part: str | None = None
        self.calls: dict[str, str] = {}
        self.approvals: dict[str, str] = {}
        self.questions: set[str] = set()
        self.children: dict[str, str] = {}
        self.handed = False

    def take(self, event) -> None:
        assert not self.ended or event.type == "file.changed", f"{event.type} after the end"
        if event.type == "run.started":
            assert not self.started
            self.started = True
            return
        assert self.started, f"{event.type} before run.started"
        if self.handed:
            left = event.type == "tool_call.completed" and event.outcome == "client"
            assert left or event.type in RUN_ENDS, f"{event.type} after a call was left to the caller"
        if event.type in RUN_ENDS:
            assert self.part is None and not self.step_open, "something is open at the end"
            assert not self.calls and not self.questions, "a call is open at the end"
            assert "pending" not in self.approvals.values(), "an approval waits at the end"
            assert "open" not in self.children.values(), "a child run is open at the end"
            if event.type == "run.completed":
                assert self.handed == (event.reason == "client_tools")
            self.ended = True
        getattr(self, event.type.replace(".", "_"), lambda event: None)(event)

    def run_analysed(self, event) -> None:
        self.run_suggested(event)

    def run_suggested(self, event) -> None:
        assert self.part is None and not self.step_open and not self.calls

    def message_added(self, event) -> None:
        assert self.part is None and not self.direct
        self.message = True

    def step_started(self, event) -> None:
        assert self.message and not self.step_open and not self.calls and event.step > 0
        self.step_open = self.stepped = True

    def step_completed(self, event) -> None:
        assert self.step_open and self.part is None
        self.step_open = False

    def usage_recorded(self, event) -> None:
        assert self.part is None, "what a call took is recorded when its part is complete"

    def part_started(self, event) -> None:
        assert (self.step_open or (self.message and not self.calls)) and self.part is None
        self.part, self.text = event.part_id, ""

    def part_delta(self, event) -> None:
        assert self.part == event.part_id
        self.text += event.text

    def part_completed(self, event) -> None:
        assert self.part == event.part_id
        assert not self.deltas or _unmarked(self.text) == _unmarked(event.text)
        self.part = None

    def retrieval_completed(self, event) -> None:
        assert self.part is None and not self.step_open
        if event.call_id is None:
            assert self.message and not self.stepped, "what the model is shown first is looked up first"
        else:
            assert self.calls[event.call_id] == "started"
        numbers = [item.number for item in event.items if item.used]
        assert None not in numbers and len(set(numbers)) == len(numbers)
        assert all(item.number is None for item in event.items if not item.used)

    def hook_completed(self, event) -> None:
        assert self.part is None
        if event.call_id is not None:
            assert self.calls[event.call_id] == (
                "started" if event.point.startswith("after") else "requested"
            )
            return
        if event.point in ("before_model", "after_model") and "started" in self.calls.values():
            return  # of a completion that a server asks for while its call executes
        if event.point in ("after_model", "before_response"):
            assert self.step_open or event.point == "before_response", "what a script says is no step"
            return
        assert not self.step_open and not self.calls
        if event.point == "before_run":
            assert self.message and not self.stepped

    def tool_call_requested(self, event) -> None:
        if event.step == 0:
            assert not self.message and not self.direct and not self.calls
            self.direct = True
        else:
            assert self.step_open and event.call_id not in self.calls
        self.calls[event.call_id] = "requested"

    def tool_call_missing(self, event) -> None:
        assert self.step_open and self.part is None and event.question

    def tool_call_started(self, event) -> None:
        assert self.calls[event.call_id] == "requested"
        self.calls[event.call_id] = "started"

    def tool_call_progressed(self, event) -> None:
        assert self.calls[event.call_id] == "started"

    def tool_call_completed(self, event) -> None:
        state = self.calls.pop(event.call_id)
        assert event.outcome != "ok" or state == "started"
        if event.outcome == "client":
            assert state == "requested" and not event.content and not event.display
            assert set(self.calls.values()) <= {"requested"}, "other calls come first"
            self.handed = True

    def child_run_started(self, event) -> None:
        assert self.calls[event.call_id] == "started" and event.child_run_id not in self.children
        self.children[event.child_run_id] = "open"

    def child_run_completed(self, event) -> None:
        assert self.children[event.child_run_id] == "open" and event.status != "running"
        self.children[event.child_run_id] = event.status

    def approval_requested(self, event) -> None:
        assert self.calls[event.approval.call_id] == "requested"
        assert event.approval.id not in self.approvals
        self.approvals[event.approval.id] = "pending"

    def approval_resolved(self, event) -> None:
        assert self.approvals[event.approval_id] == "pending"
        self.approvals[event.approval_id] = event.status

    def question_asked(self, event) -> None:
        assert self.calls[event.question.call_id] == "started"
        self.questions.add(event.question.id)

    def question_answered(self, event) -> None:
        self.questions.remove(event.question_id)


def _unmarked(text: str) -> str:
    """Returns a text without numbers in brackets: those that stand for no passage are removed at its end."""
    return re.sub(r"\s|\[[\d,;\s]+\]", "", text)


def check(events: Iterable[LoggedEvent], *, deltas: bool = True) -> dict[str, RunGrammar]:
    """Checks a whole log, which may have come with `deltas` or without; returns where each run stands."""
    runs: dict[str, RunGrammar] = {}
    last = 0
    for logged in events:
        assert logged.id > last, "ids do not increase"
        last = logged.id
        if logged.event.run_id is not None:
            runs.setdefault(logged.event.run_id, RunGrammar(deltas)).take(logged.event)
    return runs


def check_accepted(messages: Iterable[Message]) -> None:
    """Fails where a provider would refuse a context: every call has one result, right behind its message."""
    waiting: set[str] = set()
    for message in messages:
        results = [result.call_id for result in results_in(message.parts)]
        if message.role == "tool":
            assert len(results) == len(message.parts) == 1
            assert results[0] in waiting, "a result without its call"
            waiting.remove(results[0])
            continue
        assert not results
        assert not waiting, "a call without its result"
        waiting = {part.call_id for part in message.parts if isinstance(part, ToolCallPart)}
    assert not waiting, "a call without its result"
