"""Folds the events of the log into spans: nothing in a run knows that it is traced.

    run                                   invoke_agent AGENT
      step                                step N
        model call, one for each attempt  chat MODEL
        approval, while it waits          approval TOOL
        tool call                         execute_tool TOOL
          retrieval                       retrieval METHOD
      retrieval before the first step     retrieval METHOD
      model call of a summary, or of a retrieval   chat MODEL

A span is given out when it has ended. Times are those of the events; a retrieval has only one, and began as
long before as it says. Ids follow from the run's, so that the same events give the same spans, before and
after a restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from holdfast.core.domain.copies import Copies
from holdfast.core.domain.events import (
    RUN_ENDS,
    AnyEvent,
    ApprovalRequested,
    ApprovalResolved,
    ContextCompacted,
    MessageAdded,
    ModelFellBack,
    ModelRetried,
    PartCompleted,
    QuestionAnswered,
    QuestionAsked,
    RetrievalCompleted,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStarted,
    StepCompleted,
    StepStarted,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
    UsageRecorded,
)
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.text import shorten
from holdfast.core.domain.traces import Attribute, Span
from holdfast.core.telemetry.building import OpenSpan, Used, model_attributes, plain, span_id, trace_id
from holdfast.core.telemetry.contents import (
    LONGEST_TEXT,
    Piece,
    as_json,
    call_piece,
    message,
    pieces,
    text_piece,
)

_FAILED_OUTCOMES = ("error", "timeout")


class Fold:
    """Takes the events of the log in order, those of all runs mixed; keeps what has not ended.

    With `contents`, what people, models and tools said is in the spans too.
    """

    def __init__(self, *, contents: bool = False) -> None:
        self._contents = contents
        self._runs: dict[str, _Run] = {}
        self._copies = Copies()

    def apply(self, event: AnyEvent) -> list[Span]:
        """Returns the spans that have ended with this event."""
        if self._copies.has(event) or event.run_id is None:
            return []
        if isinstance(event, RunStarted):
            self._runs[event.run_id] = _Run(event, self._contents)
        run = self._runs.get(event.run_id)
        if run is None:  # it began before the first event that was read
            return []
        if event.type in RUN_ENDS:
            del self._runs[event.run_id]
        return list(run.apply(event))

    @property
    def open_runs(self) -> int:
        """How many runs have not ended."""
        return len(self._runs)


class _Run:
    """One run with what of it is open."""

    def __init__(self, started: RunStarted, contents: bool) -> None:
        self._started = started
        self._contents = contents
        self._model = started.model
        self._last_at = started.at
        self._steps = 0
        self._attempts = 0
        self._used = Used()
        self._summaries = 0
        self._retrievals = 0
        self._retrieval: OpenSpan | None = None
        """The retrieval that ended right before: what is used next was for it."""
        self._input: list[Piece] = []
        self._output: list[Piece] = []
        self._step: OpenSpan | None = None
        self._step_end = started.at
        self._call: OpenSpan | None = None
        self._step_failed = False
        self._cut_off: list[tuple[OpenSpan, datetime]] = []
        """Calls that broke off: why is said by the run's end, if it comes next."""
        self._tools: dict[str, OpenSpan] = {}
        self._approvals: dict[str, OpenSpan] = {}
        self._root = self._open("run", f"invoke_agent {plain(started.agent)}", started.at, None)
        self._root.attributes["gen_ai.operation.name"] = "invoke_agent"
        if started.model:  # a tool that is run directly has none
            self._root.attributes |= model_attributes(started.model)
        if started.continues is not None:
            self._root.link = (trace_id(started.continues), span_id(started.continues, "run"))

    def apply(self, event: AnyEvent) -> Iterator[Span]:  # noqa: PLR0912 (a case an event)
        match event:
            case MessageAdded():
                self._take_message(event)
            case StepStarted():
                yield from self._end_step()
                self._begin_step(event)
            case ModelRetried():
                yield from self._end_call(event.at, error=event.error.code)
                self._begin_call(self._model, event.at + timedelta(seconds=event.delay_s))
            case ModelFellBack():
                yield from self._end_call(event.at, error=event.error.code)
                self._begin_call(event.to_model, event.at)
            case PartCompleted() if self._contents:
                self._output.append(text_piece(event.text, "text" if event.kind == "text" else "reasoning"))
            case UsageRecorded():
                yield from self._take_usage(event)
            case StepCompleted():
                yield from self._complete_step(event)
            case ToolCallRequested() | ToolCallStarted():
                self._take_call(event)
            case QuestionAsked():
                self._note_call(event.question.call_id, "question.asked", event.at)
            case QuestionAnswered():
                self._note_call(event.call_id, "question.answered", event.at)
            case ToolCallCompleted():
                yield from self._complete_call(event)
            case ApprovalRequested():
                self._begin_approval(event)
            case ApprovalResolved():
                yield from self._end_approval(event)
            case RetrievalCompleted():
                yield self._retrieve(event)
            case ContextCompacted():
                tokens = {"tokens_before": event.tokens_before, "tokens_after": event.tokens_after}
                self._root.note(event.type, event.at, **tokens)
            case RunPaused() | RunResumed():
                self._root.note(event.type, event.at)
            case RunCompleted() | RunFailed() | RunCancelled():
                yield from self._end(event)
        if not isinstance(event, RetrievalCompleted | UsageRecorded):
            self._retrieval = None
        self._last_at = event.at

    def _open(self, place: str, name: str, start: datetime, parent: OpenSpan | None) -> OpenSpan:
        started = self._started
        return OpenSpan(
            trace_id=trace_id(started.run_id),
            span_id=span_id(started.run_id, place),
            parent_id=None if parent is None else parent.span_id,
            name=name,
            kind="internal",
            start=start,
            attributes={
                "session.id": started.session_id,
                "holdfast.run.id": started.run_id,
                "gen_ai.conversation.id": started.session_id,
                "gen_ai.agent.name": plain(started.agent),
            },
        )

    @property
    def _parent(self) -> OpenSpan:
        return self._step or self._root

    def _take_message(self, event: MessageAdded) -> None:
        if event.origin == "steer":
            self._root.note("message.steered", event.at)
        if self._contents:
            self._input.append(message("user", pieces(event.parts)))

    # --- steps and model calls

    def _begin_step(self, event: StepStarted) -> None:
        self._steps = event.step
        self._attempts = 0
        self._model = event.model
        self._step = self._open(f"step/{event.step}", f"step {event.step}", event.at, self._root)
        self._step.attributes["holdfast.step"] = event.step
        self._step_end = event.at
        self._step_failed = False
        self._begin_call(event.model, event.at)

    def _begin_call(self, model: str, at: datetime) -> None:
        self._model = model
        self._attempts += 1
        place = f"step/{self._steps}/call/{self._attempts}"
        self._call = self._chat(place, model, at, self._parent)
        self._call.attributes["holdfast.attempt"] = self._attempts
        self._output = []

    def _chat(self, place: str, model: str, at: datetime, parent: OpenSpan) -> OpenSpan:
        span = self._open(place, f"chat {plain(model)}", at, parent)
        span.kind = "client"
        span.attributes |= {"gen_ai.operation.name": "chat", **model_attributes(model)}
        return span

    def _end_call(self, at: datetime, error: str | None = None) -> Iterator[Span]:
        """Ends the model call under way; one that was only waited for has not been made."""
        call, self._call = self._call, None
        if call is not None and call.start <= at:
            yield call.end(at, error)

    def _take_usage(self, event: UsageRecorded) -> Iterator[Span]:
        self._used.add(event)
        used = Used()
        used.add(event)
        if self._call is not None:
            self._call.attributes |= used.attributes()
            return
        # Between two steps a model writes the summary of what came before, or it plans a retrieval; only the
        # end of that is logged.
        self._summaries += 1
        retrieval, place = self._retrieval, f"summary/{self._summaries}"
        begin, parent = (self._last_at, self._root) if retrieval is None else (retrieval.start, retrieval)
        span = self._chat(place, event.model, begin, parent)
        purpose = "retrieval" if retrieval is not None else "tool" if self._tools else "summary"
        span.attributes |= {**used.attributes(), "holdfast.purpose": purpose}
        yield span.end(event.at)

    def _retrieve(self, event: RetrievalCompleted) -> Span:
        self._retrievals += 1
        parent = self._tools.get(event.call_id or "", self._root)
        began = event.at - timedelta(milliseconds=event.duration_ms)
        name = f"retrieval {event.method or event.source}"
        span = self._open(f"retrieval/{self._retrievals}", name, began, parent)
        span.attributes |= {
            "gen_ai.operation.name": "retrieval",
            "holdfast.retrieval.source": event.source,
            "holdfast.retrieval.found": len(event.items),
            "holdfast.retrieval.used": sum(item.used for item in event.items),
            "holdfast.retrieval.tokens": event.tokens,
        }
        if event.collections:
            span.attributes["holdfast.retrieval.collections"] = tuple(map(plain, event.collections))
        if self._contents and event.query:
            span.attributes["gen_ai.retrieval.query.text"] = shorten(event.query, LONGEST_TEXT)
        self._retrieval = span
        return span.end(event.at, event.error.code if event.error is not None else None)

    def _complete_step(self, event: StepCompleted) -> Iterator[Span]:
        self._step_end = event.at
        self._step_failed = event.reason == "error"
        call, self._call = self._call, None
        if call is None or call.start > event.at:
            return
        call.attributes["gen_ai.response.finish_reasons"] = (event.reason,)
        if event.timing.first_delta_ms is not None:
            seconds = event.timing.first_delta_ms / 1000
            call.attributes["gen_ai.response.time_to_first_chunk"] = seconds
        if self._contents:
            call.attributes["gen_ai.output.messages"] = as_json(
                [message("assistant", self._output, event.reason)]
            )
        if self._step_failed:
            self._cut_off.append((call, event.at))
        else:
            yield call.end(event.at)

    def _end_step(self, error: str | None = None) -> Iterator[Span]:
        """Ends the step with all of its calls; a step is over when the next one begins or the run ends."""
        if self._step_failed:
            error = error or "error"
        elif not self._cut_off:
            error = None
        for call, at in self._cut_off:
            yield call.end(at, error)
        self._cut_off.clear()
        step, self._step = self._step, None
        if step is not None:
            yield step.end(self._step_end, error)

    # --- tool calls and approvals

    def _take_call(self, event: ToolCallRequested | ToolCallStarted) -> None:
        if isinstance(event, ToolCallRequested):
            name = plain(event.name)
            span = self._open(f"tool/{event.call_id}", f"execute_tool {name}", event.at, self._parent)
            span.attributes |= {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": name,
                "gen_ai.tool.type": "function",
                "gen_ai.tool.call.id": event.call_id,
            }
            self._tools[event.call_id] = span
            if self._contents:
                self._output.append(call_piece(event.call_id, name, event.arguments))
        elif (found := self._tools.get(event.call_id)) is None:
            return
        else:
            span = found
            span.start = event.at  # waiting for its turn, or for a person, is not execution
        if self._contents:
            span.attributes["gen_ai.tool.call.arguments"] = as_json(event.arguments)

    def _note_call(self, call_id: str, name: str, at: datetime) -> None:
        if (span := self._tools.get(call_id)) is not None:
            span.note(name, at)

    def _complete_call(self, event: ToolCallCompleted) -> Iterator[Span]:
        self._step_end = event.at
        span = self._tools.pop(event.call_id, None)
        if span is None:
            return
        span.attributes["holdfast.tool.outcome"] = event.outcome
        if self._contents:
            span.attributes["gen_ai.tool.call.result"] = as_json(text_of(event.content))
        if event.outcome == "cancelled":
            self._cut_off.append((span, event.at))
        else:
            yield span.end(event.at, event.outcome if event.outcome in _FAILED_OUTCOMES else None)

    def _begin_approval(self, event: ApprovalRequested) -> None:
        asked = event.approval
        span = self._open(f"approval/{asked.id}", f"approval {plain(asked.tool)}", event.at, self._parent)
        span.attributes |= {"gen_ai.tool.name": plain(asked.tool), "gen_ai.tool.call.id": asked.call_id}
        self._approvals[asked.id] = span

    def _end_approval(self, event: ApprovalResolved) -> Iterator[Span]:
        span = self._approvals.pop(event.approval_id, None)
        if span is not None:
            span.attributes["holdfast.approval.status"] = event.status
            yield span.end(event.at)

    # --- the end

    def _end(self, event: RunCompleted | RunFailed | RunCancelled) -> Iterator[Span]:
        error = event.error.code if isinstance(event, RunFailed) else None
        for span in (*self._approvals.values(), *self._tools.values()):
            yield span.end(event.at, error)
        yield from self._end_call(event.at, error)
        yield from self._end_step(error)
        outcome: dict[str, Attribute] = {
            "holdfast.run.outcome": event.type.removeprefix("run."),
            "holdfast.run.steps": self._steps,
        }
        self._root.attributes |= {**self._used.attributes(), **outcome}
        if self._contents:
            self._root.attributes["gen_ai.input.messages"] = as_json(self._input)
        yield self._root.end(event.at, error)
