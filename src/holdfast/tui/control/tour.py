"""Leads through the tour: shows the panel, and follows what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical

from holdfast.tui.control.base import Context
from holdfast.tui.presenters.tour import FIRST_MESSAGE, Tour, tour_actions
from holdfast.tui.widgets.tour import TourPanel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from holdfast.core.domain.events import LoggedEvent


class TourControl:
    """Does nothing where the app was not opened for the tour."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tour = Tour()
        self._panel: TourPanel | None = None
        self.actions: dict[str, Callable[[str], Awaitable[None]]] = {"tour": self.skip}

    async def begin(self) -> None:
        """Shows the panel, once the engine is reached."""
        if not self._context.app.start.tour or self._panel is not None:
            return
        view = self._context.view
        self._panel = TourPanel(id="tour")
        await view.query_one("#centre", Vertical).mount(self._panel, before="#box")
        if not view.box.area.text:
            view.box.set_text(FIRST_MESSAGE)
        self._show()

    def take(self, logged: LoggedEvent) -> None:
        """Takes an event of any session."""
        if self._panel is not None and self._tour.take(logged.event):
            view = self._context.view
            if view.close_drawers():  # what to do next stands below it
                view.box.focus_text()
            self._show()

    def did(self, command: str, argument: str) -> None:
        """Takes a command that was done."""
        if self._panel is not None and self._tour.did(command, argument):
            self._show()

    async def skip(self, _: str = "") -> None:
        """Goes on to the next stop."""
        if self._panel is not None and self._tour.skip():
            self._show()

    def _show(self) -> None:
        if self._panel is not None:
            self._panel.show(self._tour.lines(), tour_actions())
