"""The map of a session on the whole screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.copying import copied
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.session_map import (
    Drawn,
    Scale,
    as_text,
    drawn,
    footer,
    headline,
    map_line,
    node_lines,
    note_lines,
)
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.listed import Keys
from holdfast.tui.screens.long import LongScreen
from holdfast.tui.widgets.panes.rows import WordsInput
from holdfast.tui.widgets.panes.virtual import Row


class SessionMapScreen(LongScreen):
    """Shows what happened in a session as a graph; what is folded there stays folded."""

    PART = "map"
    PLACE = "map"
    CHOOSE = "go"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("map")]

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Drawn] = []
        self._scale = Scale(0.0, 0.0)

    def on_mount(self) -> None:
        self.query_one("#l-words", WordsInput).display = False
        super().on_mount()

    def headline(self, model: Model) -> Line:
        return headline(model.map, len(model.inbox), model.header.engine)

    def places(self, model: Model) -> Sequence[Row]:
        nodes = model.map.nodes or []
        self._lines, self._scale = drawn(nodes, model.map.folded), Scale.of(nodes)
        return [Row(each.node.id) for each in self._lines]

    def line(self, model: Model, number: int, width: int, now: datetime) -> Line:
        return map_line(self._lines[number], width, self._scale) if number < len(self._lines) else ()

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return node_lines(model.map.node(current))

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.map)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(model.map, model.map.node(current))

    def wanted(self, model: Model) -> str:
        wanted, model.map.wanted = model.map.wanted, ""
        return wanted

    def act(self, name: str, current: str) -> None:
        state = self.app.model.map
        if name == "fold":
            node = state.node(current)
            if node is not None and node.below:
                state.turn(node.id)
                self._redraw()
        elif name == "all":
            state.turn_all()
            self._redraw()
        elif name == "copy":
            text = as_text(state)
            self.app.copy_to_clipboard(text)
            self.app.notify(copied(text), timeout=2, markup=False)
        else:
            self.app.do(f"map.{name}", current)
