"""The context is what providers accept, whatever was asked, executed, handed over, answered or left open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from grammar import check_accepted
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import (
    ContextCompacted,
    LoggedEvent,
    MessageAdded,
    PartCompleted,
    RetrievalCompleted,
    RunCompleted,
    RunEvent,
    RunStarted,
    StepStarted,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
)
from holdfast.core.domain.knowledge import Passage, Place, Retrieved
from holdfast.core.domain.messages import (
    DIRECT_CALL_HEADER,
    RETRIEVED_HEADER,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    results_in,
)
from holdfast.core.domain.runs import RunOptions
from holdfast.core.runs.compaction import _cut
from holdfast.core.runs.options import check_results
from holdfast.core.runs.projections.context import NO_RESULT, ContextProjection

IDS = {"session_id": "s", "run_id": "r"}

call = st.sampled_from(["ok", "error", "denied", "edited", "client", "search"])
found = st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=4, unique_by=lambda each: each[0])
step = st.tuples(st.booleans(), st.lists(call, max_size=3))
history_turn = st.tuples(st.integers(0, 3), st.integers(0, 3))
turn = st.fixed_dictionaries(
    {
        "history": st.none() | st.lists(history_turn, max_size=2),
        "answered": st.lists(st.booleans(), max_size=4),
        "says": st.booleans(),
        "direct": st.lists(st.sampled_from(["ok", "error", "denied", "edited"]), max_size=2),
        "steps": st.lists(step, min_size=1, max_size=3),
        "kept": st.none() | st.integers(0, 60),
        "looked_up": st.lists(st.none() | found, max_size=2),
        "searched": found,
    }
)


@dataclass
class Writer:
    """Writes a log by the grammar, with ids that grow."""

    context: ContextProjection = field(default_factory=ContextProjection)
    log: list[LoggedEvent] = field(default_factory=list)
    calls: int = 0
    searched: list[tuple[int, bool]] = field(default_factory=list)

    def add(self, event: RunEvent) -> None:
        self.log.append(LoggedEvent(id=3 * len(self.log) + 1, event=event))
        self.context.apply(self.log[-1])

    def new_call(self) -> str:
        self.calls += 1
        return f"c{self.calls}"

    def turn(self, turn: dict[str, Any]) -> None:
        for kind in turn["direct"]:
            self.add(RunStarted(**IDS, agent="a", model=""))
            call_id = self.new_call()
            self._ask(call_id, 0)
            self._complete(call_id, kind)
            self.add(RunCompleted(**IDS))
        history = None if turn["history"] is None else tuple(self._history(turn["history"]))
        self.add(RunStarted(**IDS, agent="a", model="m", options=RunOptions(history=history)))
        waiting = self.context.unanswered
        answered = [i for i, yes in zip(waiting, turn["answered"], strict=False) if yes]
        parts = tuple(ToolResultPart(call_id=i, name="", content=(TextPart(text=i),)) for i in answered)
        check_results(parts, waiting)
        said = (TextPart(text="Well?"),) if turn["says"] or not parts else ()
        self.add(MessageAdded(**IDS, message_id="m", parts=(*said, *parts)))
        for chunks in turn["looked_up"]:
            self.retrieve(chunks)
        self.searched = turn["searched"]
        for number, (speaks, calls) in enumerate(turn["steps"]):
            if number == 0 and turn["kept"] is not None:
                self._compact(turn["kept"])
            self._step(number, speaks, calls)
            if "client" in calls:
                self.add(RunCompleted(**IDS, reason="client_tools"))
                return
        self.add(RunCompleted(**IDS))

    def retrieve(self, chunks: list[tuple[int, bool]] | None, call_id: str | None = None) -> None:
        """Looks something up: chunks, each used or dropped; None is a failure."""
        items = tuple(Retrieved(used=used, passage=passage(n)) for n, used in chunks or ())
        numbered = self.context.numbered(items)
        error = ErrorInfo(kind="unavailable", code="away", message="Away.") if chunks is None else None
        self.add(RetrievalCompleted(**IDS, call_id=call_id, items=numbered, error=error))

    def _history(self, turns: list[tuple[int, int]]) -> Iterator[Message]:
        for asked, answered in turns:
            yield Message(role="user", parts=(TextPart(text="Then?"),))
            calls = [self.new_call() for _ in range(asked)]
            yield Message(
                role="assistant",
                parts=tuple(ToolCallPart(call_id=i, name="n", arguments={}) for i in calls),
            )
            for i in calls[:answered]:
                result = ToolResultPart(call_id=i, name="n", content=(TextPart(text=i),))
                yield Message(role="tool", parts=(result,))

    def _compact(self, kept_tokens: int) -> None:
        dropped = _cut(self.context.entries, kept_tokens)
        if dropped:
            self.add(
                ContextCompacted(
                    **IDS, summary="sum", messages_dropped=dropped, tokens_before=1, tokens_after=1
                )
            )

    def _step(self, number: int, speaks: bool, calls: list[str]) -> None:
        self.add(StepStarted(**IDS, step=number + 1, model="m", prompt="0" * 64))
        if speaks:
            self.add(PartCompleted(**IDS, part_id=f"{number}.1", kind="text", text="So."))
        asked = [(self.new_call(), kind) for kind in calls]
        for call_id, _ in asked:
            self._ask(call_id, number + 1)
        for call_id, kind in sorted(asked, key=lambda each: each[1] == "client"):
            self._complete(call_id, kind)

    def _ask(self, call_id: str, step: int) -> None:
        self.add(ToolCallRequested(**IDS, call_id=call_id, step=step, name="n", arguments={"a": 1}))

    def _complete(self, call_id: str, kind: str) -> None:
        if kind in ("ok", "edited", "search"):
            self.add(ToolCallStarted(**IDS, call_id=call_id, arguments={"a": 2}))
        if kind == "search":
            self.retrieve(self.searched, call_id)
        outcome = "ok" if kind in ("edited", "search") else kind
        content = () if kind == "client" else (TextPart(text=call_id),)
        self.add(ToolCallCompleted(**IDS, call_id=call_id, name="n", outcome=outcome, content=content))


def passage(chunk_id: int) -> Passage:
    return Passage(
        chunk_id=chunk_id,
        number=chunk_id,
        collection_id="c",
        collection="docs",
        document_id="d",
        document="d.md",
        source="/d.md",
        text=f"chunk {chunk_id}",
        place=Place(start=0, end=1),
        score=0.5,
    )


def unanswered(messages: tuple[Message, ...]) -> set[str]:
    """Returns the calls of the last assistant's message that have no result."""
    calls: set[str] = set()
    for message in messages:
        if message.role == "assistant":
            calls = {part.call_id for part in message.parts if isinstance(part, ToolCallPart)}
        calls -= {result.call_id for result in results_in(message.parts)}
    return calls


@given(st.lists(turn, min_size=1, max_size=5))
def test_every_call_has_one_result_right_behind_it(turns: list[dict[str, Any]]) -> None:
    writer = Writer()
    for each in turns:
        before = dict(writer.context.unanswered)
        writer.turn(each)
        if each["history"] is None:
            assert not before.keys() & writer.context.unanswered.keys(), "answered, or given up"
    open_calls = set(writer.context.unanswered)
    assert open_calls == unanswered(writer.context.messages), "what is left to the caller, and only that"
    writer.add(MessageAdded(**IDS, message_id="m", parts=(TextPart(text="Never mind."),)))
    check_accepted(writer.context.messages)
    assert not writer.context.unanswered
    assert str(writer.context.messages).count(NO_RESULT) >= len(open_calls)


@given(st.lists(turn, min_size=1, max_size=4))
def test_what_a_person_had_done_is_told_before_the_next_message_once(turns: list[dict[str, Any]]) -> None:
    writer = Writer()
    for each in turns:
        first = writer.calls + 1
        writer.turn({**each, "kept": None})
        kinds = {f"c{first + number}": kind for number, kind in enumerate(each["direct"])}
        done = [call_id for call_id, kind in kinds.items() if kind in ("ok", "edited")]
        texts = [message.text for message in writer.context.messages if message.role == "user"]
        told = [text for text in texts if text.startswith(DIRECT_CALL_HEADER)]
        assert [call_id for call_id in kinds for text in told if f"<{call_id}>" in text] == (
            done if each["history"] is None else []
        )
        assert all('{"a": 2}' in text for text in told), "as it was executed"


@given(st.lists(turn, min_size=1, max_size=4), st.integers(0, 80))
def test_the_context_is_the_same_when_it_is_read_again_from_any_cut(
    turns: list[dict[str, Any]], cut: int
) -> None:
    live = Writer()
    for each in turns:
        live.turn(each)
    log = live.log[: cut + 1]
    early = ContextProjection()
    for logged in log:
        early.apply(logged)
    late = ContextProjection()
    for logged in log:
        late.apply(LoggedEvent.from_json(logged.to_json()))
    assert late.messages == early.messages
    assert dict(late.unanswered) == dict(early.unanswered)
    assert dict(late.sources) == dict(early.sources)
    assert (late.question, late.looked_up) == (early.question, early.looked_up)


@given(st.lists(turn, min_size=1, max_size=5))
def test_a_number_stands_for_one_passage_in_all_of_a_session(turns: list[dict[str, Any]]) -> None:
    writer = Writer()
    for each in turns:
        writer.turn(each)
    retrievals = [e.event for e in writer.log if isinstance(e.event, RetrievalCompleted)]
    pairs = {(i.number, i.passage.chunk_id) for event in retrievals for i in event.items if i.used}
    numbers = [number for number, _ in pairs]
    assert sorted(numbers) == list(range(1, len(pairs) + 1)), "from 1 on, without a hole"
    assert len({chunk_id for _, chunk_id in pairs}) == len(pairs), "and each passage has one"
    assert {n: i.passage.chunk_id for n, i in writer.context.sources.items()} == dict(pairs)


@given(st.lists(turn, min_size=1, max_size=3))
def test_what_was_looked_up_stands_before_the_message_that_it_is_for(turns: list[dict[str, Any]]) -> None:
    writer = Writer()
    for each in turns:
        writer.turn({**each, "kept": None, "history": None})
    shown = [message.text.startswith(RETRIEVED_HEADER) for message in writer.context.messages]
    assert sum(shown) == sum(len(each["looked_up"]) for each in turns)
    entries = writer.context.entries
    for kept in (0, 10, 30):
        cut = _cut(entries, kept)
        assert not (cut and cut < len(entries) and entries[cut - 1].looked_up), "no message without it"
    for message, following in pairwise(writer.context.messages):
        if message.text.startswith(RETRIEVED_HEADER):
            assert message.role == "user"
            assert (
                following.text == "Well?"
                or following.text.startswith((RETRIEVED_HEADER, DIRECT_CALL_HEADER))
                or (following.role == "assistant")
            ), "behind results, where nothing was said, it is the last of its run"


@given(st.lists(turn, min_size=1, max_size=4))
def test_a_given_answer_is_what_the_model_sees(turns: list[dict[str, Any]]) -> None:
    writer = Writer()
    for each in turns:
        writer.turn({**each, "kept": None})
        added = [e.event for e in writer.log if isinstance(e.event, MessageAdded)][-1]
        given_results = {r.call_id: r.content for r in results_in(added.parts)}
        seen = {r.call_id: r for m in writer.context.messages for r in results_in(m.parts)}
        assert {i: seen[i].content for i in given_results} == given_results
        assert all(seen[i].name == "n" for i in given_results), "the call's own name"
