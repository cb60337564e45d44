"""Finding words in the open session as they are typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.entry_index import EntryIndex
from holdfast.tui.presenters.finding import Places, count_line
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.strips import PlainLinks, clickable
from holdfast.tui.widgets.transcript import Transcript

STEPS = {"‹": "screen.step_hit(False)", "›": "screen.step_hit(True)"}


class FindBar(Horizontal):
    """One line above the message field: what is looked for, and which place of how many is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("find")]

    @dataclass
    class Typed(Message):
        """Other words are looked for."""

        words: str

    @dataclass
    class StepWanted(Message):
        """The next place is wanted, or the one before: `step` is -1."""

        step: int

    def compose(self) -> ComposeResult:
        yield Static(paint(line(("find ", "muted"))), id="find-label", markup=False)
        yield Input(id="find-words", compact=True, select_on_focus=True)
        yield PlainLinks("", id="find-count", markup=False)

    @property
    def field(self) -> Input:
        return self.query_one("#find-words", Input)

    def show_count(self, shown: Line) -> None:
        steps = clickable(line("  ", ("‹", "key"), " ", ("›", "key")), STEPS)
        self.query_one("#find-count", Static).update(paint(shown) + steps)

    @on(Input.Changed)
    def _type(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(event.value))

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.StepWanted(1))

    def action_step(self, step: int) -> None:
        self.post_message(self.StepWanted(step))


class Finder:
    """Remembers what is looked for and where one is, and shows it."""

    def __init__(
        self, transcript: Transcript, entries: EntryIndex, perform: Callable[[str, str], None]
    ) -> None:
        """`perform` does what a command says: older pages are read and shown by one."""
        self._transcript = transcript
        self._entries = entries
        self._perform = perform
        self._origin = 0
        self._number = 0
        self.bar = FindBar(id="find")
        self.bar.display = False
        self.places = Places()
        self.active = False

    def open(self, words: str = "") -> None:
        """Shows the field, with the focus in it; `words` are looked for at once."""
        if not self.active:
            self._begin()
        self.bar.field.focus()
        if words:
            self._put(words)

    def show(self, words: str, entry_id: str) -> None:
        """Marks `words`, and goes to the first of them in an entry; the transcript has the focus then."""
        if not self.active:
            self._begin()
        self._put(words)
        self._transcript.focus()
        self._look(self._transcript.row_of_entry(entry_id))

    def _begin(self) -> None:
        self.active = True
        self.bar.display = True
        self.places = Places()
        self._origin = round(self._transcript.scroll_y)
        self._perform("find.read", "")

    def _put(self, words: str) -> None:
        with self.bar.prevent(Input.Changed):
            self.bar.field.value = words
        self.typed(words)

    def close(self) -> None:
        """Takes the field and the marks away; what is on the screen stays there."""
        self.active = False
        self.bar.display = False
        self.places = Places()
        with self.bar.prevent(Input.Changed):
            self.bar.field.value = ""
        self._transcript.clear_search()

    def typed(self, words: str) -> None:
        """Looks for other words, from where one was when the field was opened."""
        self.places.search(words if words.strip() else "", self._entries)
        self._look(self._origin)

    def _look(self, row: int) -> None:
        self._number = 0
        if self.places.needle:
            self._transcript.seek(self.places.needle, row)
        else:
            self._transcript.clear_search()
        self._say()

    def look_again(self) -> None:
        """Counts anew: more of the session was read."""
        if self.active:
            self.places.search(self.places.needle, self._entries)
            self._say()

    def step(self, forward: bool) -> None:
        """Goes to the next place, or to the one before, round the ends of the whole session."""
        step = 1 if forward else -1
        if not self.places.needle:
            return
        self.places.search(self.places.needle, self._entries)
        if self._transcript.next_hit_here(step):
            self._say()
            return
        further = self.places.further(self._entries.first_event, step)
        if further is not None:
            self._perform("find.reach", f"{further.event_id} {step}")
        else:
            self._round(step)

    def arrived(self, step: int) -> None:
        """Goes on once older pages are shown."""
        if not self.active:
            return
        self.places.search(self.places.needle, self._entries)
        if step > 0 or not self._transcript.next_hit_here(step):
            self._round(step)
        self._say()

    def _round(self, step: int) -> None:
        if step > 0:
            self._transcript.next_hit()
        else:
            self._transcript.previous_hit()
        self._say()

    def _say(self) -> None:
        place = self._transcript.hit_place
        self._number = self.places.number(place.entry_id, place.nth, place.shown) if place else 0
        self.bar.show_count(count_line(self.places, self._number))
