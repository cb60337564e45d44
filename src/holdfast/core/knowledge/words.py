"""What counts as a word when knowledge is searched: the same for passages and for questions."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_WORDS = 64
"""Words of a question that are looked up; a whole pasted page would read half of the index."""

_NAME = re.compile(r"\w+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+")

# Articles, pronouns, auxiliaries, prepositions and question words: they say nothing about the subject, and
# reading their rows costs more than that of all other words together.
_STOP = frozenset(
    """
    a about after again all also am an and any are as at be because been before being both but by
    can could did do does doing done each for from had has have having he her here his how i if in
    into is it its just may me might more most must my no nor not now of off on only or other our
    out over own shall she should so some such than that the their them then there these they this
    those to too under until up us very was we were what when where which while who whom whose why
    will with would you your
    """.split()  # noqa: SIM905  a list of a hundred strings is no easier to read
)


def plain(text: str) -> str:
    """Returns the words of a text in small letters, names such as `readLine` and `read_line` as their words.

    That is what the bundled embedding model reads: it gives a vector to each piece of a word and takes their
    mean, so signs and the pieces of a name it has never seen only blur it. Empty when there is no word.
    """
    return " ".join(_NAME.findall(_HUMP.sub(" ", text).lower()))


def names(*texts: str) -> str:
    """Returns the words that the names in the texts are made of: `JSON Encoder` for `the JSONEncoder`.

    They are indexed beside the text, because the index takes `JSONEncoder` for one word.
    """
    return " ".join(part for text in texts for part in _parts(text))


def match(question: str) -> str | None:
    """Returns what FTS5 is asked for a question: any of its words. None when it has none.

    Each word is quoted, so that nothing in a question is taken for FTS5's own language.
    """
    words = dict.fromkeys(word.lower() for word in _words(question))
    telling = [word for word in words if word not in _STOP] or list(words)
    return " OR ".join(f'"{word}"' for word in telling[:MAX_WORDS]) or None


def _words(text: str) -> Iterator[str]:
    for name in _NAME.findall(text):
        yield from (part for part in name.split("_") if part)  # as the index's tokenizer does
    yield from _parts(text)


def _parts(text: str) -> Iterator[str]:
    for name in _NAME.findall(text):
        if name[1:].islower() and "_" not in name:
            continue  # nearly all of a text, and splitting is what takes time here
        parts = [part for part in _HUMP.split(name) if part]
        if len(parts) > 1:
            yield from parts
