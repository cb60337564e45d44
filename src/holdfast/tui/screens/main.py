"""The one screen: sessions, transcript with the message field, and approvals, files, run.

What is needed to type is composed first; the side panes come after the first refresh.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from holdfast.core.domain.text import sanitize
from holdfast.tui.presenters.commands import footer
from holdfast.tui.presenters.entry_index import EntryIndex
from holdfast.tui.presenters.inbox import Item, detail, keys_line, summary
from holdfast.tui.presenters.model import queue_lines
from holdfast.tui.presenters.notices import hint_lines, placeholder, trust_lines, welcome_lines
from holdfast.tui.presenters.spans import line
from holdfast.tui.screens.dialogs import ApprovalScreen
from holdfast.tui.screens.finder import Finder
from holdfast.tui.widgets.composer.area import MessageArea
from holdfast.tui.widgets.composer.box import MessageBox
from holdfast.tui.widgets.paint import paint_all
from holdfast.tui.widgets.panes.approvals import KEY_ACTIONS, ApprovalsPane
from holdfast.tui.widgets.panes.sessions import SessionsPane
from holdfast.tui.widgets.panes.side import SidePane
from holdfast.tui.widgets.strips import HeaderLine, KeyBar
from holdfast.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.presenters.draft import Mention
    from holdfast.tui.presenters.entries import Entry, Update

PAINT_S = 0.03
PARTS = ("header", "sessions", "inbox", "run", "queue", "files", "footer", "title", "hint", "trust")
DECIDING = frozenset("ysaenr")
PLACES = ("sessions", "approvals", "files", "run")


class MainScreen(Screen[None]):
    """Draws the model; knows nothing of the engine."""

    # Textual declares both as instance variables, so they cannot be ClassVar here.
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-narrow"), (120, "-wide"), (160, "-huge")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short"), (20, "-high")]  # noqa: RUF012
    AUTO_FOCUS = "#message"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "key_n(True)", show=False),
        Binding("N", "key_n(False)", show=False),
    ]
    app: HoldfastApp

    def __init__(self) -> None:
        super().__init__()
        self._dirty: set[str] = set()
        self._painting = False
        self._engine_says = ""
        self.entries = EntryIndex()
        self._selected_entry: str | None = None
        self._side: SidePane | None = None
        self._sessions: SessionsPane | None = None

    def compose(self) -> ComposeResult:
        yield HeaderLine(self.app.model.header, id="header")
        with Horizontal(id="body"), Vertical(id="centre"):
            yield Static("", id="title", markup=False)
            yield Static("", id="welcome", markup=False)
            yield Transcript(id="transcript")
            yield MessageBox(id="box")
        yield KeyBar(id="keys")
        yield Static("The terminal is too small: Holdfast needs 40 × 10.", id="too-small", markup=False)

    def on_mount(self) -> None:
        self.finder = Finder(self.transcript)
        area = self.box.area
        area.may_decide = self._may_decide
        area.on_typed = self.app.guard.typed
        self._show_welcome()
        self.call_after_refresh(self._mount_sides)

    async def _mount_sides(self) -> None:
        """The rest of the screen, once one can type."""
        body = self.query_one("#body")
        self._sessions, self._side = SessionsPane(id="sessions"), SidePane(id="side")
        await body.mount(self._sessions, before="#centre")
        await body.mount(self._side)
        self.mark(*PARTS)
        self.set_interval(30, lambda: self.mark("sessions", "inbox"))
        self.set_interval(1, self._tick)
        self.app.start_engine()

    def _tick(self) -> None:
        if self.app.model.run.busy:
            self.mark("run")

    # --- the parts

    @property
    def transcript(self) -> Transcript:
        return self.query_one("#transcript", Transcript)

    @property
    def box(self) -> MessageBox:
        return self.query_one("#box", MessageBox)

    # --- drawing

    def mark(self, *parts: str) -> None:
        """Says that `parts` have changed; they are drawn together, soon."""
        self._dirty.update(parts)
        if not self._painting and self.is_running:
            self._painting = True
            self.set_timer(PAINT_S, self._paint)

    def _paint(self) -> None:
        self._painting = False
        parts, self._dirty = self._dirty, set()
        model, now = self.app.model, self.app.start.now()
        if "inbox" in parts:
            parts |= {"footer", "header"}
        self._paint_lines(parts)
        if "sessions" in parts and self._sessions is not None:
            self._sessions.show(model, now)
        if self._side is not None and parts & {"inbox", "files", "run"}:
            self._side.show(parts, model, now)
        if "inbox" in parts:
            self._paint_decision()

    def _paint_lines(self, parts: set[str]) -> None:
        model = self.app.model
        if "header" in parts:
            model.count_waiting()
            self.query_one("#header", HeaderLine).show(model.header)
        if parts & {"hint", "run", "title"}:
            self.box.notice("hint").show(self.finder.lines() or hint_lines(model, self._engine_says))
        if "trust" in parts:
            actions = {"t": "app.command('trust','yes')", "i": "app.command('trust','no')"}
            self.box.notice("trust").show(trust_lines(model, str(self.app.start.project)), actions)
            self._set_deciding_keys()
        if "queue" in parts:
            self.box.notice("queue").show(queue_lines(model))
            self.box.area.messages_wait = bool(model.queue or model.outbox)
        if "footer" in parts:
            self.query_one("#keys", KeyBar).show(footer(self.place, model.run.busy, model.run.continuable))
            self.box.set_placeholder(placeholder(model))
        if parts & {"title", "header", "hint"}:
            self._show_welcome()

    def _show_welcome(self) -> None:
        model = self.app.model
        fresh = model.session_id is None or model.opening
        welcome = self.query_one("#welcome", Static)
        welcome.display = fresh
        self.transcript.display = not fresh
        title = self.query_one("#title", Static)
        title.update(model.title or "New session")
        if fresh:
            welcome.update(paint_all(welcome_lines(model)))

    def _paint_decision(self) -> None:
        model = self.app.model
        item = model.deciding()
        keys = keys_line(item, item is not None and model.confirming == item.id)
        strip = self.box.notice("decide")
        strip.set_class(item is not None and item.question is not None, "-question")
        elsewhere = (
            model.sessions.title(item.session_id) if item and item.session_id != model.session_id else ""
        )
        strip.show([summary(item, elsewhere), self._with_way(keys)] if item else [], KEY_ACTIONS)
        self._set_deciding_keys()
        top = self.app.screen
        if isinstance(top, ApprovalScreen):
            if item is None or item.id != top.item_id:
                top.dismiss()
            else:
                top.show_keys(keys)

    def _with_way(self, keys: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Adds how to reach the keys while the message field holds text."""
        return line(("F2, then  ", "muted"), *keys) if self.box.area.text else keys

    def _set_deciding_keys(self) -> None:
        model = self.app.model
        item = model.deciding()
        keys: frozenset[str] = frozenset("ti") if model.untrusted else frozenset()
        if item is not None and item.approval is not None:
            keys |= DECIDING
        elif item is not None and item.question is not None:
            keys |= frozenset(str(n) for n in range(1, len(item.question.choices) + 1) if n < 10)
        self.box.area.deciding_keys = keys

    def _may_decide(self) -> bool:
        item = self.app.model.deciding()
        if item is None:
            return bool(self.app.model.untrusted)
        return self.app.guard.admits(item, time.monotonic())

    # --- the transcript

    def set_entries(self, entries: list[Entry]) -> None:
        self.entries.clear()
        self.entries.add(entries)
        self._show_welcome()
        self.transcript.set_entries(entries)

    def prepend(self, entries: list[Entry]) -> None:
        self.entries.add(entries)
        self.transcript.prepend(entries)

    def update_entries(self, updates: list[Update]) -> None:
        self.entries.apply(updates)
        self.transcript.apply(updates)

    # --- what the controllers ask for

    def say(self, text: str) -> None:
        """Tells the person something."""
        self.app.notify(sanitize(text), markup=False, timeout=6)

    def say_error(self, text: str) -> None:
        """Tells the person what went wrong."""
        self.app.notify(sanitize(text), severity="error", markup=False, timeout=10)

    def say_engine(self, text: str) -> None:
        """Shows why the engine is not reached; empty: it is."""
        self._engine_says = sanitize(text)
        self.mark("hint")

    def announce(self, item: Item) -> None:
        """Tells of something new that waits; the focus stays where it is."""
        self.app.bell()
        focused = self.focused
        in_side = focused is not None and self._side is not None and self._side in focused.ancestors
        if self._side is not None and not in_side:
            self._side.show_tab("approvals")

    def hold(self, text: str, mentions: list[Mention]) -> None:
        """Keeps a message until the engine is reached."""
        self.app.model.hold(text, mentions)
        self.mark("queue")

    def pull_back(self) -> None:
        """Takes the last message that waits back into the message field."""
        text = self.app.model.take_held()
        if text is None:
            self.app.do("pull_back")
        else:
            self.box.set_text(text)
            self.mark("queue")

    def find(self, words: str) -> None:
        """Marks `words` in the transcript; empty: ends that."""
        self.finder.find(words)
        self.mark("hint")

    def action_key_n(self, forward: bool) -> None:
        """n and N: from place to place while words are looked for; else n denies."""
        if self.finder.active:
            self.finder.step(forward)
        elif forward:
            self.app.action_decide("n")

    def clear_transcript(self) -> None:
        self._selected_entry = None
        self.entries.clear()
        self.transcript.clear()

    def selected_entry(self) -> Entry | None:
        """The entry of the transcript that was chosen last."""
        return self.entries.get(self._selected_entry)

    def show_event(self, event_id: int, patience: int = 50) -> None:
        """Scrolls to what an event belongs to; waits for the transcript's size when it was just shown."""
        entry = self.entries.at_event(event_id)
        if entry is None:
            return
        if self.transcript.size.height or patience == 0:
            self.transcript.scroll_to_entry(entry.id)
        else:
            self.set_timer(PAINT_S, partial(self.show_event, event_id, patience - 1))

    def meant_session(self) -> str | None:
        """The session under the cursor, while the list of sessions has the focus."""
        return self._sessions.chosen if self._sessions is not None and self.place == "sessions" else None

    def show_whole(self, item: Item) -> None:
        """Shows the whole of what waits on the whole screen."""
        model = self.app.model
        lines = detail(item, model.sessions.title(item.session_id), self.app.start.now())
        keys = keys_line(item, model.confirming == item.id)
        self.app.push_screen(ApprovalScreen(item.id, item.label, lines, keys))

    # --- places

    @property
    def place(self) -> str:
        """Where the focus is: composer, transcript, sessions, approvals, files or run."""
        focused = self.focused
        if focused is None or isinstance(focused, MessageArea):
            return "composer"
        return next(
            (one.id for one in focused.ancestors_with_self if one.id in (*PLACES, "transcript")), "composer"
        )

    def go(self, place: str) -> None:
        """Brings the focus to a place, and its drawer to the front; from there, back to the message field."""
        if self._sessions is None or self._side is None:
            return
        if self.place == place:
            self.go_back()
            return
        drawer: Widget = self._sessions if place == "sessions" else self._side
        self.close_drawers()
        drawer.add_class("-open")
        if place == "sessions":
            self._sessions.focus_list()
        else:
            self._side.action_tab(place)

    def action_side_tab(self, tab: str) -> None:
        if self._side is not None:
            self._side.action_tab(tab)

    def close_drawers(self) -> bool:
        """Closes the drawers; says whether one was open over the transcript."""
        drawers = [d for d in (self._sessions, self._side) if d is not None and d.has_class("-open")]
        for drawer in drawers:
            drawer.remove_class("-open")
        return bool(drawers) and not self.has_class("-wide")

    def go_back(self) -> None:
        self.close_drawers()
        self.box.focus_text()

    def on_key(self, event: events.Key) -> None:
        """Takes what is typed while nothing has the focus: in the first moments, or when it was lost."""
        if self.focused is None and event.is_printable and event.character:
            event.stop()
            self.box.focus_text()
            self.box.area.insert(event.character)

    def on_descendant_focus(self) -> None:
        self.mark("footer")

    @on(MessageArea.Changed, "#message")
    def _text_changed(self) -> None:
        if self.app.model.deciding() is not None:
            self.mark("inbox")

    @on(ApprovalsPane.Selected)
    def _select(self, event: ApprovalsPane.Selected) -> None:
        selected = self.app.model.inbox.selected
        if selected is None or selected.id != event.item_id:
            self.app.model.inbox.select(event.item_id)
            self.app.model.confirming = None
            self.mark("inbox")

    @on(ApprovalsPane.WholeWanted)
    def _show_whole(self) -> None:
        item = self.app.model.deciding()
        if item is not None:
            self.show_whole(item)

    @on(SessionsPane.Resized)
    def _fit_sessions(self) -> None:
        self.mark("sessions")

    @on(Transcript.EntryActivated)
    def _activate(self, event: Transcript.EntryActivated) -> None:
        self._selected_entry = event.entry_id

    @on(Transcript.LinkActivated)
    def _link(self, event: Transcript.LinkActivated) -> None:
        if event.url.startswith(("https://", "http://")):
            self.app.open_url(event.url)
        else:
            self.say(f"This link is not opened: {event.url}")
