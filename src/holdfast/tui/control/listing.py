"""The list of sessions: read page by page, filtered, put in order, counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from holdfast.core.domain.errors import HoldfastError, NotFoundError
from holdfast.core.domain.events import RUN_ENDS, LoggedEvent
from holdfast.core.domain.runs import SearchHit
from holdfast.core.domain.search import Archived
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.listing import ARCHIVES, GROUPINGS, after
from holdfast.tui.presenters.sessions import hit_rows

PAGE = 200
PAUSE_S = 0.12
"""How long nothing must be typed before the engine is asked."""
SETTLE_S = 0.3
"""How long changes gather before sessions are counted again."""
_COUNTED = ("session.", "approval.", "question.", *RUN_ENDS)
"""What events change the counts, by how their types begin."""


class ListingControl:
    """Keeps what the sessions pane lists; `model.sessions` holds what was read so far."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._query = ""
        self._cursor: str | None = None
        self._paging = False
        self._fetching: set[str] = set()
        self.actions: dict[str, Callable[[str], Awaitable[None]]] = {
            "search": self.search,
            "sessions.more": self.more,
            "sessions.count": self.count,
            "sessions.fetch": self.fetch,
            "group": self.group,
            "archived": self.archived,
        }

    async def reload(self) -> None:
        """Asks for the first page of sessions."""
        model, view = self._context.model, self._context.view
        state = self._context.app.theming.state
        model.grouping = state.grouping if state.grouping in GROUPINGS else "date"
        try:
            page = await self._context.workbench.sessions.list(self._asked, PAGE)
            model.sessions.replace(page.items)
            self._cursor = page.next_cursor
            model.session_counts = await self._context.workbench.sessions.counts()
            model.sessions_error = ""
        except HoldfastError as error:
            model.sessions_error = sanitize_line(error.message)
        view.mark("sessions")

    @property
    def _asked(self) -> str:
        """The query that the engine is asked; the archive is left out where nothing says otherwise."""
        archived = self._context.model.archived
        own = "" if archived == "no" or "archived:" in self._query else f" archived:{archived}"
        return f"{self._query}{own}".strip()

    async def more(self, _: str = "") -> None:
        """Reads the next page, when there is one."""
        cursor = self._cursor
        if cursor is None or self._paging:
            return
        self._paging = True
        asked = self._asked
        try:
            page = await self._context.workbench.sessions.list(asked, PAGE, cursor)
        finally:
            self._paging = False
        if asked == self._asked and cursor == self._cursor:
            self._cursor = page.next_cursor
            self._context.model.sessions.merge(*page.items)
            self._context.view.mark("sessions")

    async def search(self, query: str) -> None:
        """Filters the list, here at once and in the engine; and looks for the words in all messages."""
        model = self._context.model
        model.query, model.hits, model.sessions_error = query, [], ""
        self._context.view.mark("sessions")
        await asyncio.sleep(PAUSE_S)  # who types on ends this worker
        if not self._context.connected:
            return
        self._query = query.strip()
        try:
            page = await self._context.workbench.sessions.list(self._asked, PAGE)
            found: tuple[SearchHit, ...] = ()
            if len(self._query) >= 2:
                found = (await self._context.workbench.sessions.search(self._query, limit=30)).items
        except HoldfastError as error:
            if error.code != "invalid_search":
                raise
            model.sessions_error = sanitize_line(error.message)
            self._context.view.mark("sessions")
            return
        if model.query == query:
            self._cursor = page.next_cursor
            model.sessions.merge(*page.items)
            model.hits = hit_rows(found)
            self._context.view.mark("sessions")

    def take(self, logged: LoggedEvent) -> None:
        """Takes an event of any session into the list."""
        app, event = self._context.app, logged.event
        effect = self._context.model.sessions.apply(logged)
        if effect == "reload" and event.session_id not in self._fetching:
            self._fetching.add(event.session_id)
            app.do("sessions.fetch", event.session_id)
        elif effect == "changed":
            self._context.view.mark("sessions")
        if event.type.startswith(_COUNTED):
            app.do("sessions.count")

    async def fetch(self, session_id: str) -> None:
        """Takes a session into the list that was not read yet."""
        try:
            session = await self._context.workbench.sessions.get(session_id)
        except NotFoundError:
            return  # it is gone again, or in the trash
        finally:
            self._fetching.discard(session_id)
        self._context.model.sessions.merge(session)
        self._context.view.mark("sessions")

    async def count(self, _: str = "") -> None:
        """Counts the sessions, once for all that has changed in a short while."""
        await asyncio.sleep(SETTLE_S)
        if self._context.connected:
            self._context.model.session_counts = await self._context.workbench.sessions.counts()
            self._context.view.mark("sessions")

    async def group(self, named: str = "") -> None:
        """Puts the list in another order, and remembers it; without a name, in the next one."""
        model, app = self._context.model, self._context.app
        if named and named not in GROUPINGS:
            self._context.view.say_error(f"Sessions are grouped by {', '.join(GROUPINGS)}.")
            return
        model.grouping = named if named in GROUPINGS else after(model.grouping)
        app.theming.state.grouping = model.grouping
        app.theming.save()
        self._context.view.mark("sessions")
        self._context.view.say(f"Sessions: {GROUPINGS[model.grouping]}.")

    async def archived(self, _: str = "") -> None:
        """Shows the archive, then all, then what is not in it."""
        model = self._context.model
        names: list[Archived] = list(ARCHIVES)
        model.archived = names[(names.index(model.archived) + 1) % len(names)]
        await self.reload()
        self._context.view.say(f"Sessions: {ARCHIVES[model.archived]}.")
