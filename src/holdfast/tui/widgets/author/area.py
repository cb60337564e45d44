"""The text of an agent file: colours, mistakes beside their lines, completion, indentation kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Offset
from textual.strip import Strip
from textual.widgets import TextArea

from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.text import sanitize
from holdfast.tui.keys import named
from holdfast.tui.presenters.author.colours import Stretch, coloured
from holdfast.tui.presenters.author.screen import beside
from holdfast.tui.presenters.author.typing import changed_part, indented, word_at

ROOM = 40
"""Cells that a message has behind the end of a wrapped line at least."""
STEP = 2
"""Spaces of one step of indentation."""


class AgentArea(TextArea):
    """Where an agent file is written. It is told the mistakes, and says when a completion is wanted."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "agent--key",
        "agent--value",
        "agent--text",
        "agent--block",
        "agent--comment",
        "agent--sign",
        "agent--mistake",
        "agent--message",
    }
    DEFAULT_CSS = """
    AgentArea {
        & .agent--key { color: $secondary; text-style: bold; }
        & .agent--value { color: $accent; }
        & .agent--text { color: $success; }
        & .agent--block { color: $foreground; }
        & .agent--comment { color: $foreground; text-style: dim italic; }
        & .agent--sign { color: $foreground; text-style: dim; }
        & .agent--mistake { color: $error; text-style: underline; }
        & .agent--message { color: $error; text-style: italic; }
    }
    """

    def __init__(self, text: str, *, id: str) -> None:
        # The line of the cursor has no colour of its own: it would hide those of the text.
        super().__init__(
            text,
            id=id,
            compact=True,
            soft_wrap=True,
            show_line_numbers=True,
            tab_behavior="focus",
            highlight_cursor_line=False,
        )
        self.cursor_blink = False
        self.indent_width = STEP
        self.list_open = False
        """Whether the list of completions is there and takes its keys."""
        self.on_typed: Callable[[], None] = lambda: None
        """Called when letters were typed or taken away: what could follow may be shown. At once: the next key
        may already be for the list of that."""
        self.on_list_key: Callable[[str], None] = lambda name: None
        """Takes the name of a key for the list, at once: the next letter belongs after what it puts in."""
        self.list_takes_enter = False
        """Whether the person has gone to the list, so that enter is meant for it."""
        self._colours: Mapping[int, list[Stretch]] = coloured(text)
        self._mistakes: Mapping[int, list[Diagnostic]] = {}

    # --- what is drawn

    def show_mistakes(self, mistakes: Mapping[int, list[Diagnostic]]) -> None:
        """Marks mistakes, by lines from 0."""
        if mistakes != self._mistakes:
            self._mistakes = mistakes
            self.notify_style_update()
            self.refresh()

    def recolour(self) -> None:
        """Colours the text as it is now."""
        colours = coloured(self.text)
        if colours != self._colours:
            self._colours = colours
            self.notify_style_update()
            self.refresh()

    def get_line(self, line_index: int) -> Text:
        text = super().get_line(line_index)
        for start, end, role in self._colours.get(line_index, ()):
            text.stylize(self._style(f"agent--{role}"), start, end)
        for one in self._mistakes.get(line_index, ()):
            start, end = word_at(text.plain, one.column - 1)
            text.stylize(self._style("agent--mistake"), start, end)
        return text

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        if not self._mistakes:
            return strip
        row = self.wrapped_document.offset_to_location(Offset(0, y + self.scroll_offset.y))[0]
        mistakes = self._mistakes.get(row)
        if not mistakes:
            return strip
        width = strip.cell_length
        spot = self._spot(row, width)
        if spot.y != y + self.scroll_offset.y:
            return strip
        at = self.gutter_width + spot.x + 1
        message = beside(mistakes, width - at)
        if not message:
            return strip
        shown = Strip([Segment(message, self.rich_style + self._style("agent--message"))])
        return Strip.join([strip.crop(0, at), shown, strip.crop(at + shown.cell_length, width)])

    def _spot(self, row: int, width: int) -> Offset:
        """Returns behind which cell of the text a message about a line stands: behind its end, or where that
        has no room and the line is wrapped, behind its first row."""
        end = self.wrapped_document.location_to_offset((row, len(self.document.get_line(row))))
        sections = self.wrapped_document.get_sections(row)
        if len(sections) == 1 or width - self.gutter_width - end.x > ROOM:
            return end
        top = self.wrapped_document.location_to_offset((row, 0))
        return Offset(cell_len(sections[0].rstrip()), top.y)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)

    # --- what is typed

    async def _on_key(self, event: events.Key) -> None:
        completing = named("completion", event.key) if self.list_open else ""
        if completing == "run" and not self.list_takes_enter:
            completing = ""  # a new line was meant, not the list that came by itself
        if completing:
            self._take(event)
            self.on_list_key(completing)
        elif event.key == "enter" and not self.read_only:
            self._take(event)
            row, column = self.cursor_location
            self._write("\n" + " " * indented(self.document.get_line(row)[:column], STEP))
        elif event.key == "tab":
            self._take(event)
            self._write(" " * (STEP - self.cursor_location[1] % STEP))
        else:
            await super()._on_key(event)
            if event.is_printable:
                self.on_typed()

    def _take(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self._write(sanitize(event.text))

    def _write(self, text: str) -> None:
        """Puts `text` in the place of what is selected."""
        start, end = sorted((self.selection.start, self.selection.end))
        self.replace(text, start, end, maintain_selection_offset=False)

    def put_in(self, word: str, text: str) -> None:
        """Puts `text` in the place of the word before the cursor."""
        row, column = self.cursor_location
        start = (row, column - len(word))
        self.replace(text, start, (row, column), maintain_selection_offset=False)

    def take_text(self, text: str) -> None:
        """Replaces the text; what stays the same is left alone, and it can be undone."""
        start, end, part = changed_part(self.text, text)
        if start == end and not part:
            return
        self.replace(part, _place(self.text, start), _place(self.text, end))

    def go_to(self, row: int, column: int) -> None:
        """Puts the cursor to a place, both from 0, or as near as there is one."""
        row = min(row, self.document.line_count - 1)
        self.move_cursor((row, min(column, len(self.document.get_line(row)))), center=True)


def _place(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n"), index - (before.rfind("\n") + 1)
