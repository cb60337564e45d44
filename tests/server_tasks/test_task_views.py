"""Runs as tasks: their states, what was said in them, and what a stream tells."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.events import (
    AnyEvent,
    LoggedEvent,
    MessageAdded,
    PartCompleted,
    PartDelta,
    PartStarted,
    StepStarted,
    ToolCallCompleted,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunStatus
from holdfast.server.kit.run_state import RunState
from holdfast.server.tasks.following import Heard
from holdfast.server.tasks.states import TaskState, state_of, statuses_of
from holdfast.server.tasks.turns import turns_of
from holdfast.server.tasks.updates import ReplyPiece, Updates

AT = datetime(2026, 1, 2, tzinfo=UTC)
OF = {"session_id": "s", "run_id": "r", "at": AT}


def logged(*events: AnyEvent) -> list[LoggedEvent]:
    return [LoggedEvent(id=number, event=event) for number, event in enumerate(events, 1)]


def message(text: str, origin: Any = "send", id: str = "m") -> MessageAdded:
    return MessageAdded(**OF, message_id=id, parts=(TextPart(text=text),), origin=origin)


def part(id: str, *pieces: str, whole: str | None = None) -> Iterable[AnyEvent]:
    yield PartStarted(**OF, part_id=id, kind="text")
    for piece in pieces:
        yield PartDelta(**OF, part_id=id, text=piece)
    yield PartCompleted(**OF, part_id=id, kind="text", text="".join(pieces) if whole is None else whole)


def step(number: int) -> StepStarted:
    return StepStarted(**OF, step=number, model="m", prompt="0" * 64)


@pytest.mark.parametrize(
    ("status", "waits", "state"),
    [
        (None, False, "submitted"),
        (RunStatus.RUNNING, False, "working"),
        (RunStatus.PAUSED, False, "working"),
        (RunStatus.RUNNING, True, "input-required"),
        (RunStatus.WAITING, True, "input-required"),
        (RunStatus.COMPLETED, True, "completed"),
        (RunStatus.FAILED, False, "failed"),
        (RunStatus.CANCELLED, False, "canceled"),
    ],
)
def test_a_run_is_a_task_in_a_state(status: RunStatus | None, waits: bool, state: str) -> None:
    found = state_of(status, waits=waits)
    assert found == state
    assert found.ended == (status is not None and status.ended)
    assert status is None or status in statuses_of(found)


def test_no_run_brings_a_task_into_the_other_states() -> None:
    for state in (TaskState.SUBMITTED, TaskState.REJECTED, TaskState.AUTH_REQUIRED, TaskState.UNKNOWN):
        assert statuses_of(state) == ()


def test_turns_are_what_both_sides_have_said_without_what_was_said_anew() -> None:
    result = ToolCallCompleted(
        **OF, call_id="c", name="t", outcome="ok", content=(TextPart(text="Found."),), display=()
    )
    events = logged(
        message("Hi", id="m1"),
        step(1),
        *part("p1", "Bad."),
        message("Again", "repair", id="m2"),
        step(2),
        *part("p2", "Good."),
        *part("p3", ""),
        result,
        message("And?", "steer", id="m3"),
    )
    turns = turns_of(events)
    said = [(turn.role, turn.text) for turn in turns]
    assert said == [("user", "Hi"), ("agent", "Good."), ("tool", "Found."), ("user", "And?")]
    assert [turn.id for turn in turns] == [turn.id for turn in turns_of(events)]
    assert len({turn.id for turn in turns}) == len(turns)


def told(*events: AnyEvent) -> tuple[str, str]:
    """Returns the reply as a client of a stream puts it together, and as it is."""
    state, client = RunState(), ""
    updates = Updates("r", state)
    for each in logged(*events):
        state.take(each)
        for update in updates.of(Heard(each, "", False, False)):
            assert isinstance(update, ReplyPiece)
            client = client + update.text if update.append else update.text
    for last in updates.last():
        client = client + last.text if last.append else last.text
    return client, state.reply


@given(st.lists(st.lists(st.text(max_size=5), max_size=3), max_size=4))
def test_the_pieces_of_a_stream_are_the_reply(parts: list[list[str]]) -> None:
    events = [
        event for number, pieces in enumerate(parts) for event in (step(number), *part(f"{number}", *pieces))
    ]
    client, reply = told(*events)
    assert client == reply


def test_a_reply_that_is_corrected_is_told_anew() -> None:
    cited = told(step(1), *part("p", "As it says [9].", whole="As it says."))
    assert cited == ("As it says.", "As it says.")
    anew = told(step(1), *part("p", "Bad."), message("Again", "repair"), step(2), *part("q", "Good."))
    assert anew == ("Good.", "Good.")
