"""What every controller has: the workbench, the model, and the view."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import UnavailableError

if TYPE_CHECKING:
    from holdfast.core.services.workbench import Workbench
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.presenters.model import Model
    from holdfast.tui.screens.main import MainScreen
    from holdfast.tui.screens.panes import Panes
    from holdfast.tui.start import Remote

LOST = (UnavailableError.default_code, "engine_unreachable", "engine_lost")
"""Codes of a call that found no engine; the stream of events may take longer to find that out."""

CLOSED = "workbench_closed"
"""The code of a call through a workbench that was given up meanwhile."""

SLOW_S = 3.0
"""After so long without an answer to what a person wants, the header says so."""


class Context:
    """Shared by the controllers: the app with its model and view, and the workbench while there is one."""

    def __init__(self, app: HoldfastApp) -> None:
        self.app = app
        self._workbench: Workbench | None = None
        self._unanswered = 0
        self.over = False
        """Whether the app ends: somebody else has signed in, for whom another one begins."""

    @property
    def view(self) -> MainScreen:
        return self.app.main

    @property
    def panes(self) -> Panes:
        """The panes: they are mounted before the controllers are made."""
        if self.app.main.panes is None:
            raise RuntimeError("the controllers were made before the panes")
        return self.app.main.panes

    @property
    def model(self) -> Model:
        return self.app.model

    @property
    def connected(self) -> bool:
        return self._workbench is not None

    @property
    def workbench(self) -> Workbench:
        """The workbench. Raises `UnavailableError` while there is none."""
        if self._workbench is None:
            raise UnavailableError("The engine is not reached yet; try again in a moment.")
        return self._workbench

    @property
    def remote(self) -> Remote | None:
        """With which engine elsewhere the app works; None when the engine's files are at hand."""
        return self.app.start.remote

    def attach(self, workbench: Workbench | None) -> None:
        """Takes the workbench that was connected; None when it was lost."""
        self._workbench = workbench

    @contextmanager
    def awaiting(self) -> Iterator[None]:
        """Says in the header that the engine does not answer while what is inside takes long: a connection
        over which nothing comes any more is found dead much later."""

        told = False

        def tell() -> None:
            nonlocal told
            told = True
            self._count(1)

        timer = asyncio.get_running_loop().call_later(SLOW_S, tell)
        try:
            yield
        finally:
            timer.cancel()
            if told:
                self._count(-1)

    def _count(self, change: int) -> None:
        self._unanswered += change
        header = self.model.header
        if self._unanswered and header.engine == "ready":
            self.model.header = replace(header, engine="slow")
        elif not self._unanswered and header.engine == "slow":
            self.model.header = replace(header, engine="ready")
        self.view.mark("header")
