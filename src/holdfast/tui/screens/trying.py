"""What came of a tool that a person has tried, as it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.dialogs import DocumentScreen
from holdfast.tui.widgets.lines import LinesView


class TriedScreen(DocumentScreen):
    """Shows a call and its result; the key of an editor goes back to the arguments."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("tried")]
    MORE_KEYS: ClassVar[tuple[tuple[str, str], ...]] = (("tried.again", "other arguments"),)

    def __init__(self, name: str, lines: list[Line], again: Callable[[], None]) -> None:
        """`again` asks for other arguments."""
        super().__init__(name, "tried by you, under your rules", lines)
        self._again = again

    def show(self, lines: list[Line]) -> None:
        """Shows how far it is now."""
        self._lines = lines  # what it begins with, where it is not drawn yet
        for document in self.query("#document").results(LinesView):
            document.show(lines)

    def action_again(self) -> None:
        self.dismiss()
        self._again()
