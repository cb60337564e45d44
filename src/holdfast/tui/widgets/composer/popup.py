"""The list of completions above the message field."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from holdfast.tui.presenters.spans import Line
from holdfast.tui.widgets.paint import paint


class CompletionPopup(OptionList, can_focus=False):
    """Shows what can be put in; the message field sends it its keys."""

    @dataclass
    class Chosen(Message):
        """A completion was chosen, by key or by mouse."""

        value: str
        sent: bool
        """Whether the key was one that lets a command without argument start at once."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, compact=True)
        self._values: list[str] = []

    @property
    def is_open(self) -> bool:
        return self.display

    def show(self, rows: list[tuple[str, Line]]) -> None:
        """Shows values with their lines; closes when there are none."""
        self._values = [value for value, _ in rows]
        self.clear_options()
        self.add_options([Option(paint(one)) for _, one in rows])
        self.display = bool(rows)
        if rows:
            self.highlighted = 0

    def close(self) -> None:
        self.display = False

    def go_to(self, text: str) -> None:
        """Puts the cursor on the first value with `text` in it, or on none."""
        wanted = text.casefold()
        found = (at for at, value in enumerate(self._values) if wanted in value.casefold())
        self.highlighted = next(found, None)

    def press(self, name: str) -> Chosen | None:
        """Does what a key of the message field is for; returns what was chosen by that."""
        if name == "before":
            self.action_cursor_up()
        elif name == "after":
            self.action_cursor_down()
        elif name == "close":
            self.close()
        elif self.highlighted is not None:
            self.close()
            return self.Chosen(self._values[self.highlighted], sent=name == "run")
        return None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.close()
        self.post_message(self.Chosen(self._values[event.option_index], sent=False))
