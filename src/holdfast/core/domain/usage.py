"""What runs have used: tokens and money, added up for a report."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.runs import Usage
from holdfast.core.domain.values import Value

UsageDays = Annotated[int, Field(ge=1, le=3_650)]
UsageKey = Literal["day", "month", "model", "agent", "session", "run", "message", "key", "user"]
"""What a report is grouped by. Days and months are those of UTC."""


class UsageCounts(Usage):
    """Tokens and money with the work that they paid for."""

    runs: int = 0
    """Runs that were started."""
    steps: int = 0
    """Model calls that were started; those of summaries are not counted, but their tokens are."""
    credits: float = 0.0
    """What was charged, at the prices of the time."""
    sessions: int = 0
    """Sessions in which it was used; what sub-agents have used counts in the one that they work for."""


class UsageGroup(UsageCounts):
    key: str
    """A day (`2026-11-22`), a month (`2026-11`), a model, an agent, or the id of a session, run, message, key
    or user; empty for what no key has asked for, and where no message was said."""
    label: str = ""
    """Title of the session, name of the key or user, as long as there is one."""
    first_at: AwareDatetime | None = None
    """When the earliest of it was used."""
    last_at: AwareDatetime | None = None
    """When the latest of it was used."""


class UsageOf(Value):
    """A part of what was used; None: all."""

    session: str | None = None
    """Id of a session, with what sub-agents have used in it; or of one that a sub-agent works in, alone."""
    agent: str | None = None
    key: str | None = None
    """Id of an API key; empty: what none has asked for."""
    user: str | None = None
    """Id of a user."""


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
