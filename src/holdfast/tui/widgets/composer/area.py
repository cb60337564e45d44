"""The message field: many lines, history, chips for long pastes, and keys that decide while it is empty."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea

from holdfast.core.domain.text import sanitize
from holdfast.tui.keys import named
from holdfast.tui.presenters.draft import Draft, History, Token, token_before

HOLD_S = 0.25
"""A key that decides waits this long for a second character: then it was the beginning of a word."""


class MessageArea(TextArea):
    """Where messages are written. It knows nothing of runs and sessions."""

    @dataclass
    class Sent(Message):
        """Enter was pressed on a text; it is still in the field."""

        text: str
        steer: bool = False
        """Whether it is for the run under way, instead of behind it."""

    class ModeWanted(Message):
        """The next mode is wanted."""

    @dataclass
    class Decided(Message):
        """A key that decides was pressed, alone, in the empty field."""

        key: str

    @dataclass
    class TokenChanged(Message):
        """Another thing stands before the cursor that can be completed; None: nothing."""

        token: Token | None

    class PullBackWanted(Message):
        """Up was pressed in the empty field while messages wait."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, compact=True, highlight_cursor_line=False, soft_wrap=True)
        self.cursor_blink = False
        self.draft = Draft()
        self.history_of_messages = History()
        self.deciding_keys: dict[str, str] = {}
        """What decides now, and the letter of `Decided` that it stands for."""
        self.may_decide: Callable[[], bool] = lambda: False
        self.on_typed: Callable[[float], None] = lambda now: None
        self.popup_open = False
        self.on_popup_key: Callable[[str], bool] = lambda key: False
        """Takes the name of a completion's key, at once: the next letter belongs after what it puts in. Says
        whether the list had something for it."""
        self.messages_wait = False
        self._held: events.Key | None = None
        self._timer: Timer | None = None
        self._token: Token | None = None

    # --- keys

    async def _on_key(self, event: events.Key) -> None:
        if self._held is not None and self._release(event):
            self._take(event)
            return
        completing = named("completion", event.key)
        if self.popup_open and completing and self.on_popup_key(completing):
            self._take(event)
            return
        if completing == "take" and self._token is not None:
            self._take(event)  # the list is on its way: the focus stays here
            return
        if self._decides(event):
            self._take(event)
            self._hold(event)
            return
        if self._does(named("composer", event.key)):
            self._take(event)
            return
        if event.is_printable:
            self.on_typed(time.monotonic())
        await super()._on_key(event)

    def _take(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()

    def _does(self, name: str) -> bool:
        """Does what a key of the field is for; says whether that was something."""
        if name in ("send", "steer"):
            self.post_message(self.Sent(self.text, name == "steer"))
        elif name == "mode":
            self.post_message(self.ModeWanted())
        elif name == "new_line":
            self.insert("\n")
        else:
            return name in ("older", "newer") and self._go_through_messages(name)
        return True

    def _decides(self, event: events.Key) -> bool:
        return not self.text and event.key in self.deciding_keys and self.may_decide()

    def _hold(self, event: events.Key) -> None:
        """Keeps a key that decides until it is known that no word begins with it."""
        if not event.is_printable:
            self.post_message(self.Decided(self.deciding_keys[event.key]))
            return
        self._held = event
        self._timer = self.set_timer(HOLD_S, self._decide)

    def _decide(self) -> None:
        held, self._held = self._held, None
        if held is not None and held.key in self.deciding_keys:
            self.post_message(self.Decided(self.deciding_keys[held.key]))

    def _release(self, event: events.Key) -> bool:
        """Ends the wait for a second key; says whether `event` is used up by that."""
        held, self._held = self._held, None
        if self._timer is not None:
            self._timer.stop()
        if held is None:
            return False
        if event.key in (held.key, "enter"):
            for _ in range(2 if event.key == held.key else 1):
                self._held = held
                self._decide()
            return True
        if event.is_printable:
            self.insert(held.character or "")
            return False
        return event.key in ("escape", "backspace")

    def _go_through_messages(self, name: str) -> bool:
        history = self.history_of_messages
        if name == "older" and not self.text and self.messages_wait:
            self.post_message(self.PullBackWanted())
            return True
        if self.text and not history.browsing:
            return False
        at_edge = self.cursor_at_first_line if name == "older" else self.cursor_at_last_line
        if not at_edge:
            return False
        text = history.older() if name == "older" else history.newer()
        if text is not None:
            self._replace_all(self.draft.fold(text))
        return text is not None

    # --- text

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self._decide_not()
        self.insert(self.draft.fold(sanitize(event.text)))

    def _decide_not(self) -> None:
        self._held = None
        if self._timer is not None:
            self._timer.stop()

    def on_text_area_changed(self) -> None:
        self._look_for_token()

    def on_text_area_selection_changed(self) -> None:
        self._look_for_token()

    def _look_for_token(self) -> None:
        token = self.token
        if token != self._token:
            self._token = token
            self.post_message(self.TokenChanged(token))

    @property
    def token(self) -> Token | None:
        """What stands before the cursor now and can be completed: it may be more than was told of yet."""
        row, column = self.cursor_location
        before = ("\n" if row else "") + self.document.get_line(row)[:column]
        return None if self.history_of_messages.browsing else token_before(before)

    def complete(self, text: str) -> None:
        """Replaces what can be completed with `text`."""
        token = self.token
        if token is None:
            return
        row, column = self.cursor_location
        self.replace(text, (row, max(0, column - token.length)), (row, column))

    def _replace_all(self, text: str) -> None:
        self.load_text(text)
        self.move_cursor(self.document.end)

    def set_text(self, text: str) -> None:
        """Puts `text` into the field, the cursor at its end; a long text becomes a chip."""
        self.history_of_messages.leave()
        self._replace_all(self.draft.fold(text))

    def take_text(self) -> str:
        """Empties the field; returns what it means, chips unfolded."""
        typed = self.text
        text = self.draft.expand(typed)
        self.history_of_messages.add(typed if typed == text else "")
        self.draft.clear()
        self.load_text("")
        return text
