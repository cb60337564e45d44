"""Requests that may be repeated: the port to the answers that are kept for who asks again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

KEPT_S = 24 * 60 * 60
"""How long an answer is kept, in seconds."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request under the key that its caller has chosen for it."""

    user_id: str
    operation: str
    """What was asked for; each has keys of its own."""
    key: str
    digest: str
    """Of all that the request says: the same key must not come with anything else."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    status: int
    """Of HTTP."""
    body: bytes


class KeptAnswers(Protocol):
    """The answers that are kept. They outlive the engine."""

    async def claim(self, request: KeyedRequest) -> KeptAnswer | None:
        """Returns the answer that was given before; None for who is the first, and is to answer now.

        Who is the first ends with `keep` or `release`. Raises `ConflictError`: `idempotency_key_reused`
        for another request under the key, `idempotency_in_progress` while it is answered, and
        `idempotency_interrupted` when an engine stopped before it had answered.
        """
        ...

    async def keep(self, request: KeyedRequest, answer: KeptAnswer) -> None:
        """Keeps the answer for `KEPT_S` seconds."""
        ...

    async def release(self, request: KeyedRequest) -> None:
        """Lets the key be used again, as if it had not been."""
        ...
