"""From the events of a run to Sage's lines: one object of JSON each, in the words of its clients.

The lines are made of the log alone, so that they are the same each time: a client that lost its connection
says how many lines it has, and is told the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import (
    ApprovalRequested,
    ApprovalResolved,
    ChildRunStarted,
    LoggedEvent,
    MessageAdded,
    PartCompleted,
    PartDelta,
    PartStarted,
    QuestionAsked,
    QuestionsSuggested,
    RunCancelled,
    RunCompleted,
    RunFailed,
    StepCompleted,
    StepStarted,
    ToolCallCompleted,
    ToolCallProgressed,
    ToolCallRequested,
    UsageRecorded,
)
from holdfast.core.domain.messages import text_of, without_results
from holdfast.core.domain.values import utc_now
from holdfast.server.dialects.sage.words import Locale, worded
from holdfast.server.kit.answers import EventEncoder
from holdfast.server.kit.errors import plain_message
from holdfast.server.kit.run_state import BETWEEN, RunState, usage_of

Line = dict[str, Any]

PROGRESS = "tool_progress"
"""The type of lines that not every stream has."""
_AGENT_NAMES = {"delegating": "FibreAgent", "team": "TeamAgent"}
"""What Sage calls what works in a mode."""
_SIMPLE = "SimpleAgent"
_STEP_LIMIT = "step_limit"
_ERROR_CODES = {"denied": "SAFETY_BLOCKED", "timeout": "TIMEOUT", "cancelled": "INTERRUPTED"}


def message_id(run_id: str, what: int | str) -> str:
    """Returns the id of a message that a run has made, as streams and histories tell it: `what` is the number
    of the step that the model said it in, the id of a call whose result it is, or a word for what is said
    once in a run."""
    return str(uuid5(NAMESPACE_URL, f"sage:{run_id}:{what}"))


def agent_called(called: str, mode: str) -> str:
    """Returns what histories and streams call an agent: as the request of its run has, or Sage's own name for
    what works in this mode of ours."""
    return called or _AGENT_NAMES.get(mode, _SIMPLE)


def failed_result(outcome: str, text: str) -> str:
    """Returns what a tool gave that has failed, as histories and streams tell it."""
    code = _ERROR_CODES.get(outcome, "TOOL_ERROR")
    told = {"success": False, "status": "error", "error_code": code}
    told |= dict.fromkeys(("error", "message", "raw_error"), text)
    if outcome == "denied":
        told |= {"policy_action": "deny", "reason": text}
    return json.dumps(told, ensure_ascii=False)


def guidance_ids(id: str, made_of: tuple[str, ...]) -> Line:
    """Returns the metadata of what was said to a run under way: its id, or, where it is several messages as
    one, that of the first and those of all."""
    if len(made_of) < 2:
        return {"guidance_id": id}
    return {"guidance_id": made_of[0], "guidance_ids": list(made_of)}


def told_call(call_id: str, index: int, name: str, arguments: dict[str, Any]) -> Line:
    """Returns a call of a tool as a whole."""
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {"id": call_id, "type": "function", "index": index, "function": function}


class RunLines:
    """Writes what happens in one run, without its end. Pure: `state` has taken each event before."""

    def __init__(self, state: RunState, session_id: str, agent_name: str = "") -> None:
        """`session_id` is what clients call the session; without an `agent_name` the lines have Sage's own of
        the run's mode."""
        self.state = state
        self.session_id = session_id
        self._agent_name = agent_name
        self._replying = True
        self._said = False
        """Whether a piece of the open part was told."""
        self._progressed: set[str] = set()

    @property
    def agent_name(self) -> str:
        """What the lines call the agent."""
        options = self.state.options
        return self._agent_name or agent_called(options.agent_name, options.mode or "")

    def told(self, logged: LoggedEvent) -> Iterable[Line]:
        """Returns the lines of the event that `state` has just taken."""
        event = logged.event
        match event:
            case StepStarted():
                self._replying = event.purpose == "reply"
            case StepCompleted():
                self._replying = True
            case PartStarted() | PartDelta() | PartCompleted():
                return self._of_part(event)
            case ToolCallRequested():
                return self._call(event)
            case ToolCallProgressed():
                return [self._progress(event)]
            case ToolCallCompleted():
                return self._result(event)
            case ApprovalRequested() | ApprovalResolved() | QuestionAsked():
                return [self._of_person(event)]
            case MessageAdded(origin="steer"):
                return [self._guidance(event)]
            case QuestionsSuggested():
                return [self._suggested(event)]
        return ()

    def line(self, event: Any, what: int | str, kind: str, **said: Any) -> Line:
        """Returns a line of a type, with what it says; keys without a value are left out."""
        role = said.pop("role", "assistant")
        metadata = said.pop("metadata", {})
        return {
            "role": role,
            **{name: value for name, value in said.items() if value is not None},
            "message_id": message_id(event.run_id, what),
            "type": kind,
            "timestamp": event.at.timestamp(),
            "agent_name": self.agent_name,
            "metadata": metadata,
            "session_id": self.session_id,
        }

    # --- what the model says

    def _of_part(self, event: PartStarted | PartDelta | PartCompleted) -> Iterable[Line]:
        match event:
            case PartStarted():
                self._said = False
            case PartDelta() if event.text and self._replying and (part := self.state.part) is not None:
                self._said = True
                yield self._piece(event, part.kind == "text", event.text, first=len(part.pieces) == 1)
            case PartCompleted() if event.text and self._replying and not self._said:
                yield self._piece(event, event.kind == "text", event.text, first=True)

    def _piece(self, event: Any, is_text: bool, text: str, *, first: bool) -> Line:
        step = self.state.step
        if not is_text:
            return self.line(event, step.number, "reasoning_content", reasoning_content=text)
        others = [part for part in step.parts if part.kind == "text"][:-1]
        if first and any(part.text for part in others):
            text = BETWEEN + text
        return self.line(event, step.number, "do_subtask_result", content=text)

    # --- what tools do

    def _call(self, event: ToolCallRequested) -> Iterable[Line]:
        step = self.state.step
        index = len(step.calls) - 1
        whole = told_call(event.call_id, index, event.name, event.arguments)
        begun = {**whole, "function": {"name": event.name, "arguments": ""}}
        arguments = {"name": None, "arguments": whole["function"]["arguments"]}
        rest = {"id": None, "type": None, "index": index, "function": arguments}
        for call in (begun, rest):
            yield self.line(event, step.number, "tool_call", tool_calls=[call])

    def _progress(self, event: ToolCallProgressed) -> Line:
        self._progressed.add(event.call_id)
        return self._output(event, event.text, closed=False)

    def _output(self, event: Any, text: str, *, closed: bool) -> Line:
        return {
            "type": PROGRESS,
            "session_id": self.session_id,
            "tool_call_id": event.call_id,
            "text": text,
            "stream": "stdout",
            "closed": closed,
            "ts": event.at.timestamp(),
        }

    def _result(self, event: ToolCallCompleted) -> Iterable[Line]:
        if event.call_id in self._progressed:
            yield self._output(event, "", closed=True)
        text = text_of(event.content)
        ok = event.outcome in ("ok", "client")
        yield self.line(
            event,
            event.call_id,
            "tool_call_result",
            role="tool",
            content=text if ok else failed_result(event.outcome, text),
            tool_call_id=event.call_id,
            metadata={"tool_execution_status": "success" if ok else "error"},
        )

    # --- what people are asked, and say meanwhile

    def _of_person(self, event: ApprovalRequested | ApprovalResolved | QuestionAsked) -> Line:
        match event:
            case ApprovalRequested():
                kind, told, id = (
                    "sandbox_approval_requested",
                    approval_told(event.approval),
                    event.approval.id,
                )
            case ApprovalResolved():
                kind, id = "sandbox_approval_resolved", event.approval_id
                told = {"approval_id": id, "status": event.status, "tool_call_id": event.call_id}
            case QuestionAsked():
                kind, id = "user_input_requested", event.question.id
                told = {
                    "question_id": id,
                    "tool_call_id": event.question.call_id,
                    "content": event.question.text,
                    "choices": list(event.question.choices),
                }
        return self.line(event, f"{kind}:{id}", kind, role="system", **told)

    def _guidance(self, event: MessageAdded) -> Line:
        text = text_of(without_results(event.parts))
        metadata = guidance_ids(event.message_id, event.follow_ups)
        said = {"role": "user", "content": text, "metadata": metadata}
        return {**self.line(event, "", "guide", **said), "message_id": event.message_id}

    def _suggested(self, event: QuestionsSuggested) -> Line:
        metadata = {"suggestions": list(event.questions)}
        text = "\n".join(event.questions)
        return self.line(event, "suggested", "query_suggest", content=text, metadata=metadata)


class LineEncoder(EventEncoder[bytes]):
    """Writes the lines of a run and of those below it, each frame one line."""

    def __init__(
        self,
        session_id: str,
        locale: Locale = "zh",
        *,
        progress: bool = False,
        ends_always: bool = False,
    ) -> None:
        """`session_id` is what clients call the session. With `progress` the output of tools is told while
        they execute. `ends_always`: there is an end record also where the run was cancelled, or the stream
        is cut; else the lines only stop, and can be gone on with."""
        super().__init__()
        self._locale: Locale = locale
        self._progress = progress
        self._ends_always = ends_always
        self._root = RunLines(self.state, session_id)
        self._below: dict[str, RunLines] = {}
        self._used: list[UsageRecorded] = []
        self._count = 0

    def take(self, logged: LoggedEvent) -> list[bytes]:
        lines = self._below.get(logged.event.run_id or "")
        if lines is None:
            return super().take(logged)
        lines.state.take(logged)
        return list(self._written(self._of(lines, logged)))

    def frames(self, logged: LoggedEvent) -> Iterator[bytes]:
        return self._written(self._of(self._root, logged))

    def cut(self, error: ErrorInfo) -> Iterable[bytes]:
        if not self._ends_always:
            return  # a line that no other stream has would be counted by who resumes
        text = worded("run_cut", self._locale, {"error": plain_message(error)})
        said = {"type": "error", "content": text, "role": "assistant"}
        ids = {"message_id": message_id(self.state.run_id, "error"), "session_id": self._root.session_id}
        yield from self._written([{**said, **ids}])
        yield from self._written([self._end(utc_now().timestamp())])

    def _of(self, lines: RunLines, logged: LoggedEvent) -> Iterator[Line]:
        event = logged.event
        yield from lines.told(logged)
        match event:
            case ChildRunStarted():
                below = f"{self._root.session_id}_sub_{len(self._below)}"
                self._below[event.child_run_id] = RunLines(RunState(), below, event.agent)
            case UsageRecorded():
                self._used.append(event)
            case RunCompleted() | RunFailed() | RunCancelled() if lines is self._root:
                yield from self._ending(event)

    def _ending(self, event: RunCompleted | RunFailed | RunCancelled) -> Iterator[Line]:
        if isinstance(event, RunCancelled) and not self._ends_always:
            return
        if isinstance(event, RunFailed):
            limit = event.error.code == _STEP_LIMIT
            words = "loop_limit" if limit else "run_failed"
            text = worded(words, self._locale, {"error": plain_message(event.error)})
            yield self._root.line(event, "failed", "loop_break" if limit else "final_answer", content=text)
        yield self._usage(event)
        yield self._end(event.at.timestamp())

    def _usage(self, event: Any) -> Line:
        models = list(dict.fromkeys(each.model for each in self._used))
        model = models[-1] if models else self.state.model
        used: Line = {"total_info": _total(self._used), "models": models}
        used["per_step_info"] = [
            {"step_name": "direct_execution", "model": each.model, "usage": _usage(each)}
            for each in self._used
        ]
        metadata: Line = {"token_usage": used, "model": model, "models": models}
        metadata["session_id"] = self._root.session_id
        line = self._root.line(event, "usage", "token_usage", content="", metadata=metadata)
        return {name: value for name, value in line.items() if name != "agent_name"}

    def _end(self, timestamp: float) -> Line:
        session_id = self._root.session_id
        return {
            "type": "stream_end",
            "session_id": session_id,
            "timestamp": timestamp,
            "total_stream_count": self._count,
        }

    def _written(self, lines: Iterable[Line]) -> Iterator[bytes]:
        for line in lines:
            self._count += 1
            if self._progress or line["type"] != PROGRESS:
                yield written_line(line)


def written_line(line: Line) -> bytes:
    """Returns a line as it is sent."""
    # All in ASCII: what splits lines of text takes some characters of a reply for ends of lines.
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def fallback_end(session_id: str, timestamp: float) -> bytes:
    """Returns the end record for who resumes what has ended, and has all of it."""
    said = {"type": "stream_end", "session_id": session_id, "timestamp": timestamp}
    return written_line({**said, "resume_fallback": True})


def approval_told(approval: Approval) -> Line:
    """Returns what is told of a call that waits for a person."""
    expires = approval.expires_at.timestamp() if approval.expires_at is not None else None
    return {
        "approval_id": approval.id,
        "command": command_of(approval),
        "command_hash": command_hash(approval),
        "category": approval.risk.value,
        "reason": approval.reason,
        "approval_mode": "on-request",
        "expires_at": expires,
        "hint": "POST /api/sandbox/approval",
        "tool_name": approval.tool,
        "tool_call_id": approval.call_id,
    }


def command_of(approval: Approval) -> str:
    """Returns what the call would do, in a line: the command of a shell, else the tool and what it takes."""
    command = approval.arguments.get("command")
    if isinstance(command, str):
        return command
    return f"{approval.tool} {json.dumps(approval.arguments, ensure_ascii=False)}"


def command_hash(approval: Approval) -> str:
    """Returns what stands for the call as people have seen it: who decides may say that he means this one."""
    return hashlib.sha256(f"{approval.fingerprint}\0{command_of(approval)}".encode()).hexdigest()


def _usage(event: UsageRecorded) -> Line:
    used = usage_of(event)
    return {
        "completion_tokens": used.output_tokens,
        "prompt_tokens": used.input_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
        "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
        "compute_units": None,
    }


def _total(used: list[UsageRecorded]) -> Line:
    if not used:
        return {}
    models = list(dict.fromkeys(each.model for each in used))
    taken, given = sum(each.input_tokens for each in used), sum(each.output_tokens for each in used)
    return {
        "completion_tokens": given,
        "prompt_tokens": taken,
        "total_tokens": taken + given,
        "model": models[-1],
        "models": models,
    }
