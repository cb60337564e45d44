"""Shows the events of a run to a person: the reply on stdout, what happens on the way on stderr."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from holdfast.cli.output import json_line
from holdfast.cli.passages import source_lines
from holdfast.cli.running.console import Console
from holdfast.core.domain.delegating import DELEGATE
from holdfast.core.domain.events import (
    ApprovalResolved,
    ChildRunCompleted,
    ChildRunStarted,
    ContextCompacted,
    FileChanged,
    HookCompleted,
    LoggedEvent,
    MessageDequeued,
    MessageQueued,
    ModelFellBack,
    ModelRetried,
    PartCompleted,
    PartDelta,
    PartStarted,
    QuestionAnswered,
    QuestionsSuggested,
    RetrievalCompleted,
    RunAnalysed,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStarted,
    SessionDeleted,
    StepStarted,
    ToolCallCompleted,
    ToolCallProgressed,
    ToolCallRequested,
    ToolCallStarted,
)
from holdfast.core.domain.knowledge import Citation
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.models import ModelChoice
from holdfast.core.domain.text import sanitize_line, shorten

_SUMMARY = 100
_ENDS = {
    "stop": "",
    "client_tools": "The run has ended for the caller to execute its tools.",
    "handed_over": "Another agent goes on with the conversation.",
}


@dataclass(frozen=True, slots=True)
class Signs:
    """What stands before a line that tells of a tool call or of knowledge."""

    call: str = "▸ "
    ok: str = "✓ "
    client: str = "↗ "
    failed: str = "✗ "
    knowledge: str = "⌕ "


class Reporter:
    """Writes what one run does; `as_json` puts the events on stdout instead of the reply."""

    signs = Signs()

    def __init__(self, console: Console, choice: ModelChoice | None, as_json: bool) -> None:
        self._console = console
        self._choice = choice
        self._as_json = as_json
        self._kinds: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._cited: list[Citation] = []
        self._suggested: tuple[str, ...] = ()
        self._analysis = ""

    def show(self, logged: LoggedEvent) -> None:
        """Writes one event."""
        if self._as_json:
            self._console.record(json_line(logged.to_json()))
        self._show_reply(logged)
        self._show_call(logged)
        self._show_below(logged)
        self._show_course(logged)

    def show_child(self, logged: LoggedEvent) -> None:
        """Writes an event of a sub-agent's run: people are told by the call that waits for it."""
        if self._as_json:
            self._console.record(json_line(logged.to_json()))

    def _show_reply(self, logged: LoggedEvent) -> None:
        match logged.event:
            case StepStarted():
                self._console.transient("thinking …")
            case PartStarted(part_id=part_id, kind=kind):
                self._kinds[part_id] = kind
                if kind == "text":
                    self._console.transient("")
                    self._reply(None)
            case PartDelta(part_id=part_id, text=text) if self._kinds.get(part_id) == "text":
                self._reply(text)
            case PartCompleted(citations=citations):
                self._cited.extend(citations)
            case QuestionsSuggested(questions=questions):
                self._suggested = questions
            case RunAnalysed(text=text):
                self._analysis = text

    def _reply(self, text: str | None) -> None:
        if self._as_json:
            return
        if text is None:
            self._console.next_part()
        else:
            self._console.reply(text)

    def _show_call(self, logged: LoggedEvent) -> None:
        match logged.event:
            case ToolCallRequested(call_id=call_id, name=name, arguments=arguments, invalid=invalid):
                self._names[call_id] = name
                self._console.line(f"{self.signs.call}{name} {summary(arguments)}".rstrip())
                if invalid:
                    self._console.line(f"  invalid: {invalid}", "bad")
            case ToolCallStarted(call_id=call_id):
                self._console.transient(f"{self._names.get(call_id, 'tool')} …")
            case ToolCallProgressed(call_id=call_id) if self._names.get(call_id) == DELEGATE:
                return  # line by line, below
            case ToolCallProgressed(call_id=call_id, text=text) if text.strip():
                last = text.strip().rsplit("\n", 1)[-1]
                self._console.transient(f"{self._names.get(call_id, 'tool')} … {last}")
            case ToolCallCompleted(outcome="ok") as done:
                self._console.transient("")
                self._console.line(f"{self.signs.ok}{done.name} {done.duration_ms / 1000:.2f} s", "faint")
            case ToolCallCompleted(outcome="client") as done:
                self._console.line(f"{self.signs.client}{done.name} handed to the caller", "faint")
            case ToolCallCompleted() as done:
                self._console.transient("")
                why = shorten(sanitize_line(text_of(done.content)), _SUMMARY)
                said = f"{self.signs.failed}{done.name} {done.outcome}: {why}"
                self._console.line(said.rstrip(": "), "bad")
            case FileChanged(path=path, change=change):
                self._console.line(f"  {change.value} {sanitize_line(path)}", "faint")
            case ApprovalResolved(status="approved" | "denied", decision=decision) as resolved if decision:
                self._console.line(
                    f"  {resolved.status} by {decision.decided_by} ({decision.scope})", "faint"
                )
            case ApprovalResolved(status="stale"):
                self._console.line("  what it would do has changed since it was shown: asked again", "bad")
            case ApprovalResolved(status=status):
                self._console.line(f"  approval {status}", "faint")
            case QuestionAnswered(answer=str() as answer):
                self._console.line(f"  answered: {shorten(sanitize_line(answer), _SUMMARY)}", "faint")

    def _show_below(self, logged: LoggedEvent) -> None:
        """Writes what sub-agents do."""
        match logged.event:
            case ChildRunStarted(agent=agent, background=background):
                where = " in the background" if background else ""
                self._console.line(f"  {sanitize_line(agent)} begins{where}", "faint")
            case ToolCallProgressed(call_id=call_id, text=text) if self._names.get(call_id) == DELEGATE:
                for line in text.splitlines():
                    self._console.line(f"  {sanitize_line(line)}", "faint")
            case ChildRunCompleted(agent=agent, status=status) as ended if status != "completed":
                why = f": {sanitize_line(ended.error.message)}" if ended.error is not None else ""
                self._console.line(f"  {sanitize_line(agent)} was not completed ({status}){why}", "bad")

    def _show_course(self, logged: LoggedEvent) -> None:
        match logged.event:
            case RunStarted():
                self._show_begin(logged.event)
            case MessageQueued():
                self._console.line("The session is busy: the message waits until its run has ended.")
            case MessageDequeued(reason="pulled_back"):
                self._console.line("The message was pulled back; nothing was sent.", "bad")
            case RunPaused():
                self._console.transient("paused")
            case RunResumed():
                self._console.transient("")
            case ModelRetried(model=model, attempt=attempt, delay_s=delay, error=error):
                self._console.line(f"{model}: {error.message}; attempt {attempt + 1} in {delay:.1f} s")
            case ModelFellBack(from_model=old, to_model=new, error=error):
                self._console.line(f"{old}: {error.message}; going on with {new}")
            case ContextCompacted(messages_dropped=dropped):
                self._console.line(
                    f"The conversation was long: {dropped} messages are a summary now.", "faint"
                )
            case HookCompleted() as hook:
                bad = hook.outcome == "deny" or hook.error
                self._console.line(f"  {hook.line}", "bad" if bad else "faint")
            case RetrievalCompleted(call_id=None) as retrieval:
                self._console.line(
                    retrieved(retrieval, self.signs.knowledge), "bad" if retrieval.error else "faint"
                )
            case SessionDeleted():
                self._console.line("The session was deleted.", "bad")
            case RunCompleted(reason=reason):
                self._end(_ENDS.get(reason, f"The reply was ended by: {reason}"))
            case RunFailed(error=error):
                self._end(f"failed: {error.message} ({error.code})")
            case RunCancelled(reason=reason):
                self._end(f"cancelled{': ' + reason if reason else ''}")

    def _show_begin(self, started: RunStarted) -> None:
        self._console.line(self._header(started.agent, started.model), "faint")
        for number, step in enumerate(started.plan, 1):
            self._console.line(f"  {number}. {sanitize_line(step)}", "faint")

    def _header(self, agent: str, model: str) -> str:
        choice = self._choice
        hint = f" ({choice.hint})" if choice and choice.hint and choice.model == model else ""
        return f"{agent} · {model or 'a tool, run directly'}{hint}"

    def _end(self, text: str) -> None:
        self._console.withdraw()
        self._console.end_reply()
        self._show_sources()
        self._show_suggested()
        if text:
            self._console.line(text, "bad")

    def _show_sources(self) -> None:
        """Writes what the numbers in the reply stand for below it."""
        if not self._cited or self._as_json:
            return
        self._console.next_part()
        for line in source_lines(self._cited):
            self._console.reply(f"{line}\n")

    def _show_suggested(self) -> None:
        """Writes how the run went, and what could be asked next."""
        for part in self._analysis.splitlines():
            self._console.line(f"  {sanitize_line(part)}", "faint")
        if self._suggested:
            self._console.line("You could ask:", "faint")
        for number, question in enumerate(self._suggested, 1):
            self._console.line(f"  {number}. {sanitize_line(question)}", "faint")


def retrieved(retrieval: RetrievalCompleted, sign: str = Signs().knowledge) -> str:
    """Returns in a line what was put before the model."""
    if retrieval.error is not None:
        return f"Knowledge: {sanitize_line(retrieval.error.message)}"
    used = sum(item.used for item in retrieval.items)
    left = len(retrieval.items) - used
    of = f" of {sanitize_line(', '.join(retrieval.collections))}" if retrieval.collections else ""
    dropped = f"; {left} had no room" if left else ""
    return f"{sign}{used} passages{of} go along{dropped}"


def summary(arguments: dict[str, Any]) -> str:
    """Returns the arguments of a call in one short line; one that stands alone without its name."""
    shown = {key: value if isinstance(value, str) else json.dumps(value) for key, value in arguments.items()}
    text = next(iter(shown.values())) if len(shown) == 1 else " ".join(f"{k}={v}" for k, v in shown.items())
    return shorten(sanitize_line(text), _SUMMARY)
