"""What a model call took is recorded however it ends: whole, cut off, out of time or cancelled."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
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


class Meter:
    """Takes the deltas of one call, and says what the call took."""

    def __init__(self) -> None:
        self._usage: UsageReport | None = None
        self._written = 0
        self._answered = False
        self._owed = True

    def take(self, delta: ModelDelta) -> None:
        match delta:
            case UsageReport():
                self._usage = delta
                return
            case Finished():
                self._owed = False
            case TextDelta() | ReasoningDelta():
                self._written += len(delta.text)
            case ToolCallDelta():
                self._written += len(delta.name) + len(delta.arguments)
        self._answered = True

    def end(self) -> None:
        """Tells that the client has ended or failed by itself, and was not cut off."""
        self._owed = self._owed and self._answered

    def usage(self, estimate: Callable[[int], UsageReport]) -> UsageReport | None:
        """Returns what was reported, else for a call that did not end in good order what `estimate` makes of
        the characters that came back; None where that is nothing: the call failed before it was answered."""
        if self._usage is not None:
            return self._usage
        return estimate(self._written) if self._owed else None


async def metered(
    run: ActiveRun, client: ModelClient, request: ModelRequest
) -> AsyncGenerator[ModelDelta, None]:
    """Yields what the client streams, and records what the call took before it ends; close it in every case.

    Raises what the client raises, and `BudgetSpent`.
    """
    request = request.model_copy(update={"owner": run.owner})
    call = await run.spending.open(payer_of(run), request)
    meter = Meter()
    try:
        async with aclosing(client.stream(request)) as deltas:  # type: ignore[type-var]
            async for delta in deltas:
                meter.take(delta)
                yield delta
        meter.end()
    except ModelError:
        meter.end()
        raise
    finally:
        try:
            await run.emitter.close_part(*_recorded(run, request, meter.usage(call.estimate)))
        finally:
            call.close()


def _recorded(run: ActiveRun, request: ModelRequest, usage: UsageReport | None) -> list[UsageRecorded]:
    if usage is None:
        return []
    took = usage.model_dump(exclude={"type"})
    return [UsageRecorded(**run.ids, model=request.model, purpose=run.state.purpose, **took)]
