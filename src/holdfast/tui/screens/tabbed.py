"""What knowledge and memory share: a screen of lists on tabs, in a frame that fits the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from holdfast.tui.screens.modelled import ModelScreen
from holdfast.tui.widgets.panes.rows import Column
from holdfast.tui.widgets.strips import KeyBar

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp


class TabbedScreen(ModelScreen):
    """A whole screen of one part of the model, with lists on tabs."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-slim"), (76, "-roomy")]  # noqa: RUF012 - as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short"), (28, "-high")]  # noqa: RUF012
    PART: ClassVar[str]
    """The part of the model that all of it is drawn from."""
    app: HoldfastApp
    _tab: str

    def on_mount(self) -> None:
        self._redraw()

    @on(Column.Resized)
    def _redraw(self) -> None:
        self.draw({self.PART}, self.app.model, self.app.start.now())

    def foot(self, keys: str) -> ComposeResult:
        """Yields what is below the lists: the line of keys, and what is said where there is no room."""
        yield KeyBar(id=keys, action="screen.press")
        yield Static("The terminal is too small: Holdfast needs 40 × 10.", id="too-small", markup=False)

    def tab_pieces(self, counts: Mapping[str, str]) -> list[Content]:
        """Returns the names of the tabs, to click, each with what is said of how much it has."""
        pieces = []
        for tab, count in counts.items():
            style = "bold $primary underline" if tab == self._tab else "$foreground 60%"
            piece = Content(tab.capitalize() + (f" ({count})" if count else "")).stylize(style)
            pieces.append(piece.stylize(Style.from_meta({"@click": f"screen.tab({tab!r})"})))
        return pieces
