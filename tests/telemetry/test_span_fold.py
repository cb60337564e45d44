"""Events in, spans out: the tree, its times, what failed, and what is never in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import (
    ApprovalRequested,
    ApprovalResolved,
    ContextCompacted,
    MessageAdded,
    ModelFellBack,
    ModelRetried,
    PartCompleted,
    RetrievalCompleted,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStarted,
    SessionCreated,
    StepCompleted,
    StepStarted,
    Timing,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
    UsageRecorded,
)
from holdfast.core.domain.knowledge import Retrieved
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.tools import Risk
from holdfast.core.domain.traces import Span
from holdfast.core.telemetry.building import span_id, trace_id
from holdfast.core.telemetry.contents import LONGEST_TEXT
from holdfast.core.telemetry.fold import Fold

RUN = "5f0c1c9e-6a52-4b57-9d9c-8f1f4f7ff001"
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ERROR = ErrorInfo(kind="rate_limited", code="model_rate_limited", message="The secret is out")
SECRET = "secret"


class Log:
    """Writes events of one run, a second apart."""

    def __init__(self, run_id: str = RUN, session_id: str = "s") -> None:
        self.run_id = run_id
        self.session_id = session_id
        self.events: list[Any] = []
        self.second = 0

    def add(self, kind: type, /, **fields: Any) -> Log:
        self.second += 1
        at = START + timedelta(seconds=self.second)
        fields = {"session_id": self.session_id, "run_id": self.run_id, "at": at, **fields}
        self.events.append(kind(**fields))
        return self

    def start(self, **more: Any) -> Log:
        self.add(RunStarted, agent="analyst", model="openai/gpt-4o", **more)
        return self.add(MessageAdded, message_id="m", parts=(TextPart(text=f"A {SECRET} question"),))

    def step(self, number: int, *calls: str, reason: str = "stop", model: str = "openai/gpt-4o") -> Log:
        self.add(StepStarted, step=number, model=model, prompt="p")
        return self.finish_step(number, *calls, reason=reason, model=model)

    def finish_step(
        self, number: int, *calls: str, reason: str = "stop", model: str = "openai/gpt-4o"
    ) -> Log:
        self.add(PartCompleted, part_id=f"{number}.1", kind="text", text=f"A {SECRET} answer")
        for call in calls:
            self.add(
                ToolCallRequested, call_id=call, step=number, name="read_file", arguments={"path": SECRET}
            )
        self.add(UsageRecorded, model=model, input_tokens=10, output_tokens=2, cached_tokens=4, cost_usd=0.5)
        timing = Timing(request_ms=1, first_delta_ms=250, total_ms=900)
        return self.add(StepCompleted, step=number, reason="tool_calls" if calls else reason, timing=timing)

    def call(self, call_id: str, outcome: str = "ok") -> Log:
        self.add(ToolCallStarted, call_id=call_id, arguments={"path": SECRET})
        return self.complete(call_id, outcome)

    def complete(self, call_id: str, outcome: str = "ok") -> Log:
        content = (TextPart(text=f"A {SECRET} result"),)
        return self.add(
            ToolCallCompleted, call_id=call_id, name="read_file", outcome=outcome, content=content
        )

    def spans(self, **options: Any) -> list[Span]:
        return folded(self.events, **options)


def folded(events: Iterable[Any], **options: Any) -> list[Span]:
    fold = Fold(**options)
    return [span for event in events for span in fold.apply(event)]


def tree(spans: list[Span]) -> list[tuple[str, str, int, int]]:
    """Returns parent, name, and the seconds of start and end of each span."""
    names = {span.span_id: span.name for span in spans}
    return [
        (
            names.get(span.parent_id or 0, ""),
            span.name,
            round((span.start - START).total_seconds()),
            round((span.end - START).total_seconds()),
        )
        for span in sorted(spans, key=lambda span: (span.start, -span.end.timestamp(), span.kind == "client"))
    ]


def named(spans: list[Span], name: str) -> Span:
    (found,) = [span for span in spans if span.name == name]
    return found


def test_a_run_with_two_steps_and_a_tool_call_is_a_tree_with_the_times_of_the_events() -> None:
    spans = Log().start().step(1, "c1").call("c1").step(2).add(RunCompleted).spans()
    assert tree(spans) == [
        ("", "invoke_agent analyst", 1, 14),
        ("invoke_agent analyst", "step 1", 3, 9),
        ("step 1", "chat openai/gpt-4o", 3, 7),
        ("step 1", "execute_tool read_file", 8, 9),
        ("invoke_agent analyst", "step 2", 10, 13),
        ("step 2", "chat openai/gpt-4o", 10, 13),
    ]
    assert {span.trace_id for span in spans} == {uuid.UUID(RUN).int}
    assert len({span.span_id for span in spans}) == len(spans)
    assert not any(span.error for span in spans)


def test_spans_have_the_attributes_of_the_conventions() -> None:
    spans = Log().start().step(1, "c1").call("c1").step(2).add(RunCompleted).spans()
    run = named(spans, "invoke_agent analyst").attributes
    assert run["gen_ai.operation.name"] == "invoke_agent"
    assert (run["gen_ai.agent.name"], run["gen_ai.conversation.id"]) == ("analyst", "s")
    assert (run["gen_ai.usage.input_tokens"], run["holdfast.usage.cost_usd"]) == (20, 1.0)
    assert (run["holdfast.run.id"], run["holdfast.run.steps"]) == (RUN, 2)
    chat = next(span for span in spans if span.name.startswith("chat"))
    assert chat.kind == "client"
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert chat.attributes["gen_ai.provider.name"] == "openai"
    assert chat.attributes["gen_ai.request.model"] == "openai/gpt-4o"
    assert chat.attributes["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert chat.attributes["gen_ai.response.time_to_first_chunk"] == 0.25
    assert chat.attributes["gen_ai.usage.output_tokens"] == 2
    assert chat.attributes["gen_ai.usage.cache_read.input_tokens"] == 4
    tool = named(spans, "execute_tool read_file").attributes
    assert tool["gen_ai.operation.name"] == "execute_tool"
    assert (tool["gen_ai.tool.name"], tool["gen_ai.tool.call.id"]) == ("read_file", "c1")
    assert tool["holdfast.tool.outcome"] == "ok"


def test_nothing_that_was_said_is_in_a_span_unless_it_is_asked_for() -> None:
    log = Log().start().step(1, "c1").call("c1", "error").step(2).add(RunFailed, error=ERROR)
    assert SECRET not in repr(log.spans())
    spans = log.spans(contents=True)
    assert "A secret question" in str(
        named(spans, "invoke_agent analyst").attributes["gen_ai.input.messages"]
    )
    chat = next(span for span in spans if span.name.startswith("chat"))
    assert '"type": "tool_call"' in str(chat.attributes["gen_ai.output.messages"])
    assert "A secret answer" in str(chat.attributes["gen_ai.output.messages"])
    tool = named(spans, "execute_tool read_file").attributes
    assert tool["gen_ai.tool.call.arguments"] == '{"path": "secret"}'
    assert tool["gen_ai.tool.call.result"] == '"A secret result"'


def test_contents_are_bounded() -> None:
    log = Log().start().add(StepStarted, step=1, model="m", prompt="p")
    log.add(PartCompleted, part_id="1.1", kind="text", text="x" * 1_000_000)
    log.finish_step(1).add(RunCompleted)
    chat = named(log.spans(contents=True), "chat m")
    assert len(str(chat.attributes["gen_ai.output.messages"])) < 2 * LONGEST_TEXT


def test_each_attempt_of_a_model_call_is_a_span_and_the_failed_ones_say_why() -> None:
    log = Log().start().add(StepStarted, step=1, model="a/x", prompt="p")
    log.add(ModelRetried, model="a/x", attempt=1, delay_s=0.5, error=ERROR)
    log.add(ModelFellBack, from_model="a/x", to_model="b/y", error=ERROR)
    spans = log.finish_step(1, model="b/y").add(RunCompleted).spans()
    calls = [(s.name, s.error, s.attributes["holdfast.attempt"]) for s in spans if s.kind == "client"]
    assert calls == [
        ("chat a/x", "model_rate_limited", 1),
        ("chat a/x", "model_rate_limited", 2),
        ("chat b/y", None, 3),
    ]
    second = spans[1]
    assert (second.start - START).total_seconds() == 4.5  # after the pause
    assert named(spans, "step 1").error is None


def test_an_attempt_that_was_only_waited_for_is_none() -> None:
    log = Log().start().add(StepStarted, step=1, model="a/x", prompt="p")
    log.add(ModelRetried, model="a/x", attempt=1, delay_s=60, error=ERROR)
    timing = Timing(request_ms=0, total_ms=0)
    log.add(StepCompleted, step=1, reason="cancelled", timing=timing).add(RunCancelled)
    assert [span.name for span in log.spans()] == ["chat a/x", "step 1", "invoke_agent analyst"]


def test_a_failed_run_fails_with_the_call_and_the_step_that_it_failed_in() -> None:
    log = Log().start().step(1, "c1").call("c1").add(StepStarted, step=2, model="m", prompt="p")
    timing = Timing(request_ms=0, total_ms=0)
    log.add(StepCompleted, step=2, reason="error", timing=timing).add(RunFailed, error=ERROR)
    failed = {span.name: span.error for span in log.spans() if span.error}
    assert failed == dict.fromkeys(("chat m", "step 2", "invoke_agent analyst"), "model_rate_limited")
    assert named(log.spans(), "invoke_agent analyst").attributes["error.type"] == "model_rate_limited"


def test_an_interrupted_call_fails_and_a_cancelled_one_does_not() -> None:
    started = Log().start().step(1, "c1").add(ToolCallStarted, call_id="c1", arguments={})
    interrupted = ErrorInfo(kind="unavailable", code="interrupted", message="The engine stopped.")
    before = list(started.events)
    spans = started.complete("c1", "cancelled").add(RunFailed, error=interrupted).spans()
    failed = {span.name for span in spans if span.error == "interrupted"}
    assert failed == {"execute_tool read_file", "step 1", "invoke_agent analyst"}
    started.events = before
    spans = started.complete("c1", "cancelled").add(RunCancelled, reason="enough").spans()
    assert not [span.name for span in spans if span.error]
    assert named(spans, "invoke_agent analyst").attributes["holdfast.run.outcome"] == "cancelled"


@pytest.mark.parametrize(
    ("outcome", "error"), [("error", "error"), ("timeout", "timeout"), ("denied", None), ("client", None)]
)
def test_the_outcome_of_a_call_says_whether_it_failed(outcome: str, error: str | None) -> None:
    spans = Log().start().step(1, "c1").complete("c1", outcome).add(RunCompleted).spans()
    tool = named(spans, "execute_tool read_file")
    assert (tool.error, tool.attributes["holdfast.tool.outcome"]) == (error, outcome)


def test_waiting_for_a_person_is_a_span_of_its_own_and_not_the_calls() -> None:
    log = Log().start().step(1, "c1")
    approval = Approval(
        id="a1",
        session_id="s",
        run_id=RUN,
        call_id="c1",
        agent="analyst",
        tool="read_file",
        risk=Risk.READ,
        subject=SECRET,
        arguments={"path": SECRET},
        requested_at=START,
    )
    log.add(ApprovalRequested, approval=approval)
    log.add(ApprovalResolved, approval_id="a1", call_id="c1", status="approved")
    spans = log.call("c1").add(RunCompleted).spans()
    assert tree(spans)[3:] == [
        ("step 1", "approval read_file", 8, 9),
        ("step 1", "execute_tool read_file", 10, 11),
    ]
    assert named(spans, "approval read_file").attributes["holdfast.approval.status"] == "approved"
    assert SECRET not in repr(spans)


def test_the_summary_of_a_long_conversation_is_a_model_call_of_the_run() -> None:
    log = Log().start().step(1, "c1").call("c1")
    log.add(UsageRecorded, model="m", input_tokens=100, output_tokens=5)
    log.add(ContextCompacted, summary=SECRET, tokens_before=9, tokens_after=3, messages_dropped=2)
    spans = log.step(2).add(RunCompleted).spans()
    summary = named(spans, "chat m")
    assert tree([summary]) == [("", "chat m", 9, 10)]
    assert summary.parent_id == named(spans, "invoke_agent analyst").span_id
    assert summary.attributes["holdfast.purpose"] == "summary"
    run = named(spans, "invoke_agent analyst")
    assert [event.name for event in run.events] == ["context.compacted"]
    assert "holdfast.usage.cost_usd" not in run.attributes  # a part has no known price


def test_pauses_and_steers_are_moments_of_the_run() -> None:
    log = Log().start().step(1, "c1").call("c1").add(RunPaused).add(RunResumed)
    log.add(MessageAdded, message_id="m2", parts=(TextPart(text="x"),), origin="steer")
    spans = log.step(2).add(RunCompleted).spans()
    names = [event.name for event in named(spans, "invoke_agent analyst").events]
    assert names == ["run.paused", "run.resumed", "message.steered"]


def test_a_run_that_continues_another_is_linked_to_it() -> None:
    other = "5f0c1c9e-6a52-4b57-9d9c-8f1f4f7ff002"
    (run,) = Log().start(continues=other).add(RunCompleted).spans()
    assert run.link == (trace_id(other), span_id(other, "run"))


def test_the_runs_that_a_fork_copies_are_not_traced_again() -> None:
    created = SessionCreated(
        session_id="fork",
        title="t",
        agent="a",
        project="/p",
        workspace="/w",
        forked_from="s",
        at=START + timedelta(hours=1),
    )
    copy = Log(str(uuid.uuid4()), "fork").start().step(1).add(RunCompleted)
    later = Log(str(uuid.uuid4()), "fork")
    later.second = 7200
    later.start().step(1).add(RunCompleted)
    spans = folded([created, *copy.events, *later.events])
    assert {span.trace_id for span in spans} == {trace_id(later.run_id)}


def test_a_run_whose_start_was_not_seen_is_left_alone() -> None:
    log = Log().start().step(1).add(RunCompleted)
    assert folded(log.events[1:]) == []


def test_hostile_names_do_not_get_into_spans_as_they_are() -> None:
    log = Log().start()
    log.add(StepStarted, step=1, model="m", prompt="p")
    log.add(ToolCallRequested, call_id="c1", step=1, name="\x1b[31m" + "x" * 9_000 + "\n", arguments={})
    spans = log.complete("c1", "error").add(RunCompleted).spans()
    (tool,) = [span for span in spans if span.name.startswith("execute_tool")]
    assert len(tool.name) < 300
    assert tool.name.isprintable()


def test_an_id_that_is_no_uuid_has_a_trace_too() -> None:
    assert 0 < trace_id("run-1") < 1 << 128
    assert trace_id("run-1") != trace_id("run-2")
    assert 0 < span_id("run-1", "run") < 1 << 64


def test_a_clock_that_is_set_back_makes_no_span_that_ends_before_it_began() -> None:
    log = Log().start().step(1)
    log.second -= 100
    assert all(span.start <= span.end for span in log.add(RunCompleted).spans())


# --- properties


@st.composite
def logs(draw: st.DrawFn) -> list[Any]:
    """Two runs, mixed, each with any steps, calls, retries and ends."""
    first, second = (_draw_run(draw, str(uuid.UUID(int=number + 1))) for number in range(2))
    mixed = []
    while first or second:
        source = first if first and (not second or draw(st.booleans())) else second
        mixed.append(source.pop(0))
    return mixed


def _draw_run(draw: st.DrawFn, run_id: str) -> list[Any]:
    log = Log(run_id).start()
    for step in range(1, draw(st.integers(1, 3)) + 1):
        calls = [f"c{step}.{n}" for n in range(draw(st.integers(0, 2)))]
        log.add(StepStarted, step=step, model="m", prompt="p")
        for _ in range(draw(st.integers(0, 2))):
            delay_s = draw(st.sampled_from((0.1, 50.0)))
            log.add(ModelRetried, model="m", attempt=1, delay_s=delay_s, error=ERROR)
        if draw(st.booleans()):
            log.finish_step(step, *calls)
            for call in calls:
                log.call(call, draw(st.sampled_from(("ok", "error", "cancelled"))))
        else:
            reason = draw(st.sampled_from(("error", "cancelled")))
            log.add(StepCompleted, step=step, reason=reason, timing=Timing(request_ms=0, total_ms=0))
    end = draw(st.sampled_from((RunCompleted, RunCancelled, RunFailed)))
    return log.add(end, **({"error": ERROR} if end is RunFailed else {})).events


@given(logs())
def test_every_span_ends_once_inside_a_parent_that_is_there(events: list[Any]) -> None:
    fold = Fold()
    spans = [span for event in events for span in fold.apply(event)]
    assert fold.open_runs == 0
    by_id = {(span.trace_id, span.span_id): span for span in spans}
    assert len(by_id) == len(spans)
    assert sum(span.parent_id is None for span in spans) == 2
    for span in spans:
        assert span.start <= span.end
        if span.parent_id is not None:
            parent = by_id[span.trace_id, span.parent_id]
            assert parent.start <= span.start
            assert span.end <= parent.end


@given(logs(), st.data())
def test_a_fold_that_was_made_anew_goes_on_as_if_nothing_had_been(
    events: list[Any], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(events)))
    before, after = Fold(), Fold()
    sent = [span for event in events[:cut] for span in before.apply(event)]
    for event in events[:cut]:
        after.apply(event)  # an engine that starts reads what was open and sends none of it again
    sent += [span for event in events[cut:] for span in after.apply(event)]
    assert sent == folded(events)


def test_a_retrieval_is_a_span_beside_the_steps_or_inside_its_call() -> None:
    log = Log().start()
    log.add(RetrievalCompleted, query=SECRET, method="hybrid", collections=("docs",), duration_ms=500)
    log.step(1, "c1").add(ToolCallStarted, call_id="c1", arguments={})
    items = (Retrieved(text=SECRET, number=1), Retrieved(text=SECRET, used=False))
    log.add(RetrievalCompleted, call_id="c1", method="agentic", items=items, tokens=7, duration_ms=1_000)
    log.add(UsageRecorded, model="openai/gpt-4o", input_tokens=5, output_tokens=1)
    log.complete("c1").add(ContextCompacted, summary="", tokens_before=9, tokens_after=1, messages_dropped=1)
    log.add(UsageRecorded, model="openai/gpt-4o", input_tokens=5, output_tokens=1).step(2).add(RunCompleted)
    spans = log.spans()
    first, second = named(spans, "retrieval hybrid"), named(spans, "retrieval agentic")
    assert first.parent_id == named(spans, "invoke_agent analyst").span_id
    assert first.end - first.start == timedelta(milliseconds=500)
    assert first.attributes["holdfast.retrieval.collections"] == ("docs",)
    assert second.parent_id == named(spans, "execute_tool read_file").span_id
    assert [second.attributes[f"holdfast.retrieval.{key}"] for key in ("found", "used", "tokens")] == [
        2,
        1,
        7,
    ]
    purposes = {span.attributes.get("holdfast.purpose"): span.parent_id for span in spans}
    assert purposes["retrieval"] == second.span_id
    assert purposes["summary"] == named(spans, "invoke_agent analyst").span_id
    assert SECRET not in str(spans)


def test_a_retrieval_that_failed_says_why() -> None:
    span = named(
        Log().start().add(RetrievalCompleted, source="stored", error=ERROR).spans(), "retrieval stored"
    )
    assert span.error == ERROR.code
