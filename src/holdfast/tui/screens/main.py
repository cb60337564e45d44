"""The one screen. What is needed to type is composed first; the panes come after the first refresh.

This module and what it imports is the way to the first paint: everything else is imported later, aside.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from holdfast.core.domain.text import sanitize
from holdfast.tui.keys import bindings, key_of, moves_only, named
from holdfast.tui.presenters.guard import Hasty
from holdfast.tui.presenters.notices import first_welcome
from holdfast.tui.presenters.status import first_header
from holdfast.tui.widgets.composer.area import MessageArea
from holdfast.tui.widgets.composer.box import MessageBox
from holdfast.tui.widgets.paint import paint_all
from holdfast.tui.widgets.strips import HeaderLine, KeyBar, PlainLinks

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.presenters.draft import Mention
    from holdfast.tui.presenters.passages import PassageView
    from holdfast.tui.screens.finder import FindBar
    from holdfast.tui.screens.panes import Panes
    from holdfast.tui.widgets.panes.approvals import ApprovalsPane
    from holdfast.tui.widgets.panes.files import FilesPane
    from holdfast.tui.widgets.panes.knowledge import KnowledgePane
    from holdfast.tui.widgets.panes.sessions import SessionsPane
    from holdfast.tui.widgets.transcript import Transcript

QUIET_S = 0.04
"""What is typed right after the start is drawn before the panes are loaded."""
PLACES = ("sessions", "approvals", "files", "run", "knowledge", "transcript", "find")


class MainScreen(Screen[None]):
    """Holds the message field, and the panes once they are there."""

    # Textual declares both as instance variables, so they cannot be ClassVar here.
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-narrow"), (120, "-wide"), (160, "-huge")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short"), (20, "-high")]  # noqa: RUF012
    AUTO_FOCUS = "#message"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("found", "welcome", "tour")]
    app: HoldfastApp

    def __init__(self) -> None:
        super().__init__()
        self.panes: Panes | None = None
        self._hasty = Hasty()
        self._resting: Timer | None = None
        self._let_through: list[str] = []
        """The keys that are on their way to what they are for, having been held."""

    def compose(self) -> ComposeResult:
        yield HeaderLine(first_header(self.app.start), id="header")
        with Horizontal(id="body"), Vertical(id="centre"):
            yield Static("New session", id="title", markup=False)
            yield PlainLinks(paint_all(first_welcome(self.app.start.place)), id="welcome", markup=False)
            yield MessageBox(id="box")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        self.box.area.on_typed = self.app.guard.typed
        self.call_after_refresh(self.set_timer, QUIET_S, self._mount_panes)

    async def _mount_panes(self) -> None:
        """The rest of the screen, once one can type."""
        panes = (await asyncio.to_thread(_load_panes))(self)
        await panes.mount()
        self.panes = panes
        self.mark(*panes.PARTS)
        self.app.start_engine()

    @property
    def box(self) -> MessageBox:
        return self.query_one("#box", MessageBox)

    def mark(self, *parts: str) -> None:
        """Says that `parts` have changed; they are drawn together, soon."""
        if self.panes is not None:
            self.panes.mark(*parts)

    # --- what the controllers and the app ask for

    def say(self, text: str) -> None:
        """Tells the person something."""
        self.app.notify(sanitize(text), markup=False, timeout=6)

    def say_error(self, text: str) -> None:
        """Tells the person what went wrong."""
        self.app.notify(f"✗ {sanitize(text)}", severity="error", markup=False, timeout=10)

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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys that go from hit to hit mean something else while no words are looked for."""
        return action != "step_hit" or (self.panes is not None and self.panes.finder.active)

    def action_step_hit(self, forward: bool) -> None:
        """Goes to the next place of the words that are looked for, or to the one before."""
        if self.panes is not None:
            self.panes.finder.step(forward)

    def action_side_tab(self, tab: str) -> None:
        if self.panes is not None:
            self.panes.side.action_tab(tab)

    def action_step_answer(self, step: int) -> None:
        """Looks at what the answer before or after was made from."""
        if self.app.model.answers.step(step):
            self.mark("knowledge")

    def find(self, words: str) -> None:
        """Opens the field for words to find in the session."""
        if self.panes is None or not self.panes.transcript.display:
            self.say("There is nothing to find in yet: no session is open.")
            return
        self.panes.finder.open(words)

    def step_back(self) -> bool:
        """Leaves the field for words to find, else a message that is edited; says whether there was one."""
        if self.panes is None:
            return False
        finder = self.panes.finder
        if finder.active:
            typing = finder.bar.field.has_focus
            finder.close()
            if typing:
                self.panes.transcript.focus()
            return True
        if self.app.model.editing is None or self.place != "composer" or self.box.area.popup_open:
            return False
        self.app.do("edit_message.leave")
        return True

    def on_find_bar_typed(self, event: FindBar.Typed) -> None:
        if self.panes is not None:
            self.panes.finder.typed(event.words)

    def on_find_bar_step_wanted(self, event: FindBar.StepWanted) -> None:
        if self.panes is not None:
            self.panes.finder.step(event.step > 0)

    def on_transcript_picture_wanted(self, event: Transcript.PictureWanted) -> None:
        if event.blob:
            self.app.do("picture", f"{event.blob} {event.columns}")

    def on_transcript_edit_wanted(self) -> None:
        self.app.do("edit_message")

    def on_transcript_nothing_further(self, event: Transcript.NothingFurther) -> None:
        self.app.do("jump.older", f"{event.kind} {event.step}")

    # --- places

    @property
    def place(self) -> str:
        """Where the focus is: composer, transcript, sessions, approvals, files, run, knowledge."""
        focused = self.focused
        if focused is None or isinstance(focused, MessageArea):
            return "composer"
        return next((one.id for one in focused.ancestors_with_self if one.id in PLACES), "composer")

    def go(self, place: str) -> None:
        """Brings the focus to a place, and its drawer to the front; from there, back to the message field."""
        if self.panes is None:
            return
        if self.place == place:
            self.go_back()
        else:
            self.panes.go(place)

    def close_drawers(self) -> bool:
        """Closes the drawers; says whether one was open over the transcript."""
        return self.panes is not None and self.panes.close_drawers()

    def go_back(self) -> None:
        self.close_drawers()
        self.box.focus_text()

    def on_key(self, event: events.Key) -> None:
        """Takes what is typed while nothing has the focus, in the first moments or when it was lost; and what
        is typed while a pane has it: a text that begins is not meant for its keys."""
        if self.focused is None:
            if event.is_printable and event.character:
                event.stop()
                self._begin_text(event.character)
        elif event.key in self._let_through:
            self._let_through.remove(event.key)
        elif not isinstance(self.focused, MessageArea):
            self._take_of_pane(event)
        elif event.is_printable and event.character:
            # The field keeps what it gets: this was on its way to a pane when the text began.
            event.stop()
            self.box.area.insert(event.character)

    def _take_of_pane(self, event: events.Key) -> None:
        """Lets a key of a pane act, unless it begins a text."""
        if not event.is_printable or not event.character:
            held = self._hasty.rest()
            if held and event.key in ("escape", "backspace"):
                event.stop()  # it takes the letter back
            elif held:
                self._act(held)
            return
        hits = self.panes is not None and self.panes.finder.active and named("found", event.key)
        moves = bool(hits) or (self.place == "transcript" and moves_only("transcript", event.key))
        used = bool(named(self.place, event.key))
        acts, text = self._hasty.press(event.character, time.monotonic(), moves=moves, used=used)
        if text:
            event.stop()
            self._begin_text(text)
        elif acts != event.character:
            event.stop()
            for key in acts:
                self._act(key)
            if self._resting is not None:
                self._resting.stop()
            if self._hasty.holds:
                self._resting = self.set_timer(self._hasty.hold_s, self._rest)

    def _rest(self) -> None:
        held = self._hasty.rest()
        if held:
            self._act(held)

    def _act(self, character: str) -> None:
        """Lets a letter that was held do what it is for where the focus is."""
        if self.focused is not None and self.is_current:
            key = key_of(character)
            self._let_through.append(key)
            # As if it came from the app: an event goes up no further than to who has sent it.
            self.focused._forward_event(events.Key(key, character).set_sender(self.app))

    def _begin_text(self, text: str) -> None:
        self.set_focus(self.box.area)  # at once, not soon: the next letters are on their way
        self.box.area.insert(text)

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted while a pane has the focus is a text, too."""
        event.stop()
        self._begin_text(self.box.area.draft.fold(sanitize(event.text)))

    def on_descendant_focus(self) -> None:
        self.mark("footer")

    # The panes are imported after the first paint, so their messages are taken by name.

    def on_sessions_pane_chosen(self, event: SessionsPane.Chosen) -> None:
        if self.app.desk is not None:
            self.go_back()
            target = (event.session_id, event.event_id, event.words)
            self.app.work(partial(self.app.desk.sessions.open, *target), "open")

    def on_sessions_pane_searched(self, event: SessionsPane.Searched) -> None:
        if self.app.desk is not None:
            self.app.do("search", event.words)

    def on_virtual_list_end_near(self) -> None:
        if self.app.desk is not None:
            self.app.do("sessions.more")

    def on_resize(self) -> None:
        self.mark("title")  # what a new session says is shorter on a low terminal

    def on_sessions_pane_resized(self) -> None:
        self.mark("sessions")

    def on_approvals_pane_selected(self, event: ApprovalsPane.Selected) -> None:
        if self.panes is not None:
            self.panes.select(event.item_id)

    def on_approvals_pane_marked(self, event: ApprovalsPane.Marked) -> None:
        self.app.model.inbox.mark(event.item_id)
        self.mark("inbox")

    def on_approvals_pane_whole_wanted(self) -> None:
        item = self.app.model.deciding()
        if item is not None and self.panes is not None:
            self.panes.show_whole(item)

    def on_files_pane_preview_wanted(self, event: FilesPane.PreviewWanted) -> None:
        self.app.do("preview", event.path)

    def on_files_pane_editor_wanted(self, event: FilesPane.EditorWanted) -> None:
        self.app.do("edit", event.path)

    def on_column_resized(self) -> None:
        self.mark("knowledge")

    def on_knowledge_pane_passage_chosen(self, event: KnowledgePane.PassageChosen) -> None:
        self._open_passage(event.passage)

    def on_transcript_source_activated(self, event: Transcript.SourceActivated) -> None:
        self._open_passage(event.passage)

    def on_transcript_number_typed(self, event: Transcript.NumberTyped) -> None:
        self.app.do("sources", str(event.number))

    def on_transcript_cursor_moved(self, event: Transcript.CursorMoved) -> None:
        entry = self.panes.entries.get(event.entry_id) if self.panes is not None else None
        if entry is not None and self.app.model.answers.choose(entry.run_id):
            self.mark("knowledge")

    def look_at_knowledge(self) -> None:
        """Reads how the collections do that are shown."""
        if self.app.desk is not None:
            self.app.desk.knowledge.look_once()

    def on_side_pane_tab_changed(self) -> None:
        self.mark("knowledge")

    def _open_passage(self, passage: PassageView) -> None:
        if self.app.desk is not None:
            self.app.work(partial(self.app.desk.reading.open_passage, passage), "reading")

    def on_transcript_older_needed(self, event: Transcript.OlderNeeded) -> None:
        if self.app.desk is not None:
            self.app.do("older", "all" if event.all else "")

    def on_transcript_entry_activated(self, event: Transcript.EntryActivated) -> None:
        if self.panes is not None:
            self.panes.select_entry(event.entry_id)

    def on_transcript_link_activated(self, event: Transcript.LinkActivated) -> None:
        from holdfast.tui.screens.links import follow_link  # start-up time

        follow_link(self.app, event.url)


def _load_panes() -> type[Panes]:
    from holdfast.tui.screens.panes import Panes  # start-up time: after the first paint, in a thread

    return Panes
