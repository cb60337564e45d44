"""A scrollable view of lines: wraps them to its width and draws only what is visible."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.spans import Line
from holdfast.tui.widgets.paint import ROLES, paint

GUTTERS = ("bar", "indent")
"""Roles of what stands before a line, and before each row that wrapping makes of it."""


Fitted = Callable[[int], list[Line]]
"""Makes lines for a width in cells."""


class LinesView(ScrollView, can_focus=True):
    """Shows lines; keeps the scroll position when the lines change but their subject does not."""

    ALLOW_SELECT = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("lines")]

    def __init__(
        self, lines: list[Line] | None = None, *, fitted: Fitted | None = None, id: str | None = None
    ) -> None:
        """`fitted` makes the lines for a width, instead of lines that are wrapped to it."""
        super().__init__(id=id)
        self._fitted = fitted
        self._lines = lines or []
        self._rows: list[Content] = []
        self._subject: object = None
        self._width = 0
        self._starts: list[int] = []
        """The row with which each line begins."""
        self._wanted: tuple[int, int] | None = None

    def show(self, lines: list[Line], subject: object = None) -> None:
        """Replaces the lines; goes to the top when `subject` is another one than before."""
        if lines == self._lines and subject == self._subject:
            return
        self._lines = lines
        if subject != self._subject:
            self._subject = subject
            self.scroll_home(animate=False, immediate=True)
        self._wrap()

    def show_fitted(self, fitted: Fitted) -> None:
        """Shows lines that are made for each width."""
        self._fitted = fitted
        self._keep_place()
        self._wrap()

    @property
    def lines(self) -> list[Line]:
        return self._lines

    def on_resize(self) -> None:
        if self.scrollable_content_region.width != self._width:
            self._keep_place()
            self._wrap()

    def _keep_place(self) -> None:
        """Lets the first line on the screen stay there when the lines are wrapped to another width."""
        top = self.scroll_offset.y
        if self._wanted is None and top > 0 and self._starts:
            self._wanted = (bisect_right(self._starts, top) - 1, 0)

    def _wrap(self) -> None:
        self._width = self.scrollable_content_region.width
        if self._width <= 0:
            return
        if self._fitted is not None:
            self._lines = self._fitted(self._width)
        rows: list[Content] = []
        self._starts = []
        for line in self._lines:
            self._starts.append(len(rows))
            rows.extend(_wrapped(line, self._width))
        self._rows = rows
        self.virtual_size = Size(self._width, len(rows))
        self.refresh()
        self._arrive()

    def go_to_line(self, number: int, lead: int = 2) -> None:
        """Scrolls to a line, with `lead` rows above it; as soon as there is a size to do it in."""
        self._wanted = (number, lead)
        self._arrive()

    def _arrive(self) -> None:
        if self._wanted is not None and self._starts and self.size.height:
            self.call_after_refresh(self._scroll_to_wanted)

    def _scroll_to_wanted(self) -> None:
        if self._wanted is None or not self._starts:
            return
        number, lead = self._wanted
        self._wanted = None
        row = self._starts[min(number, len(self._starts) - 1)]
        self.scroll_to(y=max(0, row - lead), animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        row = self.scroll_offset.y + y
        width = self.size.width
        style = self.visual_style
        if row >= len(self._rows):
            return Strip.blank(width, style.rich_style)
        options = RenderOptions(self._get_style, {})
        strips = self._marked(row).render_strips(width, 1, style, options)
        strip = strips[0] if strips else Strip.blank(width, style.rich_style)
        return strip.apply_offsets(0, row).extend_cell_length(width, style.rich_style).crop(0, width)

    def _marked(self, row: int) -> Content:
        content = self._rows[row]
        span = self.text_selection.get_span(row) if self.text_selection is not None else None
        if span is None:
            return content
        start, end = span
        style = Style.from_styles(self.screen.get_component_styles("screen--selection"))
        return content.stylize(style, start, len(content) if end == -1 else end)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract("\n".join(row.plain.rstrip() for row in self._rows)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


def _wrapped(line: Line, width: int) -> list[Content]:
    """Returns the rows of a line; a gutter that it begins with stands before each of them."""
    content, role = paint(line), line[0][1] if line else ""
    if role != "bar" and content.cell_length <= width:
        return [content]
    if role not in GUTTERS:
        return list(content.wrap(width))
    gutter = paint(line[:1])
    room = max(8, width - gutter.cell_length)
    body = paint(line[1:])
    rows = list(body.wrap(room)) if body.cell_length > room else [body]
    if role == "bar" and line[-1][1] in ("bar", "passage"):
        rows = [_filled(row, room) for row in rows]
    return [gutter + row for row in rows]


def _filled(row: Content, width: int) -> Content:
    """Returns a row of a marked passage, the mark going on to the right edge."""
    return row + Content(" " * max(0, width - row.cell_length)).stylize(ROLES["passage"])
