"""What was used, as a chart and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.domain.usage import UsageKey
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.charts import usage_grid, usage_line
from holdfast.tui.presenters.spans import plain

if TYPE_CHECKING:
    from holdfast.tui.control.desk import Action
    from holdfast.tui.presenters.grids import Grid

BY: tuple[UsageKey, ...] = ("day", "month", "model", "agent", "session")
GROUPS = 60
"""Groups of a report: as many bars as a chart has."""


class UsageControl:
    """Reads reports."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.actions: dict[str, Action] = {"usage": self.show}

    async def show(self, by: str) -> None:
        """Shows what was used; `by` says what it is grouped by."""
        key: UsageKey = by if by in BY else "day"
        note, grid = await self.report(key)
        if not grid.rows:
            self._context.view.say("Nothing was used yet.")
            return
        from holdfast.tui.screens.usage import UsageScreen  # start-up time: when it is asked for

        self._context.app.push_screen(UsageScreen(self, key, note, grid))

    async def report(self, by: UsageKey) -> tuple[str, Grid]:
        """Returns what was used in all, in words, and the groups as a table. Raises `HoldfastError`."""
        summary = await self._context.workbench.usage.report(by=by, limit=GROUPS)
        return plain([usage_line(summary)]), usage_grid(summary)
