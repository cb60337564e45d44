"""How another agent takes a conversation over: what its run begins with, or what is told instead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from holdfast.core.domain.errors import ErrorInfo, HoldfastError
from holdfast.core.domain.events import (
    AnyEvent,
    MessageAdded,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.modes import SessionMode
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.values import new_id
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.bounds import limit_error
from holdfast.core.runs.projections.state import HandOver, RunState
from holdfast.core.store.log import EventLog

_KEPT = (
    *("approvals", "questions", "max_context_tokens", "model", "response_format"),
    *("suggestions", "analysis", "force_summary"),
)


@dataclass(frozen=True, slots=True)
class NextRun:
    """What the run of the other agent begins with."""

    parts: tuple[TextPart, ...]
    options: RunOptions
    mode: SessionMode | None
    """What a person has asked for in the run before, with what was used of its limits."""
    hand_overs: int
    logged: bool
    """Whether the log of runs keeps what was said before it."""


def handed_to(run: ActiveRun) -> HandOver | None:
    """Returns who goes on with the session of a run that has ended; None: nobody does."""
    return run.state.handing_over if isinstance(run.end, RunCompleted) else None


def next_run(run: ActiveRun, over: HandOver) -> NextRun:
    """Returns what the next run begins with. Raises what `options_of_next` does."""
    return NextRun(
        parts=(TextPart(text=over.task),),
        options=options_of_next(run),
        mode=run.mode.asked,
        hand_overs=run.state.hand_overs + 1,
        logged=run.state.logged,
    )


def options_of_next(run: ActiveRun) -> RunOptions:
    """Returns the options of the run that takes over: what bounds the first one, as far as it is not used up,
    and what is wanted behind the reply, not what makes its agent. A mode that was chosen for the session
    since the run's start is the later word. Raises `ConflictError` or `DeadlineError` where a limit of the
    options leaves nothing."""
    options, asked = run.options, run.mode.asked
    kept: dict[str, Any] = {name: getattr(options, name) for name in _KEPT}
    kept["approve"] = None if asked is None else asked.mode
    if options.max_steps is not None:
        kept["max_steps"] = options.max_steps - run.state.step
        if kept["max_steps"] < 1:
            raise limit_error("step_limit", "No model call is left for the agent that would take over.")
    if options.max_cost_usd is not None:
        kept["max_cost_usd"] = options.max_cost_usd - run.used[1]
        if kept["max_cost_usd"] <= 0:
            raise limit_error("cost_limit", "No money is left for the agent that would take over.")
    if options.timeout_s is not None:
        kept["timeout_s"] = run.timer.remaining_s
    return RunOptions.model_validate(kept)


def not_begun(
    before: RunState, over: HandOver, error: ErrorInfo | None, reason: str = ""
) -> tuple[AnyEvent, ...]:
    """Returns a run that could not begin, or was cancelled before (`error` is None, for a `reason`): whoever
    follows the conversation learns why it ends here."""
    ids = {"session_id": before.session_id, "run_id": new_id()}
    options = RunOptions.model_validate({name: getattr(before.options, name) for name in _KEPT})
    return (
        RunStarted(
            **ids,
            agent=over.agent,
            model=before.model,
            key=before.key,
            options=options,
            hand_overs=before.hand_overs + 1,
            logged=before.logged,
        ),
        MessageAdded(**ids, message_id=new_id(), parts=(TextPart(text=over.task),), origin="agent"),
        RunCancelled(**ids, reason=reason) if error is None else RunFailed(**ids, error=error),
    )


async def begin_next(
    log: EventLog,
    ended: ActiveRun,
    over: HandOver,
    start: Callable[..., Awaitable[str]],
    *,
    cancelled: str | None,
) -> str | None:
    """Starts the run that takes over and returns its id; None where it cannot begin. Empty where nothing
    is to begin: for a reason (`cancelled`), or because the session is gone."""
    session = await log.reader.session(ended.session_id)
    if session is None:
        return ""
    if cancelled is not None:
        await log.append(*not_begun(ended.state, over, None, cancelled), durable=True)
        return ""
    try:
        after = next_run(ended, over)
        return await start(session, after.parts, after.options, new_id(), ended.state.key, after=after)
    except HoldfastError as error:
        await log.append(*not_begun(ended.state, over, error.info), durable=True)
        return None
