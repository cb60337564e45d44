"""Takes secrets out of text before it is stored or shown, whole or streamed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import quote

MASK = "[redacted]"
SHORTEST = 8
"""Shorter secrets are left alone: they would be found in ordinary words."""


class _Pattern:
    """Finds any of a set of secrets: the leftmost, and of those that start there the longest."""

    def __init__(self, secrets: frozenset[str]) -> None:
        written = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        longest_first = sorted(written, key=lambda form: (-len(form), form))
        self._regex = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._starts: dict[
            str, list[str]
        ] = {}  # by their first few characters: all prefixes would be too many
        for form in longest_first:
            for size in range(1, SHORTEST + 1):
                self._starts.setdefault(form[:size], []).append(form)
        self._longest = max((len(form) for form in written), default=0)

    def redact(self, text: str) -> str:
        return self._regex.sub(MASK, text) if self._regex else text

    def split(self, text: str) -> tuple[str, str]:
        """Returns the redacted start of `text` that no later text can change, and the rest as it is."""
        done: list[str] = []
        position = 0
        while True:
            held = self._undecided(text, position)
            match = self._regex.search(text, position) if self._regex else None
            if match is None or match.start() >= held:
                done.append(text[position:held])
                return "".join(done), text[held:]
            done.append(text[position : match.start()] + MASK)
            position = match.end()

    def _undecided(self, text: str, position: int) -> int:
        """Returns the first place from which the rest of `text` could become a secret."""
        first = max(position, len(text) - self._longest + 1)
        return next((at for at in range(first, len(text)) if self._may_begin(text, at)), len(text))

    def _may_begin(self, text: str, at: int) -> bool:
        """Says whether all of `text` from `at` on is the beginning of a longer secret."""
        forms = self._starts.get(text[at : at + SHORTEST], ())
        return any(len(form) > len(text) - at and form.startswith(text[at:]) for form in forms)


def _forms(secret: str) -> set[str]:
    """Returns how a secret may be written: as it is, inside JSON, inside an address."""
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], _in_url(secret)}


def _in_url(secret: str) -> str:
    return quote(secret.encode("utf-8", "surrogatepass"), safe="")


@lru_cache(maxsize=4)
def _pattern(secrets: frozenset[str]) -> _Pattern:
    return _Pattern(secrets)


class Redactor:
    """Replaces secrets by `MASK`. `secrets` is asked each time, so that a new key counts at once."""

    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        self._secrets = secrets

    def redact(self, text: str) -> str:
        """Returns `text` without secrets."""
        return self._now().redact(text)

    def split(self, text: str) -> tuple[str, str]:
        """Returns the redacted part of `text` that is decided, and the end that may begin a secret."""
        return self._now().split(text)

    def _now(self) -> _Pattern:
        return _pattern(frozenset(self._secrets()))


class StreamRedactor:
    """Redacts a text that comes in pieces; what it gives, joined, is the whole text redacted.

    Only an end that may be the beginning of a secret is held back.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, text: str) -> str:
        """Takes the next piece and returns what can be shown."""
        shown, self._held = self._redactor.split(self._held + text)
        return shown

    def flush(self) -> str:
        """Returns what was held back; the text has ended."""
        rest, self._held = self._held, ""
        return self._redactor.redact(rest)
