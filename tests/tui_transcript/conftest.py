"""Builders of events and entries for the tests of the transcript."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.color import Color
from textual.style import Style

from holdfast.core.domain import events
from holdfast.core.domain.approvals import Approval, Decision
from holdfast.core.domain.errors import ErrorInfo, ErrorKind
from holdfast.core.domain.events import DELTAS, LoggedEvent
from holdfast.core.domain.knowledge import Citation, Passage, Place, Retrieved
from holdfast.core.domain.messages import FilePart, TextPart
from holdfast.core.domain.tools import DiffBlock, Question, Risk, TextBlock
from holdfast.tui.presenters.entries import Entry, fold
from holdfast.tui.presenters.transcript import TranscriptPresenter
from holdfast.tui.widgets.transcript import Transcript
from holdfast.tui.widgets.transcript.line import Paint

START = datetime(2026, 1, 1, tzinfo=UTC)


class Log:
    """Writes the events of one session, with ids and times that grow."""

    def __init__(self) -> None:
        self.events: list[LoggedEvent] = []
        self.run = "run-0"
        self._runs = 0

    def add(self, kind: str, /, **fields: Any) -> LoggedEvent:
        cls = getattr(events, kind)
        if "run_id" in cls.model_fields and kind not in ("MessageQueued", "MessageDequeued", "FileChanged"):
            fields.setdefault("run_id", self.run)
        number = len(self.events) + 1
        event = cls(session_id="s", at=START + timedelta(seconds=number), **fields)
        self.events.append(LoggedEvent(id=number, event=event))
        return self.events[-1]

    def start(self, text: str = "hello", agent: str = "analyst", **fields: Any) -> None:
        self._runs += 1
        self.run = f"run-{self._runs}"
        self.add("RunStarted", agent=agent, model="offline", **fields)
        self.add("MessageAdded", message_id=f"m{self._runs}", parts=(TextPart(text=text),))

    def part(
        self, id: str, *deltas: str, kind: str = "text", end: bool = True, cites: Sequence[int] = ()
    ) -> None:
        """A part of the reply; it ends without the numbers in brackets that are not among `cites`."""
        self.add("PartStarted", part_id=id, kind=kind)
        for delta in deltas:
            self.add("PartDelta", part_id=id, text=delta)
        if end:
            citations = tuple(self.citation(number) for number in cites)
            text = "".join(deltas).replace("[99]", "")
            self.add("PartCompleted", part_id=id, kind=kind, text=text, citations=citations)

    def request(self, id: str, name: str = "write_file", **arguments: Any) -> None:
        self.add("ToolCallRequested", call_id=id, step=1, name=name, arguments=arguments)

    def retrieved(self, number: int | None, chunk: int) -> Retrieved:
        """A passage, cited by `number`; without one it was dropped."""
        passage = Passage(
            chunk_id=chunk,
            number=chunk,
            collection_id="c",
            collection="docs",
            document_id="d",
            document=f"guide{chunk}.md",
            source="/guide.md",
            text=f"passage {chunk}\x1b[31m",
            place=Place(start=0, end=9, line=chunk, headings=("Guide", "Start")),
            score=0.5,
            vector_rank=1,
        )
        return Retrieved(number=number, used=number is not None, passage=passage)

    def citation(self, number: int) -> Citation:
        return Citation(
            number=number, document=f"guide{number}.md", document_id="d", chunk_id=number, excerpt="passage"
        )

    def retrieve(self, call: str | None = None, numbers: Sequence[int] = (1, 2), error: str = "") -> None:
        """Passages of these numbers were found, and one more that was dropped."""
        found = [*(self.retrieved(n, n) for n in numbers), self.retrieved(None, 9)] if not error else []
        self.add(
            "RetrievalCompleted",
            call_id=call,
            query="how",
            method="hybrid",
            collections=("docs",),
            items=tuple(found),
            duration_ms=12.0,
            error=ErrorInfo(kind=ErrorKind.UNAVAILABLE, code="x", message=error) if error else None,
        )

    def ask(self, id: str, reason: str = "no rule allows it") -> None:
        approval = Approval(
            id=f"approval-{id}",
            session_id="s",
            run_id=self.run,
            call_id=id,
            agent="analyst",
            tool="write_file",
            risk=Risk.WRITE,
            subject="report.md",
            arguments={"path": "report.md"},
            preview=(DiffBlock(path="report.md", diff="@@ -0,0 +1 @@\n+hello", created=True),),
            reason=reason,
            requested_at=START,
        )
        self.add("ApprovalRequested", approval=approval)

    def resolve(self, id: str, status: str, decision: Decision | None = None) -> None:
        self.add(
            "ApprovalResolved", approval_id=f"approval-{id}", call_id=id, status=status, decision=decision
        )

    def complete(self, id: str, outcome: str = "ok", text: str = "done", **fields: Any) -> None:
        content = (TextPart(text=text),)
        display = fields.pop("display", (TextBlock(text=text),))
        self.add(
            "ToolCallCompleted",
            call_id=id,
            name="write_file",
            outcome=outcome,
            content=content,
            display=display,
            **fields,
        )

    def question(self, id: str, call: str, text: str, choices: Sequence[str] = ()) -> None:
        asked = Question(
            id=id, session_id="s", run_id=self.run, call_id=call, text=text, choices=tuple(choices)
        )
        self.add("QuestionAsked", question=asked)

    def fail(self, message: str, code: str = "model_failed") -> None:
        self.add("RunFailed", error=ErrorInfo(kind=ErrorKind.UPSTREAM, code=code, message=message))

    def queue(self, id: str, text: str) -> None:
        self.add("MessageQueued", message_id=id, parts=(TextPart(text=text),))

    def file_part(self, name: str, size: int) -> FilePart:
        return FilePart(blob="0" * 64, media_type="text/csv", name=name, size=size)

    def entries(self) -> list[Entry]:
        """Returns what the events so far look like, folded live."""
        return live(self.events)


def live(logged: Sequence[LoggedEvent]) -> list[Entry]:
    """Folds event by event, as they come."""
    presenter = TranscriptPresenter()
    entries: list[Entry] = []
    for event in logged:
        fold(entries, presenter.apply(event))
    return entries


def without_deltas(logged: Sequence[LoggedEvent]) -> list[LoggedEvent]:
    """Returns what a page of history holds: no deltas of parts and calls that have ended."""
    ended = {
        (e.event.run_id, getattr(e.event, "part_id", None) or getattr(e.event, "call_id", None))
        for e in logged
        if e.event.type in ("part.completed", "tool_call.completed")
    }
    return [
        e
        for e in logged
        if e.event.type not in DELTAS
        or (e.event.run_id, getattr(e.event, "part_id", None) or getattr(e.event, "call_id", None))
        not in ended
    ]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture(scope="module")
def folding() -> SimpleNamespace:
    """The ways to fold a log, for tests that compare them."""
    return SimpleNamespace(live=live, without_deltas=without_deltas, Log=Log)


@pytest.fixture(scope="module")
def paint() -> Paint:
    """Colours for laying out without an app: every style name is the plain style."""
    base = Style(background=Color(0, 0, 0), foreground=Color(255, 255, 255))

    def resolve(style: str | Style) -> Style:
        return style if isinstance(style, Style) else Style()

    return Paint(base, resolve)


class Host(App[None]):
    """An app with a transcript and nothing else; keeps the messages that it posts."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[object] = []

    def compose(self) -> ComposeResult:
        yield Transcript()

    def on_mount(self) -> None:
        self.query_one(Transcript).focus()

    def on_transcript_older_needed(self, message: Transcript.OlderNeeded) -> None:
        self.posted.append(message)

    def on_transcript_follow_changed(self, message: Transcript.FollowChanged) -> None:
        self.posted.append(message)

    def on_transcript_entry_activated(self, message: Transcript.EntryActivated) -> None:
        self.posted.append(message)

    def on_transcript_link_activated(self, message: Transcript.LinkActivated) -> None:
        self.posted.append(message)

    def on_transcript_source_activated(self, message: Transcript.SourceActivated) -> None:
        self.posted.append(message)

    def on_transcript_number_typed(self, message: Transcript.NumberTyped) -> None:
        self.posted.append(message)

    def of(self, kind: type) -> list[Any]:
        return [message for message in self.posted if isinstance(message, kind)]

    @property
    def view(self) -> Transcript:
        return self.query_one(Transcript)

    def rows(self) -> list[str]:
        """The rows of the transcript as they are on the screen."""
        return [self.view.render_line(y).text.rstrip() for y in range(self.view.size.height)]


@pytest.fixture
def host() -> Callable[[], Host]:
    return Host
