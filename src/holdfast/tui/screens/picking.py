"""A dialog to pick several things of a list with a filter."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.widgets import Input, Static

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.screens.dialogs import ChooseScreen, key_hint
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.panes.rows import RowList


class PickScreen(ChooseScreen):
    """Marks what is chosen, or no longer; gives something when that is to be kept, None when it was left."""

    CLICK_BESIDE_LEAVES = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("editor")]

    def __init__(self, title: str, choices: list[Choice], picked: list[str]) -> None:
        """`picked` is what is marked at first."""
        super().__init__(title, choices)
        self.picked = list(picked)

    def hint(self) -> Static:
        return key_hint(
            ("↑↓", "move"),
            ("list.choose", "pick, or no longer"),
            ("editor.save", "keep it so"),
            ("dialog.close", "leave it"),
        )

    def label(self, choice: Choice) -> Line:
        mark = ("✓ ", "success") if choice.value in self.picked else ("  ", "")
        return line(mark, *choice.label)

    def take(self, choice: Choice) -> None:
        if choice.value in self.picked:
            self.picked.remove(choice.value)
        else:
            self.picked.append(choice.value)
        rows = self.query_one("#choices", RowList)
        rows.show([(str(i), paint(self.label(one))) for i, one in enumerate(self._shown)])
        self.query_one("#filter", Input).focus()

    def action_save(self) -> None:
        """Keeps what is picked."""
        self.dismiss("kept")
