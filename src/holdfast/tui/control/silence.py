"""Says that a model was asked and has not begun to answer, when that takes more than a moment."""

from __future__ import annotations

from textual.timer import Timer

from holdfast.tui.control.base import Context

TOLD_AFTER_S = 1.0
"""Shorter silences are not told of: a line that comes and goes at once is worse than none."""


class Silence:
    """Looks at the run of the open session; `look` is to be called when it may have changed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._timer: Timer | None = None

    def look(self) -> None:
        """Begins to wait for the model's first words, or ends it: they have come, or the run has ended."""
        if self._context.model.run.silent:
            if self._timer is None:
                self._timer = self._context.app.set_timer(TOLD_AFTER_S, lambda: self._tell(True))
        elif self._timer is not None:
            self._timer.stop()
            self._timer = None
            self._tell(False)

    def _tell(self, silent: bool) -> None:
        if self._context.model.silent != silent:
            self._context.model.silent = silent
            self._context.view.mark("hint")
