"""What was used, as a chart first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from holdfast.tui.control.usage import BY, UsageControl
from holdfast.tui.keys import bindings
from holdfast.tui.presenters.grids import Grid
from holdfast.tui.screens.table import TableScreen

if TYPE_CHECKING:
    from holdfast.core.domain.usage import UsageKey
    from holdfast.tui.app import HoldfastApp


class UsageScreen(TableScreen):
    """A table of what was used, grouped by day, model …"""

    PLACE = "usage"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("usage")]
    MORE_KEYS: ClassVar[tuple[str, ...]] = ("usage.by",)
    app: HoldfastApp

    def __init__(self, control: UsageControl, by: UsageKey, note: str, grid: Grid) -> None:
        super().__init__(f"What was used, by {by}", note, [grid], chart=True)
        self._control = control
        self._by: UsageKey = by

    def action_by(self) -> None:
        """Groups by something else."""
        self._by = BY[(BY.index(self._by) + 1) % len(BY)]
        self.app.work(self._read, "usage")

    async def _read(self) -> None:
        by = self._by
        note, grid = await self._control.report(by)
        if by == self._by and self.is_attached:
            self._title = f"What was used, by {by}"
            await self.show_others(note, [grid])
