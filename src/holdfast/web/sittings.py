"""Who has signed in at this server: sittings by a random cookie, and the code of the one-time link.

All of it is in memory: when the server ends, everybody has to sign in again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

LIFE_S = 12 * 3600.0
"""How long a sitting lasts at most."""
IDLE_S = 3600.0
"""How long it lasts without an open page and without a request."""
CODE_S = 600.0
"""How long the one-time link can be used."""
MOST = 200
"""Sittings at once; the one that was used least lately makes room."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Login:
    """A login at the engine: it may do what the key may that it was made with, and ends with it."""

    user_id: str
    name: str
    id: str
    secret: str = field(repr=False)


@dataclass(slots=True, eq=False)
class Sitting:
    """A browser that has signed in."""

    login: Login
    ends_at: float
    used_at: float
    pages: set[Callable[[], Awaitable[None]]] = field(default_factory=set)
    """Each closes an open page."""


class Sittings:
    """The sittings of one server. A cookie's value is kept as its hash only, and looked up by it: how long
    that takes says nothing of the value."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._found: dict[bytes, Sitting] = {}

    def open(self, login: Login) -> tuple[str, Sitting, list[Sitting]]:
        """Returns a new cookie's value, its sitting, and those that made room, which the caller ends."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        sitting = Sitting(login, now + LIFE_S, now)
        gone = []
        while len(self._found) >= MOST:
            oldest = min(self._found, key=lambda digest: self._found[digest].used_at)
            gone.append(self._found.pop(oldest))
        self._found[_digest(token)] = sitting
        return token, sitting, gone

    def find(self, token: str) -> Sitting | None:
        """Returns the sitting of a cookie's value, which counts as used; None when it has ended."""
        sitting = self._found.get(_digest(token))
        if sitting is None or self._is_over(sitting):
            return None
        sitting.used_at = self._clock()
        return sitting

    def close(self, sitting: Sitting) -> None:
        """Forgets a sitting; the caller closes its pages and ends its login."""
        self._found = {digest: each for digest, each in self._found.items() if each is not sitting}

    def over(self) -> list[Sitting]:
        """Forgets and returns those whose time is over."""
        ended = [sitting for sitting in self._found.values() if self._is_over(sitting)]
        for sitting in ended:
            self.close(sitting)
        return ended

    def all(self) -> list[Sitting]:
        """Returns all sittings."""
        return list(self._found.values())

    def _is_over(self, sitting: Sitting) -> bool:
        now = self._clock()
        idle = not sitting.pages and now - sitting.used_at > IDLE_S
        return idle or now > sitting.ends_at


class OneTimeCode:
    """A code that lets one browser in, once."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = 0.0
        self._code = b""

    def issue(self) -> str:
        """Returns a new code; the one before is worth nothing any more."""
        code = secrets.token_urlsafe(24)
        self._code = code.encode()
        self._ends_at = self._clock() + CODE_S
        return code

    def take(self, code: str) -> bool:
        """Says whether this is the code, which then is used up."""
        right = hmac.compare_digest(self._code, code.encode("utf-8", errors="replace"))
        if not self._code or not right or self._clock() > self._ends_at:
            return False
        self._code = b""
        return True


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", errors="replace")).digest()
