"""Titles of sessions: what a model is asked for one, and what is made of its answer, or without it. Pure."""

from __future__ import annotations

import re

from holdfast.core.domain.passages import DATA_RULE
from holdfast.core.domain.text import sanitize_line, shorten

READ_CHARS = 4_000
"""Of a first message that a model is shown."""
SYSTEM = (
    "You name conversations. Answer with a title of three to eight words, in the language of the message, "
    f"without quotation marks and without a full stop, and with nothing else. {DATA_RULE}"
)
_MOST_WORDS, _LONGEST = 8, 80
_WORDS_OF_MESSAGE, _LONGEST_OF_MESSAGE = 10, 70
_QUOTES = "\"'`\u00ab\u00bb\u201c\u201d\u201e\u2018\u2019"
_COMMAND = re.compile(r"/(\S+)\s*(.*)")


def asked_title(answer: str) -> str:
    """Returns the title that a model has answered with: one line of at most eight words, without quotation
    marks around it and without punctuation at its end; empty where there is none in it."""
    lines = (sanitize_line(line).strip() for line in answer.splitlines())
    line = next((line for line in lines if line.strip(_QUOTES + ".!?:;, ")), "")
    words = line.strip(_QUOTES + " ").split()[:_MOST_WORDS]
    title = " ".join(words).strip(_QUOTES + " ").rstrip(".!?:;, ").rstrip(_QUOTES)
    return shorten(title[:1].upper() + title[1:], _LONGEST)


def title_of_message(text: str) -> str:
    """Returns a title made of the first line of a message; one that begins with a command names that first.
    Empty where nothing is said in it."""
    lines = (sanitize_line(line).strip() for line in text.splitlines())
    line = next(filter(None, lines), "")
    if command := _COMMAND.fullmatch(line):
        name, rest = command.groups()
        line = f"{name[:1].upper()}{name[1:]} \u2014 {rest}" if rest else name[:1].upper() + name[1:]
    return shorten(" ".join(line.split()[:_WORDS_OF_MESSAGE]), _LONGEST_OF_MESSAGE)
