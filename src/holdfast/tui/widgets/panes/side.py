"""The right side: approvals, files, run and knowledge as tabs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.modes import mode_lines
from holdfast.tui.presenters.run import run_lines
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.panes.approvals import ApprovalsPane
from holdfast.tui.widgets.panes.files import FilesPane
from holdfast.tui.widgets.panes.knowledge import KnowledgePane
from holdfast.tui.widgets.strips import PlainLinks

TABS = ("approvals", "files", "run", "knowledge")
LABELS = ((" ({})", "   "), (" ({})", "  "), (" {}", "  "), (" {}", " "))
"""How numbers and the space between tabs are written, the widest first."""


class SidePane(Vertical):
    """Shows one of four panes; the tabs say how much is in the others."""

    @dataclass
    class TabChanged(Message):
        """Another tab is shown."""

        tab: str

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.tab = "approvals"
        self._counts = {"approvals": 0, "files": 0, "knowledge": 0}

    def compose(self) -> ComposeResult:
        yield PlainLinks("", id="tabs", markup=False)
        yield ApprovalsPane(id="approvals")
        yield FilesPane(id="files")
        yield LinesView(id="run")
        yield KnowledgePane(id="knowledge")

    def on_mount(self) -> None:
        self._arrange()

    def on_resize(self) -> None:
        self._show_tabs()

    def show_tab(self, tab: str) -> None:
        """Brings a tab to the front."""
        if tab != self.tab:
            self.tab = tab
            self._arrange()
            self.post_message(self.TabChanged(tab))

    def action_tab(self, tab: str) -> None:
        self.show_tab(tab)
        self.focus_tab()

    def focus_tab(self) -> None:
        """Puts the focus into the tab that is shown."""
        if self.tab == "approvals":
            self.query_one(ApprovalsPane).focus_list()
        elif self.tab == "files":
            self.query_one(FilesPane).focus_list()
        elif self.tab == "knowledge":
            self.query_one(KnowledgePane).focus_list()
        else:
            self.query_one("#run", LinesView).focus()

    def show(self, parts: set[str], model: Model, now: datetime) -> None:
        """Draws the parts (`inbox`, `files`, `run`, `knowledge`) that have changed."""
        if "inbox" in parts:
            self.query_one(ApprovalsPane).show(model, now)
            self._counts["approvals"] = len(model.inbox)
        if "files" in parts:
            self.query_one(FilesPane).show(model)
            self._counts["files"] = sum(row.state != "" for row in model.files or [])
        if "run" in parts:
            lines = [*run_lines(model.run.current, now), *mode_lines(model.mode)]
            self.query_one("#run", LinesView).show(lines, "run")
        if "knowledge" in parts:
            self.query_one(KnowledgePane).show(model)
            turn = model.answers.current
            self._counts["knowledge"] = len(turn.passages) if turn is not None else 0
        self._show_tabs()

    def _arrange(self) -> None:
        for tab in TABS:
            self.query_one(f"#{tab}").display = tab == self.tab
        self._show_tabs()

    def _show_tabs(self) -> None:
        tabs = self.query_one("#tabs", Static)
        room = tabs.content_size.width or 36
        made = (self._tabs(count, between) for count, between in LABELS)
        tabs.update(next((one for one in made if one.cell_length <= room), self._tabs("", " ")))

    def _tabs(self, counted: str, between: str) -> Content:
        pieces: list[Content] = []
        for tab in TABS:
            count = self._counts.get(tab, 0)
            label = tab.capitalize() + (counted.format(count) if count else "")
            style = "bold $primary underline" if tab == self.tab else "$foreground 60%"
            if tab == "approvals" and count and tab != self.tab:
                style = "bold $warning"
            piece = Content(label).stylize(style)
            pieces.append(piece.stylize(Style.from_meta({"@click": f"screen.side_tab({tab!r})"})))
        return Content(between).join(pieces)
