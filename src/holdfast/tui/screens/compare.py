"""Two answers to the same message, beside each other; the keys that decide approvals work here, too."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static
from textual.worker import Worker

from holdfast.tui.keys import BY_ID, bindings, clicks, foot
from holdfast.tui.presenters.compare import Answer
from holdfast.tui.presenters.inbox import keys_line, summary
from holdfast.tui.screens.links import follow_link
from holdfast.tui.screens.modelled import ModelScreen
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.strips import KeyBar, Strip
from holdfast.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.control.again import AgainControl, Pair
    from holdfast.tui.presenters.entries import Update
    from holdfast.tui.presenters.model import Model

TICK_S = 0.5
KEYS = ("compare.keep_first", "compare.keep_again", "compare.switch", "compare.leave")


class Column(Vertical):
    """One of the answers."""

    def __init__(self, answer: Answer, id: str) -> None:
        super().__init__(id=id, classes="compare-side")
        self.answer = answer

    def compose(self) -> ComposeResult:
        yield Static("", classes="compare-head", markup=False)
        yield Transcript(classes="compare-text")

    @property
    def text(self) -> Transcript:
        return self.query_one(Transcript)

    def show(self, updates: Sequence[Update]) -> None:
        """Shows what has changed in the answer."""
        self.text.apply(updates)

    def show_head(self, now: datetime) -> None:
        self.query_one(".compare-head", Static).update(paint(self.answer.head(now)))


class CompareScreen(ModelScreen):
    """Both answers as they come; one of them is kept, or the first as it was."""

    DECIDES = True
    # Textual declares it as an instance variable, so it cannot be a ClassVar here.
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (90, "-beside")]  # noqa: RUF012
    PLACE = "compare"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("compare", "decide"),
        # Before the transcripts, where digits open sources.
        *(replace(one, action=one.action.replace("app.", ""), priority=True) for one in bindings("choice")),
    ]
    app: HoldfastApp

    def __init__(self, pair: Pair, control: AgainControl) -> None:
        super().__init__()
        self._control = control
        self._columns = (Column(pair.first, "compare-first"), Column(pair.again, "compare-again"))

    def compose(self) -> ComposeResult:
        yield Static("Two answers to the same message", id="compare-title", markup=False)
        with Horizontal(id="compare-body"):
            yield from self._columns
        yield Strip(id="compare-decide")
        yield KeyBar(id="compare-keys", action="screen.press")

    def on_mount(self) -> None:
        self.query_one("#compare-keys", KeyBar).show([foot(key) for key in KEYS])
        self._columns[1].text.focus()
        for column in self._columns:
            # Each is a worker of its own: they end with the screen.
            _worker: Worker[None] = self.run_worker(
                partial(self._follow, column), group=f"compare {column.id}"
            )
        self.set_interval(TICK_S, self._tick)
        self._tick()
        self.draw({"inbox"}, self.app.model, self.app.start.now())

    async def _follow(self, column: Column) -> None:
        if self.app.desk is not None:
            await self.app.desk.guarded(partial(self._control.follow, column.answer, column.show))

    def _tick(self) -> None:
        for column in self._columns:
            column.show_head(self.app.start.now())

    def draw(self, parts: set[str], model: Model, now: datetime) -> None:
        """Shows what waits for the person, in one of these two sessions before all others."""
        if "inbox" not in parts or not self.is_mounted:
            return
        item = model.deciding()
        keys = keys_line(
            item, item is not None and model.confirming == item.id, model.header.may_send, model.may_always
        )
        own = {column.answer.session_id for column in self._columns}
        elsewhere = "" if item is None or item.session_id in own else model.sessions.title(item.session_id)
        strip = self.query_one("#compare-decide", Strip)
        strip.show([summary(item, elsewhere), keys] if item is not None else [], clicks("decide"))

    # --- what a person does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Digits choose an answer only while a question waits."""
        item = self.app.model.deciding() if action == "decide" else None
        return action != "decide" or (item is not None and item.question is not None)

    def action_decide(self, key: str) -> None:
        """Answers the question that waits."""
        self.app.action_decide(key)

    def action_keep(self, number: int) -> None:
        """Goes on with one of the answers."""
        answer = self._columns[number].answer
        self.dismiss()
        self.app.work(partial(self._control.keep, answer), "open")

    def action_switch(self) -> None:
        """Brings the focus to the other answer."""
        at = next((n for n, column in enumerate(self._columns) if column.text.has_focus), 0)
        self._columns[1 - at].text.focus()

    def action_leave(self) -> None:
        """Closes this; the session that was open is open still."""
        self.dismiss()
        self.app.main.say("Both answers stay in the list of sessions.")

    async def action_press(self, name: str) -> None:
        """Does what a key of the last line does."""
        key = next((key for key in KEYS if key.endswith(f".{name}")), "")
        if key:
            await self.run_action(BY_ID[key].action)

    def on_transcript_link_activated(self, event: Transcript.LinkActivated) -> None:
        follow_link(self.app, event.url)
