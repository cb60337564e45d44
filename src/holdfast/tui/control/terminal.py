"""The terminal around the app: calls a person who looks elsewhere, names the window, gives the mouse away."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.core.config.settings import TuiSettings
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.attention import Attention
from holdfast.tui.presenters.signals import notification, way_for, window_title
from holdfast.tui.terminal import terminal_of

if TYPE_CHECKING:
    from holdfast.core.domain.events import LoggedEvent

RINGS_APART_S = 1.0


class TerminalControl:
    """What the app does with its terminal beside drawing on it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._attention = Attention(lambda session_id: context.model.sessions.title(session_id))
        self._settings = TuiSettings()
        self._mouse_settled = False
        self._rung = float("-inf")
        self._calling: asyncio.TimerHandle | None = None
        app = context.app
        self._attention.focused = app.app_focus
        app.watch(app, "app_focus", self._focus, init=False)
        context.panes.on_named = self._name_window

    def apply(self, settings: TuiSettings) -> None:
        """Takes the settings, each time that they are read; the mouse's is for the start only."""
        app = self._context.app
        self._settings = settings
        self._attention.after_s = settings.notify_after_s
        app.keep_still(settings.reduced_motion)
        app.theming.prefer(settings)
        if not self._mouse_settled:
            self._mouse_settled = True
            self._give_mouse(settings.mouse)

    def take(self, logged: LoggedEvent) -> None:
        """Takes an event of any session in."""
        self._attention.take(logged)
        if self._attention.focused and logged.event.type in ("approval.requested", "question.asked"):
            self._ring()
        self._call_soon()

    def close(self) -> None:
        if self._calling is not None:
            self._calling.cancel()

    def _ring(self) -> None:
        """Rings the bell for something new that waits: once for what comes together."""
        now = time.monotonic()
        if self._settings.notifications != "off" and now - self._rung >= RINGS_APART_S:
            self._rung = now
            self._context.app.bell()

    # --- calls

    def _focus(self, focused: bool) -> None:
        self._attention.focus(focused)
        self._name_window()

    def _call_soon(self) -> None:
        """Calls when the next call is due; one that is planned tells what has been added, too."""
        due = self._attention.due(time.monotonic())
        if due is not None and self._calling is None:
            self._calling = asyncio.get_running_loop().call_later(due, self._call)

    def _call(self) -> None:
        self._calling = None
        call = self._attention.call(time.monotonic())
        if call is None:
            return
        terminal = terminal_of(self._context.app)
        if terminal is None:  # in a browser there is the bell
            self._ring()
            return
        way = way_for(self._settings.notifications, os.environ)
        terminal.notify(notification(way, call.title, call.body, bool(os.environ.get("TMUX"))))

    def _name_window(self) -> None:
        terminal = terminal_of(self._context.app)
        if terminal is None or not self._settings.title:
            return
        model = self._context.model
        title = model.title if model.session_id else ""
        terminal.set_title(window_title(title, model.run.busy, model.header.waiting, self._attention.ended))

    # --- the mouse

    async def mouse(self, word: str) -> None:
        """Gives the mouse to the terminal, or takes it back; `app` and `terminal` say which."""
        terminal = terminal_of(self._context.app)
        if terminal is None:
            self._context.view.say("The mouse cannot be given away here.")
            return
        to_app = {"app": True, "terminal": False}.get(word.strip().lower(), not terminal.has_mouse)
        self._give_mouse(to_app)
        self._context.view.say(
            "The app has the mouse again."
            if to_app
            else "The terminal has the mouse: select and copy as it does. The same key takes it back."
        )

    def _give_mouse(self, to_app: bool) -> None:
        terminal = terminal_of(self._context.app)
        if terminal is not None and to_app != terminal.has_mouse:
            terminal.give_mouse(to_app)
            model = self._context.model
            model.header = replace(model.header, mouse_released=not to_app)
            self._context.view.mark("header")
