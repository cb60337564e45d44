"""Fuzzy matching in time linear in the text: titles come from models and may be made to be slow to match."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_TEXT = 300
LONGEST_QUERY = 80


@dataclass(frozen=True, slots=True)
class Match:
    """How well a text fits."""

    score: float
    places: frozenset[int]
    """The characters that were meant."""


def match(query: str, text: str) -> Match | None:
    """Returns how well `text` fits: each word of `query` must be in it, its letters in their order, not
    necessarily side by side. None where it does not fit."""
    lowered = _lower(text[:LONGEST_TEXT])
    score, places = 0.0, set[int]()
    for word in _lower(query[:LONGEST_QUERY]).split():
        found = _word(word, lowered)
        if found is None:
            return None
        score += found[0]
        places |= found[1]
    return Match(score - len(lowered) / 1000, frozenset(places))


def _lower(text: str) -> str:
    # A letter stays one letter, so that places in it are places in the text.
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


def _word(word: str, text: str) -> tuple[float, set[int]] | None:
    at = text.find(word)
    begins = at
    while begins > 0 and text[begins - 1].isalnum():
        begins = text.find(word, begins + 1)
    if begins >= 0:
        whole = begins + len(word) == len(text) or not text[begins + len(word)].isalnum()
        return len(word) * (4.0 if whole else 3.0), set(range(begins, begins + len(word)))
    if at >= 0:
        return len(word) * 2.0, set(range(at, at + len(word)))
    return _scattered(word, text, at_words=True) or _scattered(word, text, at_words=False)


def _scattered(word: str, text: str, *, at_words: bool) -> tuple[float, set[int]] | None:
    """Finds the letters one after the other: side by side, else at the beginning of a word if wanted, else
    the next."""
    places: list[int] = []
    score = 0.0
    for letter in word:
        start = places[-1] + 1 if places else 0
        if places and start < len(text) and text[start] == letter:
            at = start
            score += 1.5
        else:
            at = _at_word(letter, text, start) if at_words else -1
            score += 1.0 if at >= 0 else 0.0
            at = at if at >= 0 else text.find(letter, start)
        if at < 0:
            return None
        places.append(at)
    # Letters all over a text were hardly meant.
    spread = places[-1] - places[0] + 1 - len(word)
    if len(word) > 1 and spread > 6 * len(word):
        return None
    return score - spread / 50, set(places)


def _at_word(letter: str, text: str, start: int) -> int:
    at = text.find(letter, start)
    while at > 0 and text[at - 1].isalnum():
        at = text.find(letter, at + 1)
    return at
