"""A table on the whole screen, or one of its columns as a chart."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.color import Color
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable, Static

from holdfast.tui.keys import BY_ID, bindings, foot
from holdfast.tui.presenters.charts import (
    Chart,
    Choice,
    chart_of,
    first_choice,
    head_line,
    next_along,
    next_kind,
    next_values,
    plain_number,
    ticks_of,
)
from holdfast.tui.presenters.copying import copied, table_source
from holdfast.tui.presenters.figures import counted
from holdfast.tui.presenters.grids import Grid
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.strips import KeyBar

if TYPE_CHECKING:
    from textual_plotext import PlotextPlot

LONGEST_CELL = 400
TABLE_KEYS = ("table.view", "table.next", "table.copy", "table.editor", "table.close")
CHART_KEYS = ("table.view", "table.column", "table.along", "table.kind", "table.next", "table.close")


class TableScreen(ModalScreen[None]):
    """Shows tables one at a time; a table with numbers can be a chart."""

    PLACE = "table"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("table")]
    MORE_KEYS: ClassVar[tuple[str, ...]] = ()
    """Keys that are shown before the others."""

    def __init__(
        self,
        title: str,
        note: str,
        grids: list[Grid],
        edit: Callable[[], None] | None = None,
        *,
        chart: bool = False,
    ) -> None:
        """`grids`: at least one; `edit` opens where they come from in an editor."""
        super().__init__()
        self._title = title
        self._note = note
        self._grids = grids
        self._edit = edit
        self._at = 0
        self._charted = chart
        self._choice = first_choice(grids[0])

    @property
    def grid(self) -> Grid:
        return self._grids[self._at]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog whole"):
            yield Static("", classes="dialog-title", id="table-title", markup=False)
            yield Static("", id="chart-head", markup=False)
            yield DataTable(id="grid", zebra_stripes=True, cursor_type="row")
            yield KeyBar(id="table-keys", action="screen.press")

    async def on_mount(self) -> None:
        await self._show()

    # --- what is shown

    async def _show(self) -> None:
        charted = self._charted and self._choice is not None and len(self.grid.rows) > 1
        self.query_one("#table-title", Static).update(paint(self._head()))
        table = self.query_one(DataTable)
        table.display = not charted
        self.query_one("#chart-head").display = charted
        keys = self.MORE_KEYS + (CHART_KEYS if charted else TABLE_KEYS)
        if charted:
            await self._draw()
        else:
            self._fill(table)
            table.focus()
        for plot in self.query("#plot"):
            plot.display = charted
        self.query_one(KeyBar).show([foot(key) for key in keys if self._makes_sense(key)])

    def _head(self) -> Line:
        count = f"   {self._at + 1} of {len(self._grids)}" if len(self._grids) > 1 else ""
        rows, columns = len(self.grid.rows) + self.grid.left_out, len(self.grid.headers)
        size = f"{counted(rows, 'row')}, {counted(columns, 'column')}"
        note = " · ".join(filter(None, (self._note, size if rows else "")))
        return line((self._title, "heading"), (f"   {note}{count}", "muted"))

    def _makes_sense(self, key: str) -> bool:
        if key == "table.next":
            return len(self._grids) > 1
        if key == "table.editor":
            return self._edit is not None
        return key != "table.view" or (self._choice is not None and len(self.grid.rows) > 1)

    def _fill(self, table: DataTable[Text]) -> None:
        table.clear(columns=True)
        numeric = set(self.grid.numeric)
        for number, name in enumerate(self.grid.headers):
            table.add_column(Text(name, justify="right" if number in numeric else "left"), key=str(number))
        for row in self.grid.rows:
            table.add_row(
                *(
                    Text(" ".join(cell[:LONGEST_CELL].split()), justify="right" if n in numeric else "left")
                    for n, cell in enumerate(row)
                )
            )

    async def _draw(self) -> None:
        if self._choice is None:
            return
        chart = chart_of(self.grid, self._choice)
        self.query_one("#chart-head", Static).update(paint(head_line(chart)))
        _plot_on(await self._plot(), chart, self.app.theme_variables["primary"])

    async def _plot(self) -> PlotextPlot:
        from textual_plotext import PlotextPlot  # start-up time: only charts need it

        found = list(self.query(PlotextPlot))
        if found:
            return found[0]
        plot = PlotextPlot(id="plot")
        await self.query_one(".dialog").mount(plot, before="#table-keys")
        return plot

    # --- what a person does

    async def action_view(self) -> None:
        """Shows the table as a chart, or the chart as a table."""
        if self._choice is None:
            self.app.notify("No column of this table is made of numbers.", timeout=3)
            return
        self._charted = not self._charted
        await self._show()

    async def action_column(self) -> None:
        """Shows the next column of numbers."""
        await self._choose(next_values)

    async def action_along(self) -> None:
        """Puts another column along the axis."""
        await self._choose(next_along)

    async def action_kind(self) -> None:
        """Shows another kind of chart."""
        await self._choose(lambda _, choice: next_kind(choice))

    async def _choose(self, other: Callable[[Grid, Choice], Choice]) -> None:
        if self._charted and self._choice is not None:
            self._choice = other(self.grid, self._choice)
            await self._draw()

    async def action_next(self) -> None:
        """Shows the next table."""
        self._at = (self._at + 1) % len(self._grids)
        self._choice = first_choice(self.grid)
        await self._show()

    def action_copy(self) -> None:
        """Copies the table as Markdown."""
        text = table_source(self.grid.headers, self.grid.rows)
        self.app.copy_to_clipboard(text)
        self.app.notify(copied(text), timeout=2)

    def action_edit(self) -> None:
        if self._edit is not None:
            self.dismiss()
            self._edit()

    def action_leave(self) -> None:
        self.dismiss()

    async def action_press(self, name: str) -> None:
        """Does what a key of the last line does."""
        key = next(key for key in (*self.MORE_KEYS, *CHART_KEYS, *TABLE_KEYS) if key.endswith(f".{name}"))
        await self.run_action(BY_ID[key].action)

    async def show_others(self, note: str, grids: list[Grid]) -> None:
        """Shows other tables instead, with the same columns shown where there are such."""
        self._note, self._grids, self._at = note, grids, 0
        before = self._choice
        fits = before is not None and before.values in grids[0].numeric
        self._choice = before if fits else first_choice(grids[0])
        await self._show()


def _plot_on(plot: PlotextPlot, chart: Chart, colour: str) -> None:
    """Draws a chart in the theme's colour; kinds differ in their signs, too."""
    plt = plot.plt
    plt.clear_data()
    plt.clear_figure()
    plt.xlabel(chart.along)
    if chart.values:
        rgb = Color.parse(colour).rgb
        if chart.kind == "bar":
            labels = list(chart.labels or (plain_number(place) for place in chart.places))
            plt.bar(labels, list(chart.values), color=rgb, width=0.6)
        else:
            draw = plt.plot if chart.kind == "line" else plt.scatter
            marker = "braille" if chart.kind == "line" else "•"
            draw(list(chart.places), list(chart.values), marker=marker, color=rgb)
            if chart.labels:
                step = max(1, len(chart.labels) // 10)
                plt.xticks(list(chart.places)[::step], list(chart.labels)[::step])
        ticks = ticks_of(chart)
        plt.yticks(ticks, [plain_number(tick) for tick in ticks])
    plot.refresh()
