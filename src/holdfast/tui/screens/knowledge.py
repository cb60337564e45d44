"""Knowledge on the whole screen: collections, documents, a search, and how ingestion goes."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.style import Style
from textual.widgets import Input, OptionList, Static

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.knowledge.collections import (
    collection_facts,
    collection_row,
    document_detail,
    document_row,
)
from holdfast.tui.presenters.knowledge.jobs import job_detail, job_row
from holdfast.tui.presenters.knowledge.screen import footer, headline, note_lines, result_row
from holdfast.tui.presenters.knowledge.state import TABS, KnowledgeState
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.passages import passage_detail
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.tabbed import TabbedScreen
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint, paint_all
from holdfast.tui.widgets.panes.rows import Column, RowList, WordsInput
from holdfast.tui.widgets.strips import KeyBar, PlainLinks, Strip

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp

PLACEHOLDERS = {
    "documents": "/ filter by name or title",
    "search": "/ search this collection, then enter",
    "jobs": "",
}
ACTIONS = ("new", "add", "sync", "watch", "delete", "cancel", "retry", "method")
NEAR_END = 20
"""So many rows before the end of the list the next page is read."""


class KnowledgeScreen(TabbedScreen):
    """Shows knowledge as the model has it; what a person wants done goes to the controllers."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-slim"), (76, "-roomy"), (110, "-broad")]  # noqa: RUF012 - as Textual has it
    AUTO_FOCUS = "#k-collections"
    PART = "knowledge"
    PLACE = "collections"
    TABS = TABS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("collections")]
    app: HoldfastApp

    def __init__(self) -> None:
        super().__init__()
        self._tab = "documents"
        self._chosen: str | None = None
        """The collection that was drawn as the chosen one last."""
        self._drawn: tuple[object, ...] = ()
        """What the list was drawn from last."""
        self._filled = ""
        """The words that were put into the field when the tab or the collection changed."""

    def compose(self) -> ComposeResult:
        yield Static("", id="k-head", markup=False)
        with Horizontal(id="k-body"):
            with Column(id="k-left"):
                yield Static("Collections", classes="pane-title", markup=False)
                yield RowList(id="k-collections")
                yield Static("", id="k-none", classes="pane-note", markup=False)
            with Column(id="k-right"):
                yield Strip(id="k-facts")
                yield PlainLinks("", id="k-tabs", markup=False)
                yield WordsInput("#k-list", id="k-words")
                yield RowList(id="k-list")
                yield Static("", id="k-note", classes="pane-note", markup=False)
                yield LinesView(id="k-detail")
        yield from self.foot("k-keys")

    @property
    def _state(self) -> KnowledgeState:
        return self.app.model.knowledge

    # --- drawing

    def draw(self, parts: set[str], model: Model, now: datetime) -> None:
        if not parts & {"knowledge", "inbox", "header"} or not self.is_mounted:
            return
        state = model.knowledge
        head = headline(state, len(model.inbox), model.header.engine)
        self.write("#k-head", paint(head))
        if not parts & {"knowledge", "inbox"}:
            return
        self._draw_collections(state)
        self.query_one("#k-facts", Strip).show(collection_facts(state.collection, state.jobs))
        self._draw_tabs(state)
        self._draw_list(state, now)
        self._describe()
        self._draw_keys()

    def _draw_collections(self, state: KnowledgeState) -> None:
        rows = self.query_one("#k-collections", RowList)
        width = max(14, rows.scrollable_content_region.width - 1)
        shown = [
            (one.id, paint_all(collection_row(one, state.jobs, width))) for one in state.collections or []
        ]
        rows.show(shown, state.chosen)
        if state.chosen is not None and (state.chosen != self._chosen or not rows.has_focus):
            rows.go_to(state.chosen)
        self._chosen = state.chosen
        none = self.write("#k-none", paint_all(note_lines(state, "collections")))
        none.display = bool(none.content)

    def _draw_tabs(self, state: KnowledgeState) -> None:
        counts = {
            "documents": state.collection.documents if state.collection is not None else 0,
            "search": len(state.results or []),
            "jobs": len(state.jobs.running),
        }
        pieces = self.tab_pieces({tab: str(count or "") for tab, count in counts.items()})
        if self._tab == "search":
            method = Content(f"m {state.method}").stylize("$accent")
            pieces.append(method.stylize(Style.from_meta({"@click": "screen.act('method')"})))
        self.write("#k-tabs", Content("   ").join(pieces))
        words = self.query_one("#k-words", Input)
        words.display = self._tab != "jobs"
        words.placeholder = PLACEHOLDERS[self._tab]

    def _draw_list(self, state: KnowledgeState, now: datetime) -> None:
        listing = self.query_one("#k-list", RowList)
        width = max(20, listing.scrollable_content_region.width - 1)
        # Thousands of documents are not made into rows again for each step of a job.
        drawn = (self._tab, state.documents, state.results, width)
        if self._tab == "jobs" or drawn != self._drawn:
            self._drawn = drawn
            listing.show([(key, paint_all(lines)) for key, lines in self._rows(state, width, now)])
        note = self.write("#k-note", paint_all(note_lines(state, self._tab)))
        note.display = bool(note.content)

    def _rows(self, state: KnowledgeState, width: int, now: datetime) -> list[tuple[str, tuple[Line, ...]]]:
        if self._tab == "documents":
            return [(one.id, document_row(one, width, now)) for one in state.documents or []]
        if self._tab == "search":
            found = enumerate(state.results or [])
            return [(str(i), result_row(one, i + 1, width)) for i, one in found]
        return [(job.id, job_row(job, width)) for job in state.jobs.jobs]

    def _describe(self) -> None:
        state, current = self._state, self.query_one("#k-list", RowList).current
        lines: list[Line] = []
        if self._tab == "documents":
            documents = state.documents or []
            lines = document_detail(next((one for one in documents if one.id == current), None))
        elif self._tab == "jobs":
            lines = job_detail(state.jobs.get(current))
        elif self._tab == "search" and current is not None and int(current) < len(state.results or []):
            lines = passage_detail((state.results or [])[int(current)], by_person=True)[1:]
        detail = self.query_one("#k-detail", LinesView)
        # Where there is little room the list has all of it; but why a job failed is always said.
        detail.display = bool(lines) and (self._tab == "jobs" or self.has_class("-high"))
        detail.show(lines, (self._tab, current))

    def _draw_keys(self) -> None:
        if self.query_one("#k-words", Input).has_focus:
            at = "words"
        else:
            at = "collections" if self.query_one("#k-collections", RowList).has_focus else "list"
        self.query_one("#k-keys", KeyBar).show(footer(self._tab, self._state, at))

    # --- keys

    def on_descendant_focus(self) -> None:
        self.set_class(self.query_one("#k-right").has_focus_within, "-at-right")
        self._draw_keys()

    def action_back(self) -> None:
        """From the words to the list, from there to the collections, from there to the session."""
        if self.query_one("#k-words", Input).has_focus:
            self.set_focus(self.query_one("#k-list", RowList))
        elif self.query_one("#k-right").has_focus_within:
            self.set_focus(self.query_one("#k-collections", RowList))
        else:
            self.dismiss()

    def action_words(self) -> None:
        if self._tab == "jobs":
            self.action_tab("documents")
        self.set_focus(self.query_one("#k-words", Input))

    def action_tab(self, tab: str) -> None:
        """Shows documents, the search or jobs."""
        self._tab = tab
        self._fill(self._state.query if tab == "search" else self._state.filter)
        self._redraw()
        if tab == "jobs" and self._state.jobs.running:
            self.query_one("#k-list", RowList).go_to(self._state.jobs.running[0].id)
        self.set_focus(self.query_one("#k-words" if tab == "search" else "#k-list"))

    def _fill(self, text: str) -> None:
        words = self.query_one("#k-words", Input)
        self._filled = words.value = text

    def action_act(self, name: str) -> None:
        """Lets a controller do what a key says to what is under the cursor."""
        current = self.query_one("#k-list", RowList).current or ""
        if name == "delete" and self.query_one("#k-right").has_focus_within:
            if self._tab == "documents":
                self.app.do("knowledge.remove", current)
            return
        job = current if self._tab == "jobs" else ""
        self.app.do(f"knowledge.{name}", job if name in ("cancel", "retry") else "")

    # --- what is chosen

    @on(OptionList.OptionHighlighted, "#k-collections")
    def _look_at(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        rows = self.query_one("#k-collections", RowList)
        if event.option_id != rows.current:
            return  # the cursor went on meanwhile, by the list's own doing
        if rows.has_focus and event.option_id not in (None, self._state.chosen):
            self._fill("" if self._tab == "documents" else self._state.query)
            self._choose_collection(event.option_id or "")

    def _choose_collection(self, collection_id: str) -> None:
        if self.app.desk is not None:
            self.app.work(partial(self.app.desk.knowledge.choose, collection_id), "knowledge.choose")

    @on(OptionList.OptionSelected, "#k-collections")
    def _enter_collection(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose_collection(event.option_id or "")
        self.set_focus(self.query_one("#k-list", RowList))

    @on(OptionList.OptionHighlighted, "#k-list")
    def _highlight(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._describe()
        state = self._state
        if (
            self._tab == "documents"
            and state.cursor
            and event.option_index > len(state.documents or []) - NEAR_END
        ):
            self.app.do("knowledge.more")

    @on(OptionList.OptionSelected, "#k-list")
    def _open(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        desk, state = self.app.desk, self._state
        if desk is None or event.option_id is None:
            return
        if self._tab == "documents":
            document = next((one for one in state.documents or [] if one.id == event.option_id), None)
            if document is not None:
                self.app.work(partial(desk.reading.open_document, document), "reading")
        elif self._tab == "search" and state.results:
            passage = state.results[int(event.option_id)]
            self.app.work(partial(desk.reading.open_passage, passage), "reading")

    @on(Input.Changed, "#k-words")
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        if self._tab == "documents" and event.value != self._filled and self.app.desk is not None:
            self._filled = event.value
            self.app.work(partial(self.app.desk.knowledge.filter, event.value), "knowledge.filter")

    @on(Input.Submitted, "#k-words")
    def _search(self, event: Input.Submitted) -> None:
        event.stop()
        if self._tab == "search" and self.app.desk is not None:
            self.app.work(partial(self.app.desk.knowledge.search, event.value), "knowledge.search")
        self.set_focus(self.query_one("#k-list", RowList))
