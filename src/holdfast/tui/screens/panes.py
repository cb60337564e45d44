"""The panes of the main screen and how the model is drawn on them: mounted once one can type."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from holdfast.core.domain.text import sanitize
from holdfast.tui.keys import BY_ID, LETTERS, clicks, keys_of, shown
from holdfast.tui.presenters.asked import choices_of
from holdfast.tui.presenters.batches import together
from holdfast.tui.presenters.commands import footer
from holdfast.tui.presenters.diffs import DiffLayout
from holdfast.tui.presenters.entry_index import EntryIndex
from holdfast.tui.presenters.finding import word_in
from holdfast.tui.presenters.first_run import panel_actions, panel_lines
from holdfast.tui.presenters.inbox import Item, detail, keys_line, summary
from holdfast.tui.presenters.model import queue_lines
from holdfast.tui.presenters.notices import hint_lines, placeholder, trust_lines, welcome_lines
from holdfast.tui.presenters.skew import skew_lines
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.presenters.words import words_of
from holdfast.tui.screens.dialogs import ApprovalScreen
from holdfast.tui.screens.finder import Finder
from holdfast.tui.screens.modelled import ModelScreen, is_there
from holdfast.tui.widgets.panes.sessions import SessionsPane
from holdfast.tui.widgets.panes.side import SidePane
from holdfast.tui.widgets.strips import HeaderLine, KeyBar, clickable
from holdfast.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from holdfast.tui.presenters.entries import Entry, Update
    from holdfast.tui.presenters.model import Model
    from holdfast.tui.screens.main import MainScreen

STYLES = Path(__file__).with_suffix(".tcss")
PAINT_S = 0.03
SLOW_S = 30.0
LOW = 30
"""Rows of a terminal in which the panel of a new session leaves out its blank lines."""


class Panes:
    """Transcript, sessions, approvals, files and run."""

    PARTS: ClassVar[tuple[str, ...]] = (
        *("header", "sessions", "inbox", "run", "queue"),
        *("files", "knowledge", "footer", "title", "hint", "trust", "skew"),
    )

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._dirty: set[str] = set()
        self._painting = False
        self._had_text = False
        self._engine_says = ""
        self._noticed_at = float("-inf")
        """When the last notice appeared whose keys act from the empty message field."""
        self._selected_entry: str | None = None
        self.entries = EntryIndex()
        self.transcript = Transcript(id="transcript")
        self.sessions = SessionsPane(id="sessions")
        self.side = SidePane(id="side")
        self.finder = Finder(self.transcript, self.entries, self._perform)
        self.on_named: Callable[[], None] = lambda: None
        """Called when what the window's title says may have changed."""

    async def mount(self) -> None:
        """Puts the panes beside the message field."""
        screen = self._screen
        screen.app.stylesheet.read(STYLES)
        screen.app.stylesheet.parse()
        self.transcript.display = False
        await screen.box.mount_rest()
        await screen.query_one("#centre", Vertical).mount(self.transcript, self.finder.bar, before="#box")
        body = screen.query_one("#body")
        await body.mount(self.sessions, before="#centre")
        await body.mount(self.side)
        await screen.mount(
            Static("The terminal is too small: Holdfast needs 40 × 10.", id="too-small", markup=False)
        )
        screen.box.area.may_decide = self._may_decide
        screen.set_interval(SLOW_S, partial(self.mark, "sessions", "inbox"))
        screen.set_interval(1, self._tick)

    @property
    def _model(self) -> Model:
        return self._screen.app.model

    def _tick(self) -> None:
        if self._model.run.busy:
            self.mark("run")

    # --- drawing

    def mark(self, *parts: str) -> None:
        """Says that `parts` have changed; they are drawn together, soon."""
        self._dirty.update(parts)
        if not self._painting and self._screen.is_running:
            self._painting = True
            self._screen.set_timer(PAINT_S, self._paint)

    @property
    def at_rest(self) -> bool:
        """Whether everything that changed is drawn."""
        return not self._dirty and not self._painting

    def _paint(self) -> None:
        self._painting = False
        parts, self._dirty = self._dirty, set()
        if not is_there(self._screen):  # the app ends, and its parts go one by one
            return
        model, now = self._model, self._screen.app.start.now()
        if "inbox" in parts:
            parts |= {"footer", "header"}
        self._paint_lines(parts)
        if "sessions" in parts:
            self.sessions.show(model, now)
        if parts & {"inbox", "files", "run", "knowledge"}:
            self.side.show(parts, model, now)
        if "knowledge" in parts and self.side.tab == "knowledge" and model.answers.collections:
            self._screen.look_at_knowledge()
        for screen in self._screen.app.screen_stack:
            if isinstance(screen, ModelScreen) and screen.is_there:
                screen.draw(parts, model, now)
        if "inbox" in parts:
            self._paint_decision()
        if parts & {"header", "title", "run"}:
            self.on_named()

    def _paint_lines(self, parts: set[str]) -> None:
        model, screen = self._model, self._screen
        if "header" in parts:
            model.count_waiting()
            model.count_jobs()
            model.show_mode()
            screen.query_one("#header", HeaderLine).show(model.header)
        if parts & {"hint", "run", "title", "inbox", "trust"}:
            screen.box.notice("hint").show(hint_lines(model, self._engine_says))
        if "trust" in parts:
            self._notice("trust", trust_lines(model, screen.app.start.project))
        if "skew" in parts:
            self._notice("skew", skew_lines(model.skew))
        if "queue" in parts:
            screen.box.notice("queue").show(
                queue_lines(model), {shown("composer.older"): "app.command('pull_back')", **clicks("welcome")}
            )
            screen.box.area.messages_wait = bool(model.queue or model.outbox)
        if "footer" in parts:
            answering = model.answering() is not None
            bar = footer(screen.place, model.run.busy, model.run.continuable, answering)
            screen.query_one("#keys", KeyBar).show(bar)
            screen.box.set_placeholder(placeholder(model))
        if parts & {"title", "header", "hint"}:
            self._show_welcome()

    def _show_welcome(self) -> None:
        model = self._model
        fresh = model.session_id is None or model.opening
        welcome = self._screen.query_one("#welcome", Static)
        welcome.display = fresh
        self.transcript.display = not fresh
        self._screen.query_one("#title", Static).update(model.title or "New session")
        if fresh:
            actions = panel_actions()
            welcome.update(Content("\n").join(clickable(one, actions) for one in self._welcome_lines()))

    def _welcome_lines(self) -> list[Line]:
        """Returns the panel of a new session, as soon as it is known what it says."""
        model = self._model
        if model.opening or not model.header.model or model.found is None:
            return welcome_lines(model)
        short = self._screen.size.height < LOW
        return panel_lines(model.agent, model.header.model, model.found, short=short)

    def _paint_decision(self) -> None:
        model = self._model
        item = model.deciding()
        model.inbox.note_shown(time.monotonic())
        keys = self._keys(item)
        strip = self._screen.box.notice("decide")
        strip.set_class(item is not None and item.question is not None, "-question")
        own = item is None or item.session_id == model.session_id
        elsewhere = "" if own or item is None else model.sessions.title(item.session_id)
        strip.show([summary(item, elsewhere), self._with_way(keys)] if item else [], clicks("decide"))
        self._set_deciding_keys()
        top = self._screen.app.screen
        if not isinstance(top, ApprovalScreen):
            return
        if item is None or item.id != top.item_id:
            top.dismiss()
        else:
            top.show_keys(keys)

    def _keys(self, item: Item | None) -> Line:
        model = self._model
        confirming = item is not None and model.confirming == item.id
        return keys_line(item, confirming, model.header.may_send, model.may_always, together(model.inbox))

    def _with_way(self, keys: Line) -> Line:
        """Adds how to reach the keys while the message field holds text."""
        wanted = self._had_text and self._model.header.may_send
        return line((f"{shown('everywhere.approvals')}, then  ", "muted"), *keys) if wanted else keys

    # --- deciding from the message field

    def _set_deciding_keys(self) -> None:
        model = self._model
        item = model.deciding()
        ids = ["notice.trust", "notice.ignore"] if model.untrusted else []
        if model.skew is not None:
            ids += ["notice.restart", "notice.later"] if model.skew.can_restart else ["notice.later"]
        if not model.header.may_send:
            item = None
        if item is not None and item.approval is not None:
            ids += LETTERS
        elif item is not None and item.question is not None:
            ids += [f"choice.{n}" for n in range(1, len(choices_of(item.question)) + 1) if n < 10]
        self._screen.box.area.deciding_keys = {key: BY_ID[one].keys for one in ids for key in keys_of(one)}

    def _may_decide(self) -> bool:
        now, model = time.monotonic(), self._model
        since = self._noticed_at
        if model.deciding() is not None:
            since = max(since, model.inbox.ready(now))
        elif not (model.untrusted or model.skew):
            return False
        return self._screen.app.guard.admits(since, now)

    def _notice(self, name: str, lines: list[Line]) -> None:
        """Shows a notice whose keys act from the empty message field; they wait for the guard, too."""
        strip = self._screen.box.notice(name)
        if lines and not strip.shown:
            self._noticed_at = time.monotonic()
        strip.show(lines, clicks("notice"))
        self._set_deciding_keys()

    def text_changed(self) -> None:
        """Shows how a key decides: it is another way while the message field holds text."""
        has_text = self._screen.box.area.document.end != (0, 0)
        if has_text != self._had_text:
            self._had_text = has_text
            self.mark("inbox")

    def announce(self, item: Item) -> None:
        """Tells of something new that waits; the focus stays where it is."""
        focused = self._screen.focused
        if focused is None or self.side not in focused.ancestors:
            self.side.show_tab("approvals")

    def show_whole(self, item: Item) -> None:
        """Shows the whole of what waits on the whole screen."""
        model, app = self._model, self._screen.app
        title, now = model.sessions.title(item.session_id), app.start.now()

        def lines(width: int, layout: DiffLayout) -> list[Line]:
            return detail(item, title, now, width, layout)

        keys = self._keys(item)
        app.push_screen(ApprovalScreen(item.id, item.label, lines, keys, model.diff))

    def select(self, item_id: str) -> None:
        """Notes which item of the inbox the person chose."""
        selected = self._model.inbox.selected
        if selected is None or selected.id != item_id:
            self._model.inbox.select(item_id)
            self._model.confirming = None
            self.mark("inbox")

    # --- the transcript

    def set_entries(self, entries: list[Entry]) -> None:
        self.entries.clear()
        self.entries.add(entries)
        self._show_welcome()
        self.transcript.set_entries(entries)

    def prepend(self, entries: list[Entry]) -> None:
        self.entries.add(entries)
        self.transcript.prepend(entries)
        self._screen.app.collecting.put_aside()

    def update_entries(self, updates: list[Update]) -> None:
        self.entries.apply(updates)
        self.transcript.apply(updates)

    def clear_transcript(self) -> None:
        self.finder.close()
        self._selected_entry = None
        self.entries.clear()
        self.transcript.clear()
        self._screen.app.collecting.renew()

    def select_entry(self, entry_id: str) -> None:
        self._selected_entry = entry_id

    def selected_entry(self) -> Entry | None:
        """The entry of the transcript that was chosen last."""
        return self.entries.get(self._selected_entry)

    def _perform(self, name: str, argument: str) -> None:
        if self._screen.app.desk is not None:
            self._screen.app.do(name, argument)

    def show_event(self, event_id: int, words: str = "", patience: int = 50) -> None:
        """Scrolls to what an event belongs to, `words` marked in it; waits for the transcript's size when it
        was just shown."""
        entry = self.entries.at_event(event_id)
        if entry is None:
            return
        if not self.transcript.size.height and patience:
            self._screen.set_timer(PAINT_S, partial(self.show_event, event_id, words, patience - 1))
            return
        self.transcript.scroll_to_entry(entry.id)
        if words:
            self.finder.show(word_in(words, words_of(entry)), entry.id)

    # --- the rest

    def say_engine(self, text: str) -> None:
        """Shows why the engine is not reached; empty: it is."""
        self._engine_says = sanitize(text)
        self.mark("hint")

    def meant_session(self) -> str | None:
        """The session under the cursor, while the list of sessions has the focus."""
        return self.sessions.chosen if self._screen.place == "sessions" else None

    def go(self, place: str) -> None:
        """Brings the focus to a place, and its drawer to the front."""
        if place == "transcript":
            self.close_drawers()
            self.transcript.focus()
            return
        self.close_drawers()
        drawer: Widget = self.sessions if place == "sessions" else self.side
        drawer.add_class("-open")
        if place == "sessions":
            self.sessions.focus_list()
        else:
            self.side.action_tab(place)

    def close_drawers(self) -> bool:
        """Closes the drawers; says whether one was open over the transcript."""
        drawers = [drawer for drawer in (self.sessions, self.side) if drawer.has_class("-open")]
        for drawer in drawers:
            drawer.remove_class("-open")
        return bool(drawers) and not self._screen.has_class("-wide")
