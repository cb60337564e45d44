"""A model call outside of any run that counts as those of runs do: held of the budgets, and recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

from holdfast.core.domain.errors import ModelError, ModelStreamCut
from holdfast.core.domain.events import UsageRecorded
from holdfast.core.domain.limits import Payer
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import (
    Finished,
    ModelClient,
    ModelRequest,
    ModelSettings,
    TextDelta,
    UsageReport,
)
from holdfast.core.domain.user_events import ModelAsked
from holdfast.core.runs.metering import Meter
from holdfast.core.services.budgets import Budgets
from holdfast.core.store.log import EventLog

Ask = Callable[..., Awaitable[str]]
"""What `CountedAsker` is to who asks."""


class CountedAsker:
    """Asks a model for one user. What is asked may hold secrets: `redact` takes them out."""

    def __init__(
        self, client: ModelClient, budgets: Budgets, log: EventLog, redact: Callable[[str], str], payer: Payer
    ) -> None:
        self._client = client
        self._budgets = budgets
        self._log = log
        self._redact = redact
        self._payer = payer

    async def __call__(
        self, model: str, system: str, prompt: str, *, schema: dict[str, Any], max_tokens: int
    ) -> str:
        """Returns what the model answers in the form of a JSON Schema. Raises `BudgetSpent`, `InvalidError`
        (`unpriced_model`) for who has a budget, and `ModelError`."""
        told = (("system", system), ("user", self._redact(prompt)))
        request = ModelRequest(
            model=model,
            messages=tuple(
                Message.model_validate({"role": r, "parts": (TextPart(text=t),)}) for r, t in told
            ),
            settings=ModelSettings(max_output_tokens=max_tokens),
            response_format=schema,
            owner=self._payer.owner,
        )
        await self._budgets.payable(self._payer, (model,))
        call, meter = await self._budgets.open(self._payer, request), Meter()
        try:
            return await self._answer(request, meter)
        finally:
            try:
                await self._record(model, meter.usage(call.estimate))
            finally:
                call.close()

    async def _answer(self, request: ModelRequest, meter: Meter) -> str:
        texts: list[str] = []
        finished = False
        try:
            async with aclosing(self._client.stream(request)) as deltas:  # type: ignore[type-var]
                async for delta in deltas:
                    meter.take(delta)
                    texts += [delta.text] if isinstance(delta, TextDelta) else []
                    finished = finished or isinstance(delta, Finished)
        except ModelError:
            meter.end()
            raise
        meter.end()
        if not finished:
            raise ModelStreamCut("The model's answer ended in the middle.")
        return "".join(texts).strip()

    async def _record(self, model: str, usage: UsageReport | None) -> None:
        if usage is None:
            return
        took = usage.model_dump(exclude={"type"})
        charge = await self._budgets.credits()
        credits = charge(UsageRecorded(session_id="", run_id="", model=model, **took))
        owner, key = self._payer.owner, self._payer.key
        await self._log.append(ModelAsked(owner=owner, key=key, model=model, credits=credits, **took))
