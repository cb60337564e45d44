"""Tool calls, their approvals and their questions as entries of the transcript."""

from __future__ import annotations

from dataclasses import replace

from holdfast.core.domain import events
from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.printed import plain
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.keys import shown
from holdfast.tui.presenters.asked import choices_of, words_of
from holdfast.tui.presenters.entries import (
    Append,
    Change,
    CodeView,
    DiffView,
    Entry,
    PlanView,
    TextView,
    Update,
    View,
)
from holdfast.tui.presenters.retrievals import RetrievalView
from holdfast.tui.presenters.views import (
    arguments_view,
    passages_view,
    result_views,
    subject_line,
    subject_of,
    views_of,
)

PROGRESS_LINES = 12
"""Last lines of a running call's output that are shown."""
PROGRESS_CHARS = 4_000
WAITING_LINES = 16
"""Lines of a waiting call's diff or code in the transcript; the inbox shows all of them."""
LONG_DIFF = 40
"""A finished call with a longer diff is closed."""

_SCOPES = {"once": "", "session": "allowed for this session", "always": "always allowed from now on"}


class Calls:
    """The calls of a run that have not ended, and the questions that wait."""

    def __init__(self) -> None:
        self._open: dict[str, Entry] = {}
        self._questions: dict[str, Entry] = {}
        self._inner: set[str] = set()
        """Calls that wait for what their servers have asked for."""
        self._retrieved: set[str] = set()
        """Calls whose passages are shown, so that their result need not be."""

    def request(self, event: events.ToolCallRequested, id: int, speaker: str) -> list[Update]:
        entry = Entry(
            *(_key(event), "tool", id, event.run_id),
            speaker=speaker,
            title=sanitize_line(event.name),
            subject=subject_of(event.arguments),
            state="requested",
            note=sanitize(event.invalid).strip(),
            open=True,
        )
        self._open[entry.id] = entry
        return [Append(entry)]

    def ask(self, event: events.ApprovalRequested) -> list[Update]:
        """The call waits; its preview says exactly what it will do."""
        approval = event.approval
        entry = self._open.get(f"{event.run_id}:{approval.call_id}")
        if entry is None:
            return []
        entry.state, entry.asked = "waiting", True
        if approval.inner:
            self._inner.add(entry.id)
        entry.subject = subject_line(approval.subject) or entry.subject
        entry.note = sanitize(approval.reason).strip()
        entry.blocks = shortened(views_of(approval.preview) or [arguments_view(approval.arguments)])
        return [Change(entry)]

    def resolve(self, event: events.ApprovalResolved) -> list[Update]:
        entry = self._open.get(f"{event.run_id}:{event.call_id}")
        if entry is None:
            return []
        # What a server has asked for is not the call itself, which goes on.
        entry.state = "running" if entry.id in self._inner else "requested"
        self._inner.discard(entry.id)
        entry.note = _resolution(event.status, event.decision)
        if event.status == "approved" and event.decision is not None and event.decision.arguments is not None:
            entry.subject = subject_of(event.decision.arguments)
            entry.blocks = [arguments_view(event.decision.arguments)]
        return [Change(entry)]

    def start(self, event: events.ToolCallStarted) -> list[Update]:
        entry = self._open.get(_key(event))
        if entry is None:
            return []
        entry.state = "running"
        return [Change(entry)]

    def progress(self, event: events.ToolCallProgressed) -> list[Update]:
        """Keeps the last lines; the whole output comes with the end of the call."""
        entry = self._open.get(_key(event))
        if entry is None:
            return []
        before = "" if event.skipped else entry.text
        text = (before + plain(event.text))[-PROGRESS_CHARS:]
        ended = text.endswith("\n")
        entry.text = "\n".join(text.split("\n")[-PROGRESS_LINES - ended :])
        return [Change(entry)]

    def child(self, event: events.ChildRunStarted) -> list[Update]:
        """The call has another agent work for it: its calls come a line each, and it can be opened."""
        entry = self._open.get(f"{event.run_id}:{event.call_id}")
        if entry is None:
            return []
        entry.child = event.child_session_id
        entry.subject = subject_line(f"{event.agent} · {event.task}")
        entry.note = f"{'in the background · ' if event.background else ''}/subagent opens it"
        return [Change(entry)]

    def retrieve(self, event: events.RetrievalCompleted, retrieval: RetrievalView) -> list[Update]:
        """The call has searched: its passages are what it shows."""
        entry = self._open.get(f"{event.run_id}:{event.call_id}")
        if entry is None:
            return []
        if retrieval.error:
            entry.note = retrieval.title
            return [Change(entry)]
        entry.text = ""
        before = entry.blocks if entry.id in self._retrieved else []
        blocks, sources = passages_view(retrieval, first=len(entry.sources))
        entry.blocks, entry.sources = [*before, *blocks], {**entry.sources, **sources}
        entry.subject = " · ".join(filter(None, (subject_line(retrieval.query), retrieval.outcome)))
        self._retrieved.add(entry.id)
        return [Change(entry)]

    def complete(self, event: events.ToolCallCompleted) -> list[Update]:
        entry = self._open.pop(_key(event), None)
        if entry is None:
            return []
        retrieved = entry.id in self._retrieved
        self._retrieved.discard(entry.id)
        entry.state = event.outcome
        entry.open = False
        entry.text = ""
        entry.duration_ms = event.duration_ms or None
        if event.outcome == "denied":
            entry.note = entry.note or _first_text(event)
            entry.blocks = []
        elif not retrieved or event.outcome != "ok":
            entry.blocks = views_of(event.display) or result_views(event.content)
        entry.collapsed = event.outcome in ("ok", "cancelled") and not _worth_seeing(entry.blocks)
        return [Change(entry)]

    def question(self, event: events.QuestionAsked, id: int) -> list[Update]:
        question = event.question
        entry = Entry(
            *(question.id, "question", id, event.run_id),
            text=words_of(question),
            choices=map(sanitize_line, choices_of(question)),
            state="waiting",
            open=True,
        )
        self._questions[entry.id] = entry
        return [*self._asking(event, question.call_id, "waiting"), Append(entry)]

    def answer(self, event: events.QuestionAnswered) -> list[Update]:
        entry = self._questions.pop(event.question_id, None)
        if entry is None:
            return []
        entry.open = False
        entry.state = "cancelled" if event.answer is None else "ok"
        entry.note = "no answer" if event.answer is None else sanitize(event.answer).strip()
        return [Change(entry), *self._asking(event, event.call_id, "running")]

    def _asking(
        self, event: events.QuestionAsked | events.QuestionAnswered, call_id: str, state: str
    ) -> list[Update]:
        """Says of the call that asks whether it waits for the person."""
        call = self._open.get(f"{event.run_id}:{call_id}")
        if call is None:
            return []
        call.state = state
        return [Change(call)]

    def end(self) -> list[Update]:
        """Closes what is open when the run ends."""
        left = [*self._open.values(), *self._questions.values()]
        self._open.clear()
        self._questions.clear()
        self._retrieved.clear()
        for entry in left:
            entry.state = "cancelled"
            entry.open = False
        return [Change(entry) for entry in left]


def shortened(views: list[View]) -> list[View]:
    """Returns the views with long diffs and code cut, so that the conversation stays in sight."""
    short: list[View] = []
    for view in views:
        match view:
            case DiffView():
                text, left = _cut(view.diff)
                short.append(replace(view, diff=text))
            case CodeView():
                text, left = _cut(view.text)
                short.append(replace(view, text=text))
            case _:
                left = 0
                short.append(view)
        if left:
            short.append(
                TextView(f"… {left} more lines: {shown('everywhere.approvals')} shows the whole call")
            )
    return short


def _cut(text: str) -> tuple[str, int]:
    lines = text.rstrip("\n").split("\n")
    left = len(lines) - WAITING_LINES
    return (text, 0) if left <= 2 else ("\n".join(lines[:WAITING_LINES]), left)


def _key(
    event: events.ToolCallRequested
    | events.ToolCallStarted
    | events.ToolCallProgressed
    | events.ToolCallCompleted,
) -> str:
    return f"{event.run_id}:{event.call_id}"


def _resolution(status: str, decision: Decision | None) -> str:
    """Returns in words how an approval was resolved."""
    match status:
        case "approved":
            said = [_SCOPES[decision.scope]] if decision is not None else []
            if decision is not None and decision.arguments is not None:
                said.append("with edited arguments")
            return ", ".join(filter(None, said))
        case "denied":
            reason = sanitize(decision.reason).strip() if decision is not None else ""
            return f"denied: {reason}" if reason else "denied"
        case "expired":
            return "nobody decided in time"
        case "stale":
            return "what it would do has changed; asked again"
        case _:
            return ""


def _worth_seeing(blocks: list[View]) -> bool:
    """Says whether a finished call stays open: plans and short diffs are what people look for."""
    return any(
        isinstance(block, PlanView) or (isinstance(block, DiffView) and block.diff.count("\n") <= LONG_DIFF)
        for block in blocks
    )


def _first_text(event: events.ToolCallCompleted) -> str:
    views = result_views(event.content)
    return next((view.text for view in views if hasattr(view, "text")), "")
