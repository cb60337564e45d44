"""The message that is being written: long pastes folded into chips, `@path`, `/command`, and history."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from holdfast.tui.presenters.figures import size

FOLD_CHARS = 4_000
FOLD_LINES = 40

_MENTION = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|([^\s"@][^\s]*))')
_OPEN = re.compile(r'(?<!\S)@(?:"([^"\n]*)|([^\s"@]*))\Z')


_NAME = "[a-z]+(?:-[a-z]+)*"
_ARGUMENT = re.compile(rf"/({_NAME}) ([^\n]{{0,200}})")


@dataclass(frozen=True, slots=True)
class Token:
    """What stands before the cursor and can be completed."""

    kind: Literal["file", "command", "argument"]
    text: str
    """Without its `@` or `/`."""
    length: int
    """Characters before the cursor that a completion replaces."""
    command: str = ""
    """Of an argument: the word after the `/`."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A path after `@` in a message."""

    path: str
    chosen: bool
    """Whether it was chosen from the list, so that it must be a file."""


class Draft:
    """What belongs to the text of the message field but does not stand in it."""

    def __init__(self) -> None:
        self._pasted: dict[str, str] = {}
        self._chosen: set[str] = set()

    def fold(self, text: str) -> str:
        """Returns what to insert for a pasted `text`: itself, or a chip that stands for it."""
        if len(text) <= FOLD_CHARS and text.count("\n") <= FOLD_LINES:
            return text
        known = next((chip for chip, whole in self._pasted.items() if whole == text), None)
        if known is not None:
            return known
        label = f"pasted {size(len(text.encode('utf-8', 'replace')))}"
        chip = f"[{label}]"
        number = 2
        while chip in self._pasted:
            chip, number = f"[{label} #{number}]", number + 1
        self._pasted[chip] = text
        return chip

    def expand(self, text: str) -> str:
        """Returns `text` with each chip replaced by what was pasted, once."""
        if not self._pasted:
            return text
        pattern = re.compile("|".join(re.escape(chip) for chip in self._pasted))
        return pattern.sub(lambda found: self._pasted[found[0]], text)

    def choose(self, path: str) -> str:
        """Notes that `path` was chosen from the list; returns how it is written in the message."""
        self._chosen.add(path)
        return f'@"{path}" ' if re.search(r"\s", path) else f"@{path} "

    def mentions(self, text: str) -> list[Mention]:
        """Returns the paths after `@` in the typed text (not in chips), each once."""
        found: dict[str, Mention] = {}
        for match in _MENTION.finditer(text):
            path = match[1] or match[2]
            if path not in self._chosen and match[1] is None:
                path = path.rstrip(".,;:!?)") or path
            found.setdefault(path, Mention(path, path in self._chosen))
        return list(found.values())

    def clear(self) -> None:
        self._pasted.clear()
        self._chosen.clear()


def renamed(text: str, path: str, name: str) -> str:
    """Returns a message in which what is mentioned as `path` is called `name`."""
    if path == name:
        return text
    mention = f'@"{name}"' if re.search(r"\s", name) else f"@{name}"
    return text.replace(f'@"{path}"', mention).replace(f"@{path}", mention)


def token_before(text: str) -> Token | None:
    """Returns what can be completed at the end of `text`, the message up to the cursor."""
    if text.startswith("/") and "\n" not in text and " " not in text:
        return Token("command", text[1:], len(text))
    argument = _ARGUMENT.fullmatch(text)
    if argument is not None:
        return Token("argument", argument[2], len(argument[2]), argument[1])
    match = _OPEN.search(text[-300:])
    if match is None:
        return None
    return Token("file", match[1] if match[1] is not None else match[2], len(match[0]))


def command_of(text: str) -> tuple[str, str] | None:
    """Returns name and argument of a slash command; None when `text` is a message.

    A path such as `/etc/hosts is wrong` is no command: the name is letters, and hyphens between them.
    """
    match = re.fullmatch(rf"/({_NAME})(?:[ \t]+([^\n]*))?\s*", text)
    return (match[1], (match[2] or "").strip()) if match else None


class History:
    """Messages that were sent before, to be called back one by one."""

    def __init__(self, limit: int = 200) -> None:
        self._texts: list[str] = []
        self._limit = limit
        self._at: int | None = None

    def add(self, text: str) -> None:
        """Notes a message that was sent."""
        self._at = None
        if text and (not self._texts or self._texts[-1] != text):
            self._texts = [*self._texts, text][-self._limit :]

    def replace(self, texts: list[str]) -> None:
        """Takes the messages of a session that was opened."""
        self._texts, self._at = texts[-self._limit :], None

    def older(self) -> str | None:
        """Returns the message before the one that is shown; None at the beginning."""
        at = len(self._texts) if self._at is None else self._at
        if at == 0:
            return None
        self._at = at - 1
        return self._texts[self._at]

    def newer(self) -> str | None:
        """Returns the message after the one that is shown, "" after the last; None when none is shown."""
        if self._at is None:
            return None
        self._at += 1
        if self._at < len(self._texts):
            return self._texts[self._at]
        self._at = None
        return ""

    def leave(self) -> None:
        """Ends going through the messages: the text was edited."""
        self._at = None

    @property
    def browsing(self) -> bool:
        return self._at is not None
