"""The log as a transcript: events are folded into entries.

Pure. Live events and a page of history go the same way; deltas of parts and calls that have ended may be
absent and change nothing in the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import singledispatchmethod

from holdfast.core.domain import events
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.messages import ImagePart, results_in, text_of, without_results
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.keys import shown
from holdfast.tui.presenters.calls import Calls
from holdfast.tui.presenters.entries import Append, Change, Entry, Remove, Update
from holdfast.tui.presenters.figures import duration, tokens
from holdfast.tui.presenters.passages import PassageView, cited_passage
from holdfast.tui.presenters.retrievals import retrieval_of
from holdfast.tui.presenters.views import attachment_names, image_views, message_text, passages_view

COMPACTION = "compaction"
"""The subject of the notice of a compaction."""
LONG_MESSAGE = 4_000
"""A message with more characters, or with 24 lines, is closed at first."""


def _go_on() -> str:
    """Returns what to do after a run that did not come to its end."""
    return f"{shown('everywhere.continue')} goes on from here · or type a message"


_FILES_SAY = {
    "undo": "Taken back",
    "redo": "Brought back",
    "written": "Written by a client",
    "deleted": "Deleted by a client",
}
_SPEAKERS = {"send": "you", "agent": "another agent"}
_NUMBER = re.compile(r"\[(\d{1,6})\]")

_Updates = list[Update]


class TranscriptPresenter:
    """Folds the events of one session. Remembers only what is open, so that it stays small."""

    def __init__(self, agent: str = "") -> None:
        """`agent` is the name above replies until an event says another."""
        self._agent = sanitize_line(agent)
        self._speaks = True
        """Whether the next entry of the agent has its name above it."""
        self._go_on = _go_on()
        self._stopped: Entry | None = None
        """What says that the last run did not come to its end, and how it goes on."""
        self._parts: dict[str, Entry] = {}
        self._began: dict[str, datetime] = {}
        self._calls = Calls()
        self._files: Entry | None = None
        self._paused: str | None = None
        self._numbers: dict[int, PassageView] = {}
        """What numbers in replies stand for, as far as passages came: links before a reply has ended."""

    def present(self, page: Iterable[LoggedEvent]) -> list[Entry]:
        """Returns the entries of a page of events. To go on live, apply later events to the same presenter;
        for a page of older history use a new one."""
        entries: dict[str, Entry] = {}
        for event in page:
            for update in self.apply(event):
                if isinstance(update, Append):
                    entries[update.entry.id] = update.entry
                elif isinstance(update, Remove):
                    entries.pop(update.id, None)
        return sorted(entries.values(), key=lambda entry: entry.kind == "queued")

    def apply(self, event: LoggedEvent) -> list[Update]:
        """Returns what one more event changes. An entry in an update is live: it changes in place."""
        if not isinstance(event.event, events.FileChanged):
            self._files = None
        return self._fold(event.event, event.id)

    @singledispatchmethod
    def _fold(self, event: object, id: int) -> _Updates:
        return []

    # --- sessions and runs

    @_fold.register
    def _(self, event: events.SessionCreated, id: int) -> _Updates:
        self._agent = sanitize_line(event.agent)
        if event.child_of is not None:
            title = f"{self._agent} works here as a sub-agent · /subagent goes back to the session above"
            return [_notice(id, title)]
        return (
            [_notice(id, "A copy of another session; what follows is this one's.")]
            if event.forked_from
            else []
        )

    @_fold.register
    def _(self, event: events.SessionConfigured, id: int) -> _Updates:
        model = sanitize_line(event.model or "") or "the default model"
        return [_notice(id, f"From the next run on: {sanitize_line(event.agent)} · {model}")]

    @_fold.register
    def _(self, event: events.RunStarted, id: int) -> _Updates:
        self._agent = sanitize_line(event.agent)
        self._speaks = True
        self._go_on = _go_on() if event.model else ""
        updates = self._leave_stopped() if event.model else []
        if event.continues:
            updates.append(_notice(id, "Goes on from where the last run stopped.", event.run_id))
        return updates

    @_fold.register
    def _(self, event: events.RunPaused, id: int) -> _Updates:
        self._paused = f"event-{id}"
        return [_notice(id, "Paused before the next step.", event.run_id)]

    @_fold.register
    def _(self, event: events.RunResumed, id: int) -> _Updates:
        return self._unpause()

    @_fold.register
    def _(self, event: events.RunCompleted, id: int) -> _Updates:
        updates = self._end(event)
        if event.reason == "length":
            title = f"The reply was cut: the model's output limit was reached. {_go_on()}"
            updates.append(_notice(id, title, event.run_id, warning=True))
        elif event.reason == "content_filter":
            title = "The provider's content filter stopped the reply."
            updates.append(_notice(id, title, event.run_id, warning=True))
        elif event.reason == "handed_over":
            updates.append(_notice(id, "Handed over to another agent.", event.run_id))
        elif event.reason == "client_tools":
            title = "The program that started this run executes these tools and sends their results."
            updates.append(_notice(id, title, event.run_id))
        return updates

    @_fold.register
    def _(self, event: events.RunFailed, id: int) -> _Updates:
        title, _, text = sanitize(event.error.message).strip().partition("\n")
        entry = Entry(f"event-{id}", "error", id, event.run_id, title=title, text=text, note=self._go_on)
        self._stopped = entry
        return [*self._end(event), Append(entry)]

    @_fold.register
    def _(self, event: events.RunCancelled, id: int) -> _Updates:
        why = f": {sanitize_line(event.reason)}" if event.reason else ""
        title = " · ".join(filter(None, (f"Stopped{why}", self._go_on)))
        notice = _notice(id, title, event.run_id, warning=True)
        self._stopped = notice.entry
        return [*self._end(event), notice]

    def _leave_stopped(self) -> _Updates:
        """Takes the way on from a run that was stopped: another one has begun since."""
        entry, self._stopped = self._stopped, None
        if entry is None:
            return []
        entry.title = entry.title.removesuffix(_go_on()).removesuffix(" · ")
        entry.note = entry.note.removesuffix(_go_on())
        return [Change(entry)]

    def _end(self, event: events.RunCompleted | events.RunFailed | events.RunCancelled) -> _Updates:
        """Closes what a run left open. There is nothing, unless the log was cut."""
        updates = [*self._unpause(), *self._calls.end()]
        for key in list(self._parts):
            updates += self._close_part(key, None, event.at)
        self._speaks = True
        return updates

    def _unpause(self) -> _Updates:
        paused, self._paused = self._paused, None
        return [Remove(paused)] if paused is not None else []

    # --- messages

    @_fold.register
    def _(self, event: events.MessageQueued, id: int) -> _Updates:
        said = without_results(event.parts)
        text = message_text(said) if said else "Results from the caller"
        files = attachment_names(said)
        title = "steers the run" if event.steer else "queued"
        return [
            Append(Entry(_queued(event.message_id), "queued", id, title=title, text=text, attachments=files))
        ]

    @_fold.register
    def _(self, event: events.MessageDequeued, id: int) -> _Updates:
        return [Remove(_queued(event.message_id))]

    @_fold.register
    def _(self, event: events.MessageAdded, id: int) -> _Updates:
        self._speaks = True
        if event.origin == "continue":
            return [_notice(id, "The model is asked to go on.", event.run_id)]
        if event.origin == "repair":
            title = "The reply does not fit the schema; the model is asked to repair it."
            return [_notice(id, title, event.run_id, warning=True)]
        if event.origin == "summary":
            return [_notice(id, "asked for a closing summary", event.run_id)]
        if event.origin == "child_run":
            title, _, text = message_text(event.parts).partition("\n")
            notice = _notice(id, title, event.run_id)
            notice.entry.text, notice.entry.collapsed = text, bool(text)
            return [notice]
        updates = _results(event, id)
        said = without_results(event.parts)
        if not said:
            return updates
        text = message_text(said)
        entry = Entry(
            *(event.message_id, "user", id, event.run_id),
            speaker=_SPEAKERS.get(event.origin, "you, meanwhile"),
            text=text,
            attachments=attachment_names(part for part in said if not isinstance(part, ImagePart)),
            blocks=image_views(said),
            collapsed=len(text) > LONG_MESSAGE or text.count("\n") >= 24,
        )
        return [*updates, Append(entry)]

    # --- parts of the reply

    @_fold.register
    def _(self, event: events.PartStarted, id: int) -> _Updates:
        key = f"{event.run_id}:{event.part_id}"
        entry = Entry(
            *(key, "reply", id, event.run_id), speaker=self._speaker(), sources=self._numbers, open=True
        )
        if event.kind != "text":
            entry.kind, entry.title, entry.collapsed = "reasoning", "Thinking …", True
        self._parts[key] = entry
        self._began[key] = event.at
        return [Append(entry)]

    @_fold.register
    def _(self, event: events.PartDelta, id: int) -> _Updates:
        entry = self._parts.get(f"{event.run_id}:{event.part_id}")
        if entry is None:
            return []
        entry.append(sanitize(event.text))
        return [Change(entry)]

    @_fold.register
    def _(self, event: events.PartCompleted, id: int) -> _Updates:
        cited = {one.number: cited_passage(one) for one in event.citations}
        return self._close_part(f"{event.run_id}:{event.part_id}", sanitize(event.text), event.at, cited)

    def _close_part(
        self, key: str, text: str | None, at: datetime, cited: Mapping[int, PassageView] | None = None
    ) -> _Updates:
        """Ends a part with its whole text and what it cites; None keeps what came. A part that says nothing
        goes."""
        entry = self._parts.pop(key, None)
        if entry is None:
            return []
        began = self._began.pop(key)
        entry.sources = _mentioned(entry.text, self._numbers) if cited is None else cited
        # Also with the same text it is made anew: which numbers are links is settled now.
        if text is not None and (entry.text != text or self._numbers or cited):
            entry.text = text
        if not entry.text.strip():
            self._speaks = self._speaks or bool(entry.speaker)
            return [Remove(key)]
        entry.open = False
        if entry.kind == "reasoning":
            entry.title = f"Thought for {duration((at - began).total_seconds() * 1000)}"
        return [Change(entry)]

    def _speaker(self) -> str:
        speaks, self._speaks = self._speaks, False
        return (self._agent or "agent") if speaks else ""

    # --- tool calls and questions

    @_fold.register
    def _(self, event: events.ToolCallRequested, id: int) -> _Updates:
        return self._calls.request(event, id, self._speaker() if event.step else "you")

    @_fold.register
    def _(self, event: events.ToolCallStarted, id: int) -> _Updates:
        return self._calls.start(event)

    @_fold.register
    def _(self, event: events.ToolCallProgressed, id: int) -> _Updates:
        return self._calls.progress(event)

    @_fold.register
    def _(self, event: events.ToolCallCompleted, id: int) -> _Updates:
        return self._calls.complete(event)

    @_fold.register
    def _(self, event: events.ChildRunStarted, id: int) -> _Updates:
        return self._calls.child(event)

    @_fold.register
    def _(self, event: events.ApprovalRequested, id: int) -> _Updates:
        return self._calls.ask(event)

    @_fold.register
    def _(self, event: events.ApprovalResolved, id: int) -> _Updates:
        return self._calls.resolve(event)

    @_fold.register
    def _(self, event: events.QuestionAsked, id: int) -> _Updates:
        return self._calls.question(event, id)

    @_fold.register
    def _(self, event: events.QuestionAnswered, id: int) -> _Updates:
        return self._calls.answer(event)

    # --- on the way

    @_fold.register
    def _(self, event: events.FileChanged, id: int) -> _Updates:
        """Undo and redo, and what clients write and delete, are said: what follows each other in one notice.
        What calls change is shown by them."""
        if event.origin == "run":
            return []
        path, state = sanitize_line(event.path), _by_whom(event)
        if self._files is not None and self._files.subject == state:
            self._files.title += f", {path}"
            return [Change(self._files)]
        title = f"{_FILES_SAY[state]}: {path}"
        self._files = Entry(f"event-{id}", "notice", id, title=title, subject=state)
        return [Append(self._files)]

    @_fold.register
    def _(self, event: events.ModelRetried, id: int) -> _Updates:
        title = f"{_says(event.model, event.error)} · trying again in {duration(event.delay_s * 1000)}"
        return [_notice(id, f"{title} (attempt {event.attempt})", event.run_id, warning=True)]

    @_fold.register
    def _(self, event: events.ModelFellBack, id: int) -> _Updates:
        title = f"{_says(event.from_model, event.error)} · going on with {sanitize_line(event.to_model)}"
        return [_notice(id, title, event.run_id, warning=True)]

    @_fold.register
    def _(self, event: events.HookCompleted, id: int) -> _Updates:
        return [_notice(id, event.line, event.run_id, warning=event.outcome == "deny" or bool(event.error))]

    @_fold.register
    def _(self, event: events.RetrievalCompleted, id: int) -> _Updates:
        """Inside a call it is shown there; before the first step it stands for itself."""
        retrieval = retrieval_of(event)
        self._numbers.update((p.number, p) for p in retrieval.passages if p.number is not None)
        if event.call_id is not None and (updates := self._calls.retrieve(event, retrieval)):
            return updates
        state = "warning" if retrieval.error else ""
        entry = Entry(f"event-{id}", "notice", id, event.run_id, title=retrieval.title, state=state)
        if not retrieval.error:
            entry.blocks, entry.sources = passages_view(retrieval)
            entry.collapsed = True
        return [Append(entry)]

    @_fold.register
    def _(self, event: events.ContextCompacted, id: int) -> _Updates:
        size = f"{tokens(event.tokens_before)} → {tokens(event.tokens_after)} tokens"
        kept = f", {event.messages_kept} stay" if event.messages_kept else ""
        title = f"Compacted {event.messages_dropped} messages{kept} · {size} · /compaction"
        text = sanitize(event.summary)
        notice = Entry(f"event-{id}", "notice", id, event.run_id, title=title, text=text, collapsed=True)
        notice.subject = COMPACTION
        return [Append(notice)]


def _results(event: events.MessageAdded, id: int) -> _Updates:
    """Returns the notice of the results in a message, which are no words of a person."""
    results = results_in(event.parts)
    if not results:
        return []
    names = ", ".join(sanitize_line(result.name) or "a call" for result in results)
    text = "\n\n".join(sanitize(text_of(result.content)) for result in results)
    key = f"results-{event.message_id}"
    return [
        Append(
            Entry(
                *(key, "notice", id, event.run_id),
                title=f"Results from the caller: {names}",
                text=text,
                collapsed=True,
            )
        )
    ]


def _mentioned(text: str, numbers: Mapping[int, PassageView]) -> dict[int, PassageView]:
    """Returns what the numbers in a text that was cut stand for."""
    found = (int(digits) for digits in _NUMBER.findall(text))
    return {number: numbers[number] for number in found if number in numbers}


def _by_whom(event: events.FileChanged) -> str:
    if event.origin != "api":
        return event.origin
    return "deleted" if event.change == "deleted" else "written"


def _queued(message_id: str) -> str:
    return f"queued-{message_id}"


def _says(model: str, error: ErrorInfo) -> str:
    return f"{sanitize_line(model)}: {sanitize_line(error.message)}"


def _notice(id: int, title: str, run_id: str | None = None, *, warning: bool = False) -> Append:
    state = "warning" if warning else ""
    return Append(Entry(f"event-{id}", "notice", id, run_id, title=title, state=state))
