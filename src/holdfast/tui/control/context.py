"""What the model saw: opened for a run, for a compaction; and compacting when a person wants it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import NotFoundError, UnavailableError
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.context import compaction_view, request_view
from holdfast.tui.presenters.transcript import COMPACTION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from holdfast.core.domain.context import RunContext
    from holdfast.tui.screens.parts import PartsScreen

TRIED = 5
"""Runs that are looked at for one that asked its model: the latest may be a tool that was run directly."""


class ContextControl:
    """Opens the screen of parts."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.actions: dict[str, Callable[[str], Awaitable[None]]] = {
            "context": self.open,
            "compaction": self.open_compaction,
            "compact": self.compact,
            "suggest": self.suggest,
        }

    async def open(self, _: str = "") -> None:
        """Shows what the model was shown for the answer that is chosen, else for the last one."""
        found = await self._latest()
        screen: PartsScreen | None = None

        def step(wanted: int) -> None:
            if screen is not None:
                work = partial(self._go_to, screen, found.run_id, wanted)
                self._context.app.work(work, "parts")

        from holdfast.tui.screens.parts import PartsScreen  # start-up time: when it is opened

        screen = PartsScreen(request_view(found), step)
        self._context.app.push_screen(screen)

    async def _go_to(self, screen: PartsScreen, run_id: str, step: int) -> None:
        try:
            found = await self._context.workbench.runs.context(run_id, step)
        except NotFoundError:
            self._context.app.bell()  # behind the last step
            return
        screen.show(request_view(found))

    async def _latest(self) -> RunContext:
        """Raises `UnavailableError` where no model was asked yet."""
        chosen = self._context.panes.selected_entry()
        runs = list(reversed(self._context.model.run.numbers))
        if chosen is not None and chosen.run_id is not None:
            runs.insert(0, chosen.run_id)
        for run_id in runs[:TRIED]:
            try:
                return await self._context.workbench.runs.context(run_id)
            except NotFoundError:
                continue
        raise UnavailableError("No model was asked in this session yet.", code="no_context")

    async def open_compaction(self, _: str = "") -> None:
        """Shows what the compaction that is chosen in the transcript took out, else the last one."""
        run_id, event_id = self._compaction()
        found = await self._context.workbench.runs.compaction(run_id, event_id)
        from holdfast.tui.screens.parts import PartsScreen  # start-up time: when it is opened

        self._context.app.push_screen(PartsScreen(compaction_view(found)))

    def _compaction(self) -> tuple[str, int]:
        chosen = self._context.panes.selected_entry()
        if chosen is None or chosen.subject != COMPACTION:
            chosen = self._context.panes.entries.last(COMPACTION)
        if chosen is None or chosen.run_id is None:
            raise UnavailableError(
                "Nothing was compacted in what is read of this session: /compact does it.",
                code="no_compaction",
            )
        return chosen.run_id, chosen.event_id

    async def compact(self, focus: str) -> None:
        """Puts a summary in the place of the older messages that the model sees."""
        session_id = self._context.model.session_id
        if session_id is None:
            raise UnavailableError("There is nothing to compact yet.", code="no_context")
        with self._context.awaiting():
            await self._context.workbench.runs.compact(session_id, focus.strip())

    async def suggest(self, _: str = "") -> None:
        """Asks for questions that could follow; they are shown above the message field."""
        session_id = self._context.model.session_id
        if session_id is None:
            raise UnavailableError("Nothing was said yet that a question could follow.", code="no_context")
        with self._context.awaiting():
            await self._context.workbench.runs.suggest(session_id)
