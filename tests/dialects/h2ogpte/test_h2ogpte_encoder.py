"""What is said of a completion: its pieces are the reply, whatever the run's events are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import ErrorInfo, ErrorKind, NotFoundError
from holdfast.core.domain.events import (
    LoggedEvent,
    MessageAdded,
    PartCompleted,
    PartDelta,
    PartStarted,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    StepCompleted,
    StepStarted,
    Timing,
    ToolCallRequested,
)
from holdfast.core.domain.messages import TextPart
from holdfast.server.dialects.h2ogpte.encoder import CompletionEncoder
from holdfast.server.dialects.h2ogpte.frames import Delta, Failed, Meta, Said, Whole
from holdfast.server.dialects.h2ogpte.mapping_files import doc_id, doc_of
from holdfast.server.kit.holding import Holds

RUN: dict[str, Any] = {"session_id": "s", "run_id": "r"}
TIMING = Timing(request_ms=1, total_ms=2)
PARTS = st.tuples(st.sampled_from(["text", "text", "reasoning"]), st.lists(st.text(min_size=1, max_size=4)))
STEPS = st.lists(st.lists(PARTS, max_size=3), max_size=3)


def events(steps: Any, *end: Any, calls: bool = False) -> list[Any]:
    """Returns the events of a run; of each part its kind and its deltas are given."""
    made: list[Any] = [
        RunStarted(**RUN, agent="general", model="m"),
        MessageAdded(**RUN, message_id="q", parts=(TextPart(text="Hello"),)),
    ]
    for number, parts in enumerate(steps, start=1):
        made.append(StepStarted(**RUN, step=number, model="m", prompt="0" * 64))
        for index, (kind, texts) in enumerate(parts):
            part = {"part_id": f"{number}.{index}"}
            made.append(PartStarted(**RUN, **part, kind=kind))
            made += [PartDelta(**RUN, **part, text=text) for text in texts]
            made.append(PartCompleted(**RUN, **part, kind=kind, text="".join(texts)))
        if calls:
            made.append(
                ToolCallRequested(**RUN, call_id=f"c{number}", step=number, name="look", arguments={})
            )
        reason = "tool_calls" if calls else "stop"
        made.append(StepCompleted(**RUN, step=number, reason=reason, timing=TIMING))
    return [*made, *end]


def told(made: list[Any], *, whole: bool = False) -> tuple[CompletionEncoder, list[Said]]:
    encoder = CompletionEncoder(whole=whole)
    said = [
        each
        for number, event in enumerate(made, start=1)
        for each in encoder.take(LoggedEvent.committed(number, event, ""))
    ]
    return encoder, said


@given(STEPS, st.booleans(), st.booleans())
def test_the_pieces_of_a_reply_are_the_reply(steps: Any, stopped: bool, whole: bool) -> None:
    end = RunCancelled(**RUN) if stopped else RunCompleted(**RUN)
    encoder, said = told(events(steps, end), whole=whole)
    last = said[-1]
    assert isinstance(last, Whole)
    assert last.text == encoder.state.reply
    assert "".join(each.text for each in said if isinstance(each, Delta)) + last.last == last.text
    assert bool(last.last) is bool(last.text)
    assert all(each.text for each in said[:-1] if isinstance(each, Delta))


def test_numbers_that_cite_nothing_are_told_and_taken_out_of_the_whole() -> None:
    made = events([[("text", ["Yes [7]", "."])]], RunCompleted(**RUN))
    completed = next(each for each in made if isinstance(each, PartCompleted))
    made[made.index(completed)] = completed.model_copy(update={"text": "Yes."})
    _, said = told(made)
    assert said == [Delta("Yes [7"), Delta("]"), Whole("Yes.", ".")]


def test_turns_are_told_beside_the_text_latest_first() -> None:
    _, said = told(events([[], []], RunCompleted(**RUN), calls=True))
    titles = [[entry["content"] for entry in each.entries] for each in said if isinstance(each, Meta)]
    assert titles == [["look"], ["look", "look"]]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("step_limit", "One\n\nReached max number of turns."),
        ("timeout", "One\n\nReached the time limit."),
    ],
)
def test_a_limit_is_said_in_the_reply(code: str, expected: str) -> None:
    error = ErrorInfo(kind=ErrorKind.CONFLICT, code=code, message="no")
    _, said = told(events([[("text", ["One"])]], RunFailed(**RUN, error=error)))
    assert said == [Delta("On"), Whole(expected, expected[2:])]


def test_a_failure_says_when_to_come_back_where_there_were_too_many() -> None:
    for kind, seconds in ((ErrorKind.UPSTREAM, None), (ErrorKind.RATE_LIMITED, 7)):
        details = {"retry_after_s": 6.2}
        error = ErrorInfo(kind=kind, code="x", message="Later.", details=details)
        assert told(events([], RunFailed(**RUN, error=error)))[1] == [Failed("Later.", seconds)]


# --- holding streams


async def frames(*numbers: int) -> AsyncGenerator[int, None]:
    for number in numbers:
        yield number


async def test_a_held_stream_is_quiet_and_another_runs_is_not() -> None:
    holds = Holds()
    held, other = holds.heard("a", frames(1, 2)), holds.heard("b", frames(3))
    assert await anext(held) == 1
    holds.hold("a")
    assert [each async for each in other] == [3]
    waiting = asyncio.ensure_future(anext(held))
    done, _ = await asyncio.wait({waiting}, timeout=0.05)
    assert not done
    holds.let_go("a")
    assert await waiting == 2
    assert [each async for each in held] == []
    assert holds._streams == {}


async def test_a_stream_that_is_closed_while_it_is_held_is_forgotten() -> None:
    holds = Holds()
    held = holds.heard("a", frames(1, 2))
    assert await anext(held) == 1
    holds.hold("a")
    waiting = asyncio.ensure_future(anext(held))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert holds._streams == {}
    holds.hold("a")
    holds.let_go("a")


# --- ids of files


@given(st.text(), st.text(), st.text())
def test_an_id_of_a_file_leads_back(chat_id: str, path: str, digest: str) -> None:
    id = doc_id(chat_id, path, digest)
    assert id.isascii() and not set(id) & set("/+=&? ")
    assert doc_of(id) == (chat_id, path, digest)


@given(st.permutations(["chat", "path", "half \ud800 of a character"]))
def test_an_id_that_names_what_is_no_text_names_none(made_up: list[str]) -> None:
    with pytest.raises(NotFoundError):
        doc_of(doc_id(*made_up))


@given(st.text())
def test_what_is_no_id_of_a_file_names_none(id: str) -> None:
    try:
        assert len(doc_of(id)) == 3
    except NotFoundError as error:
        assert error.code == "file_not_found"
