"""What runs have used: tokens and money, added up for a report."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from holdfast.core.domain.runs import Usage
from holdfast.core.domain.values import Value

UsageKey = Literal["day", "month", "model", "agent", "session", "user"]
"""What a report is grouped by. Days and months are those of UTC."""


class UsageCounts(Usage):
    """Tokens and money with the work that they paid for."""

    runs: int = 0
    """Runs that were started."""
    steps: int = 0
    """Model calls that were started; those of summaries are not counted, but their tokens are."""


class UsageGroup(UsageCounts):
    key: str
    """A day (`2026-11-22`), a month (`2026-11`), a model, an agent, or the id of a session or user."""
    label: str = ""
    """Title of the session or name of the user, as long as there is one."""


class ModelUsage(Usage):
    model: str


class UsageSummary(Value):
    """What was used in a span of time. What a deleted session has used is still in it."""

    by: UsageKey
    since: AwareDatetime | None
    until: AwareDatetime | None
    total: UsageCounts
    """Of all groups, those that were left out included."""
    groups: tuple[UsageGroup, ...]
    """Days and months in their order, the others with the dearest first."""
    left_out: int = 0
    """How many groups there are beyond the limit."""
