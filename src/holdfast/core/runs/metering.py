"""What a model call took is recorded however it ends: whole, cut off, out of time or cancelled."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from holdfast.core.domain.errors import ModelError
from holdfast.core.domain.events import UsageRecorded
from holdfast.core.domain.models import (
    Finished,
    ModelClient,
    ModelDelta,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.bounds import payer_of


async def metered(
    run: ActiveRun, client: ModelClient, request: ModelRequest
) -> AsyncGenerator[ModelDelta, None]:
    """Yields what the client streams, and records what the call took before it ends; close it in every case.

    That is what was reported, else for a call that did not end in good order an estimate. A call that failed
    before anything came back took nothing. Raises what the client raises, and `BudgetSpent`.
    """
    call = await run.spending.open(payer_of(run), request)
    usage: UsageReport | None = None
    written = 0
    answered = False
    owed = True
    try:
        async with aclosing(client.stream(request)) as deltas:  # type: ignore[type-var]
            async for delta in deltas:
                match delta:
                    case UsageReport():
                        usage = delta
                    case Finished():
                        owed = False
                    case TextDelta() | ReasoningDelta():
                        written += len(delta.text)
                    case ToolCallDelta():
                        written += len(delta.name) + len(delta.arguments)
                answered = answered or not isinstance(delta, UsageReport)
                yield delta
        owed = owed and answered
    except ModelError:
        owed = owed and answered
        raise
    finally:
        try:
            if usage is None and owed:
                usage = call.estimate(written)
            await run.emitter.close_part(*_recorded(run, request, usage))
        finally:
            call.close()


def _recorded(run: ActiveRun, request: ModelRequest, usage: UsageReport | None) -> list[UsageRecorded]:
    if usage is None:
        return []
    return [UsageRecorded(**run.ids, model=request.model, **usage.model_dump(exclude={"type"}))]
