"""Parts of what a model saw on the whole screen: a list with their sizes, and the very text of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from holdfast.tui.keys import BY_ID, bindings, foot
from holdfast.tui.presenters.context import PartsView, PartView, part_lines, part_row
from holdfast.tui.presenters.spans import line
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint, paint_all
from holdfast.tui.widgets.panes.rows import Column, RowList
from holdfast.tui.widgets.strips import KeyBar, Strip

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp

NARROWEST = 24


class PartsScreen(ModalScreen[None]):
    """Shows parts; where the parts are of a step, goes to the step before and after."""

    CSS = """
    PartsScreen #parts-about { padding: 0 0 1 0; }
    PartsScreen.-short #parts-about { padding: 0; max-height: 1; }
    PartsScreen.-short .dialog-title { margin: 0; }
    PartsScreen #parts-columns { height: 1fr; }
    PartsScreen #parts-left { width: 44; height: 1fr; }
    PartsScreen #parts-text { width: 1fr; padding: 0 0 0 1; border-left: solid $panel; }
    PartsScreen.-slim #parts-left { width: 1fr; }
    PartsScreen.-slim #parts-text { display: none; }
    PartsScreen.-slim.-reading #parts-left { display: none; }
    PartsScreen.-slim.-reading #parts-text { display: block; border-left: none; padding: 0; }
    PartsScreen #parts-keys { height: 1; }
    """
    # Textual declares both as instance variables, so they cannot be ClassVar here.
    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (100, "-roomy")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (28, "-high")]  # noqa: RUF012
    AUTO_FOCUS = "#parts-list"
    PLACE = "parts"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("parts")]
    app: HoldfastApp

    def __init__(self, view: PartsView, step: Callable[[int], None] | None = None) -> None:
        """`step` is asked to show another step of the same run."""
        super().__init__()
        self._view = view
        self._step = step

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog whole"):
            yield Static("", classes="dialog-title", id="parts-title", markup=False)
            yield Strip(id="parts-about")
            with Horizontal(id="parts-columns"):
                with Column(id="parts-left"):
                    yield RowList(id="parts-list")
                yield LinesView(id="parts-text")
            yield KeyBar(id="parts-keys", action="screen.press")

    def on_mount(self) -> None:
        steps = [("← →", "steps", "")] if self._step is not None else []
        keys = [("↑↓", "move", ""), foot("parts.read"), *steps, foot("parts.back")]
        self.query_one("#parts-keys", KeyBar).show(keys)
        self.show(self._view)

    async def action_press(self, name: str) -> None:
        """Does what a key of the last line does."""
        await self.run_action(BY_ID[f"parts.{name}"].action)

    def show(self, view: PartsView) -> None:
        """Shows other parts in the place of these."""
        self._view = view
        title = paint(line((view.title, "heading"), (f"   {view.note}", "muted")))
        self.query_one("#parts-title", Static).update(title)
        self.query_one("#parts-about", Strip).show(view.about)
        self._draw()

    @on(Column.Resized)
    def _draw(self) -> None:
        rows = self.query_one("#parts-list", RowList)
        width = max(NARROWEST, (rows.scrollable_content_region.width or 42) - 1)
        rows.show([(part.id, paint_all(part_row(part, width))) for part in self._view.parts])
        self._read()

    def _read(self) -> None:
        part = self._chosen()
        self.query_one("#parts-text", LinesView).show(part_lines(part), part)

    def _chosen(self) -> PartView | None:
        current = self.query_one("#parts-list", RowList).current
        return next((part for part in self._view.parts if part.id == current), None)

    @on(OptionList.OptionHighlighted, "#parts-list")
    def _follow(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._read()

    @on(OptionList.OptionSelected, "#parts-list")
    def _open(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.add_class("-reading")
        self.query_one("#parts-text").focus()

    def action_leave(self) -> None:
        """Goes back to the list, then away."""
        rows = self.query_one("#parts-list")
        if rows.has_focus:
            self.dismiss()
            return
        self.remove_class("-reading")
        rows.focus()

    def action_step(self, step: int) -> None:
        if self._step is not None and self._view.step + step > 0:
            self._step(self._view.step + step)

    def action_help(self) -> None:
        self.app.dialogs.help("parts")
