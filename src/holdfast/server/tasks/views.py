"""A run as a task: how it stands, what was said in it, what has come of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.runs import Run, RunStatus
from holdfast.core.domain.text import sanitize
from holdfast.server.kit.errors import plain_message
from holdfast.server.kit.run_state import RunState
from holdfast.server.tasks.states import TaskState, state_of
from holdfast.server.tasks.turns import Turn, turns_of
from holdfast.server.tasks.watched import Waiting


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task."""

    run: Run
    state: TaskState
    at: datetime
    """When it came to its state, as far as that is known."""
    turns: tuple[Turn, ...] = ()
    reply: str = ""
    """All that the agent has said to the one who asked."""
    waiting: tuple[Waiting, ...] = ()

    @property
    def trouble(self) -> str:
        """Why it has no good end; empty where it has, or goes on."""
        if self.run.error is not None:
            return sanitize(plain_message(self.run.error))
        return "The run was cancelled." if self.run.status is RunStatus.CANCELLED else ""


def view_of(run: Run, events: Iterable[LoggedEvent], waiting: tuple[Waiting, ...]) -> TaskView:
    """Returns a run as a task, from its events and what waits of it for a person."""
    events = tuple(events)
    state = RunState()
    for logged in events:
        state.take(logged)
    waiting = () if run.status.ended else waiting
    at = run.ended_at or max((logged.event.at for logged in events), default=run.started_at)
    turns = tuple(turn for turn in turns_of(events) if turn.role != "tool")
    return TaskView(run, state_of(run.status, waits=bool(waiting)), at, turns, state.reply, waiting)
