"""The playground on the whole screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.copying import copied
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.playground.played import Played
from holdfast.tui.presenters.playground.screen import (
    TABS,
    copied_text,
    detail_lines,
    footer,
    headline,
    message_rows,
    note_lines,
    reply_lines,
)
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.links import follow_link
from holdfast.tui.screens.listed import Keys, ListedScreen, Rows
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint_all
from holdfast.tui.widgets.panes.rows import Column, RowList, WordsInput
from holdfast.tui.widgets.strips import PlainLinks
from holdfast.tui.widgets.transcript import Transcript

TICK_S = 0.5
"""How often the time of a run that goes on is drawn anew."""


def _without_letters(made: list[Binding]) -> list[Binding]:
    keys = [(one, ",".join(key for key in one.key.split(",") if len(key) > 1)) for one in made]
    return [replace(one, key=left) for one, left in keys if left]


class Reply(Transcript, inherit_bindings=False):
    """The reply as it would stand in a session. Letters are the playground's, wherever the focus is."""

    BINDINGS: ClassVar[list[BindingType]] = [*_without_letters(bindings("transcript"))]


class PlaygroundScreen(ListedScreen):
    """Shows a conversation as it is built; what a person wants done with it goes to the controller."""

    DEFAULT_CSS = """
    PlaygroundScreen #l-left { width: 2fr; }
    PlaygroundScreen #l-words { margin: 0; }
    PlaygroundScreen #p-right { width: 3fr; height: 1fr; }
    PlaygroundScreen #l-tabs { padding: 0 1; }
    PlaygroundScreen #p-state { height: auto; max-height: 50%; margin: 1 0 0 0; padding: 0 1; }
    PlaygroundScreen #l-detail { width: 100%; margin: 1 0 0 0; border-top: none; }
    PlaygroundScreen.-short #p-state, PlaygroundScreen.-short #l-detail { margin: 0; }
    PlaygroundScreen.-slim #l-left { width: 100%; }
    PlaygroundScreen.-slim #p-right { width: 100%; border-top: solid $panel; }
    PlaygroundScreen.-slim #l-detail { border-top: none; }
    """
    PART = "playground"
    PLACE = "playground"
    CHOOSE = "edit"
    TABS = TABS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("playground")]

    def __init__(self) -> None:
        super().__init__()
        self._drawn: Played | None = None
        """What the reply on the screen is of."""

    def compose(self) -> ComposeResult:
        yield Static("", id="l-head", markup=False)
        with Horizontal(id="l-body"):
            with Column(id="l-left"):
                yield WordsInput("#l-list", id="l-words", placeholder=self.PLACEHOLDER)
                yield RowList(id="l-list")
                yield Static("", id="l-note", classes="pane-note", markup=False)
            with Vertical(id="p-right"):
                yield PlainLinks("", id="l-tabs", markup=False)
                yield Static("", id="p-state", markup=False)
                yield Reply(id="p-reply")
                yield LinesView(id="l-detail")
        yield from self.foot("l-keys")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(TICK_S, self._tick)

    # --- what a screen says

    def headline(self, model: Model) -> Line:
        return headline(model.playground, len(model.inbox), model.header.engine)

    def counts(self, model: Model) -> Mapping[str, str]:
        return dict.fromkeys(TABS, "")

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        return message_rows(model.playground, self.words, width)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return detail_lines(model.playground, self._tab)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.playground, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(model.playground, self._tab, typing=typing)

    def wanted(self, model: Model) -> str:
        wanted, model.playground.wanted = model.playground.wanted, ""
        return wanted

    # --- the reply

    def _describe(self) -> None:
        super()._describe()
        played, reply = self.app.model.playground.played, self.query_one(Reply)
        shows = played is not None and self._tab == "reply"
        reply.display = shows
        self.query_one("#l-detail").display = not shows
        if played is not self._drawn:
            self._drawn = played
            reply.set_entries(played.entries if played is not None else [])
        elif played is not None and played.fresh:
            reply.apply(played.fresh)
        if played is not None:
            played.fresh.clear()
        self._draw_state(shows=shows)

    def _draw_state(self, *, shows: bool) -> None:
        width = max(20, self.query_one("#p-right").size.width - 2)
        lines = reply_lines(self.app.model.playground, self.app.start.now(), width) if shows else []
        self.write("#p-state", paint_all(lines)).display = shows

    def _tick(self) -> None:
        if self.app.model.playground.busy and self._tab == "reply":
            self._draw_state(shows=True)

    def on_transcript_link_activated(self, event: Transcript.LinkActivated) -> None:
        follow_link(self.app, event.url)

    def on_transcript_source_activated(self, event: Transcript.SourceActivated) -> None:
        if self.app.desk is not None:
            self.app.work(partial(self.app.desk.reading.open_passage, event.passage), "reading")

    # --- keys

    def act(self, name: str, current: str) -> None:
        if name == "copy":
            self._copy()
        else:
            self.app.do(f"playground.{name}", current)

    def action_press(self, name: str) -> None:
        if name == "after":
            self.action_turn(1)
        else:
            super().action_press(name)

    def _copy(self) -> None:
        text = copied_text(self.app.model.playground, self._tab)
        if text:
            self.app.copy_to_clipboard(text)
            self.app.notify(copied(text), timeout=2, markup=False)
