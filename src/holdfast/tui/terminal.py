"""The terminal itself: its background, its mouse and its window's title, beside what Textual does with it.

On the way to the first paint; what is asked of the terminal is asked after it.
"""

from __future__ import annotations

import os
import re
import selectors
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Iterable
from typing import Any, Final

from textual import constants, events
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, TextArea

TICK_S = 0.1
ANSWER_S = 0.3
"""How long the end of the app waits for an answer that is under way: the shell must not get it."""
WAITING_S = 2.0
"""How long after a question the first half of an answer is waited for the second."""
LONGEST_KEY = 3
"""Characters that a key may begin with as an answer does, such as alt+] and a digit."""

_ASK: Final = "\x1b]11;?\x07"
_DIGITS: Final = "0123456789"
_TELL_CHANGES, _TELL_NO_CHANGES = "\x1b[?2031h", "\x1b[?2031l"
_KEEP_TITLE, _RESTORE_TITLE = "\x1b[22;2t", "\x1b]2;\x07\x1b[23;2t"

# Compiled when they are first needed: that would take a millisecond before the first paint.
_ANSWER = r"\x1b\]11;([^\x07\x1b]{0,64})(?:\x07|\x1b\\)|\x1b\[\?997;([12])n"
_BEGUN = r"(?:\x1b\]1(?:1(?:;[^\x07\x1b]{0,64}\x1b?)?)?|\x1b\[\?9(?:9(?:7(?:;[12]?)?)?)?)\Z"
_BARELY_BEGUN = r"\x1b(?:\]|\[\??)?\Z"
_COLOR = r"(?i)rgba?:([0-9a-f]{1,4})/([0-9a-f]{1,4})/([0-9a-f]{1,4})"


class BackgroundTold(Message):
    """The terminal has said whether its background is dark."""

    def __init__(self, dark: bool) -> None:
        super().__init__()
        self.dark = dark


class Answers:
    """Takes what the terminal says of its background out of what a person types.

    Nothing of an answer is left among the keys, also when it comes late or in pieces.
    """

    def __init__(self) -> None:
        self._held = ""

    def take(self, text: str, waiting: bool) -> tuple[str, list[bool]]:
        """Returns the keys in `text`, and for each answer whether the background is dark. What may be the
        first half of an answer is held; `waiting` says that one is expected soon."""
        text, self._held = self._held + text, ""
        if "\x1b" not in text:
            return text, []
        told = (_is_dark(*one.groups()) for one in re.finditer(_ANSWER, text))
        found = [dark for dark in told if dark is not None]
        keys = re.sub(_ANSWER, "", text)
        begun = re.search(_BEGUN, keys) or (re.search(_BARELY_BEGUN, keys) if waiting else None)
        if begun is not None:
            keys, self._held = keys[: begun.start()], begun[0]
        return keys, found

    def rest(self, waiting: bool) -> str:
        """Returns what was held and was no answer after all; while one is expected, what can be nothing
        else is held on."""
        if waiting and len(self._held) > LONGEST_KEY:
            return ""
        rest, self._held = self._held, ""
        return rest


def _is_dark(color: str | None, scheme: str | None) -> bool | None:
    """Returns what an answer says; None for a colour that cannot be read."""
    if scheme is not None:
        return scheme == "1"
    found = re.match(_COLOR, color or "")
    if found is None:
        return None
    red, green, blue = (int(part, 16) / float(16 ** len(part) - 1) for part in found.groups())
    return bool(0.299 * red + 0.587 * green + 0.114 * blue < 0.5)


class KeyParser(XTermParser):
    """Textual's parser, for which alt and a digit are those keys.

    Textual takes them for the sign that they type on one keyboard (`™` for alt+2), because of one terminal
    there; but nearly all terminals send the same for what our keys are: escape and the digit.
    """

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if len(sequence) == 2 and sequence[0] == "\x1b" and sequence[1] in _DIGITS:
            return (events.Key(f"alt+{sequence[1]}", None),)
        return super()._sequence_to_key_events(sequence, alt)


class TerminalDriver(LinuxDriver):
    """Textual's driver, which also follows the background, gives the mouse away and sets the title."""

    def __init__(self, app: App[Any], **more: Any) -> None:
        super().__init__(app, **more)
        self._speaks = self.input_tty and os.environ.get("TERM", "") not in ("", "dumb", "linux")
        """Whether the terminal knows, or at least skips, the sequences here; a Linux console prints some."""
        self._following = False
        self._asked = float("-inf")
        self._answered = threading.Event()
        self._title = ""

    # --- the background

    def follow_background(self) -> None:
        """Asks for the background now, and to be told when it changes; `BackgroundTold` says it."""
        if self._speaks and not self._following:
            self._following = True
            self._ask()

    def _ask(self) -> None:
        self._asked = time.monotonic()
        self._answered.clear()
        self.write(_TELL_CHANGES + _ASK)
        self.flush()

    def start_application_mode(self) -> None:
        """Also after an editor had the terminal."""
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's has no types
        if self._following:
            self._ask()
        if self._title:
            self.write(_KEEP_TITLE + _title(self._title))

    def stop_application_mode(self) -> None:
        if self._following:
            self.write(_TELL_NO_CHANGES)
            self.flush()
            self._answered.wait(max(0.0, self._asked + ANSWER_S - time.monotonic()))
        if self._title:
            self.write(_RESTORE_TITLE)
        super().stop_application_mode()

    def run_input_thread(self) -> None:
        """Reads what the terminal sends until the app ends."""
        parser, answers = KeyParser(self._debug), Answers()
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                text = ""
                if selector.select(TICK_S):
                    data = os.read(self.fileno, 4096)
                    if not data:
                        selector.unregister(self.fileno)  # a pipe that has ended would be ready for ever
                    text = decode(data)
                self._send(parser, self._without_answers(answers, text))
        try:
            list(parser.feed(""))
        except (EOFError, ParseError):
            return  # what was begun is lost with the end

    def _without_answers(self, answers: Answers, text: str) -> str:
        waiting = not self._answered.is_set() and time.monotonic() - self._asked < WAITING_S
        if not text:
            return answers.rest(waiting)
        keys, backgrounds = answers.take(text, waiting)
        for dark in backgrounds:
            self._answered.set()
            self.process_message(BackgroundTold(dark))
        return keys

    def _send(self, parser: XTermParser, keys: str) -> None:
        for event in parser.feed(keys) if keys else ():
            self.process_message(event)
        for event in parser.tick():
            self.process_message(event)

    # --- the mouse

    @property
    def has_mouse(self) -> bool:
        return self._mouse

    def give_mouse(self, to_app: bool) -> None:
        """Takes the mouse for the app, or leaves it to the terminal, also after an editor was open."""
        if to_app == self._mouse:
            return
        if not to_app:
            self._disable_mouse_support()
        self._mouse = to_app
        if to_app:
            self._enable_mouse_support()
            if self._mouse_pixels:
                self._enable_mouse_pixels()
        self.flush()

    # --- the window

    def set_title(self, text: str) -> None:
        """Sets the title of the terminal's window; the one before comes back at the end of the app. `text`
        is without control characters."""
        if not self._speaks or text == self._title:
            return
        self.write(_title(text) if self._title else _KEEP_TITLE + _title(text))
        self.flush()
        self._title = text

    def notify(self, sequence: str) -> None:
        """Writes the sequence of a notification, or rings the bell."""
        if self._speaks or sequence == "\x07":
            self.write(sequence)
            self.flush()


def _title(text: str) -> str:
    return f"\x1b]2;{text}\x07"


class TerminalApp(App[int]):
    """An app that has this driver in a terminal; in a browser and in tests it has Textual's."""

    still = False
    """Whether nothing is to move by itself."""

    def keep_still(self, still: bool) -> None:
        """Ends or allows animations, smooth scrolling and blinking cursors."""
        self.still = still
        self.animation_level = "none" if still else constants.TEXTUAL_ANIMATIONS
        self._steady(self.focused)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._steady(event.widget)

    def _steady(self, widget: Widget | None) -> None:
        if self.still and isinstance(widget, (Input, TextArea)):
            widget.cursor_blink = False

    def get_driver_class(self) -> type[Driver]:
        found = super().get_driver_class()
        return TerminalDriver if found is LinuxDriver else found


def terminal_of(app: App[Any]) -> TerminalDriver | None:
    """Returns the terminal of an app; None in a browser and in tests."""
    driver = app._driver
    return driver if isinstance(driver, TerminalDriver) else None
