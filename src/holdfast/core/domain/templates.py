"""Templates: texts with places for values.

    {{name}}      the value of that name
    $1 ... $9     a word of what was written after the template's name
    $ARGUMENTS    all words after the highest number that the template has
    $$  \\{{       a dollar sign and two braces, as they are

What is put in is data: nothing in a value is a place, a mention or an escape. Words that no place takes stand
below the text, so nothing that was written is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from holdfast.core.domain.errors import TooLargeError
from holdfast.core.domain.text import sanitize_line, shorten

MAX_FILLED_CHARS = 1_000_000
"""Longest text that a template becomes; a value may stand in many places."""
MAX_MENTION_CHARS = 4_096
"""Longest path or address of what a template takes along."""
MAX_MENTIONS = 200
"""Mentions of one text; most are words that only look like one."""

_PLACE = re.compile(r"\$\$|\\\{\{|\$ARGUMENTS\b|\$[1-9](?!\d)|\{\{[ \t]*([A-Za-z0-9_-]{1,64})[ \t]*\}\}")
_ESCAPES = {"$$": "$", "\\{{": "{{"}
_WORD = re.compile(r'(?:([A-Za-z0-9_-]{1,64})=)?(?:"((?:[^"\\]|\\.)*)"(?!\S)|(\S+))', re.DOTALL)
_MENTION = re.compile(r"(?<!\S)@")
_TRAILING = ".,;:!?)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes: of a name, or of a word's number, of which 0 are all that are left."""

    name: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Given:
    """What is put into a template."""

    named: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """A path or a resource after an `@` of the template."""

    text: str
    """Without the `@` and quotes around it."""
    given: bool
    """Whether a value is a part of it, so that it must exist."""
    fixed: int = 0
    """How many characters at its beginning are the template's own."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A template with its values."""

    text: str
    mentions: tuple[Mention, ...] = ()
    """Each once; `@` in values is none."""


class Template:
    """A text that was taken apart at its places."""

    def __init__(self, text: str) -> None:
        self._pieces = tuple(_pieces(text))
        places = [piece for piece in self._pieces if isinstance(piece, Place)]
        self.names = tuple(dict.fromkeys(place.name for place in places if place.name))
        """The names that it asks for, each once."""
        self.words = max((place.number for place in places), default=0)
        """The highest number of a word."""
        self.takes_rest = any(not place.name and not place.number for place in places)
        """Whether it has `$ARGUMENTS`."""

    def read(self, line: str, names: Iterable[str] = ()) -> Given:
        """Returns what was written after the template's name: words, in double quotes where they have spaces,
        and `name=value` for the names that it asks for and those of `names`."""
        known = dict.fromkeys((*names, *self.names))
        if not known and not self.words:
            return Given(words=(line.strip(),) if line.strip() else ())
        named: dict[str, str] = {}
        words: list[str] = []
        for found in _WORD.finditer(line):
            value = re.sub(r"\\(.)", r"\1", found[2], flags=re.DOTALL) if found[2] is not None else found[3]
            if found[1] in known:
                named[found[1]] = value
            else:
                words.append(f"{found[1]}={value}" if found[1] else value)
        return Given(named, tuple(words))

    def assign(self, given: Given, names: Sequence[str]) -> Given:
        """Returns `given` with its words as the values of `names` that have none yet, one for each and all
        that are left for the last; as it is where the template takes words by their numbers."""
        if self.words or self.takes_rest:
            return given
        open_names = [name for name in names if name not in given.named]
        if not open_names or not given.words:
            return given
        *firsts, last = open_names[: len(given.words)]
        values = dict(zip(firsts, given.words, strict=False))
        values[last] = " ".join(given.words[len(firsts) :])
        return Given({**given.named, **values})

    def fill(self, given: Given) -> Filled:
        """Returns the text with its values; a place without one is empty. Raises `TooLargeError`."""
        pieces = [self._value(piece, given) for piece in self._pieces]
        below = "" if self.takes_rest else " ".join(given.words[self.words :])
        if sum(len(text) for text, _ in pieces) + len(below) > MAX_FILLED_CHARS:
            raise TooLargeError(
                f"With these values it has more than {MAX_FILLED_CHARS} characters; give shorter ones.",
                code="prompt_too_large",
            )
        text = "".join(text for text, _ in pieces)
        mentions = _few(_mentions(text, pieces))
        if not below:
            return Filled(text, mentions)
        return Filled(f"{text.rstrip()}\n\n{below}" if text.strip() else below, mentions)

    def _value(self, piece: str | Place, given: Given) -> tuple[str, bool]:
        """Returns the text of a piece, and whether it is a value."""
        match piece:
            case str():
                return piece, False
            case Place(name="", number=0):
                return " ".join(given.words[self.words :]), True
            case Place(name=""):
                return given.words[piece.number - 1] if piece.number <= len(given.words) else "", True
            case _:
                return given.named.get(piece.name, ""), True


def _pieces(text: str) -> Iterable[str | Place]:
    """Yields literal texts and places, escapes undone."""
    literal, end = "", 0
    for found in _PLACE.finditer(text):
        literal += text[end : found.start()]
        end = found.end()
        if found[0] in _ESCAPES:
            literal += _ESCAPES[found[0]]
            continue
        yield literal
        literal = ""
        yield _place(found)
    yield literal + text[end:]


def _place(found: re.Match[str]) -> Place:
    if found[1]:
        return Place(name=found[1])
    return Place(number=0 if found[0] == "$ARGUMENTS" else int(found[0][1:]))


def _few(mentions: Iterable[Mention]) -> tuple[Mention, ...]:
    """Returns each mention once. Raises `TooLargeError` for too many."""
    different = tuple(dict.fromkeys(mentions))
    if len(different) > MAX_MENTIONS:
        raise TooLargeError(
            f"It has more than {MAX_MENTIONS} words that begin with `@`; put fewer of them into one prompt.",
            code="prompt_too_large",
        )
    return different


def _mentions(text: str, pieces: Sequence[tuple[str, bool]]) -> Iterable[Mention]:
    """Yields what the template itself mentions. A value in it counts as a whole, with its spaces."""
    is_value = bytearray().join(bytes([value]) * len(piece) for piece, value in pieces)
    at = 0
    # Each character is looked at once: the next mention begins where one ended.
    while found := _MENTION.search(text, at):
        at = start = found.end()
        if is_value[found.start()]:
            continue
        end = _closing(text, start, is_value)
        quoted = end is not None
        if end is None:
            at = end = _end(text, start, is_value)
        else:
            start, at = start + 1, end + 1
        given = any(is_value[start:end])
        while not quoted and end > start and not is_value[end - 1] and text[end - 1] in _TRAILING:
            end -= 1
        mentioned = text[start:end]
        if not mentioned.strip():
            continue
        if len(mentioned) > MAX_MENTION_CHARS:
            if not given:
                continue  # a long word of the template, no path
            raise TooLargeError(
                f"What it takes along, {shorten(sanitize_line(mentioned), 80)}, has more than "
                f"{MAX_MENTION_CHARS} characters; name one file or resource.",
                code="prompt_too_large",
            )
        fixed = is_value.find(1, start, end)
        yield Mention(mentioned, given, len(mentioned) if fixed < 0 else fixed - start)


def _closing(text: str, start: int, is_value: bytearray) -> int | None:
    """Returns where the template closes the quotes that it opens at `start`; None where it does not."""
    if text[start : start + 1] != '"' or is_value[start]:
        return None
    end = text.find('"', start + 1)
    while end >= 0 and is_value[end]:
        end = text.find('"', end + 1)
    return None if end < 0 else end


def _end(text: str, start: int, is_value: bytearray) -> int:
    """Returns where a mention without quotes ends: at the template's next space or next mention."""
    for end in range(start, len(text)):
        if not is_value[end] and (text[end].isspace() or (text[end] == "@" and text[end - 1].isspace())):
            return end
    return len(text)
