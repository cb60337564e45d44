"""Earlier messages once more: edited and sent from there, or answered again by another model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import ConflictError, InvalidError
from holdfast.core.domain.events import RUN_ENDS, EventFilter, MessageAdded
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.values import new_id
from holdfast.tui.control.base import Context
from holdfast.tui.control.connection import fairly
from holdfast.tui.control.sessions import SessionsControl
from holdfast.tui.presenters.choices import model_choices
from holdfast.tui.presenters.compare import Answer
from holdfast.tui.presenters.draft import Draft, Mention
from holdfast.tui.presenters.model import Editing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from holdfast.core.domain.messages import UserPart
    from holdfast.core.domain.runs import Run
    from holdfast.tui.control.desk import Action
    from holdfast.tui.presenters.entries import Entry, Update

FIRST_EVENTS = 50
"""Events of a run among which its message stands."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to the same message."""

    first: Answer
    again: Answer


class AgainControl:
    """Forks before a message, and goes on there."""

    def __init__(self, context: Context, sessions: SessionsControl) -> None:
        self._context = context
        self._sessions = sessions
        self.actions: dict[str, Action] = {
            "edit_message": self.edit,
            "edit_message.leave": self.leave,
            "regenerate": self.regenerate,
        }

    # --- edit and resend

    async def edit(self, _: str) -> None:
        """Takes the message at the cursor, else the last one, into the message field. Sending it forks."""
        model, box = self._context.model, self._context.view.box
        entry = self._entry("user")
        if entry is None or entry.run_id is None:
            raise ConflictError("There is no message of yours to edit here.", code="no_message")
        run = await self._context.workbench.runs.get(entry.run_id)
        message = await self._message(run)
        if message.message_id != entry.id:
            raise ConflictError(
                "That message came in the middle of a run: edit the one that began it.", code="not_first"
            )
        draft = box.area.text if model.editing is None else model.editing.draft
        along = tuple(part for part in message.parts if not isinstance(part, TextPart))
        mentioned = frozenset(one.path for one in Draft().mentions(entry.text))
        model.editing = Editing(run.session_id, run.first_event_id, draft, along, mentioned)
        box.set_text(entry.text)
        self._context.view.mark("queue")

    async def leave(self, _: str = "") -> None:
        """Gives up editing: what stood in the message field before comes back."""
        model, box = self._context.model, self._context.view.box
        editing, model.editing = model.editing, None
        if editing is not None:
            box.set_text(editing.draft)
            self._context.view.mark("queue")

    async def before_sending(self, mentions: list[Mention]) -> tuple[tuple[UserPart, ...], list[Mention]]:
        """Called before a message is sent: while one is edited, forks and opens the fork. Returns the files
        that the message had, and still has, and the mentions of others. Raises `HoldfastError`, then it is
        edited still."""
        model = self._context.model
        editing = model.editing
        if editing is None or editing.session_id != model.session_id:
            return (), mentions
        session = await self._context.workbench.sessions.fork(editing.session_id, editing.before)
        model.editing = None
        model.sessions.merge(session)
        await self._sessions.open(session.id)
        self._context.view.mark("queue")
        self._context.view.say("It is sent in a copy. The session it came from is unchanged.")
        return editing.files(mentions)

    # --- another answer

    async def regenerate(self, name: str) -> None:
        """Lets a model answer the message of the answer at the cursor once more, in a fork, and shows both
        answers beside each other."""
        entry = self._entry("reply", "user", "tool", "error", "reasoning")
        if entry is None or entry.run_id is None:
            raise ConflictError("There is no answer here yet.", code="no_answer")
        run = await self._context.workbench.runs.get(entry.run_id)
        if not run.model:
            raise ConflictError("No model made this: you ran the tool yourself.", code="no_model")
        chosen = name or await self._pick(run.model)
        if chosen is None:
            return
        sessions = self._context.workbench.sessions
        message = await self._message(run)
        fork = await sessions.fork(run.session_id, run.first_event_id)
        if chosen != (fork.model or run.model):
            fork = await sessions.configure(fork.id, model="" if chosen == "default" else chosen)
        self._context.model.sessions.merge(fork)
        submitted = await self._context.workbench.runs.send(fork.id, message.parts, None, new_id())
        if submitted.run_id is None:
            raise ConflictError("The copy is busy already.", code="busy")
        first = Answer("first", run.session_id, run.id, run.model)
        again = Answer("again", fork.id, submitted.run_id, "" if chosen == "default" else chosen)
        self._show(Pair(first, again))

    async def _pick(self, current: str) -> str | None:
        """Asks for a model; the one that answered stands first."""
        choices = model_choices(await self._context.workbench.models.list(), current)
        choices.sort(key=lambda choice: choice.value != current)
        title = f"Answer again: with which model? {sanitize_line(current)} answered."
        return await self._context.app.dialogs.choose(title, choices)

    def _show(self, pair: Pair) -> None:
        from holdfast.tui.screens.compare import CompareScreen  # start-up time: when two are compared

        self._context.app.push_screen(CompareScreen(pair, self))

    async def follow(self, answer: Answer, show: Callable[[Sequence[Update]], None]) -> None:
        """Reads the events of an answer until its run ends; `show` is given what changes."""
        events = self._context.workbench.events.follow(EventFilter(run_id=answer.run_id), after=0)
        async for logged in fairly(events):
            updates = answer.apply(logged)
            show(updates)
            if logged.event.type in RUN_ENDS:
                return

    async def keep(self, answer: Answer) -> None:
        """Goes on in the session of an answer."""
        if answer.session_id != self._context.model.session_id:
            await self._sessions.open(answer.session_id)
        self._context.view.say("The other answer stays in the list of sessions.")

    # --- what is meant

    def _entry(self, *kinds: str) -> Entry | None:
        """Returns the entry at the cursor, if it is of these kinds, else the last one that is."""
        panes = self._context.panes
        entry = panes.transcript.cursor_entry
        if entry is not None and entry.kind in kinds and entry.run_id is not None:
            return entry
        wanted = [one for one in panes.entries if one.kind in kinds and one.run_id is not None]
        return wanted[-1] if wanted else None

    async def _message(self, run: Run) -> MessageAdded:
        """Returns the message that began a run. Raises `InvalidError` when it has none."""
        filter = EventFilter(run_id=run.id, deltas=False)
        page = await self._context.workbench.events.read(filter, max(0, run.first_event_id - 1), FIRST_EVENTS)
        for logged in page.items:
            if isinstance(logged.event, MessageAdded) and logged.event.origin == "send":
                return logged.event
        raise InvalidError("This run was not begun by a message.", code="no_message")
