"""The knowledge pane: what the answers of the open session were made from, passage by passage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import OptionList

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.knowledge.pane import collection_lines, turn_lines
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.passages import PassageView, passage_detail, passage_row
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint_all
from holdfast.tui.widgets.panes.rows import Column, RowList
from holdfast.tui.widgets.strips import Strip

STEPS = {"‹": "screen.step_answer(-1)", "›": "screen.step_answer(1)"}


class KnowledgePane(Column):
    """Shows the passages of one answer; says which one is to be opened."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("knowledge")]

    @dataclass
    class PassageChosen(Message):
        """A passage is to be opened in its document."""

        passage: PassageView

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._passages: list[PassageView] = []
        self._run: str | None = None
        """The answer that is shown."""

    def compose(self) -> ComposeResult:
        yield Strip(id="turn")
        yield RowList(id="passage-list")
        yield LinesView(id="passage-detail")
        yield Strip(id="session-collections")

    def show(self, model: Model) -> None:
        """Shows the answer that is looked at."""
        answers = model.answers
        turn = answers.current
        self._passages = turn.passages if turn is not None else []
        self.query_one("#turn", Strip).show(turn_lines(answers), STEPS)
        listing = self.query_one("#passage-list", RowList)
        width = max(16, listing.scrollable_content_region.width - 1)
        listing.show([(str(i), paint_all(passage_row(p, width))) for i, p in enumerate(self._passages)])
        run = turn.run_id if turn is not None else None
        if run != self._run:
            self._run = run
            listing.highlighted = 0 if self._passages else None
        self._describe()
        self.query_one("#session-collections", Strip).show(collection_lines(answers, model.knowledge))

    def focus_list(self) -> None:
        self.query_one("#passage-list", RowList).focus()

    @property
    def _chosen(self) -> PassageView | None:
        current = self.query_one("#passage-list", RowList).current
        index = int(current) if current is not None else -1
        return self._passages[index] if 0 <= index < len(self._passages) else None

    @on(OptionList.OptionHighlighted)
    def _highlight(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._describe()

    def _describe(self) -> None:
        chosen = self._chosen
        detail = self.query_one("#passage-detail", LinesView)
        detail.display = chosen is not None
        if chosen is not None:
            detail.show(passage_detail(chosen), chosen)

    @on(OptionList.OptionSelected)
    def _open(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if (chosen := self._chosen) is not None:
            self.post_message(self.PassageChosen(chosen))
