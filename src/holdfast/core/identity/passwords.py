"""Passwords: what one may be, and the slow hash that is kept of it.

Hashes are of Argon2id. Making one takes tens of milliseconds and much memory, which is what they are for: it
happens in threads, a few at once, and where too many wait for it the next one is refused.
"""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from holdfast.core.domain.errors import InvalidError, RateLimitedError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

SHORTEST = 8
LONGEST = 256
"""Characters of a password."""
_AT_ONCE = 2
_WAITING = 64
"""Most that wait for a hash: after it they would wait for seconds."""


@dataclass(frozen=True, slots=True)
class PasswordCost:
    """How much work a hash is. What stands here is the second of the two that RFC 9106 recommends."""

    rounds: int = 3
    memory_kib: int = 65_536
    lanes: int = 4


class Hasher:
    """Makes hashes of passwords, and compares."""

    def __init__(self, cost: PasswordCost) -> None:
        self._cost = cost
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._asked = 0
        self._nobodys = ""

    async def hash(self, password: str) -> str:
        """Returns the hash of a password that is new. Raises `InvalidError` (`weak_password`) for one that is
        too short or too long."""
        folded = _folded(checked_password(password))
        return await self._working(lambda: self._argon2.hash(folded))

    async def fits(self, hash: str | None, password: str) -> bool:
        """Says whether a password is the one of `hash`; where there is none, it takes as long to say no."""
        self._nobodys = self._nobodys or await self._working(
            lambda: self._argon2.hash(secrets.token_urlsafe(16))
        )
        if len(password) > LONGEST:
            return False
        return await self._working(lambda: self._same(hash or self._nobodys, password)) and hash is not None

    def outdated(self, hash: str) -> bool:
        """Says whether a hash was made with another cost."""
        return bool(self._argon2.check_needs_rehash(hash))

    def _same(self, hash: str, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            return bool(self._argon2.verify(hash, _folded(password)))
        except (VerificationError, InvalidHashError):
            return False

    async def _working(self, work: Callable[[], T]) -> T:
        if self._asked >= _WAITING:
            raise RateLimitedError(
                "Too many passwords are being checked; try again in some seconds.",
                code="too_many_passwords",
                details={"retry_after_s": 5.0},
            )
        self._asked += 1
        try:
            async with self._free:
                return await asyncio.to_thread(work)
        finally:
            self._asked -= 1

    @cached_property
    def _argon2(self) -> PasswordHasher:
        from argon2 import PasswordHasher  # loads a compiled library, which only accounts need

        cost = self._cost
        return PasswordHasher(time_cost=cost.rounds, memory_cost=cost.memory_kib, parallelism=cost.lanes)


def checked_password(password: str) -> str:
    """Returns what is to be a password. Raises `InvalidError` (`weak_password`)."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidError(f"A password has {SHORTEST} to {LONGEST} characters.", code="weak_password")
    return password


def _folded(password: str) -> bytes:
    """Returns the bytes of a password: the same ones however a keyboard has put its letters together."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
