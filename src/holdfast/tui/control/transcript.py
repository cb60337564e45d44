"""What a person does with the transcript: finding and jumping in the whole session, how it looks."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, cast

from holdfast.core.domain.errors import NotFoundError, UnavailableError
from holdfast.tui.control.base import Context
from holdfast.tui.control.sessions import LARGE_PAGE, SessionsControl
from holdfast.tui.presenters.diffs import LAYOUTS
from holdfast.tui.presenters.entries import ImageView
from holdfast.tui.presenters.figures import size
from holdfast.tui.presenters.grids import grids_in
from holdfast.tui.presenters.jumps import JumpKind, none_further, outline
from holdfast.tui.presenters.pictures import picture_lines
from holdfast.tui.presenters.transcript import TranscriptPresenter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from holdfast.core.config.settings import TuiSettings
    from holdfast.core.domain.files import FileContent
    from holdfast.tui.control.desk import Action
    from holdfast.tui.presenters.entries import Entry


PICTURE_ROWS = 16
"""Rows of an image in the transcript."""


class TranscriptControl:
    """Reads what comes before the entries on the screen, and hands on what commands say."""

    def __init__(self, context: Context, sessions: SessionsControl) -> None:
        self._context = context
        self._sessions = sessions
        self.actions: dict[str, Action] = {
            "find.read": self.read,
            "find.reach": self.reach,
            "jump.older": self.jump,
            "outline": self.outline,
            "fold": self.fold,
            "diff": self.diff,
            "copy": self.copy,
            "look": self.look,
            "picture": self.picture,
            "subagent": self.open_child,
        }

    def apply(self, settings: TuiSettings) -> None:
        """Takes the settings, each time that they are read."""
        model = self._context.model
        model.copy_on_select, model.images = settings.copy_on_select, settings.images
        if model.diff != settings.diff:
            model.diff = settings.diff
            self._context.panes.transcript.show_diffs(settings.diff)

    async def open_child(self, _: str = "") -> None:
        """Opens the session of the sub-agent that the chosen call has started; from there, the one above;
        else that of the last sub-agent. Raises `UnavailableError` where none was at work."""
        context = self._context
        chosen, opened = context.panes.selected_entry(), context.model.session_id
        wanted = chosen.child if chosen is not None else ""
        if not wanted and opened is not None:
            child_of = (await context.workbench.sessions.get(opened)).child_of
            wanted = context.panes.entries.last_child() if child_of is None else child_of.session_id
        if not wanted:
            raise UnavailableError(
                "No sub-agent has worked in what is read of this session.", code="no_sub_agent"
            )
        await self._sessions.open(wanted)

    async def fold(self, _: str) -> None:
        """Closes all calls and reasoning; again: opens them; again: as they come."""
        self._context.panes.transcript.action_fold_all()

    async def diff(self, layout: str) -> None:
        """Shows changes in another layout; without one, in the next."""
        transcript = self._context.panes.transcript
        if layout in LAYOUTS:
            transcript.show_diffs(layout)
        else:
            transcript.action_diff_layout()

    async def copy(self, _: str) -> None:
        """Copies what is selected, else what the cursor of the transcript stands on."""
        self._context.panes.transcript.action_copy()

    async def look(self, _: str) -> None:
        """Shows the tables or the image at the cursor on the whole screen; without a cursor, the last."""
        panes, dialogs = self._context.panes, self._context.app.dialogs
        here = panes.transcript.cursor_entry
        for entry in [here] if here is not None else reversed(list(panes.entries)):
            if grids := grids_in(entry):
                dialogs.tables(entry.title or entry.speaker or "Table", entry.subject, grids)
                return
            if image := next((view for view in entry.blocks if isinstance(view, ImageView)), None):
                content = await self._image(image.blob)
                dialogs.picture(image.name or "An image", size(content.size), content.data)
                return
        self._context.view.say("There is neither a table nor an image here.")

    async def _image(self, blob: str) -> FileContent:
        session_id = self._context.model.session_id
        if session_id is None:
            raise UnavailableError("No session is open.", code="no_session")
        return await self._context.workbench.files.image(session_id, blob)

    async def picture(self, wanted: str) -> None:
        """Draws an image of the transcript in half blocks; `wanted` is its blob and the columns that it may
        take, with a blank between them."""
        blob, columns = wanted.split()
        try:
            content = await self._image(blob)
        except NotFoundError:
            return  # its name stands there
        lines = await asyncio.to_thread(picture_lines, content.data, int(columns), PICTURE_ROWS)
        self._context.panes.transcript.show_picture(blob, int(columns), lines)

    async def _pages(self) -> AsyncIterator[list[Entry]]:
        """Yields the entries of the pages before what is on the screen, the nearest page first."""
        session_id, before = self._context.model.session_id, self._sessions.first
        while session_id is not None and before > 1:
            page = (await self._context.workbench.events.page_before(session_id, before, LARGE_PAGE)).items
            if not page or self._context.model.session_id != session_id:
                return
            before = page[0].id
            yield TranscriptPresenter().present(list(page))

    async def read(self, _: str = "") -> None:
        """Hands the finder what it cannot see, a page at a time."""
        finder = self._context.panes.finder
        places = finder.places
        async for entries in self._pages():
            if finder.places is not places:
                return  # it was closed meanwhile, or opened anew
            places.add_older(entries)
            finder.look_again()
        places.complete = True
        finder.look_again()

    async def reach(self, where: str) -> None:
        """Shows older pages up to an event, then goes on finding; `where` is its id and the step, with a
        blank between them."""
        event_id, step = map(int, where.split())
        await self._sessions.reach(event_id)
        self._context.panes.finder.arrived(step)

    async def jump(self, where: str) -> None:
        """Shows older pages until there is an entry of a kind, and jumps to it; `where` is the kind and the
        step, with a blank between them."""
        name, step = where.split()
        kind, panes = cast(JumpKind, name), self._context.panes
        if step == "-1":
            while await self._sessions.older():
                if panes.transcript.jump(kind, -1):
                    return
        self._context.view.say(none_further(kind, int(step)))

    async def outline(self, _: str) -> None:
        """Lets the person choose an entry of the whole session, and goes there."""
        panes = self._context.panes
        entries = list(panes.entries)
        async for page in self._pages():
            entries[:0] = [entry for entry in page if entry.kind != "queued"]
        if not entries:
            self._context.view.say("There is nothing in this session yet.")
            return
        chosen = await self._context.app.dialogs.choose("Where to?", outline(entries))
        if chosen is not None:
            event_id = next(entry.event_id for entry in entries if entry.id == chosen)
            self._context.app.work(partial(self._go_to, chosen, event_id), "outline")

    async def _go_to(self, entry_id: str, event_id: int) -> None:
        await self._sessions.reach(event_id)
        self._context.panes.transcript.go_to_entry(entry_id)
        self._context.panes.transcript.focus()
