"""Numbers as people read them: ages, durations, sizes, tokens and money."""

from __future__ import annotations

from datetime import datetime

_UNITS = ("B", "KB", "MB", "GB")


def age(then: datetime, now: datetime) -> str:
    """Returns how long ago `then` was, in one unit: `now`, `5m`, `3h`, `2d`, `7w`."""
    seconds = max(0, int((now - then).total_seconds()))
    if seconds < 45:
        return "now"
    for limit, size, unit in ((3600, 60, "m"), (86_400, 3600, "h"), (14 * 86_400, 86_400, "d")):
        if seconds < limit:
            return f"{max(1, seconds // size)}{unit}"
    return f"{seconds // (7 * 86_400)}w"


def until(then: datetime, now: datetime) -> str:
    """Returns how long it is until `then`, in one unit, or `any moment`."""
    seconds = int((then - now).total_seconds())
    if seconds <= 0:
        return "any moment"
    if seconds < 60:
        return f"{seconds}s"
    return age(now, then)


def duration(ms: float) -> str:
    """Returns a duration given in milliseconds: `20 ms`, `1.4 s`, `2 m 05 s`."""
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} m {int(seconds % 60):02d} s"


def size(count: int) -> str:
    """Returns a number of bytes: `512 B`, `2.1 KB`, `5.0 MB`."""
    if count < 1000:
        return f"{count} B"
    power = 1 if count < 1_000_000 else 2 if count < 1_000_000_000 else 3
    value = count / 1000**power
    return f"{value:.1f} {_UNITS[power]}" if value < 100 else f"{value:.0f} {_UNITS[power]}"


def tokens(count: int) -> str:
    """Returns a number of tokens: `840`, `3.1k`, `1.2M`."""
    if count < 1000:
        return str(count)
    if count < 1_000_000:
        return f"{count / 1000:.1f}k"
    return f"{count / 1_000_000:.1f}M"


def cost(usd: float, unpriced: bool = False) -> str:
    """Returns an amount of money; `+?` when a part of it has no known price."""
    digits = 2 if usd == 0 or usd >= 0.01 else 4
    return f"${usd:.{digits}f}" + ("+?" if unpriced else "")


def counted(count: int, name: str) -> str:
    """Returns how many there are of something: `1 row`, `1,200 rows`."""
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"
