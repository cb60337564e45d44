"""Between Sage's sums of tokens and ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from holdfast.core.domain.usage import UsageCounts, UsageGroup, UsageSummary
from holdfast.server.dialects.sage.mapping_times import local_time
from holdfast.server.dialects.sage.wire_usage import Dimension, TokenItem, TokenSummary, TokenUsage


def moment(said: date | datetime | None, *, end: bool = False) -> datetime | None:
    """Returns when a span begins, or with `end` ends; a day ends with its last moment."""
    if said is None:
        return None
    if not isinstance(said, datetime):
        said = datetime.combine(said + timedelta(days=1) if end and said < date.max else said, time())
    try:
        return said if said.tzinfo is not None else said.astimezone()
    except (OverflowError, ValueError, OSError):  # years of which no clock knows
        return None


def token_usage(found: UsageSummary, dimension: Dimension, ids: Mapping[str, str]) -> TokenUsage:
    """Returns what was used as clients read it. `ids` are those that clients have for the groups' keys."""
    total = _counts(found.total)
    average = total["total_tokens"] / total["session_count"] if total["session_count"] else 0.0
    return TokenUsage(
        summary=TokenSummary(**total, average_tokens_per_session=average),
        items=[_item(each, dimension, ids.get(each.key, each.key)) for each in found.groups],
    )


def _item(group: UsageGroup, dimension: Dimension, id: str) -> TokenItem:
    return TokenItem(
        **_counts(group),
        agent_id=id if dimension == "agent" else None,
        user_id=id if dimension == "user" else None,
        session_id=id if dimension == "session" else None,
        started_at=None if group.first_at is None else local_time(group.first_at),
        finished_at=None if group.last_at is None else local_time(group.last_at),
    )


def _counts(counts: UsageCounts) -> dict[str, Any]:
    return {
        "session_count": counts.sessions,
        "input_tokens": counts.input_tokens,
        "output_tokens": counts.output_tokens,
        "total_tokens": counts.input_tokens + counts.output_tokens,
        "model_call_count": counts.steps,
    }
