"""Settings on the whole screen: what holds, why, and changes of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Input, OptionList, Static

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.settings import footer, headline, note_lines, setting_detail, setting_rows
from holdfast.tui.screens.modelled import ModelScreen
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint, paint_all
from holdfast.tui.widgets.panes.rows import Column, RowList, WordsInput
from holdfast.tui.widgets.strips import KeyBar

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.control.administration import AdministrationControl


class SettingsScreen(ModelScreen):
    """Shows what the controller has read."""

    DEFAULT_CSS = """
    #s-head, #s-keys { height: 1; padding: 0 1; }
    #s-head { background: $surface; }
    #s-body { height: 1fr; }
    #s-left { width: 1fr; padding: 0 1; }
    #s-list { height: 1fr; }
    #s-words { border: none; height: 1; padding: 0; }
    #s-detail { width: 2fr; max-width: 50; padding: 0 1; border-left: solid $panel; }
    SettingsScreen.-slim #s-body { layout: vertical; }
    SettingsScreen.-slim #s-detail { width: 1fr; max-width: 100%; height: 10; border-left: none; }
    SettingsScreen.-slim #s-detail { border-top: solid $panel; }
    SettingsScreen.-tiny #s-body, SettingsScreen.-flat #s-body { display: none; }
    SettingsScreen.-tiny #too-small, SettingsScreen.-flat #too-small { display: block; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-slim"), (96, "-roomy")]  # noqa: RUF012 - as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short"), (28, "-high")]  # noqa: RUF012
    AUTO_FOCUS = "#s-list"
    PLACE = "settings"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("settings")]
    app: HoldfastApp

    def __init__(self, control: AdministrationControl) -> None:
        super().__init__()
        self._control = control

    def compose(self) -> ComposeResult:
        yield Static("", id="s-head", markup=False)
        with Horizontal(id="s-body"):
            with Column(id="s-left"):
                yield WordsInput("#s-list", id="s-words", placeholder="search settings")
                yield RowList(id="s-list")
                yield Static("", id="s-note", classes="pane-note", markup=False)
            yield LinesView(id="s-detail")
        yield KeyBar(id="s-keys", action="screen.press")
        yield Static("The terminal is too small: Holdfast needs 40 × 10.", id="too-small", markup=False)

    def on_mount(self) -> None:
        self.redraw()

    def draw(self, parts: set[str], model: Model, now: datetime) -> None:
        """Settings are no part of the model: what changes elsewhere is read when it is asked for."""

    @on(Column.Resized)
    def redraw(self) -> None:
        """Shows what the controller knows."""
        if not (self.is_mounted and self.is_attached):
            return
        state = self._control.settings
        self.query_one("#s-head", Static).update(paint(headline(state, self.app.start.place)))
        listing = self.query_one("#s-list", RowList)
        width = max(24, listing.scrollable_content_region.width - 1)
        listing.show([(key, paint_all(lines)) for key, lines in setting_rows(state, width)])
        if state.wanted and state.report is not None:
            listing.go_to(state.wanted)
            state.wanted = ""
        note = self.query_one("#s-note", Static)
        note.update(paint_all(note_lines(state)))
        note.display = bool(note.content)
        self._describe()

    def _describe(self) -> None:
        current = self.query_one("#s-list", RowList).current
        lines = setting_detail(self._control.settings.get(current), not self.app.start.place)
        self.query_one("#s-detail", LinesView).show(lines, current)
        typing = self.query_one("#s-words", Input).has_focus
        self.query_one("#s-keys", KeyBar).show(footer(self._control.settings, typing))

    def on_descendant_focus(self) -> None:
        self._describe()

    # --- keys

    def action_press(self, name: str) -> None:
        """Does what a key of the last line does."""
        getattr(self, f"action_{name}")()

    def action_back(self) -> None:
        """From the words or the text to the list, from there to the session."""
        listing = self.query_one("#s-list", RowList)
        if listing.has_focus:
            self.dismiss()
        else:
            self.set_focus(listing)

    def action_words(self) -> None:
        self.set_focus(self.query_one("#s-words", Input))

    def action_changed(self) -> None:
        state = self._control.settings
        state.changed_only = not state.changed_only
        self.redraw()

    def action_reset(self) -> None:
        self.app.do("settings.reset", self.query_one("#s-list", RowList).current or "")

    def action_help(self) -> None:
        self.app.dialogs.help("settings")

    # --- what is chosen

    @on(OptionList.OptionHighlighted)
    def _highlight(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._describe()

    @on(OptionList.OptionSelected)
    def _edit(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.app.do("settings.edit", event.option_id or "")

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        event.stop()
        self._control.settings.query = event.value
        self.redraw()
        listing = self.query_one("#s-list", RowList)
        if event.value and self._control.settings.found():
            listing.highlighted = 0

    @on(Input.Submitted)
    def _go_to_list(self, event: Input.Submitted) -> None:
        event.stop()
        self.set_focus(self.query_one("#s-list", RowList))
