"""What keeps strangers from guessing: requests that look at a password or a code, counted by the door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from starlette.requests import HTTPConnection
from starlette.types import Scope

Guard = Callable[[], AbstractContextManager[None]]
"""Stands around what looks at a password; it raises `RateLimitedError` for who was wrong too often."""

_GUARD = "guessing"


def guard_guesses(scope: Scope, guard: Guard) -> None:
    """Makes `guard` what counts the guesses of this request: what a door does that strangers come to."""
    scope.setdefault("state", {})[_GUARD] = guard


@contextmanager
def guessing(request: HTTPConnection) -> Iterator[None]:
    """Stands around what looks at a password or a code of a request without a key; what raises was wrong.

    Raises `RateLimitedError` for who was wrong too often. At the unix socket nobody is counted.
    """
    guard: Guard = request.scope["state"].get(_GUARD, nullcontext)
    with guard():
        yield
