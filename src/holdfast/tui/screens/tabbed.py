"""What whole screens of lists share: tabs and keys to click, in a frame that fits the terminal."""

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
    PLACE: ClassVar[str]
    """The place of the table of keys."""
    TABS: ClassVar[tuple[str, ...]] = ()
    app: HoldfastApp
    _tab: str

    def on_mount(self) -> None:
        self._redraw()

    @on(Column.Resized)
    def _redraw(self) -> None:
        self.draw({self.PART}, self.app.model, self.app.start.now())

    # --- keys

    def action_tab(self, tab: str) -> None:
        """Shows another list."""
        raise NotImplementedError

    def action_words(self) -> None:
        """Goes to the words."""
        raise NotImplementedError

    def action_back(self) -> None:
        """Goes back by one step, at last to the session."""
        raise NotImplementedError

    def action_act(self, name: str) -> None:
        """Does what a key says to what is under the cursor."""
        raise NotImplementedError

    def action_help(self) -> None:
        self.app.dialogs.help(self.PLACE)

    def action_press(self, name: str) -> None:
        """Does what a key of the last line does."""
        ours = {"words": self.action_words, "back": self.action_back, "help": self.action_help}
        if name in self.TABS:
            self.action_tab(name)
        else:
            ours.get(name, lambda: self.action_act(name))()

    # --- what it is made of

    def write(self, where: str, text: Content) -> Static:
        """Shows a text; the same once more is no change, which would draw the whole screen anew."""
        static = self.query_one(where, Static)
        if not (isinstance(static.content, Content) and static.content.is_same(text)):
            static.update(text)
        return static

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
