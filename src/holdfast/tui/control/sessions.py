"""The open session: opened, made, followed, renamed, forked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.worker import Worker

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import HoldfastError, UnavailableError
from holdfast.core.domain.events import RUN_ENDS, EventFilter, LoggedEvent
from holdfast.core.domain.messages import text_of, without_results
from holdfast.core.domain.runs import IMPORTED
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.control.base import CLOSED, Context
from holdfast.tui.control.connection import Connection, fairly
from holdfast.tui.control.silence import Silence
from holdfast.tui.keys import shown
from holdfast.tui.presenters.answers import Answers
from holdfast.tui.presenters.modes import mode_view
from holdfast.tui.presenters.run import RunView
from holdfast.tui.presenters.status import Filling
from holdfast.tui.presenters.transcript import TranscriptPresenter

if TYPE_CHECKING:
    from holdfast.core.domain.events import UsageRecorded
    from holdfast.core.domain.runs import Session

PAGE = 200
LARGE_PAGE = 1_000
"""Events of a page when many are wanted."""
MAX_PAGES_TO_HIT = 100
TIDY_S = 1.0
"""How long closing the app waits at most for an empty session to be deleted."""


class SessionsControl:
    """Keeps the list of sessions and the one that is open."""

    def __init__(self, context: Context, connection: Connection) -> None:
        self._context = context
        self._connection = connection
        self._presenter = TranscriptPresenter()
        self._worker: Worker[None] | None = None
        self._first = 0
        """The first event on the screen; 0 when there is nothing before it."""
        self._last = 0
        self._counted = 0
        """Events up to here are in the session's own sums already."""
        self._paging = False
        self._making = asyncio.Lock()
        self._apart: Session | None = None
        """A session that was made to complete paths in; it is opened with the first message."""
        self._silence = Silence(context)
        self.deleting: set[str] = set()
        """The sessions that the person deletes here."""

    @property
    def first(self) -> int:
        """The first event on the screen; 0 when there is nothing before it."""
        return self._first

    def take(self, logged: LoggedEvent) -> None:
        """Takes an event of any session: the open one may be deleted, here or elsewhere, and sub-agents may
        use what it is charged for."""
        event = logged.event
        if event.type == "usage.recorded":
            self._count_below(logged.id, event)
        if event.type == "session.cleared" and event.session_id == self._context.model.session_id:
            self._empty(logged.id)
        if event.type not in ("session.deleted", "session.trashed"):
            return
        if self._apart is not None and event.session_id == self._apart.id:
            self._apart = None
        if event.session_id == self._context.model.session_id:
            if event.session_id not in self.deleting:
                self._context.view.say("This session was deleted elsewhere.")
            self.start_afresh()
        self.deleting.discard(event.session_id)

    def _empty(self, id: int) -> None:
        """Shows the open session without what was said in it: somebody has cleared it with the event `id`."""
        model, view = self._context.model, self._context.view
        self._presenter = TranscriptPresenter()
        self._first = self._last = self._counted = id
        model.run, model.answers, model.files = RunView(), Answers(), None
        model.header = replace(model.header, tokens=0, cost_usd=0.0, unpriced=False, filling=Filling())
        self._context.panes.clear_transcript()
        view.box.history.replace([])
        view.say("This session was cleared elsewhere.")
        view.mark("header", "inbox", "sessions", "run", "queue", "files", "footer")

    def _count_below(self, id: int, event: UsageRecorded) -> None:
        model = self._context.model
        if event.session_id == model.session_id or id <= self._counted:
            return  # it comes with the session's own events, or is in its sums
        if model.sessions.root_of(event.session_id) == model.session_id:
            model.header = model.header.spent(event)
            self._context.view.mark("header")

    # --- the open session

    async def open(self, session_id: str, event_id: int | None = None, words: str = "") -> None:
        """Opens a session at its end, or at an event that search has found."""
        model = self._context.model
        session = await self._context.workbench.sessions.get(session_id)
        self._stop_following()
        model.forget_session()
        model.session_id, model.opening = session.id, True
        model.inbox.preferred = session.id
        self._context.panes.clear_transcript()
        try:
            page = await self._context.workbench.events.page_before(session.id, limit=PAGE)
            mode = await self._context.workbench.approvals.mode(session.id)
        except HoldfastError:
            self.start_afresh()
            raise
        if model.session_id != session.id:
            return
        model.mode = mode_view(mode, model.approve)
        self._show(session, page.items)
        self._follow()
        self._context.app.do("session.seen")
        if event_id is not None:
            await self._go_to(event_id, words)

    def _show(self, session: Session, page: tuple[LoggedEvent, ...]) -> None:
        model, view = self._context.model, self._context.view
        self._presenter = TranscriptPresenter()
        self._first = page[0].id if page else 0
        self._last = page[-1].id if page else 0
        self._counted = session.last_event_id
        model.opening = False
        model.run, model.answers = RunView(), Answers()
        filling = Filling()
        for logged in page:
            filling = filling.count(logged.event)
            model.run.apply(logged.event)
            model.answers.apply(logged.event)
            model.take_queue(logged.event)
            model.sessions.learn(logged.event)
        self._silence.look()
        model.header = replace(model.header, filling=filling)
        self._describe(session)
        if session.id not in model.sessions:  # it is on no page that was read
            model.sessions.merge(session)
        self._context.panes.set_entries(self._presenter.present(list(page)))
        added = (e.event for e in page if e.event.type == "message.added")
        texts = [text_of(said) for event in added if (said := without_results(event.parts))]
        view.box.history.replace([sanitize(text) for text in texts])
        view.mark("inbox", "sessions", "run", "queue", "files", "knowledge", "title")
        self._context.app.do("files.reload")
        self._context.app.do("budgets.reload")

    def _describe(self, session: Session) -> None:
        model = self._context.model
        model.title, model.agent = sanitize_line(session.title), session.agent
        run = model.run.current
        ran = run.model if run is not None and run.model != IMPORTED else ""
        shown = session.model or ran or model.header.model
        model.header = replace(model.header.used(session.usage), agent=session.agent, model=shown)
        model.hint = ""

    def start_afresh(self) -> None:
        """Leaves the open session; the next message makes a new one."""
        model, view = self._context.model, self._context.view
        self._stop_following()
        model.forget_session()
        self._silence.look()
        self._first = self._last = 0
        model.header = replace(
            model.header, agent=model.agent, tokens=0, cost_usd=0.0, unpriced=False, filling=Filling()
        )
        self._context.panes.clear_transcript()
        self._context.app.do("budgets.reload")
        view.box.history.replace([])
        view.mark("header", "sessions", "run", "queue", "files", "knowledge", "footer", "title")
        view.box.focus_text()

    async def ensure(self) -> str:
        """Returns the open session's id; makes a session when none is open."""
        model = self._context.model
        async with self._making:
            if model.session_id is None:
                session = await self._make()
                self._apart = None
                model.sessions.merge(session)
                await self._with_mode(session.id)
                await self.open(session.id)
            return model.session_id or ""

    async def _with_mode(self, session_id: str) -> None:
        """Gives a new session the mode that was chosen before there was one."""
        mode = self._context.model.mode
        if mode.chosen:
            approvals = self._context.workbench.approvals
            await approvals.set_mode(session_id, ApproveMode(mode.mode), mode.limits)

    async def for_paths(self) -> str:
        """Returns the id of a session to complete paths in: the open one, else one that is kept apart."""
        async with self._making:
            if self._context.model.session_id is None:
                self._apart = await self._make()
                return self._apart.id
            return self._context.model.session_id

    async def _make(self) -> Session:
        """Returns the session that is kept apart, where it still fits, or a new one."""
        model = self._context.model
        if self._apart is not None and (self._apart.agent, self._apart.model) == (
            model.agent,
            model.model_flag,
        ):
            return self._apart
        await self.tidy()
        return await self._context.workbench.sessions.create(
            model.agent, self._context.app.start.project, model=model.model_flag
        )

    async def tidy(self) -> None:
        """Deletes the session that is kept apart: nothing was said in it."""
        apart, self._apart = self._apart, None
        if apart is None or not self._context.connected:
            return
        try:
            async with asyncio.timeout(TIDY_S):
                await self._context.workbench.sessions.delete(apart.id, permanent=True)
        except (HoldfastError, OSError) as error:  # it stays, empty, and is not listed
            self._context.app.log(f"deleting an empty session: {error}")

    def _follow(self) -> None:
        self._worker = self._context.app.run_worker(self._follow_session, group="follow", exclusive=True)

    def _stop_following(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None

    async def resume(self) -> None:
        """Goes on following the open session after the engine was reached again."""
        if self._context.model.session_id is not None:
            self._follow()

    async def _follow_session(self) -> None:
        session_id = self._context.model.session_id
        try:
            events = self._context.workbench.events.follow(
                EventFilter(session_id=session_id), after=self._last
            )
            async for logged in fairly(events):
                self._take_own(logged)
        except UnavailableError as error:
            # A workbench that was closed was given up already; its successor is not broken by that.
            if error.code != CLOSED:
                self._connection.broken()
        except HoldfastError as error:
            self._context.view.say_error(error.message)

    def _take_own(self, logged: LoggedEvent) -> None:
        model, view = self._context.model, self._context.view
        event = logged.event
        if logged.id <= self._last or event.session_id != model.session_id:
            return
        self._last = logged.id
        self._context.panes.update_entries(self._presenter.apply(logged))
        if event.type in ("part.delta", "tool_call.progressed"):
            return
        if (mode := model.mode.apply(event)) != model.mode:
            model.mode = mode
            view.mark("header", "run", "hint")
        if model.run.apply(event):
            view.mark("run", "footer", "queue")
        self._silence.look()
        if model.answers.apply(event):
            view.mark("knowledge")
        if model.take_queue(event):
            view.mark("queue")
        if logged.id > self._counted:
            model.header = model.header.count(event)
        if event.type == "session.renamed":
            model.title = sanitize_line(event.title)
            view.mark("title")
        if event.type == "session.configured":
            model.agent = event.agent
        if event.type in RUN_ENDS:
            self._context.app.do("session.seen", "ended")
        if event.type == "file.changed" or event.type in RUN_ENDS:
            self._context.app.do("files.reload")
        view.mark("header")

    # --- older pages and search hits

    async def older(self, limit: int = PAGE) -> bool:
        """Shows the page before the first one; says whether there was one."""
        model = self._context.model
        if self._paging or model.session_id is None:
            return False
        if self._first <= 1:
            self._context.panes.prepend([])
            return False
        self._paging = True
        try:
            session_id = model.session_id
            found = await self._context.workbench.events.page_before(session_id, self._first, limit)
        finally:
            self._paging = False
        page = found.items
        if not page or model.session_id != session_id:
            self._first = 0
            self._context.panes.prepend([])
            return False
        self._first = page[0].id
        self._context.panes.prepend(TranscriptPresenter().present(list(page)))
        if model.answers.older(page):
            self._context.view.mark("knowledge")
        model.run.older([e.event.run_id for e in page if e.event.type == "run.started"])
        return True

    async def _go_to(self, event_id: int, words: str) -> None:
        await self.reach(event_id)
        self._context.panes.show_event(event_id, words)

    async def reach(self, event_id: int) -> None:
        """Shows older pages until an event is among them."""
        for _ in range(MAX_PAGES_TO_HIT):
            if self._first <= event_id or not await self.older(LARGE_PAGE):
                return

    # --- what a person does with a session

    async def rename(self, title: str) -> None:
        session_id = self._need_open()
        model = self._context.model
        wanted = title or await self._context.app.dialogs.ask("Rename the session", model.title)
        if not wanted:
            return
        model.sessions.merge(await self._context.workbench.sessions.rename(session_id, wanted))
        if model.session_id == session_id:
            model.title = sanitize_line(wanted)
        self._context.view.mark("sessions", "title")

    async def fork(self, _: str) -> None:
        """Forks at the message that is selected in the transcript; without one, at the end."""
        session_id = self._need_open()
        workbench, view = self._context.workbench, self._context.view
        entry = self._context.panes.selected_entry()
        before, text = None, ""
        if entry is not None and entry.run_id:
            run = await workbench.runs.get(entry.run_id)
            if entry.kind == "user":
                before, text = run.first_event_id, entry.text
            elif run.status.ended:
                before = run.last_event_id + 1
        session = await workbench.sessions.fork(session_id, before)
        self._context.model.sessions.merge(session)
        await self.open(session.id)
        if text:
            view.box.set_text(text)
        view.box.focus_text()
        where = (
            "before the selected message" if text else "up to here" if before is None else "after that reply"
        )
        view.say(f"This is a copy, {where}. The session it came from is unchanged.")

    def _need_open(self) -> str:
        """Returns the session that is meant: the one under the cursor of the list, else the open one."""
        session_id = self._context.panes.meant_session() or self._context.model.session_id
        if session_id is None:
            raise UnavailableError(
                f"No session is open: send a message, or open one ({shown('everywhere.sessions')}).",
                code="no_session",
            )
        return session_id
