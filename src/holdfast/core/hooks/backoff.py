"""When what failed is tried again."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_WAITS_S = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds after the first attempts that fail."""
WAIT_S = 1_800.0
"""Seconds after each later one: no longer, for what comes behind it waits too."""
MAX_ATTEMPTS = 52
"""Attempts over about a day; then the delivery has failed and the next event's turn comes."""
MAX_RETRY_AFTER_S = 3_600.0
"""A receiver that asks for a longer wait is tried again after this."""
JITTER = 0.2
"""A wait is up to this part of it shorter or longer, so that receivers are not asked by all at once."""


def wait_s(attempts: int, retry_after_s: float | None, chance: float) -> float:
    """Returns the seconds to wait after `attempts` attempts, at least what the receiver asked for.

    `chance` is a random number from 0 to 1.
    """
    usual = FIRST_WAITS_S[attempts - 1] if attempts <= len(FIRST_WAITS_S) else WAIT_S
    jittered = usual * (1 + JITTER * (2 * chance - 1))
    return max(jittered, min(retry_after_s or 0.0, MAX_RETRY_AFTER_S))


def retry_after_s(header: str, now: datetime) -> float | None:
    """Returns the seconds that a `Retry-After` header asks for; None for what is none."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
