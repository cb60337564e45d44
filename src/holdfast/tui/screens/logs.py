"""A log on the whole screen, followed while it is written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from holdfast.core.domain.logs import LogName
from holdfast.tui.keys import bindings
from holdfast.tui.presenters.logs import LogState, as_text, footer, headline, log_lines
from holdfast.tui.presenters.model import Model
from holdfast.tui.screens.modelled import ModelScreen
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.panes.rows import WordsInput
from holdfast.tui.widgets.strips import KeyBar

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.control.administration import AdministrationControl

FOLLOW_S = 1.0


class LogScreen(ModelScreen):
    """Shows one log."""

    DEFAULT_CSS = """
    #l-head, #l-keys { height: 1; padding: 0 1; }
    #l-head { background: $surface; }
    #l-body { height: 1fr; padding: 0 1; }
    #l-words { border: none; height: 1; padding: 0; }
    #l-lines { height: 1fr; }
    LogScreen.-tiny #l-body, LogScreen.-flat #l-body { display: none; }
    LogScreen.-tiny #too-small, LogScreen.-flat #too-small { display: block; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-slim")]  # noqa: RUF012 - as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short")]  # noqa: RUF012
    AUTO_FOCUS = "#l-lines"
    PLACE = "logs"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("logs")]
    app: HoldfastApp

    def __init__(self, control: AdministrationControl) -> None:
        super().__init__()
        self._control = control
        self.state = LogState()

    def compose(self) -> ComposeResult:
        yield Static("", id="l-head", markup=False)
        with Vertical(id="l-body"):
            yield WordsInput("#l-lines", id="l-words", placeholder="only lines with these words")
            yield LinesView(id="l-lines")
        yield KeyBar(id="l-keys", action="screen.press")
        yield Static("The terminal is too small: Holdfast needs 40 × 10.", id="too-small", markup=False)

    def on_mount(self) -> None:
        self.set_interval(FOLLOW_S, self._follow)
        self.redraw()

    def draw(self, parts: set[str], model: Model, now: datetime) -> None:
        """A log is no part of the model."""

    def redraw(self, *, at_end: bool | None = None) -> None:
        """Shows the lines; the end of them while the log is followed."""
        if not (self.is_mounted and self.is_attached):
            return
        lines = self.query_one("#l-lines", LinesView)
        lines.show(log_lines(self.state), self.state.name)
        if self.state.following if at_end is None else at_end:
            self.call_after_refresh(lines.scroll_end, animate=False)
        self._draw_rest()

    def _draw_rest(self) -> None:
        self.query_one("#l-head", Static).update(paint(headline(self.state, self.app.start.place)))
        typing = self.query_one("#l-words", Input).has_focus
        self.query_one("#l-keys", KeyBar).show(footer(self.state, typing))

    def on_descendant_focus(self) -> None:
        self._draw_rest()

    def show_log(self, name: LogName | str) -> None:
        """Shows a log from its end."""
        if name in ("engine", "models", "knowledge", "app"):
            self.state.name = name
        self._read()

    def _read(self) -> None:
        self.state.start()
        self.redraw()
        self._work(self._control.read_log)

    def _follow(self) -> None:
        if self.state.following and self.app.screen is self:
            self._work(self._control.follow, "follow the log")

    def _work(self, what: Callable[[LogScreen], Awaitable[None]], group: str = "log") -> None:
        async def work() -> None:
            await what(self)

        self.app.work(work, group)

    # --- keys

    def action_press(self, name: str) -> None:
        """Does what a key of the last line does."""
        if name == "next":
            self.action_next(1)
        else:
            getattr(self, f"action_{name}")()

    def action_follow(self) -> None:
        self.state.following = not self.state.following
        self.redraw()

    def action_level(self) -> None:
        self.state.next_level()
        self._read()

    def action_next(self, step: int) -> None:
        """Shows the next log, or the one before."""
        self.state.next_log(step)
        self._read()

    def action_words(self) -> None:
        self.set_focus(self.query_one("#l-words", Input))

    def action_older(self) -> None:
        """Reads older lines, and stands still there."""
        self.state.following = False
        self._work(self._control.older)

    def action_copy(self) -> None:
        """Copies what is selected, else all lines that are shown."""
        text = self.get_selected_text() or as_text(self.state)
        self.app.copy_to_clipboard(text)
        self.app.notify("Copied.", timeout=2)

    def action_back(self) -> None:
        lines = self.query_one("#l-lines", LinesView)
        if lines.has_focus:
            self.dismiss()
        else:
            self.set_focus(lines)

    def action_help(self) -> None:
        self.app.dialogs.help("logs")

    @on(Input.Submitted)
    @on(Input.Changed)
    def _search(self, event: Input.Changed | Input.Submitted) -> None:
        event.stop()
        if event.value != self.state.words:
            self.state.words = event.value
            self.set_timer(0.2, partial(self._search_if, event.value))
        if isinstance(event, Input.Submitted):
            self.set_focus(self.query_one("#l-lines"))

    def _search_if(self, words: str) -> None:
        """Searches when nothing else was typed meanwhile."""
        if words == self.state.words:
            self._read()
