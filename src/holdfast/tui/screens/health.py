"""The health of the engine and of the providers of models, on the whole screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from holdfast.tui.keys import BY_ID, bindings
from holdfast.tui.presenters.health import HealthState, footer, headline, health_lines
from holdfast.tui.presenters.model import Model
from holdfast.tui.screens.modelled import ModelScreen
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.strips import KeyBar

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.control.administration import AdministrationControl

LOOK_S = 5.0


class HealthScreen(ModelScreen):
    """Shows what the controller has read, anew every few seconds."""

    DEFAULT_CSS = """
    #h-head, #h-keys { height: 1; padding: 0 1; }
    #h-head { background: $surface; }
    #h-lines { height: 1fr; padding: 0 1; }
    HealthScreen.-tiny #h-lines, HealthScreen.-flat #h-lines { display: none; }
    HealthScreen.-tiny #too-small, HealthScreen.-flat #too-small { display: block; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-slim")]  # noqa: RUF012 - as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short")]  # noqa: RUF012
    AUTO_FOCUS = "#h-lines"
    PLACE = "health"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("health")]
    app: HoldfastApp

    def __init__(self, control: AdministrationControl) -> None:
        super().__init__()
        self._control = control
        self.state = HealthState()

    def compose(self) -> ComposeResult:
        yield Static("", id="h-head", markup=False)
        yield LinesView(id="h-lines")
        yield KeyBar(id="h-keys", action="screen.press")
        yield Static("The terminal is too small: Holdfast needs 40 × 10.", id="too-small", markup=False)

    def on_mount(self) -> None:
        self.set_interval(LOOK_S, self._look)
        self.redraw()

    def draw(self, parts: set[str], model: Model, now: datetime) -> None:
        if "header" in parts:
            self.redraw()

    def redraw(self) -> None:
        """Shows what is known."""
        if not (self.is_mounted and self.is_attached):
            return
        start = self.app.start
        self.query_one("#h-head", Static).update(paint(headline(self.state)))
        lines = health_lines(self.state, start.now(), start.place)
        self.query_one("#h-lines", LinesView).show(lines, "health")
        self.query_one("#h-keys", KeyBar).show(footer(self.state, start.remote is None))

    def _look(self) -> None:
        if self.app.screen is self:
            self._work(self._control.look, "health")

    def _work(self, what: Callable[[HealthScreen], Awaitable[None]], group: str) -> None:
        async def work() -> None:
            await what(self)

        self.app.work(work, group)

    # --- keys

    async def action_press(self, name: str) -> None:
        """Does what a key of the last line does."""
        await self.run_action(BY_ID[f"health.{name}"].action)

    def action_give(self, command: str) -> None:
        """Gives a command: those of the app rest while another screen is open."""
        self.app.command(command)

    def action_refresh(self) -> None:
        self._work(self._control.check, "check")

    def action_repair(self) -> None:
        self._work(self._control.repair, "check")

    def action_back(self) -> None:
        self.dismiss()

    def action_help(self) -> None:
        self.app.dialogs.help("health")
