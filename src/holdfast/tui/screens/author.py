"""The agent editor on the whole screen: the text, the form of the common fields, the mistakes."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import OptionList, Static, TextArea

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.author.completion import describe, describe_key, offers
from holdfast.tui.presenters.author.form import form_rows
from holdfast.tui.presenters.author.screen import footer, form_note, headline, problem_lines
from holdfast.tui.presenters.author.state import EditorState
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.modelled import ModelScreen
from holdfast.tui.widgets.author.area import AgentArea
from holdfast.tui.widgets.composer.popup import CompletionPopup
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint_all
from holdfast.tui.widgets.panes.rows import Column, RowList
from holdfast.tui.widgets.strips import KeyBar

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.control.author import AuthorControl

CHECK_S = 0.2
"""The text is checked when nobody has typed for so long."""
FEW, MANY = 4, 8
"""Rows of mistakes, on a low screen and on a high one."""


class AuthorScreen(ModelScreen):
    """Shows one agent file; what a person wants done with it goes to the controller."""

    DEFAULT_CSS = """
    #a-head, #a-keys { height: 1; padding: 0 1; }
    #a-head { background: $surface; }
    #a-body { height: 1fr; }
    #a-left { width: 1fr; }
    #a-text { height: 1fr; border: none; padding: 0; background: $background; }
    #a-text:focus { border: none; }
    #a-list { display: none; height: auto; max-height: 8; border: none; border-top: solid $panel; }
    #a-right { width: 44; padding: 0 1; border-left: solid $panel; }
    #a-form { height: auto; max-height: 10; }
    #a-about { height: 1fr; margin-top: 1; }
    #a-problems { height: auto; max-height: 9; padding: 0 1; border-top: solid $panel; }
    AuthorScreen.-slim #a-right { display: none; }
    AuthorScreen.-slim.-form #a-left { display: none; }
    AuthorScreen.-slim.-form #a-right { display: block; width: 1fr; border-left: none; }
    AuthorScreen.-wide #a-right { width: 60; }
    AuthorScreen.-tiny #a-body, AuthorScreen.-flat #a-body { display: none; }
    AuthorScreen.-tiny #a-problems, AuthorScreen.-flat #a-problems { display: none; }
    AuthorScreen.-tiny #too-small, AuthorScreen.-flat #too-small { display: block; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-slim"), (104, "-roomy"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short"), (28, "-high")]  # noqa: RUF012
    AUTO_FOCUS = "#a-text"
    PLACE = "author"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("author")]
    app: HoldfastApp

    def __init__(self, control: AuthorControl, state: EditorState) -> None:
        super().__init__()
        self._control = control
        self.state = state
        self._word = ""
        self._spot = (0, 0)
        """Where the list of completions was asked for."""
        self._written: dict[str, list[Line]] = {}
        """What the lines around the text say."""
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static("", id="a-head", markup=False)
        with Horizontal(id="a-body"):
            with Column(id="a-left"):
                yield AgentArea(self.state.text, id="a-text")
                yield CompletionPopup(id="a-list")
            with Column(id="a-right"):
                yield RowList(id="a-form")
                yield LinesView(id="a-about")
        yield Static("", id="a-problems", markup=False)
        yield KeyBar(id="a-keys", action="screen.press")
        yield Static("The terminal is too small: Holdfast needs 40 × 10.", id="too-small", markup=False)

    def on_mount(self) -> None:
        self._area.on_typed = partial(self._offer, wanted=False)
        self._area.on_list_key = self._press_list
        self.redraw()

    # --- drawing

    def draw(self, parts: set[str], model: Model, now: datetime) -> None:
        """The file is no part of the model: what concerns it is told to this screen."""

    @property
    def _area(self) -> AgentArea:
        return self.query_one("#a-text", AgentArea)

    @property
    def _list(self) -> CompletionPopup:
        return self.query_one("#a-list", CompletionPopup)

    @property
    def _in_form(self) -> bool:
        return self.query_one("#a-form", RowList).has_focus

    @on(Column.Resized)
    def redraw(self) -> None:
        """Shows what is known of the file."""
        if not self.is_there:
            return
        if not self.state.stale:
            self._area.show_mistakes(self.state.by_line())
        form = self.query_one("#a-form", RowList)
        rows = form_rows(self.state.text, max(30, form.scrollable_content_region.width - 1))
        form.show([(key, paint_all(lines)) for key, lines in rows])
        self._draw_around()

    def _draw_around(self) -> None:
        """Draws what changes with the cursor and the focus."""
        state, area = self.state, self._area
        row = area.cursor_location[0]
        width = max(30, self.size.width - 2)
        self._write("#a-head", [headline(state, width)])
        most = MANY if self.size.height >= 28 else FEW
        self._write("#a-problems", problem_lines(state, row, most, width))
        field = self.query_one("#a-form", RowList).current
        about = form_note(field is not None)
        if field is not None and self._in_form:
            about = describe_key(field.split("."), state.known)
        elif field is not None:
            about = describe(area.document.lines, row, state.known)
        self.query_one("#a-about", LinesView).show(about, (row, field if self._in_form else None))
        keys = footer(state, completing=area.list_open, in_form=self._in_form)
        self.query_one("#a-keys", KeyBar).show(keys)

    def _write(self, where: str, lines: list[Line]) -> None:
        """Shows lines; the same ones once more are no change, which would lay out the whole screen."""
        if self._written.get(where) != lines:
            self._written[where] = lines
            self.query_one(where, Static).update(paint_all(lines))

    def show_text(self, text: str) -> None:
        """Puts another text into the field; what is the same stays, and it can be undone."""
        self._area.take_text(text)
        self._take_text()

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._take_text()

    def _take_text(self) -> None:
        text = self._area.text
        if text == self.state.text:
            return
        self.state.text = text
        self.state.note = self.state.error = ""
        self._area.recolour()
        self.redraw()
        if self._timer is not None:
            self._timer.stop()
        check = partial(self._control.check, self)
        self._timer = self.set_timer(CHECK_S, partial(self.app.work, check, "author.check"))

    @on(TextArea.SelectionChanged)
    def _moved(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        if self._area.list_open and not self._list_fits():
            self._close_list()
        self._draw_around()

    def on_descendant_focus(self) -> None:
        self.set_class(self._in_form, "-form")
        self._close_list()
        self._draw_around()

    # --- completion

    def _offer(self, *, wanted: bool) -> None:
        """Shows what can stand at the cursor; what came by itself is not in the way of enter."""
        area = self._area
        self._spot = area.cursor_location
        self._word, found = offers(area.document.lines, *area.cursor_location, self.state.known)
        done = len(found) == 1 and found[0].text.strip() == self._word
        if not wanted and (not self._word or done):
            found = []
        width = max(20, area.size.width - 4)
        if found or area.list_open:
            self._list.show([one.row(width) for one in found])
        area.list_open, area.list_takes_enter = bool(found), wanted
        self._draw_around()

    def _list_fits(self) -> bool:
        """Says whether the list is still of what stands before the cursor."""
        row, column = self._area.cursor_location
        if not self._word:
            return (row, column) == self._spot
        return self._area.document.get_line(row)[:column].endswith(self._word)

    def _close_list(self) -> None:
        if self._area.list_open:
            self._list.close()
            self._area.list_open = False

    def _press_list(self, name: str) -> None:
        if name in ("before", "after"):
            self._area.list_takes_enter = True
        chosen = self._list.press(name)
        if chosen is not None:
            self._put_in(chosen.value)
        elif name == "close":
            self._close_list()
            self._area.list_open = False
            self._draw_around()

    @on(CompletionPopup.Chosen)
    def _take_chosen(self, event: CompletionPopup.Chosen) -> None:
        event.stop()
        self._put_in(event.value)
        self._area.focus()

    def _put_in(self, text: str) -> None:
        self._area.put_in(self._word, text)
        self._area.list_open = False
        self._take_text()

    # --- keys

    def action_press(self, name: str) -> None:
        """Does what a key of the last line does."""
        getattr(self, f"action_{name}")()

    def action_save(self) -> None:
        self.app.work(partial(self._save), "author.save", exclusive=False)

    async def _save(self) -> None:
        await self._control.save(self)

    def action_try(self) -> None:
        self.app.work(partial(self._control.try_it, self), "author.try")

    def action_back(self) -> None:
        """From the form to the text, from there to the session."""
        if self._in_form:
            self.action_form()
        else:
            self.app.work(partial(self._control.leave, self), "author.leave")

    def action_form(self) -> None:
        """Goes to the form, or back to the text."""
        if self._in_form:
            self.remove_class("-form")
            self._area.focus()
            return
        self.add_class("-form")
        self.call_after_refresh(self.query_one("#a-form", RowList).focus)

    def action_next(self) -> None:
        """Goes to the next mistake."""
        self.show_problem(self.state.next_problem(*self._area.cursor_location))

    def show_problem(self, place: tuple[int, int] | None) -> None:
        """Puts the cursor to a mistake, if there is one."""
        if place is None:
            self.app.bell()
            return
        self.remove_class("-form")
        self._area.go_to(*place)
        self.call_after_refresh(self._area.focus)

    def action_complete(self) -> None:
        self._offer(wanted=True)

    def action_help(self) -> None:
        self.app.dialogs.help("author")

    async def may_leave(self) -> bool:
        return await self._control.may_leave(self)

    @on(OptionList.OptionHighlighted, "#a-form")
    def _look(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._draw_around()

    @on(OptionList.OptionSelected, "#a-form")
    def _change(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.app.work(partial(self._control.change, self, event.option_id or ""), "author.change")
