"""Whatever order events come in, what is added up in groups is the sum over the events."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.domain.events import MessageAdded, RunStarted, SessionCreated, UsageRecorded
from holdfast.core.domain.limits import Budget, Limit, begin, budget_of, rates, renewal, tier_of
from holdfast.core.domain.messages import TextPart
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store.log import EventLog
from holdfast.core.store.usage import UsageTable

FIRST = datetime(2026, 11, 29, 12, tzinfo=UTC)
SESSIONS = {"s1": "ann", "s2": "ann", "s3": "bob"}
RUNS = {  # run: session, agent, key
    "r1": ("s1", "writer", "k1"),
    "r2": ("s1", "reader", ""),
    "r3": ("s2", "writer", "k2"),
    "r4": ("s3", "writer", "k1"),
    "r5": ("s3", "reader", "k3"),
}
uses = st.lists(
    st.builds(
        UsageRecorded,
        session_id=st.just(""),
        run_id=st.sampled_from(sorted(RUNS)),
        at=st.integers(0, 72 * 3600).map(lambda seconds: FIRST + timedelta(seconds=seconds)),
        model=st.sampled_from(["m1", "m2"]),
        input_tokens=st.integers(0, 10_000),
        output_tokens=st.integers(0, 10_000),
        cost_usd=st.none() | st.integers(0, 4000).map(lambda n: n / 1024),  # sums of these are exact
        credits=st.integers(0, 4000).map(lambda n: n / 1024),
    ),
    max_size=25,
)


def keys_of(use: UsageRecorded) -> dict[str, str]:
    session, agent, key = RUNS[use.run_id]
    return {
        "day": f"{use.at:%Y-%m-%d}",
        "month": f"{use.at:%Y-%m}",
        "model": use.model,
        "agent": agent,
        "session": session,
        "run": use.run_id,
        "message": f"message of {use.run_id}",
        "key": key,
        "user": SESSIONS[session],
    }


def sums(uses: list[UsageRecorded], by: str) -> dict[str, tuple[int, int, float, float]]:
    found: dict[str, tuple[int, int, float, float]] = defaultdict(lambda: (0, 0, 0.0, 0.0))
    for use in uses:
        more = (use.input_tokens, use.output_tokens, use.cost_usd or 0.0, use.credits)
        key = keys_of(use)[by]
        found[key] = tuple(a + b for a, b in zip(found[key], more, strict=True))  # type: ignore[assignment]
    return {key: counts for key, counts in found.items() if any(counts)}


async def logged(log: EventLog, uses: list[UsageRecorded]) -> None:
    for id, owner in SESSIONS.items():
        made = {"title": id, "agent": "a", "project": "/p", "workspace": "/w", "owner": owner}
        await log.append(SessionCreated(session_id=id, at=FIRST, **made))
    for run, (session, agent, key) in RUNS.items():
        ids: dict[str, Any] = {"session_id": session, "run_id": run, "at": FIRST}
        said = MessageAdded(**ids, message_id=f"message of {run}", parts=(TextPart(text="x"),))
        await log.append(RunStarted(**ids, agent=agent, model="m1", key=key), said)
    await log.append(*(use.model_copy(update={"session_id": RUNS[use.run_id][0]}) for use in uses))


@given(uses, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
async def test_groups_and_budgets_are_the_sums_of_the_events_in_any_order(
    uses: list[UsageRecorded], random: Any
) -> None:
    random.shuffle(uses)
    with tempfile.TemporaryDirectory() as folder:
        log = await EventLog.open(Path(folder, "h.db"), FileBlobs(Path(folder, "blobs")))
        try:
            await logged(log, uses)
            table = UsageTable(log.reader)
            for by in ("day", "month", "model", "agent", "session", "run", "message", "key", "user"):
                report = await table.report(by, None, None, asking="", everybody=True, limit=100)
                found = {
                    each.key: (each.input_tokens, each.output_tokens, each.cost_usd, each.credits)
                    for each in report.groups
                }
                assert {key: counts for key, counts in found.items() if any(counts)} == sums(uses, by)
            now = FIRST + timedelta(hours=36)
            for limit in (
                Limit(kind="key", subject="k1", owner="ann"),
                Limit(kind="agent", subject="writer", owner="bob"),
                Limit(kind="user", subject="ann", owner="ann"),
            ):
                for period in ("day", "month", "total"):
                    since = begin(period, now)
                    charged = [
                        use
                        for use in uses
                        if keys_of(use)["user"] == limit.owner
                        and keys_of(use)[limit.kind] == limit.subject
                        and (since is None or use.at >= since)
                    ]
                    assert await table.spent(limit, "usd", since) == sum(u.cost_usd or 0 for u in charged)
                    assert await table.spent(limit, "credits", since) == sum(u.credits for u in charged)
        finally:
            await log.close()


def test_periods_are_those_of_the_calendar_in_utc() -> None:
    now = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    assert (begin("day", now), renewal("day", now)) == (
        datetime(2026, 12, 31, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert (begin("month", now), renewal("month", now)) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert (begin("total", now), renewal("total", now)) == (None, None)
    assert renewal("month", datetime(2026, 1, 31, tzinfo=UTC)) == datetime(2026, 2, 1, tzinfo=UTC)


@given(
    st.builds(
        Budget,
        amount=st.integers(0, 10**9).map(lambda n: n / 1000),
        unit=st.sampled_from(["usd", "credits"]),
        period=st.sampled_from(["day", "month", "total"]),
    )
)
def test_a_budget_is_read_as_it_is_written(budget: Budget) -> None:
    unit = "credits" if budget.unit == "credits" else ""
    assert budget_of(f"{budget.amount:f}{unit}/{budget.period}") == budget


def test_rates_and_tiers_are_read_from_one_line() -> None:
    assert rates("2.5/input, 10/output", ("input", "output")) == {"input": 2.5, "output": 10}
    assert (tier_of("free", "10/minute 500/day").per_minute, tier_of("a", "5/day").per_minute) == (10, None)
    for wrong in ("", "10", "10/hour", "1/day 2/day", "0/minute", "1.5/day", "-1/day", "9" * 13 + "/day"):
        with pytest.raises(ValueError):
            tier_of("x", wrong)
