"""Moments as Sage writes them: without a zone, as the clock of the server's place shows them. Pure."""

from __future__ import annotations

from datetime import datetime


def local_time(moment: datetime) -> str:
    """Returns a moment in ISO 8601, with microseconds."""
    return moment.astimezone().replace(tzinfo=None).isoformat(timespec="microseconds")
