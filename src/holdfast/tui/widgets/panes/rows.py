"""A list whose rows have ids and keep the cursor when they change."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from holdfast.tui.keys import bindings


class Column(Vertical):
    """Holds lists; says when their rows have to be fitted to another width."""

    class Resized(Message):
        """It has another size now."""

    def on_resize(self) -> None:
        self.post_message(self.Resized())


class WordsInput(Input):
    """A field for words to search or to filter with, above the list of what fits."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("words")]

    def __init__(self, below: str, *, id: str, placeholder: str = "") -> None:
        """`below` selects the list."""
        super().__init__(id=id, placeholder=placeholder, compact=True, select_on_focus=False)
        self._below = below

    def action_to_list(self) -> None:
        self.screen.query_one(self._below).focus()


class RowList(OptionList, inherit_bindings=False):
    """An option list that is told all its rows at once, and only draws what is different."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("list")]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, compact=True)
        self._rows: list[tuple[str, Content]] = []

    def show(self, rows: list[tuple[str, Content]], cursor: str | None = None) -> None:
        """Shows rows of id and content. The cursor stays on its row; `cursor` names where it starts."""
        self.set_class(not rows, "-empty")  # it keeps the focus, so that the keys of its pane still work
        wanted = self.current or cursor
        ids = [row_id for row_id, _ in rows]
        if ids == [row_id for row_id, _ in self._rows]:
            changed = [
                (index, new)
                for index, ((_, old), (_, new)) in enumerate(zip(self._rows, rows, strict=True))
                if not old.is_same(new)  # colours count, too
            ]
            if not changed:
                return
            for index, new in changed:
                self.replace_option_prompt_at_index(index, new)
        else:
            self.set_options(Option(content, id=row_id) for row_id, content in rows)
        self._rows = rows
        if rows:
            self.highlighted = (
                ids.index(wanted) if wanted in ids else min(self.highlighted or 0, len(ids) - 1)
            )

    @property
    def current(self) -> str | None:
        """The id of the row under the cursor."""
        if self.highlighted is None or self.highlighted >= len(self._rows):
            return None
        return self._rows[self.highlighted][0]

    def go_to(self, row_id: str) -> None:
        """Puts the cursor on a row."""
        ids = [one for one, _ in self._rows]
        if row_id in ids:
            self.highlighted = ids.index(row_id)
