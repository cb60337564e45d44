"""One stream, written from top to bottom: nothing is drawn over, coloured or taken away."""

from __future__ import annotations

import re
from typing import TextIO

from holdfast.cli.running.console import Console
from holdfast.core.domain.text import sanitize, sanitize_line

_SENTENCE_END = re.compile(r"[.!?…:;][\"'”’)\]]*[ \t]+|\n")
_LONGEST = 400
"""Characters without an end of a sentence that are held back at most."""


class PlainConsole(Console):
    """Writes replies by whole sentences or lines, so that a screen reader does not read halves of words."""

    def __init__(self, out: TextIO) -> None:
        super().__init__(out, out)
        self._held = ""
        self._in_line = False
        """Whether the last line that was written is not ended yet."""

    def reply(self, text: str) -> None:
        """Takes the next piece of the reply, and writes as far as a sentence or line has come to its end."""
        self._held += text  # as it came: a CR LF may be cut between two calls
        ends = [found.end() for found in _SENTENCE_END.finditer(self._held)]
        if not ends and len(self._held) > _LONGEST:
            ends = [self._held.rfind(" ") + 1 or len(self._held)]
        if ends:
            self._write(sanitize(self._held[: ends[-1]]))
            self._held = self._held[ends[-1] :]

    def next_part(self) -> None:
        self.end_reply()

    def end_reply(self) -> None:
        """Writes what is left of the reply and ends its last line."""
        self._write(sanitize(self._held))
        self._held = ""
        self._end_line()

    def line(self, text: str = "", tone: str = "plain") -> None:
        """Writes a line, or several."""
        self.end_reply()
        self._write(sanitize(text) + "\n")

    def transient(self, text: str) -> None:
        """Writes nothing: what comes and goes would be read each time."""

    def prompt(self, text: str) -> None:
        """Writes a question, after which the person types."""
        self.end_reply()
        self._write(sanitize_line(text))

    def answered(self) -> None:
        """The person has ended the line of the prompt."""
        self._in_line = False

    def withdraw(self) -> None:
        """Ends the line of a prompt that nobody answers any more."""
        self.end_reply()

    def _end_line(self) -> None:
        if self._in_line:
            self._write("\n")

    def _write(self, text: str) -> None:
        if text:
            self._out.write(text)
            self._out.flush()
            self._in_line = not text.endswith("\n")
