"""Short texts of one or two lines: strips above the message field, the header line, the footer."""

from __future__ import annotations

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from holdfast.tui.keys import pressable
from holdfast.tui.presenters.commands import by_slash
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.presenters.status import Header, command_at, lefts, rights
from holdfast.tui.widgets.paint import paint

TYPED = frozenset(("slash", "space", "question_mark", "left_square_bracket", "right_square_bracket"))
"""Keys that write something into a text."""
MOVES = frozenset(("up", "down", "left", "right"))
"""Keys that mean something else in each place."""


class PlainLinks(Static):
    """A static text whose clickable pieces look as their roles say, not as links."""

    def on_mount(self) -> None:
        self.auto_links = False


class Strip(PlainLinks):
    """Shows lines; is not there while it has none."""

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, markup=False)
        self.display = False
        self.shown: list[Line] = []

    def show(self, lines: list[Line], actions: dict[str, str] | None = None) -> None:
        """Shows `lines`; a key among `actions` can be clicked, too."""
        if lines == self.shown:
            return
        self.shown = lines
        self.display = bool(lines)
        self.update(Content("\n").join(clickable(one, actions or {}) for one in lines))


class HeaderLine(PlainLinks):
    """Who answers, how the engine does, what was used and what waits."""

    def __init__(self, header: Header, *, id: str) -> None:
        super().__init__("", id=id, markup=False)
        self._header = header

    def show(self, header: Header) -> None:
        if header != self._header:
            self._header = header
            self.refresh()

    def render(self) -> Content:
        begins = [self._paint(one) for one in lefts(self._header)]
        ends = [self._paint(one) for one in rights(self._header)]
        width = self.content_size.width
        needed = begins[min(1, len(begins) - 1)].cell_length + 2  # agent and model go before the bar
        end = next((one for one in ends if one.cell_length + needed <= width), ends[-1])
        room = width - end.cell_length - 2
        begin = next((one for one in begins if one.cell_length <= room), begins[-1])
        if room < 10:
            return begin.truncate(width, ellipsis=True)
        return (
            begin.truncate(room, ellipsis=True).pad_right(max(2, width - begin.cell_length - end.cell_length))
            + end
        )

    def _paint(self, one: Line) -> Content:
        content, position = paint(one), 0
        for text, _ in one:
            command = command_at(self._header, text)
            if command:
                click = f"app.command({command!r})"
                content = _on_click(content, position, position + len(text), click)
            position += len(text)
        return content


class KeyBar(PlainLinks):
    """The keys of where one is; each can be clicked."""

    def __init__(self, *, id: str, action: str = "app.command") -> None:
        """`action` is the action that takes a key's command."""
        super().__init__("", id=id, markup=False)
        self._action = action
        self._keys: list[tuple[str, str, str]] = []

    def show(self, keys: list[tuple[str, str, str]]) -> None:
        """Shows key, label and command of each; those that do not fit are left out, the last stays.

        A click on one without a command presses its key.
        """
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render(self) -> Content:
        width = self.content_size.width
        pieces = [_key(*one, self._action) for one in self._keys]
        while len(pieces) > 2 and sum(p.cell_length + 2 for p in pieces) > width:
            pieces.pop(-3 if len(pieces) > 3 else -2)
        return Content("  ").join(pieces)


def _key(key: str, label: str, command: str, action: str) -> Content:
    content = paint(line((key, "key"), (f" {label}", "muted")))
    if command:
        return _on_click(content, 0, len(content), f"{action}({command!r})")
    name = pressable(key)
    return _on_click(content, 0, len(content), f"app.simulate_key({name!r})") if name else content


def clickable(shown: Line, actions: dict[str, str]) -> Content:
    """Returns a line whose keys run the app's action when clicked: that of `actions`, else what the key does
    wherever one is."""
    content = paint(shown)
    position = 0
    for text, role in shown:
        action = (actions.get(text.strip()) or pressed(text.strip())) if role == "key" else None
        if action:
            content = _on_click(content, position, position + len(text), action)
        position += len(text)
    return content


def pressed(text: str) -> str:
    """Returns the action of a click on a key or a command that is written somewhere; empty where a click may
    mean something else: a letter would be typed where the focus is."""
    if text.startswith("/"):
        command = by_slash(text[1:].partition(" ")[0]) if len(text) > 1 else None
        return f"app.command({command.name!r})" if command is not None else ""
    key = pressable(text) if len(text) > 1 or not text.isalnum() else ""
    return f"app.simulate_key({key!r})" if key and len(key) > 1 and key not in TYPED | MOVES else ""


def _on_click(content: Content, start: int, end: int, action: str) -> Content:
    return content.stylize(Style.from_meta({"@click": action}), start, end)
