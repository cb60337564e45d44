"""Two streams and one screen: the reply on stdout, all else on stderr, and a line that comes and goes."""

from __future__ import annotations

from typing import TextIO

from holdfast.cli.output import cells, colored, draws, fit
from holdfast.core.domain.text import sanitize, sanitize_line

_COLORS = {"added": "32", "removed": "31", "heading": "1", "faint": "2", "bad": "31", "ask": "33;1"}


class Console:
    """Writes what a run says.

    When both streams are terminals they share the screen: then a line for stderr first ends the line of the
    reply that is open. The transient line is drawn on a terminal only and never into an open reply line.
    """

    def __init__(self, out: TextIO, err: TextIO, columns: int = 80) -> None:
        self._out = out
        self._err = err
        self._columns = columns
        self._color = colored(err)
        self._live = err.isatty()
        self._draws = draws(err)
        """Without it nothing comes and goes: prompts stay where they were written."""
        self._shared = err.isatty() and out.isatty()
        self._written = False
        self._out_open = False
        """stdout is in the middle of a line."""
        self._screen_open = False
        """The screen is, because of stdout."""
        self._held_cr = False
        self._transient = ""
        self._prompt = ""
        self._drawn = ""
        """What the bottom line of the screen shows, below all that was written."""

    def reply(self, text: str) -> None:
        """Appends to the reply on stdout; a CR LF may be cut between two calls."""
        if self._held_cr:
            text = "\r" + text
        self._held_cr = text.endswith("\r")
        clean = sanitize(text[:-1] if self._held_cr else text)
        if not clean:
            return
        self._erase()
        self._out.write(clean)
        self._out.flush()
        self._written = True
        self._out_open = not clean.endswith("\n")
        self._screen_open = self._shared and self._out_open
        self._draw()

    def next_part(self) -> None:
        """Sets the next text apart from the one before by an empty line."""
        self._held_cr = False
        if self._written:
            self.reply("\n\n" if self._out_open else "\n")

    def end_reply(self) -> None:
        """Ends the last line of the reply."""
        self._held_cr = False
        if self._out_open:
            self.reply("\n")

    def record(self, line: str) -> None:
        """Writes one line of JSON to stdout, as it is."""
        self._erase()
        self._out.write(line + "\n")
        self._out.flush()
        self._draw()

    def line(self, text: str = "", tone: str = "plain") -> None:
        """Writes a line, or several, to stderr."""
        self._erase()
        self._end_screen_line()
        self._err.write(self._painted(sanitize(text), tone) + "\n")
        self._err.flush()
        self._draw()

    def transient(self, text: str) -> None:
        """Shows `text` at the bottom of a terminal until it is replaced; nothing elsewhere."""
        self._erase()
        self._transient = fit(sanitize_line(text), self._columns - 1)
        self._draw()

    def prompt(self, text: str) -> None:
        """Shows a question on a terminal, after which the person types; it stays below what is written."""
        self._erase()
        self._end_screen_line()
        self._prompt = sanitize_line(text)
        self._draw()

    def answered(self) -> None:
        """The person has ended the line of the prompt."""
        self._prompt = self._drawn = ""

    def withdraw(self) -> None:
        """Takes the prompt and the transient line away."""
        self._erase()
        self._prompt = self._transient = ""

    def _end_screen_line(self) -> None:
        if self._screen_open:
            self._err.write("\n")
            self._screen_open = False

    def _draw(self) -> None:
        text = self._prompt or (self._transient if self._draws else "")
        if not self._live or not text or self._screen_open:
            return
        self._err.write(self._painted(text, "ask" if self._prompt else "faint"))
        self._err.flush()
        self._drawn = text

    def _erase(self) -> None:
        if not self._drawn:
            return
        if not self._draws:
            self._err.write("\n")
            self._err.flush()
            self._drawn = ""
            return
        rows_above = (cells(self._drawn) - 1) // self._columns
        self._err.write("\r\x1b[K" + "\x1b[A\x1b[K" * rows_above)
        self._err.flush()
        self._drawn = ""

    def _painted(self, text: str, tone: str) -> str:
        if not self._color or tone not in _COLORS:
            return text
        return f"\x1b[{_COLORS[tone]}m{text}\x1b[0m"
