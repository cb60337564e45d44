"""What was used, as a chart first, and what may still be used, on tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.style import Style

from holdfast.tui.control.usage import UsageControl
from holdfast.tui.keys import bindings
from holdfast.tui.presenters.grids import Grid
from holdfast.tui.presenters.limits import TABS, Tab
from holdfast.tui.screens.table import TableScreen
from holdfast.tui.widgets.strips import PlainLinks

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp


class UsageScreen(TableScreen):
    """A table of what was used, grouped by day, model … or of the limits."""

    PLACE = "usage"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("usage")]
    MORE_KEYS: ClassVar[tuple[str, ...]] = ("usage.by", "usage.limits")
    app: HoldfastApp

    def __init__(self, control: UsageControl, tab: Tab, note: str, grid: Grid) -> None:
        super().__init__(_title(tab), note, [grid], chart=tab != "limits")
        self._control = control
        self._tab: Tab = tab

    async def on_mount(self) -> None:
        tabs = PlainLinks(self._tabs(), id="usage-tabs", markup=False)
        await self.query_one(".dialog").mount(tabs, after="#table-title")
        await super().on_mount()

    def _tabs(self) -> Content:
        pieces = []
        for tab in TABS:
            style = "bold $primary underline" if tab == self._tab else "$foreground 60%"
            piece = Content(tab.capitalize()).stylize(style)
            pieces.append(piece.stylize(Style.from_meta({"@click": f"screen.tab({tab!r})"})))
        return Content("  ").join(pieces)

    def action_by(self) -> None:
        """Shows the next tab."""
        self._go(TABS[(TABS.index(self._tab) + 1) % len(TABS)])

    def action_limits(self) -> None:
        """Shows what may still be used."""
        self._go("limits")

    def action_tab(self, name: str) -> None:
        """Shows the tab that was clicked."""
        self._go(next(tab for tab in TABS if tab == name))

    def _go(self, tab: Tab) -> None:
        if "limits" in (tab, self._tab) and tab != self._tab:
            self._charted = tab != "limits"
        self._tab = tab
        self.query_one("#usage-tabs", PlainLinks).update(self._tabs())
        self.app.work(self._read, "usage")

    async def _read(self) -> None:
        tab = self._tab
        note, grid = await self._control.read(tab)
        if tab == self._tab and self.is_attached:
            self._title = _title(tab)
            await self.show_others(note, [grid])


def _title(tab: Tab) -> str:
    return "What may still be used" if tab == "limits" else f"What was used, by {tab}"
