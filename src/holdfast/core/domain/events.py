"""The events of the log: frozen records, the only way that anything learns what a run did.

Every event has `at`; most have a `session_id`, and those of a run a `run_id`. The log gives each
a global, increasing id when it commits it: `LoggedEvent`. Each docstring says what may come before and
after. In short:

    session.created ( run | message.queued | session.renamed | session.configured | session.annotated
                      | session.cleared | file.changed )*
          session.deleted?                     (beside it: the marks of `session_events.py`)
    run = run.started message.added
          ( step | part | message.dequeued message.added(steer) | context.compacted
            | run.paused run.resumed )*
          ( usage.recorded? run.analysed )? ( usage.recorded? run.suggested )?
          ( run.completed | run.failed | run.cancelled )
        | run.started tool_call.requested call ( run.completed | run.failed | run.cancelled )
        | run.started context.compacted ( run.completed | run.failed | run.cancelled )
        | run.started usage.recorded? run.suggested ( run.completed | run.failed | run.cancelled )
    step = step.started ( usage.recorded? ( model.retried | model.fell_back ) )* part* usage.recorded?
           ( part | tool_call.missing | tool_call.requested )* step.completed ( call )*
    part = part.started part.delta* part.completed
    call = ( approval.requested approval.resolved )* tool_call.started?
           ( tool_call.progressed | question.asked question.answered | file.changed | child_run.started )*
           tool_call.completed

Parts stand outside of steps where an agent's script says something itself.
The second form of a run is a tool that a person runs directly: its call has step 0, and no model is asked.
A call of a tool that the caller executes is only requested and completed (outcome `client`), together with
`run.completed`, behind all other calls of its step.
The third form is a compaction that a person asked for, the fourth are questions that could follow; both may
fail before.

What hooks decided (`hook.completed`) stands at their points, with no part open. A retrieval
(`retrieval.completed`) stands before the first step, or inside the call that searches. What
models took for it (`usage.recorded`) follows it.

What a model call took is recorded however it ends, also where it is cancelled or breaks off; no part is open
then.

Each `child_run.started` is followed by one `child_run.completed`, at any time before the run's last event.
Before that one, every open part, approval, question, tool call and child run is closed.

Jobs, and what changes in knowledge, memory and MCP servers, belong to a user and to no session: their events
have an `owner` instead; they stand in `user_events.py`. Those of a session alone stand in
`session_events.py`, and what happened on a run's way in `way_events.py`.
"""

# All events are found here, those of the other modules too.
# mypy: implicit-reexport

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, TypeAdapter

from holdfast.core.domain.approvals import Approval, Decision
from holdfast.core.domain.delegating import ChildStatus
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.files import Change
from holdfast.core.domain.forms import FormAction
from holdfast.core.domain.knowledge import Citation
from holdfast.core.domain.messages import ResultPart, UserPart
from holdfast.core.domain.models import Timing
from holdfast.core.domain.modes import SessionMode
from holdfast.core.domain.runs import RunOptions, Usage
from holdfast.core.domain.session_events import (
    MessageDequeued,
    MessageQueued,
    SessionAnnotated,
    SessionCleared,
    SessionConfigured,
    SessionCreated,
    SessionDeleted,
    SessionGrantsDropped,
    SessionMark,
    SessionModeChanged,
    SessionRenamed,
    SessionScoped,
)
from holdfast.core.domain.tools import DisplayBlock, Question
from holdfast.core.domain.user_events import OwnedEvent, job_of
from holdfast.core.domain.values import Value
from holdfast.core.domain.way_events import (
    ContextCompacted,
    HookCompleted,
    ModelFellBack,
    ModelRetried,
    QuestionsSuggested,
    RetrievalCompleted,
    RunAnalysed,
    RunScoped,
    StepPurpose,
    ToolArgumentsMissing,
    UsageRecorded,
)

# --- runs


class RunStarted(RunScoped):
    """The first event of a run; `message.added` follows, or the call of a tool that is run directly. With
    `options.history` the model sees those messages instead of what the session holds before this event."""

    type: Literal["run.started"] = "run.started"
    agent: str
    model: str
    """Empty for a tool that is run directly, and where nothing but the context is compacted."""
    key: str = ""
    """Id of the API key that asked for it, or by which the login was made that did; empty: none."""
    options: RunOptions = RunOptions()
    continues: str | None = None
    """The interrupted run that this one goes on from."""
    hand_overs: int = 0
    """How many agents have handed the conversation over since a person spoke."""
    mode: SessionMode | None = None
    """What was asked for in the run that has handed it over, with what was used of its limits: it goes on."""
    plan: tuple[str, ...] = ()
    """The steps of the workflow that it is to follow."""
    logged: bool = True
    """Whether the log of runs keeps what is said in it, as the agent's file says."""


class RunPaused(RunScoped):
    """Between two steps; `run.resumed` or the end follows."""

    type: Literal["run.paused"] = "run.paused"


class RunResumed(RunScoped):
    """After `run.paused`, or when the engine has started anew and takes up a run that waits."""

    type: Literal["run.resumed"] = "run.resumed"


class RunCompleted(RunScoped):
    """The last event of a run that came to its end."""

    type: Literal["run.completed"] = "run.completed"
    reason: Literal["stop", "length", "content_filter", "client_tools", "handed_over"] = "stop"
    """`handed_over`: `session.configured` and a run of the other agent follow. `client_tools`: the model
    called tools that the caller executes. Their results come as parts of the
    session's next message, which goes before those that wait in the queue; these wait for it."""


class RunFailed(RunScoped):
    """The last event of a run that could not go on; `error.code` says why (`interrupted`, `step_limit`,
    `repeated_call`, `cost_limit`, `budget_spent`, `timeout`, a model's error …). Its partial output is
    kept."""

    type: Literal["run.failed"] = "run.failed"
    error: ErrorInfo


class RunCancelled(RunScoped):
    """The last event of a run that a person stopped."""

    type: Literal["run.cancelled"] = "run.cancelled"
    reason: str = ""


# --- messages


class MessageAdded(RunScoped):
    """A person's message enters the conversation: after `run.started`, or as a steer between two steps.

    Parts of kind `tool_result` answer the calls that the run before, or the history, left to the caller.
    """

    type: Literal["message.added"] = "message.added"
    message_id: str
    parts: tuple[UserPart, ...]
    origin: Literal["send", "steer", "continue", "repair", "summary", "agent", "child_run"] = "send"
    """Not written by a person: `continue`, `repair` and `summary` by the loop; `agent` by another agent that
    hands work or the conversation to this one; `child_run` tells how a run has ended that went on in the
    background."""
    follow_ups: tuple[str, ...] = ()
    """Ids of the waiting messages that it was made of, oldest first; with one it has the id of that one."""


# --- steps and their parts


class StepStarted(RunScoped):
    """One model call begins. The exact prompt is a blob."""

    type: Literal["step.started"] = "step.started"
    step: int
    """From 1 in each run."""
    model: str
    prompt: str
    """SHA-256 of the request as JSON."""
    tokens: int = 0
    """About how many the request has, by a rule of four characters each; 0 in logs from before this."""
    window: int | None = None
    """How many fit, request and reply together; None when that is not known of the model."""
    purpose: StepPurpose = "reply"
    """What the model is asked for: the reply, with calls of tools or without, or in a run that calls tools in
    phases first of all which tools are to be called, then with what arguments."""


class StepCompleted(RunScoped):
    """After all parts of the step; its tool calls follow."""

    type: Literal["step.completed"] = "step.completed"
    step: int
    reason: Literal["stop", "length", "tool_calls", "content_filter", "error", "cancelled"]
    timing: Timing
    chosen: tuple[str, ...] = ()
    """The tools that were chosen, in a step for that: steps for their arguments follow."""


PartKind = Literal["text", "reasoning", "reasoning_summary"]


class PartStarted(RunScoped):
    """A part of the reply begins; at most one part of a run is open."""

    type: Literal["part.started"] = "part.started"
    part_id: str
    """Unique in the run."""
    kind: PartKind


class PartDelta(RunScoped):
    """Text is appended to the open part."""

    type: Literal["part.delta"] = "part.delta"
    part_id: str
    text: str


class PartCompleted(RunScoped):
    """Closes the part; `text` is its whole text, so that readers of ended runs can skip the deltas."""

    type: Literal["part.completed"] = "part.completed"
    part_id: str
    kind: PartKind
    text: str
    """Where passages were retrieved, without the numbers in brackets that stand for none of them."""
    citations: tuple[Citation, ...] = ()
    """What the numbers in the text stand for, in the order in which they first stand there."""


# --- tool calls


class ToolCallRequested(RunScoped):
    """The model asks for a call, or a person has a tool run directly; `tool_call.completed` follows in every
    case."""

    type: Literal["tool_call.requested"] = "tool_call.requested"
    call_id: str
    step: int
    """0 for a tool that is run directly."""
    name: str
    arguments: dict[str, Any]
    invalid: str = ""
    """Why the call cannot be executed: arguments that are no JSON object, an unknown tool …"""


class ToolCallStarted(RunScoped):
    """Policy or a person let it go; it executes now."""

    type: Literal["tool_call.started"] = "tool_call.started"
    call_id: str
    arguments: dict[str, Any]
    """As executed: edited, when a person edited them."""


class ToolCallProgressed(RunScoped):
    """Output while it executes; the texts are to be joined. Of long output only the tail is told, now and
    then."""

    type: Literal["tool_call.progressed"] = "tool_call.progressed"
    call_id: str
    text: str
    skipped: int = 0
    """Characters of output between the text before and this one that are told nowhere."""


class ToolCallCompleted(RunScoped):
    """The last event of every call. Denied, cancelled and invalid calls, and those that were left to the
    caller (`client`), have no `tool_call.started`; the latter have no content either."""

    type: Literal["tool_call.completed"] = "tool_call.completed"
    call_id: str
    name: str
    outcome: Literal["ok", "error", "denied", "cancelled", "timeout", "client"]
    content: tuple[ResultPart, ...]
    """What the model sees."""
    display: tuple[DisplayBlock, ...] = ()
    """What people see."""
    duration_ms: float = 0.0


class ApprovalRequested(RunScoped):
    """Policy says ask; `approval.resolved` follows, perhaps much later."""

    type: Literal["approval.requested"] = "approval.requested"
    approval: Approval


class ApprovalResolved(RunScoped):
    """After `approval.requested`. Approved: the call starts; denied or expired: it completes as denied;
    stale: another `approval.requested` of the same call follows; cancelled: the run is ending, or policy
    denies the call by now."""

    type: Literal["approval.resolved"] = "approval.resolved"
    approval_id: str
    call_id: str
    status: Literal["approved", "denied", "expired", "cancelled", "stale"]
    decision: Decision | None = None


class QuestionAsked(RunScoped):
    """Inside the call of `ask_user`, or while the tool of an MCP server executes, which asks;
    `question.answered` follows, perhaps much later."""

    type: Literal["question.asked"] = "question.asked"
    question: Question


class QuestionAnswered(RunScoped):
    """After `question.asked`. No answer: the run or the call is ending, or the server has taken it back."""

    type: Literal["question.answered"] = "question.answered"
    question_id: str
    call_id: str
    answer: str | None
    """Of a form: its fields as JSON, or the action that was chosen instead."""
    action: FormAction | None = None
    """Of a form or an address: what the person did."""


class ChildRunStarted(RunScoped):
    """Inside a call: another agent works for this run, in a run and a session of its own."""

    type: Literal["child_run.started"] = "child_run.started"
    call_id: str
    child_session_id: str
    child_run_id: str
    agent: str
    task: str
    background: bool = False
    """Whether the call completes while it goes on."""


class ChildRunCompleted(RunScoped):
    """After `child_run.started`: the child run has ended, and with it all that it had started itself."""

    type: Literal["child_run.completed"] = "child_run.completed"
    call_id: str
    child_session_id: str
    child_run_id: str
    agent: str
    status: ChildStatus
    """How it ended; never `running`."""
    reply: str = ""
    """What it said last."""
    error: ErrorInfo | None = None
    steps: int = 0
    """Model calls, those of its own child runs included."""
    usage: Usage = Usage()
    """The same way."""


class FileChanged(SessionScoped):
    """A file of the workspace is different now. Inside a call, also of a child run: then each run above has
    the event too, so that undoing it takes all of it back. Outside of runs by undo and redo; by a client
    (`api`, without a run) at any time, but never while a call that may change files executes."""

    type: Literal["file.changed"] = "file.changed"
    path: str
    change: Change
    before: str | None = None
    """SHA-256 of the content before."""
    after: str | None = None
    size: int = 0
    origin: Literal["run", "undo", "redo", "api"] = "run"


SessionEvent = (
    SessionCreated
    | SessionRenamed
    | SessionConfigured
    | SessionAnnotated
    | SessionCleared
    | SessionDeleted
    | SessionModeChanged
    | SessionGrantsDropped
    | MessageQueued
    | MessageDequeued
    | FileChanged
)
RunEvent = (
    RunStarted
    | RunPaused
    | RunResumed
    | RunCompleted
    | RunFailed
    | RunCancelled
    | MessageAdded
    | StepStarted
    | StepCompleted
    | PartStarted
    | PartDelta
    | PartCompleted
    | ToolCallRequested
    | ToolCallStarted
    | ToolCallProgressed
    | ToolCallCompleted
    | ToolArgumentsMissing
    | ApprovalRequested
    | ApprovalResolved
    | QuestionAsked
    | QuestionAnswered
    | ChildRunStarted
    | ChildRunCompleted
    | ModelRetried
    | ModelFellBack
    | ContextCompacted
    | RetrievalCompleted
    | HookCompleted
    | QuestionsSuggested
    | RunAnalysed
    | UsageRecorded
)
AnyEvent = SessionEvent | SessionMark | RunEvent | OwnedEvent
Event = Annotated[AnyEvent, Field(discriminator="type")]

RUN_ENDS = ("run.completed", "run.failed", "run.cancelled")

EVENT: TypeAdapter[AnyEvent] = TypeAdapter(Event)
"""Parses and writes any event."""


class LoggedEvent(Value):
    """An event as committed: with its global id."""

    id: int
    event: Event
    _body: str | None = PrivateAttr(None)

    @classmethod
    def committed(cls, id: int, event: AnyEvent, body: str) -> LoggedEvent:
        """Returns the event with its JSON `body`, so that its many readers need not make it again."""
        logged = cls.model_construct(id=id, event=event)
        logged._body = body
        return logged

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LoggedEvent) and (self.id, self.event) == (other.id, other.event)

    def __hash__(self) -> int:
        return hash(self.id)

    def to_json(self) -> str:
        """Returns the one-line JSON that `--json` prints and SSE carries: the id, then the event's keys."""
        return f'{{"id":{self.id},{(self._body or self.event.model_dump_json())[1:]}'

    @classmethod
    def from_json(cls, text: str | bytes) -> LoggedEvent:
        """Returns the event that `to_json` wrote."""
        fields = json.loads(text)
        return cls(id=fields.pop("id"), event=EVENT.validate_python(fields))


class EventFilter(Value):
    """Which events a reader wants; run, session and everything-subscriptions differ in this only."""

    session_id: str | None = None
    run_id: str | None = None
    job_id: str | None = None
    deltas: bool = True
    """False leaves out `part.delta` and `tool_call.progressed`."""

    def admits(self, event: AnyEvent) -> bool:
        """Says whether the filter lets `event` through."""
        if self.session_id is not None and event.session_id != self.session_id:
            return False
        if self.run_id is not None and event.run_id != self.run_id:
            return False
        if self.job_id is not None and job_of(event) != self.job_id:
            return False
        return self.deltas or event.type not in DELTAS


DELTAS = ("part.delta", "tool_call.progressed")
"""Events that an ended part or call makes superfluous."""
