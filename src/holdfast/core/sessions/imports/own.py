"""The log of one of our own exports, made harmless: it is a file like any other, and may say anything.

What would allow, start or reach something is taken out: rules that were granted, options of runs, contents of
other sessions. What stands in the wrong order is refused, for everything that reads a log trusts its order.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, get_args

from pydantic import ValidationError

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.events import (
    DELTAS,
    EVENT,
    RUN_ENDS,
    AnyEvent,
    ApprovalRequested,
    PartCompleted,
    PartStarted,
    RunEvent,
    StepStarted,
    ToolCallRequested,
    UsageRecorded,
)
from holdfast.core.domain.nesting import EVENT_DEPTH, nested_deeper
from holdfast.core.sessions.fork import Renaming
from holdfast.core.sessions.imports.conversation import bounded

_BELOW = ("child_run.started", "child_run.completed")
_TYPES = {get_args(event.model_fields["type"].annotation)[0] for event in get_args(RunEvent)} - {
    *DELTAS,
    *_BELOW,
}
"""What is taken over: what happened in runs. Files are no part of an import, so neither are their changes;
nor are the sessions of sub-agents, so their runs are told by the calls alone."""
_LARGEST = 2**63 - 1
_MOST = 2**40
"""Of steps, tokens and dollars in one event: sums of them stay below what the database can add up."""


def checked(
    log: Iterable[Mapping[str, Any]], session_id: str, own_blobs: Container[str], now: datetime
) -> Iterator[AnyEvent]:
    """Yields the events of a log as those of a new session: new ids, no time later than `now`.

    `own_blobs` are the kept contents that the user may see. Raises `InvalidError` for what is no log.
    """
    renaming, order = Renaming(session_id), _Order()
    for number, fields in enumerate(log, 1):
        kind = fields.get("type")
        if not isinstance(kind, str) or kind not in _TYPES:
            continue
        if nested_deeper(fields, EVENT_DEPTH):
            raise _broken(number, "is nested too deep")
        try:
            event = EVENT.validate_python(_harmless(fields, own_blobs))
        except (ValidationError, RecursionError) as error:
            raise _broken(number, "is not what an event is") from error
        if not _holdable(event.model_dump()):
            raise _broken(number, "has a number that is too large")
        event = renaming.event(_timed(event, now))
        problem = _too_much(event) or order.problem(event)
        if problem:
            raise _broken(number, problem)
        yield event


def _broken(number: int, what: str) -> InvalidError:
    return InvalidError(
        f"The file is no export of Holdfast that can be read: its event {number} {what}.",
        code="invalid_import",
    )


def _holdable(value: Any) -> bool:
    """Says whether all whole numbers in a value are such as databases and floats can hold."""
    match value:
        case dict():
            return all(map(_holdable, value.values()))
        case list() | tuple():
            return all(map(_holdable, value))
        case int():
            return -_LARGEST <= value <= _LARGEST
        case _:
            return True


def _timed(event: AnyEvent, now: datetime) -> AnyEvent:
    """Returns an event whose times are as the log has all of them, which are compared as texts."""
    changes: dict[str, Any] = {"at": bounded(event.at, now)}
    if isinstance(event, ApprovalRequested):
        asked = {"requested_at": changes["at"], "expires_at": None}
        changes["approval"] = event.approval.model_copy(update=asked)
    return event.model_copy(update=changes)


def _too_much(event: AnyEvent) -> str:
    match event:
        case StepStarted(step=step):
            counts: tuple[float, ...] = (step,)
        case UsageRecorded():
            tokens = (event.input_tokens, event.output_tokens, event.cached_tokens, event.reasoning_tokens)
            counts = (*tokens, event.cost_usd or 0.0, event.credits)
        case _:
            return ""
    return "" if all(0 <= count <= _MOST for count in counts) else "counts what nobody can have used"


def _harmless(fields: Mapping[str, Any], own_blobs: Container[str]) -> dict[str, Any]:
    """Returns an event's fields without what it could do here."""
    kept = {name: _without_blobs(value, own_blobs) for name, value in fields.items() if name != "id"}
    match kept.get("type"):
        case "run.started":
            options = kept.get("options")
            history = options.get("history") if isinstance(options, dict) else None
            kept |= {"options": {"history": history}, "continues": None, "key": ""}
        case "approval.requested" if isinstance(kept.get("approval"), dict):
            kept["approval"] |= {"rule": "", "status": "pending", "decision": None, "decided_at": None}
        case "approval.resolved" if isinstance(kept.get("decision"), dict):
            kept["decision"] |= {"scope": "once", "client": "import"}
    return kept


def _without_blobs(value: Any, own_blobs: Container[str]) -> Any:
    """Returns `value`; a part whose content is not the user's own is named in a text instead."""
    match value:
        case {"blob": str() as digest, "type": str()} if digest not in own_blobs:
            name = value.get("name")
            return {"type": "text", "text": f"[{name if isinstance(name, str) and name else 'file'}]"}
        case dict():
            return {key: _without_blobs(each, own_blobs) for key, each in value.items()}
        case list():
            return [_without_blobs(each, own_blobs) for each in value]
        case str() if len(value) == 64 and value not in own_blobs and _is_digest(value):
            return ""
        case _:
            return value


def _is_digest(text: str) -> bool:
    return all(c in "0123456789abcdef" for c in text)


class _Order:
    """What is open in the log; says what is wrong with the next event."""

    def __init__(self) -> None:
        self._runs: set[str] = set()
        self._pending: dict[str, str] = {}
        """Approvals and questions that wait, each with its call."""
        self._asked: set[str] = set()
        self._run = ""
        self._calls: dict[str, str] = {}
        """Calls of the run that are open, with how far they are."""
        self._known: set[str] = set()
        self._part = ""
        self._parts: set[str] = set()
        self._step = False
        self._begun = False

    def problem(self, event: AnyEvent) -> str:
        """Returns what is wrong with an event; empty when it may come now."""
        run_id = event.run_id or ""
        if event.type == "run.started":
            return self._start(run_id)
        if not self._run or run_id != self._run:
            return "is of a run that is not under way"
        if event.type in RUN_ENDS:
            wrong = bool(self._part or self._step or self._calls or self._pending)
            self._run = ""
            return "ends a run in which something is open" if wrong else ""
        if isinstance(event, ToolCallRequested):
            return self._request(event)
        if event.type.startswith(("approval.", "question.", "tool_call.")):
            return self._of_call(event)
        return self._of_step(event)

    def _start(self, run_id: str) -> str:
        if self._run or run_id in self._runs:
            return "starts a run while another goes on, or again"
        self._runs.add(run_id)
        self._run, self._part, self._step, self._begun = run_id, "", False, False
        self._calls, self._pending = {}, {}
        self._known, self._parts = set(), set()
        return ""

    def _request(self, event: ToolCallRequested) -> str:
        direct = event.step == 0 and not self._begun
        if event.call_id in self._known or self._part or not (self._step or direct):
            return "asks for a call where none can be"
        self._begun = True
        self._known.add(event.call_id)
        self._calls[event.call_id] = "requested"
        return ""

    def _of_call(self, event: Any) -> str:
        asked = {"approval.requested": "approval", "question.asked": "question"}.get(event.type)
        record = getattr(event, asked) if asked else None
        call_id = record.call_id if record is not None else event.call_id
        if call_id not in self._calls:
            return "is of a call that nobody asked for"
        if record is not None:
            if record.id in self._asked or call_id in self._pending.values():
                return "asks a person twice"
            self._asked.add(record.id)
            self._pending[record.id] = call_id
        elif event.type in ("approval.resolved", "question.answered"):
            asked_id = event.approval_id if event.type == "approval.resolved" else event.question_id
            if self._pending.pop(asked_id, None) != call_id:
                return "answers what nobody asked"
        elif call_id in self._pending.values():
            return "goes on with a call that waits"
        elif event.type == "tool_call.started":
            if self._calls[call_id] == "started":
                return "starts a call twice"
            self._calls[call_id] = "started"
        elif event.type == "tool_call.completed":
            del self._calls[call_id]
        return ""

    def _of_step(self, event: AnyEvent) -> str:
        if event.type == "message.added":
            self._begun = True
            return "is a message inside a step" if self._step else ""
        if not self._begun:
            return "comes before the run's message"
        if isinstance(event, StepStarted):
            wrong, self._step = self._step or bool(self._calls), True
            return "begins a step where none can begin" if wrong else ""
        if event.type == "step.completed":
            wrong, self._step = not self._step or bool(self._part), False
            return "ends a step where none can end" if wrong else ""
        if isinstance(event, PartStarted):
            wrong = not self._step or bool(self._part) or event.part_id in self._parts
            self._part = event.part_id
            self._parts.add(event.part_id)
            return "begins a part where none can begin" if wrong else ""
        if isinstance(event, PartCompleted):
            wrong, self._part = self._part != event.part_id, ""
            return "ends a part that is not open" if wrong else ""
        return ""
