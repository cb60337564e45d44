"""What was said in a session, folded out of its events: the same whoever reads it, and whenever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from holdfast.core.domain.conversations import SaidMessage
from holdfast.core.domain.events import (
    ChildRunStarted,
    LoggedEvent,
    MessageAdded,
    PartCompleted,
    PartDelta,
    PartStarted,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    StepStarted,
    ToolCallCompleted,
    ToolCallRequested,
)
from holdfast.core.domain.messages import ToolCallPart, text_of, without_results

BETWEEN = "\n\n"
"""Stands between two texts of one reply."""
_BY_PEOPLE = ("send", "steer")


def said_in(events: Iterable[LoggedEvent]) -> tuple[SaidMessage, ...]:
    """Returns what was said, oldest first, out of the events of one session in their order."""
    fold = _Fold()
    for logged in events:
        fold.take(logged)
    return fold.found()


@dataclass(slots=True)
class _Reply:
    run_id: str
    step: int
    at: datetime
    told: bool = True
    """Whether it is an answer, and not a choice of tools alone."""
    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[ToolCallPart] = field(default_factory=list)


class _Fold:
    """Folds events into messages."""

    def __init__(self) -> None:
        self._found: list[SaidMessage] = []
        self._reply: _Reply | None = None
        self._open: tuple[str, list[str]] | None = None
        """Kind and pieces of the part that is under way."""
        self._agents: dict[str, dict[str, str]] = {}
        self._children: dict[tuple[str, str], tuple[str, int]] = {}
        """Sessions in which other agents work, by the calls that they work for, with their places among those
        of the run."""
        self._begun: Counter[str] = Counter()

    def found(self) -> tuple[SaidMessage, ...]:
        """Returns the messages so far."""
        self._flush()
        return tuple(self._found)

    def take(self, logged: LoggedEvent) -> None:
        """Takes the next event."""
        event = logged.event
        match event:
            case RunStarted():
                options = event.options
                self._agents[event.run_id] = {
                    "agent": event.agent,
                    "called": options.agent_name,
                    "mode": options.mode or "",
                }
            case MessageAdded() if event.origin in _BY_PEOPLE:
                self._flush()
                self._person(event)
            case StepStarted():
                self._flush()
                self._reply = _Reply(event.run_id, event.step, event.at, event.purpose == "reply")
            case PartStarted() | PartDelta() | PartCompleted():
                self._part(event)
            case ToolCallRequested():
                call = ToolCallPart(call_id=event.call_id, name=event.name, arguments=event.arguments)
                self._replying(event.run_id, event.step, event.at).calls.append(call)
            case ChildRunStarted():
                number = self._begun[event.run_id]
                self._children[event.run_id, event.call_id] = event.child_session_id, number
                self._begun[event.run_id] += 1
            case ToolCallCompleted():
                self._flush()
                self._result(event)
            case RunFailed():
                self._flush()
                self._add("assistant", "failed", event.run_id, event.at, error=event.error)
            case RunCompleted() | RunCancelled():
                self._flush()

    def _replying(self, run_id: str, step: int, at: datetime) -> _Reply:
        if self._reply is None:  # a script says something, or a person has a tool run
            self._reply = _Reply(run_id, step, at)
        return self._reply

    def _part(self, event: PartStarted | PartDelta | PartCompleted) -> None:
        match event:
            case PartStarted():
                self._open = (event.kind, [])
                self._replying(event.run_id, 0, event.at)
            case PartDelta() if self._open is not None:
                self._open[1].append(event.text)
            case PartCompleted():
                self._open = None
                self._say(self._replying(event.run_id, 0, event.at), event.kind, event.text)

    def _say(self, reply: _Reply, kind: str, text: str) -> None:
        if text and reply.told:
            (reply.texts if kind == "text" else reply.thoughts).append(text)

    def _flush(self) -> None:
        reply, self._reply, open_part, self._open = self._reply, None, self._open, None
        if reply is None:
            return
        if open_part is not None:
            self._say(reply, open_part[0], "".join(open_part[1]))
        if not (reply.texts or reply.thoughts or reply.calls):
            return
        self._add(
            "assistant",
            str(reply.step),
            reply.run_id,
            reply.at,
            text=BETWEEN.join(reply.texts),
            reasoning="".join(reply.thoughts),
            calls=tuple(reply.calls),
        )

    def _person(self, event: MessageAdded) -> None:
        self._found.append(
            SaidMessage(
                role="user",
                id=event.message_id,
                run_id=event.run_id,
                at=event.at,
                parts=event.parts,
                steered=event.origin == "steer",
                follow_ups=event.follow_ups,
                text=text_of(without_results(event.parts)),
            )
        )

    def _result(self, event: ToolCallCompleted) -> None:
        if event.outcome == "client":  # its caller says later what it gave
            return
        child, number = self._children.get((event.run_id, event.call_id), ("", 0))
        self._add(
            "tool",
            event.call_id,
            event.run_id,
            event.at,
            text=text_of(event.content),
            tool=event.name,
            outcome=event.outcome,
            child=child,
            child_number=number,
        )

    def _add(self, role: str, id: str, run_id: str, at: datetime, **said: Any) -> None:
        known = {"role": role, "id": id, "run_id": run_id, "at": at, **self._agents.get(run_id, {})}
        self._found.append(SaidMessage.model_validate({**known, **said}))
