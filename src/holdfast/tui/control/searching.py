"""The search in all sessions: as you type, page by page, opening at the hit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from holdfast.core.domain.errors import HoldfastError
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.searching import SHORTEST

PAGE = 50
PAUSE_S = 0.15
"""How long nothing must be typed before the engine is asked."""


class SearchingControl:
    """Asks the engine; what was found stands in `model.search`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._paging = False
        self.actions: dict[str, Callable[[str], Awaitable[None]]] = {
            "search_all": self.open,
            "search.words": self.look,
            "search.more": self.more,
            "search.archive": self.archive,
        }

    async def open(self, words: str = "") -> None:
        """Opens the screen; with words, looks for them."""
        from holdfast.tui.screens.search import SearchScreen  # start-up time: only when it is opened

        app, state = self._context.app, self._context.model.search
        if any(isinstance(screen, SearchScreen) for screen in app.screen_stack):
            return
        app.push_screen(SearchScreen(words or state.words))

    async def look(self, words: str) -> None:
        """Looks for words. It is a worker that the next words end, so nothing piles up."""
        state, view = self._context.model.search, self._context.view
        state.begin(words)
        view.mark("search")
        if len(words.strip()) < SHORTEST:
            return
        await asyncio.sleep(PAUSE_S)
        try:
            page = await self._context.workbench.sessions.search(state.query, limit=PAGE)
        except HoldfastError as error:
            state.fail(error.message)
        else:
            if state.words == words:
                state.take(page.items, page.next_cursor)
        view.mark("search")

    async def more(self, _: str = "") -> None:
        """Reads the next page of hits, when there is one."""
        state = self._context.model.search
        cursor, query = state.cursor, state.query
        if cursor is None or self._paging or state.busy:
            return
        self._paging = True
        try:
            page = await self._context.workbench.sessions.search(query, limit=PAGE, cursor=cursor)
        finally:
            self._paging = False
        if (state.cursor, state.query) == (cursor, query):
            state.take(page.items, page.next_cursor, more=True)
            self._context.view.mark("search")

    async def archive(self, _: str = "") -> None:
        """Looks in the archive too, or no longer."""
        state = self._context.model.search
        state.archived = not state.archived
        await self.look(state.words)
