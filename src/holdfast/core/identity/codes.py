"""Codes that are sent to an e-mail address, to see that it is somebody's own. They are kept in memory."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from holdfast.core.domain.accounts import CODE_S, RESEND_S
from holdfast.core.domain.errors import RateLimitedError
from holdfast.core.domain.token_buckets import TokenBuckets

_TRIES = 5
"""Wrong codes after which the right one is none any more."""
_A_DAY = 20
"""Codes that are sent to one address in a day."""
_AT_ONCE = 100
_PER_S = 0.2
"""Codes that are sent at once, to whomever, and how quickly more are."""
_KEPT = 10_000


@dataclass(slots=True)
class _Sent:
    code: str
    at: float
    wrong: int = 0


class Codes:
    """The codes that were sent, by address. Each is of six digits, and for one use."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: OrderedDict[str, _Sent] = OrderedDict()
        self._to_one = TokenBuckets(_A_DAY / 86_400, _A_DAY, clock=clock)
        self._to_all = TokenBuckets(_PER_S, _AT_ONCE, clock=clock)

    def make(self, address: str) -> str:
        """Returns a new code for an address; one before it is none any more. Raises `RateLimitedError`
        (`code_too_soon`), which says how long to wait."""
        now, before = self._clock(), self._sent.get(address)
        wait_s = 0.0 if before is None else before.at + RESEND_S - now
        if wait_s <= 0:
            wait_s = self._to_one.take(address) or self._to_all.take("")
        if wait_s > 0:
            raise RateLimitedError(
                f"A code was asked for a moment ago; wait {wait_s:.0f} s.",
                code="code_too_soon",
                details={"retry_after_s": wait_s},
            )
        made = f"{secrets.randbelow(1_000_000):06}"
        self._sent[address] = _Sent(made, now)
        self._sent.move_to_end(address)
        if len(self._sent) > _KEPT:
            self._sent.popitem(last=False)
        return made

    def fits(self, address: str, code: str) -> bool:
        """Says whether `code` is the one that was sent to an address and still holds, as it does then."""
        sent = self._sent.get(address)
        if sent is None or self._clock() - sent.at > CODE_S or sent.wrong >= _TRIES:
            return False
        if hmac.compare_digest(sent.code.encode(), code.strip().encode("utf-8", "replace")):
            return True
        sent.wrong += 1
        return False

    def use(self, address: str) -> None:
        """Makes the code of an address one that holds no more; another one can be sent after the wait."""
        sent = self._sent.get(address)
        if sent is not None:
            sent.wrong = _TRIES
