"""A document on the whole screen: its text, one passage marked, and the list of its passages."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import BY_ID, bindings, foot
from holdfast.tui.presenters.knowledge.collections import document_note
from holdfast.tui.presenters.knowledge.reading import chunk_row, text_lines
from holdfast.tui.presenters.passages import figures_of, mark_of, score_of
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint, paint_all
from holdfast.tui.widgets.panes.rows import RowList
from holdfast.tui.widgets.strips import KeyBar, Strip

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.control.reading import Reader

KEYS = ("document.after", "document.before", "document.passages", "document.close")


class ReaderScreen(ModalScreen[None]):
    """Shows what a `Reader` reads."""

    # Textual declares both as instance variables, so they cannot be ClassVar here.
    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (100, "-roomy")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (28, "-high")]  # noqa: RUF012
    PLACE = "document"
    """The place of the table of keys, for the palette."""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("document")]
    app: HoldfastApp

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = reader
        self._error = ""

    def compose(self) -> ComposeResult:
        document = self._reader.document
        note = document_note(document, self.app.start.now())
        with Vertical(classes="dialog whole"):
            yield Static(
                paint(line((document.name, "heading"), (f"   {note}", "muted"))),
                classes="dialog-title",
                id="reader-title",
            )
            yield Strip(id="reader-about")
            with Horizontal(id="reader-columns"):
                yield LinesView([line(("Reading…", "muted"))], id="reader-text")
                yield RowList(id="reader-chunks")
            yield KeyBar(id="reader-keys", action="screen.press")

    def on_mount(self) -> None:
        self.query_one("#reader-keys", KeyBar).show([("↑↓", "scroll", ""), *map(foot, KEYS)])
        self.set_focus(self.query_one("#reader-text"))
        self._about()
        self.app.work(self._open, "reader")

    async def _open(self) -> None:
        try:
            await self._reader.open()
            self._show_text()
            await self._reader.list()
        except HoldfastError as error:
            self._error = sanitize_line(error.message)
            self._show_text()
            raise
        self._show_chunks()

    async def action_press(self, name: str) -> None:
        """Does what a key of the last line does."""
        await self.run_action(BY_ID[f"document.{name}"].action)

    def action_leave(self) -> None:
        self.dismiss()

    def action_help(self) -> None:
        self.app.dialogs.help("document")

    def action_passages(self) -> None:
        """Goes to the list of passages and back; where there is little room, the list comes and goes."""
        chunks = self.query_one("#reader-chunks", RowList)
        shown = chunks.has_focus
        self.set_class(not shown, "-listing")
        self.set_focus(self.query_one("#reader-text") if shown else chunks)

    def action_step(self, step: int) -> None:
        """Marks the passage after or before the marked one."""
        current = self._reader.current
        self._go_to(0 if current is None else current + step)

    def _go_to(self, index: int) -> None:
        if index < 0 or (index >= len(self._reader.chunks) and not self._reader.chunks):
            return

        async def go() -> None:
            if index >= len(self._reader.chunks) and not await self._reader.more_chunks():
                return
            await self._reader.mark(index)
            self._about()
            self._show_text()
            self._show_chunks()

        self.app.work(go, "reader")

    @on(OptionList.OptionHighlighted, "#reader-chunks")
    def _follow(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_list.has_focus and event.option_index != self._reader.current:
            self._go_to(event.option_index)

    @on(OptionList.OptionSelected, "#reader-chunks")
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._go_to(event.option_index)
        self.set_focus(self.query_one("#reader-text"))
        self.remove_class("-listing")

    # --- drawing

    def _show_text(self) -> None:
        if not self.is_attached:  # left while it was read
            return
        text, window = self.query_one("#reader-text", LinesView), self._reader.window
        if window is None:
            text.show([line((self._error, "error"))], "error")
            return
        if not window.text:
            text.show([line(("This document has no text.", "muted"))], "empty")
            return
        lines, first = text_lines(window, self._reader.marked)
        text.show(lines, window.start)
        if self._reader.marked is not None:
            text.go_to_line(first)
        self._about()

    def _show_chunks(self) -> None:
        if not self.is_attached:
            return
        rows, reader = self.query_one("#reader-chunks", RowList), self._reader
        width = max(16, (rows.scrollable_content_region.width or 34) - 1)
        rows.show([(str(c.id), paint_all(chunk_row(c, width))) for c in reader.chunks])
        if reader.current is not None:
            rows.go_to(str(reader.chunks[reader.current].id))

    def _about(self) -> None:
        if not self.is_attached:
            return
        self.query_one("#reader-about", Strip).show(self._about_lines())

    def _about_lines(self) -> list[Line]:
        reader, document = self._reader, self._reader.document
        lines = [line((reader.note, "warning"))] if reader.note else []
        passage = reader.passage
        if passage is not None:
            facts = [passage.where, passage.headings, figures_of(passage), score_of(passage)]
            mark = (f"{mark_of(passage)} ", "number") if passage.number is not None else ("", "")
            lines.append(line(mark, (" · ".join(filter(None, facts)), "muted")))
        title = document.title if document.title != document.name else ""
        source = document.source if document.source != document.name else ""
        if title or source:
            lines.append(line(title, (" · " if title and source else "", "muted"), (source, "muted")))
        if document.summary:
            lines.append(line((document.summary, "muted")))
        return lines
