"""Times as Dexto writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def millis(at: datetime) -> int:
    """Returns a time in milliseconds since 1970."""
    return round(at.timestamp() * 1000)


def iso(at: datetime) -> str:
    """Returns a time as JavaScript writes it: in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
