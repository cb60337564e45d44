"""Spans and points of time as people write them: `7d`, `2026-11-22`, `2026-11-22 15:30`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from holdfast.core.domain.errors import InvalidError

_SPAN = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span(text: str) -> timedelta:
    """Returns the span that `text` says. Raises `InvalidError`."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise InvalidError(f"{text!r} is no span of time; write a number and s, m, h, d or w, such as 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def moment(text: str, now: datetime | None = None) -> datetime:
    """Returns the point of time that `text` says: a span before now, or a date, with or without a time.

    Without an offset it is meant as the clock here shows it. Raises `InvalidError`.
    """
    if _SPAN.fullmatch(text.strip()):
        try:
            return (now or datetime.now(UTC)) - span(text)
        except OverflowError:
            raise InvalidError(f"{text!r} is before there were dates") from None
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidError(
            f"{text!r} is no time; write how long ago (7d, 24h) or a date (2026-11-22)"
        ) from None


def day_of(text: str) -> tuple[datetime, datetime]:
    """Returns begin and end of the day that `text` says, by the clock here. Raises `InvalidError`."""
    try:
        begin = datetime.fromisoformat(text.strip()).replace(hour=0, minute=0, second=0, microsecond=0)
        return begin.astimezone(UTC), (begin + timedelta(days=1)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidError(f"{text!r} is no day; write one such as 2026-11-22") from None
