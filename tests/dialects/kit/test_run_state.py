"""What has come of a run: the fold against a slow one that reads the whole log again for each question."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.errors import ErrorInfo, ErrorKind
from holdfast.core.domain.events import (
    ApprovalRequested,
    ApprovalResolved,
    LoggedEvent,
    MessageAdded,
    ModelFellBack,
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
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
    UsageRecorded,
)
from holdfast.core.domain.knowledge import Citation
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.tools import Risk
from holdfast.core.domain.values import utc_now
from holdfast.server.kit.run_state import BETWEEN, RunState

RUN: dict[str, Any] = {"session_id": "s", "run_id": "r"}
TIMING = Timing(request_ms=1, total_ms=2)
ERROR = ErrorInfo(kind=ErrorKind.UPSTREAM, code="model_failed", message="It failed")
WORDS = st.sampled_from(["a", "b [1]", "", "c\n"])
KINDS = st.sampled_from(["text", "text", "reasoning", "reasoning_summary"])


class Log:
    """Writes events as the core orders them, by what `draw` chooses."""

    def __init__(self, draw: Any, *, deltas: bool) -> None:
        self.draw = draw
        self.deltas = deltas
        self.events: list[Any] = []
        self.parts = 0
        self.steps = 0

    def add(self, kind: Any, /, **fields: Any) -> None:
        self.events.append(kind(**RUN, **fields))

    def maybe(self) -> bool:
        return bool(self.draw(st.booleans()))

    def part(self) -> None:
        self.parts += 1
        id, kind = f"{self.steps}.{self.parts}", self.draw(KINDS)
        texts = [text for text in self.draw(st.lists(WORDS, max_size=3)) if text]
        self.add(PartStarted, part_id=id, kind=kind)
        for text in texts if self.deltas else ():
            self.add(PartDelta, part_id=id, text=text)
        whole = "".join(texts)
        cited: tuple[Citation, ...] = ()
        if kind == "text" and self.maybe():  # numbers that cite nothing are taken out, or they cite
            whole = whole.replace(" [1]", "")
        elif kind == "text" and "[1]" in whole:
            cited = (Citation(number=1, document="d", excerpt="e"),)
        self.add(PartCompleted, part_id=id, kind=kind, text=whole, citations=cited)

    def step(self) -> None:
        self.steps += 1
        self.add(StepStarted, step=self.steps, model=f"model-{self.steps}", prompt="p")
        if self.maybe():
            self.add(ModelFellBack, from_model="a", to_model=f"other-{self.steps}", error=ERROR)
        for _ in range(self.draw(st.integers(0, 3))):
            self.part()
        if self.maybe():
            self.usage()
        ids = [f"call-{self.steps}-{n}" for n in range(self.draw(st.integers(0, 2)))]
        for id in ids:
            self.add(ToolCallRequested, call_id=id, step=self.steps, name="read_file", arguments={"path": id})
        self.add(StepCompleted, step=self.steps, reason="tool_calls" if ids else "stop", timing=TIMING)
        for id in self.draw(st.permutations(ids)):
            self.call(id)

    def call(self, id: str) -> None:
        asked = self.maybe()
        if asked:
            fields: dict[str, Any] = {"agent": "a", "tool": "read_file", "risk": Risk.READ, "subject": "x"}
            approval = Approval(
                id=f"approval of {id}", **RUN, call_id=id, arguments={}, requested_at=utc_now(), **fields
            )
            self.add(ApprovalRequested, approval=approval)
            if len(self.events) % 7 == 0:
                return  # it waits: the log goes no further for this call
            self.add(ApprovalResolved, approval_id=approval.id, call_id=id, status="approved")
        if self.maybe():
            self.add(ToolCallStarted, call_id=id, arguments={"path": "edited"} if asked else {"path": id})
        outcome = self.draw(st.sampled_from(["ok", "error", "denied", "client"]))
        content = () if outcome == "client" else (TextPart(text="one"), TextPart(text="two"))
        self.add(ToolCallCompleted, call_id=id, name="read_file", outcome=outcome, content=content)

    def usage(self) -> None:
        cost = self.draw(st.sampled_from([None, 0.5]))
        self.add(UsageRecorded, model="m", input_tokens=7, output_tokens=3, cached_tokens=2, cost_usd=cost)

    def run(self) -> list[Any]:
        self.add(RunStarted, agent="tester", model="model-0")
        self.add(MessageAdded, message_id="m", parts=(TextPart(text="Hello"),))
        if self.maybe():
            self.part()  # a script says something before it asks a model
        for _ in range(self.draw(st.integers(0, 4))):
            self.step()
            if self.maybe() and self.maybe():
                origin = self.draw(st.sampled_from(["repair", "steer", "continue"]))
                self.add(MessageAdded, message_id=f"m{self.steps}", parts=(), origin=origin)
        match self.draw(st.integers(0, 3)):
            case 0:
                self.add(RunCompleted, reason="length")
            case 1:
                self.add(RunFailed, error=ERROR)
            case 2:
                self.add(RunCancelled, reason="enough")
        return self.events


@st.composite
def logs(draw: Any, *, deltas: bool = True) -> list[LoggedEvent]:
    """A log of a run, perhaps cut anywhere."""
    events = Log(draw, deltas=deltas).run()
    cut = draw(st.integers(1, len(events)))
    return [LoggedEvent(id=n, event=event) for n, event in enumerate(events[:cut], 1)]


def folded(log: list[LoggedEvent]) -> RunState:
    state = RunState()
    for logged in log:
        state.take(logged)
    return state


def of(log: list[LoggedEvent], *kinds: Any) -> list[Any]:
    return [logged.event for logged in log if isinstance(logged.event, kinds)]


def texts_by_step(log: list[LoggedEvent], kind: str) -> list[list[str]]:
    """What each step said of a kind, the texts of parts; the slow way."""
    steps: list[list[str]] = [[]]
    for index, logged in enumerate(log):
        event = logged.event
        if isinstance(event, StepStarted):
            steps.append([])
        elif isinstance(event, MessageAdded) and event.origin == "repair" and kind == "text":
            steps = [[] for _ in steps]
        elif isinstance(event, PartStarted) and event.kind == kind:
            same = [e for e in of(log[index:], PartDelta, PartCompleted) if e.part_id == event.part_id]
            whole = [e.text for e in same if isinstance(e, PartCompleted)]
            steps[-1].append(whole[0] if whole else "".join(e.text for e in same))
    return [[text for text in step if text] for step in steps]


def joined(log: list[LoggedEvent], kind: str = "text") -> list[str]:
    return [text for step in texts_by_step(log, kind) if (text := BETWEEN.join(step))]


@given(logs())
def test_texts_are_those_of_the_log(log: list[LoggedEvent]) -> None:
    state = folded(log)
    said = joined(log)
    assert state.reply == BETWEEN.join(said)
    assert state.last_text == (said[-1] if said else "")
    assert [step.reasoning for step in state.steps if step.reasoning] == joined(log, "reasoning")
    summaries = [step.reasoning_summary for step in state.steps if step.reasoning_summary]
    assert summaries == joined(log, "reasoning_summary")


@given(logs())
def test_deltas_with_what_separates_them_are_the_reply_as_it_was_written(log: list[LoggedEvent]) -> None:
    """So far as it is not said anew, and nothing is taken out of it when a part is complete."""
    if any(event.origin == "repair" for event in of(log, MessageAdded)):
        return
    state, streamed = RunState(), ""
    kinds = {event.part_id: event.kind for event in of(log, PartStarted)}
    for logged in log:
        state.take(logged)
        event = logged.event
        if isinstance(event, PartDelta):
            assert kinds[event.part_id] == "text" or not state.separator
            streamed += state.separator + event.text if kinds[event.part_id] == "text" else ""
    whole = [e.text for e in of(log, PartCompleted) if e.kind == "text"]
    written = ["".join(d.text for d in of(log, PartDelta) if d.part_id == id) for id in kinds]
    if all(text in written for text in whole):
        assert streamed == state.reply


@given(logs(deltas=False))
def test_without_deltas_it_is_the_same(log: list[LoggedEvent]) -> None:
    state = folded(log)
    assert state.reply == BETWEEN.join(joined(log))


@given(logs())
def test_calls_and_approvals_are_those_of_the_log(log: list[LoggedEvent]) -> None:
    state = folded(log)
    requested = of(log, ToolCallRequested)
    assert list(state.calls) == [event.call_id for event in requested]
    assert [call.call_id for step in state.steps for call in step.calls] == list(state.calls)
    for event in requested:
        call = state.calls[event.call_id]
        started = [e.arguments for e in of(log, ToolCallStarted) if e.call_id == event.call_id]
        ended = [e for e in of(log, ToolCallCompleted) if e.call_id == event.call_id]
        assert (call.asked, call.arguments) == (event.arguments, (started or [event.arguments])[0])
        assert call.outcome == (ended[0].outcome if ended else "")
        assert call.text == ("one\ntwo" if ended and ended[0].content else "")
        assert (call in state.open_calls) == (not ended)
    resolved = {event.approval_id for event in of(log, ApprovalResolved)}
    asked = [event.approval.id for event in of(log, ApprovalRequested)]
    assert list(state.approvals) == [id for id in asked if id not in resolved]


@given(logs())
def test_the_rest_is_that_of_the_log(log: list[LoggedEvent]) -> None:
    state = folded(log)
    used = of(log, UsageRecorded)
    assert state.usage.input_tokens == 7 * len(used)
    assert state.usage.output_tokens == 3 * len(used)
    assert state.usage.cost_usd == sum(event.cost_usd or 0 for event in used)
    assert state.usage.unpriced == any(event.cost_usd is None for event in used)
    ends = of(log, RunCompleted, RunFailed, RunCancelled)
    assert state.ended == bool(ends)
    assert state.status == (ends[0].type.removeprefix("run.") if ends else "running")
    assert state.reason == {"run.completed": "length", "run.failed": "model_failed", "": ""}.get(
        ends[0].type if ends else "", "enough"
    )
    models = [
        e.to_model if isinstance(e, ModelFellBack) else e.model for e in of(log, StepStarted, ModelFellBack)
    ]
    assert state.model == (models[-1] if models else "model-0")
    assert [step.number for step in state.steps if step.number] == [e.step for e in of(log, StepStarted)]
    repaired = [n for n, one in enumerate(log) if getattr(one.event, "origin", "") == "repair"]
    kept = log[repaired[-1] :] if repaired else log
    assert list(state.citations) == [one for event in of(kept, PartCompleted) for one in event.citations]
    if of(log, MessageAdded):
        assert (state.message_id, state.asked) == ("m", (TextPart(text="Hello"),))


def test_a_tool_that_is_run_directly_has_a_step_of_its_own() -> None:
    events = [
        RunStarted(**RUN, agent="tester", model=""),
        ToolCallRequested(**RUN, call_id="c", step=0, name="read_file", arguments={}),
    ]
    state = folded([LoggedEvent(id=n, event=event) for n, event in enumerate(events, 1)])
    assert [(step.number, len(step.calls)) for step in state.steps] == [(0, 1)]
    assert (state.reply, state.last_text, state.message_id) == ("", "", "")
