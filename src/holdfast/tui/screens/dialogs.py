"""Small dialogs: one line of text, a confirmation, a choice, a document, the arguments of a call."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen, Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static, TextArea

from holdfast.tui.keys import BY_ID, bindings, pressable, shown
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.diffs import LAYOUT_SAYS, DiffLayout, next_layout
from holdfast.tui.presenters.entries import Entry
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.screens.links import follow_link
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.panes.rows import RowList
from holdfast.tui.widgets.strips import PlainLinks, clickable
from holdfast.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp

Given = TypeVar("Given")
"""What a dialog gives when it is left."""
REST_S = 0.1
"""How long the cursor must rest before a preview."""


def key_hint(*keys: tuple[str, str]) -> Static:
    """Returns the line of keys at the end of a dialog, each an id of the table of keys, or as it is written;
    a click presses it."""
    spans: list[tuple[str, str]] = []
    for key, label in keys:
        spans += [(shown(key) if key in BY_ID else key, "key"), (f" {label}   ", "muted")]
    presses = {text: f"app.simulate_key({pressable(text)!r})" for text, _ in spans if pressable(text)}
    hint = PlainLinks(clickable(tuple(spans), presses), markup=False)
    hint.add_class("dialog-hint")
    return hint


def is_beside(screen: Screen[Any], event: events.Click) -> bool:
    """Says whether a click was beside the dialog of a screen, not in it."""
    return screen.get_widget_at(event.screen_x, event.screen_y)[0] is screen


class Dialog(ModalScreen[Given]):
    """A dialog that keeps what is typed before its field is there."""

    CLICK_BESIDE_LEAVES = False
    """Whether nothing is lost by that."""

    def on_click(self, event: events.Click) -> None:
        if self.CLICK_BESIDE_LEAVES and is_beside(self, event):
            self.action_leave()

    def __init__(self) -> None:
        self._early: list[events.Key] = []
        super().__init__()

    def action_leave(self) -> None:
        """Leaves the dialog; what was asked for is not given."""
        self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        if self.focused is None and (event.is_printable or event.key in ("enter", "backspace")):
            event.stop()
            event.prevent_default()
            self._early.append(event)

    def watch_focused(self, focused: Widget | None) -> None:
        """Hands what was typed before to the field, ahead of all that comes now."""
        early, self._early = self._early, []
        for event in early:
            if focused is not None:
                focused._forward_event(events.Key(event.key, event.character))


class AskScreen(Dialog["str | None"]):
    """Asks for one line; gives None when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog")]

    def __init__(self, question: str, value: str, *, hidden: bool = False) -> None:
        """`hidden`: what is typed is not shown."""
        super().__init__()
        self._question = question
        self._value = value
        self._hidden = hidden

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            yield Static(self._question, classes="dialog-title", markup=False)
            yield Input(self._value, id="answer", select_on_focus=False, password=self._hidden)
            yield key_hint(("enter", "done"), ("dialog.close", "leave it"))

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


class ConfirmScreen(ModalScreen[bool]):
    """Asks before something that cannot be taken back."""

    app: HoldfastApp

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("confirm")]

    def __init__(self, question: str, verb: str) -> None:
        super().__init__()
        self._question = question
        self._verb = verb
        self._since = float("inf")

    def on_mount(self) -> None:
        self._since = time.monotonic()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            yield Static(self._question, classes="dialog-title", markup=False)
            yield key_hint(("confirm.yes", self._verb), ("confirm.no", "keep it"))

    def action_answer(self, answer: bool) -> None:
        """Takes the answer; a yes only when the question has been there for the time of the guard."""
        if answer and not self.app.guard.admits(self._since, time.monotonic()):
            self.app.bell()
        else:
            self.dismiss(answer)


class ChooseScreen(Dialog["str | None"]):
    """Lets a person choose one thing of a list with a filter; says more of what is under the cursor."""

    CLICK_BESIDE_LEAVES = True

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog", "choose")]

    def __init__(
        self,
        title: str,
        choices: list[Choice],
        preview: Callable[[str], None] | None = None,
        current: str = "",
    ) -> None:
        """`preview` is called with what the cursor rests on; the cursor begins at `current`."""
        super().__init__()
        self._title = title
        self._choices = choices
        self._shown = choices
        self._filtered = ""
        self._preview = preview
        self._current = current
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield Input(placeholder="type to filter", id="filter", compact=True, select_on_focus=False)
            with Horizontal(classes="columns"):
                yield RowList(id="choices")
                yield LinesView(id="choice-detail")
            yield self.hint()

    def hint(self) -> Static:
        """Returns the line of keys."""
        return key_hint(("↑↓", "move"), ("list.choose", "choose"), ("dialog.close", "leave it"))

    def label(self, choice: Choice) -> Line:
        """Returns the row of a choice."""
        return choice.label

    def take(self, choice: Choice) -> None:
        """Does what choosing it means."""
        self.dismiss(choice.value)

    def on_mount(self) -> None:
        self._fill("")

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def _fill(self, text: str) -> None:
        self._filtered = text
        words = text.casefold().split()
        self._shown = [c for c in self._choices if all(word in c.text.casefold() for word in words)]
        rows = self.query_one("#choices", RowList)
        rows.show([(str(i), paint(self.label(choice))) for i, choice in enumerate(self._shown)])
        begin = next((i for i, c in enumerate(self._shown) if c.value == self._current and not text), 0)
        rows.highlighted = begin if self._shown else None
        if not self._shown:
            self.query_one("#choice-detail", LinesView).show([line(("Nothing fits.", "muted"))], "none")

    @on(OptionList.OptionHighlighted)
    def _describe(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._shown):
            choice = self._shown[event.option_index]
            self.query_one("#choice-detail", LinesView).show(choice.detail, choice.value)
            self._preview_soon(choice.value)

    def _preview_soon(self, value: str) -> None:
        """A preview may redraw everything: it waits until the cursor rests."""
        if self._resting is not None:
            self._resting.stop()
        if self._preview is not None:
            self._resting = self.set_timer(REST_S, partial(self._preview, value))

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _choose(self) -> None:
        typed = self.query_one("#filter", Input).value
        if typed != self._filtered:  # enter came with the last letters: the list is still the old one
            self._fill(typed)
        index = self.query_one("#choices", RowList).highlighted
        if index is None or index >= len(self._shown):
            return
        choice = self._shown[index]
        if not choice.valid:
            self.app.bell()
            return
        self.take(choice)

    def action_move(self, step: int) -> None:
        rows = self.query_one("#choices", RowList)
        if step > 0:
            rows.action_cursor_down()
        else:
            rows.action_cursor_up()


class DocumentScreen(ModalScreen[None]):
    """Shows lines on the whole screen: help, a file, the whole of an approval."""

    app: HoldfastApp
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("viewer")]
    MORE_KEYS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Ids of keys with what each is for, shown before that which closes."""

    def __init__(
        self, title: str, note: str, lines: list[Line], edit: Callable[[], None] | None = None
    ) -> None:
        super().__init__()
        self._title = title
        self._note = note
        self._lines = lines
        self._edit = edit

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog whole"):
            yield Static(
                paint(line((self._title, "heading"), (f"   {self._note}", "muted"))), classes="dialog-title"
            )
            yield self.document()
            keys = (("viewer.editor", "editor"),) if self._edit else ()
            yield key_hint(("↑↓ pgup pgdn", "scroll"), *self.MORE_KEYS, *keys, ("viewer.close", "close"))

    def document(self) -> Widget:
        """Returns what is shown."""
        return LinesView(self._lines, id="document")

    def on_mount(self) -> None:
        self.query_one("#document").focus()

    def on_click(self, event: events.Click) -> None:
        if is_beside(self, event):
            self.dismiss()

    def action_leave(self) -> None:
        self.dismiss()

    def action_edit(self) -> None:
        if self._edit is not None:
            self.dismiss()
            self._edit()


class MarkdownScreen(DocumentScreen):
    """Shows a Markdown file as it reads."""

    def __init__(self, title: str, note: str, markdown: str, edit: Callable[[], None] | None = None) -> None:
        super().__init__(title, note, [], edit)
        self._markdown = markdown

    def document(self) -> Widget:
        transcript = Transcript(id="document")
        transcript.set_entries([Entry("preview", "reply", text=self._markdown)])
        return transcript

    def on_mount(self) -> None:
        document = self.query_one("#document", Transcript)
        document.focus()
        # It follows its end until it is laid out.
        self.call_after_refresh(document.action_begin)

    def on_transcript_link_activated(self, event: Transcript.LinkActivated) -> None:
        event.stop()
        follow_link(self.app, event.url)


class ApprovalScreen(DocumentScreen):
    """The whole of an approval; the keys that decide work here, too."""

    DECIDES = True

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("decide", "choice", "whole")]

    def __init__(
        self,
        item_id: str,
        title: str,
        make: Callable[[int, DiffLayout], list[Line]],
        keys: Line,
        layout: DiffLayout = "auto",
    ) -> None:
        """`make` gives the lines for a width, and for how changes are to be shown."""
        super().__init__(title, "", [])
        self.item_id = item_id
        self._make = make
        self._keys = keys
        self._layout = layout

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog whole"):
            yield Static(paint(line((self._title, "heading"))), classes="dialog-title")
            yield LinesView(fitted=self._fitted, id="document")
            yield Static(paint(self._keys), id="whole-keys", markup=False)
            yield key_hint(("↑↓ pgup pgdn", "scroll"), ("whole.diff", "layout"), ("viewer.close", "back"))

    def _fitted(self, width: int) -> list[Line]:
        return self._make(width, self._layout)

    def action_diff_layout(self) -> None:
        """Shows changes side by side, then one below the other, then by what fits."""
        self._layout = next_layout(self._layout)
        self.query_one("#document", LinesView).show_fitted(self._fitted)
        self.app.notify(LAYOUT_SAYS[self._layout], timeout=2)

    def show_keys(self, keys: Line) -> None:
        """Shows other keys: `always` wants to be said twice."""
        self.query_one("#whole-keys", Static).update(paint(keys))


class ArgumentsScreen(Dialog[None]):
    """Edits the arguments of a call as JSON; `approve` says what is wrong with them, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog", "editor")]

    def __init__(
        self, title: str, arguments: str, approve: Callable[[dict[str, Any]], Awaitable[str]]
    ) -> None:
        super().__init__()
        self._title = title
        self._arguments = arguments
        self._approve = approve

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large"):
            yield Static(f"Edit the arguments of {self._title}", classes="dialog-title", markup=False)
            yield TextArea(self._arguments, id="arguments", compact=True, show_line_numbers=True)
            yield Static("", id="arguments-problem", markup=False)
            yield key_hint(("editor.save", "approve these"), ("dialog.close", "leave it"))

    def on_mount(self) -> None:
        area = self.query_one("#arguments", TextArea)
        area.cursor_blink = False
        area.focus()

    async def action_save(self) -> None:
        text = self.query_one("#arguments", TextArea).text
        try:
            arguments = json.loads(text)
        except ValueError as error:
            self._say(f"This is not JSON: {error}")
            return
        if not isinstance(arguments, dict):
            self._say("Arguments are a JSON object: { … }")
            return
        problem = await self._approve(arguments)
        if problem:
            self._say(problem)
        else:
            self.dismiss()

    def _say(self, text: str) -> None:
        self.query_one("#arguments-problem", Static).update(paint(line((text, "error"))))
