"""What holds for a run between its model calls: its time, its limits, and whether it is to pause."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from holdfast.core.domain.errors import ConflictError, HoldfastError
from holdfast.core.domain.events import RunPaused, RunResumed
from holdfast.core.domain.limits import Payer
from holdfast.core.domain.runs import Session
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.projections.state import REPEATS

T = TypeVar("T")


async def timed(run: ActiveRun, work: Callable[[], Awaitable[T]]) -> T:
    """Returns what `work` returns, if the run's time is not over before. Raises `DeadlineError`."""
    limit = asyncio.timeout(run.timer.remaining_s)
    try:
        async with limit:
            return await work()
    except TimeoutError:
        if not limit.expired():
            raise  # somebody else's
        raise run.timer.expired() from None


async def pause(run: ActiveRun) -> None:
    """Waits while the run is to pause; that time does not count."""
    if not run.levers.go.is_set():
        if not run.state.paused:
            await run.emitter.emit(RunPaused(**run.ids))
        with run.timer.waiting():
            await run.levers.go.wait()
    if run.state.paused:
        await run.emitter.emit(RunResumed(**run.ids))


def check_limits(run: ActiveRun) -> None:
    """Raises `ConflictError` or `DeadlineError` where the run has had as much as it may."""
    limits = run.spec.limits
    if run.state.step >= limits.max_steps:
        raise limit_error(
            "step_limit",
            f"The run has made {limits.max_steps} model calls, as many as it may "
            "(`limits.max_steps`, or --max-steps).",
        )
    check_cost(run)


def check_cost(run: ActiveRun) -> None:
    """Raises `ConflictError` or `DeadlineError` where the run has no money or no time left."""
    for each in (run, *run.above):
        _, cost = each.used
        most = each.spec.limits.max_cost_usd
        if most is not None and cost >= most:
            which = "run" if each is run else f"run of {each.spec.name} above"
            raise limit_error(
                "cost_limit",
                f"The {which} has cost ${cost:.2f} of the ${most:.2f} that it may "
                "(`limits.max_cost_usd`, or --max-cost); what sub-agents cost is counted.",
            )
    if run.options.max_cost_usd is not None and run.state.unpriced:
        raise limit_error(
            "cost_unknown",
            f"No cost was told for a call of {run.state.unpriced}, so the cost limit cannot be kept.",
        )
    _ = run.timer.remaining_s


def payer_of(run: ActiveRun) -> Payer:
    """Returns on whose account a run goes: as the log has it, by which its use is counted. Steps that choose
    tools and their arguments cost no credits of a plan."""
    return Payer(
        owner=run.owner,
        key=run.state.key,
        agent=run.state.agent,
        plan=run.spec.plan or "",
        free=run.state.purpose != "reply",
        model=run.emitter.asked,
    )


def payer_in(session: Session, key: str, plan: str = "") -> Payer:
    """Returns on whose account the next run of a session goes."""
    return Payer(owner=session.owner, key=key, agent=session.agent, plan=plan)


async def check_budgets(run: ActiveRun) -> None:
    """Raises `BudgetSpent` where who pays for the run has used up a budget; asked before each model call."""
    await run.spending.check(payer_of(run), run.state.unpriced)


def check_repeats(run: ActiveRun) -> None:
    """Raises `ConflictError` where the model asks for the same call again and again."""
    latest = run.state.recent_calls
    if len(latest) == REPEATS and len(set(latest)) == 1:
        name = latest[-1].partition(" ")[0]
        raise limit_error(
            "repeated_call", f"The agent asked for the same call {REPEATS} times in a row ({name})."
        )


def limit_error(code: str, message: str) -> HoldfastError:
    """Returns the error of a run that a limit ends."""
    return ConflictError(f"{message} Continue it to give it as much again.", code=code)
