"""What was used, as a chart and a table, and what may still be used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.events import RUN_ENDS, LoggedEvent
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.charts import limits_grid, usage_grid, usage_line
from holdfast.tui.presenters.figures import counted
from holdfast.tui.presenters.limits import TABS, Tab, holding, nearly
from holdfast.tui.presenters.spans import plain

if TYPE_CHECKING:
    from holdfast.core.domain.limits import LimitState
    from holdfast.tui.control.desk import Action
    from holdfast.tui.presenters.grids import Grid

GROUPS = 60
"""Groups of a report: as many bars as a chart has."""
_CHANGES = (*RUN_ENDS, "run.started", "session.configured", "usage.recorded")
"""Events after which another budget may be nearly used."""


class UsageControl:
    """Reads reports and limits."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._limits: tuple[LimitState, ...] = ()
        self._key = ""
        self.actions: dict[str, Action] = {
            "usage": self.show,
            "limits": self.show_limits,
            "budgets.reload": self._reload,
        }

    async def show(self, by: str) -> None:
        """Shows what was used; `by` says what it is grouped by."""
        tab = next((each for each in TABS if each == by), TABS[0])
        note, grid = await self.read(tab)
        if not grid.rows and tab != "limits":
            self._context.view.say("Nothing was used yet.")
            return
        from holdfast.tui.screens.usage import UsageScreen  # start-up time: when it is asked for

        self._context.app.push_screen(UsageScreen(self, tab, note, grid))

    async def show_limits(self, _: str) -> None:
        """Shows what may still be used."""
        await self.show("limits")

    async def read(self, tab: Tab) -> tuple[str, Grid]:
        """Returns what a tab shows: what there is in all, in words, and a table. Raises `HoldfastError`."""
        usage = self._context.workbench.usage
        if tab == "limits":
            states = await usage.limits()
            none = "no limit; `holdfast usage limit` lays one down"
            return (counted(len(states), "limit") if states else none), limits_grid(states)
        summary = await usage.report(by=tab, limit=GROUPS)
        return plain([usage_line(summary)]), usage_grid(summary)

    # --- the header

    def take(self, logged: LoggedEvent) -> None:
        """Looks at the budgets again when one of them may have become less."""
        if logged.event.type in _CHANGES and (self._limits or logged.event.type in RUN_ENDS):
            self._context.app.work(self.load, "limits")

    async def _reload(self, _: str) -> None:
        await self.load()

    async def load(self) -> None:
        """Reads the limits, and says in the header which budget is nearly used."""
        try:
            self._limits = await self._context.workbench.usage.limits()
            if any(each.kind == "key" for each in self._limits):
                self._key = (await self._context.workbench.users.me()).key_id
        except HoldfastError:
            self._limits = ()  # nobody asked for it: an engine that does not tell has no budget to show
        model = self._context.model
        budget = nearly(holding(self._limits, model.header.agent, self._key))
        if budget != model.header.budget:
            model.header = replace(model.header, budget=budget)
            self._context.view.mark("header")
