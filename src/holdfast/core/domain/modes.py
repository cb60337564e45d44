"""The mode of a session: how much its agent may do without asking, and the limits of that."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, Field

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.values import Value


class AutoLimits(Value):
    """How far the mode `auto` goes before it asks again, counted from when it was switched on, over all runs
    of the session."""

    steps: int = Field(default=50, ge=1, le=10_000)
    """Model calls."""
    cost_usd: float | None = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Dollars, as far as prices are known; None: no limit of this kind."""
    minutes: float = Field(default=30.0, gt=0, le=10_080, allow_inf_nan=False)
    """Minutes on the clock, waiting for a person included."""


class SessionMode(Value):
    """How much a session's agent may do without asking, since when, and what was used since."""

    mode: ApproveMode
    limits: AutoLimits | None = None
    """Of the mode `auto`, None for the others."""
    since: AwareDatetime
    steps: int = 0
    """Model calls since then."""
    cost_usd: float = 0.0
    """What they have cost, as far as prices are known."""

    def reached(self, now: datetime) -> str:
        """Says which limit is reached at `now`; empty while there is none, or none is reached."""
        limits = self.limits
        if self.mode is not ApproveMode.AUTO or limits is None:
            return ""
        if self.steps >= limits.steps:
            return f"{limits.steps} steps are made"
        if limits.cost_usd is not None and self.cost_usd >= limits.cost_usd:
            return f"${limits.cost_usd:g} are spent"
        if (now - self.since).total_seconds() >= limits.minutes * 60:
            return f"{limits.minutes:g} minutes are over"
        return ""
