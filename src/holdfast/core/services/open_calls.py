"""Model calls that are under way: what they may come to is held of the budgets until it is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from holdfast.core.domain.context import CHARS_PER_TOKEN, request_tokens
from holdfast.core.domain.events import UsageRecorded
from holdfast.core.domain.limits import Limit, Payer, Unit
from holdfast.core.domain.models import ModelInfo, ModelRequest, UsageReport

_MILLION = 1_000_000
_LONGEST_REPLY = 4_096
"""Tokens of a reply, where nothing says how long one may be."""

Charge = Callable[[UsageRecorded], float]
"""Says how many credits a call is charged for."""


def estimated(info: ModelInfo, request: ModelRequest, written: int) -> UsageReport:
    """Returns what a call took by its texts; `written` is how many characters came back."""
    tokens_in, tokens_out = request_tokens(request), -(-written // CHARS_PER_TOKEN)
    price_in, price_out = info.input_usd_per_million, info.output_usd_per_million
    cost = None
    if price_in is not None and price_out is not None:
        cost = (tokens_in * price_in + tokens_out * price_out) / _MILLION
    return UsageReport(input_tokens=tokens_in, output_tokens=tokens_out, cost_usd=cost, estimated=True)


class OpenCalls:
    """The calls whose use is not recorded yet."""

    def __init__(self) -> None:
        self.calls: set[CountedCall] = set()
        self.closed = asyncio.Event()
        """Set when the next one of them is closed; then there is a new one."""

    def held(self, limit: Limit, unit: Unit) -> float:
        """Returns what they may come to of a limit."""
        return sum(each.most[unit] for each in self.calls if each.payer.pays(limit))

    def discard(self, call: CountedCall) -> None:
        self.calls.discard(call)
        closed, self.closed = self.closed, asyncio.Event()
        closed.set()


class CountedCall:
    """Implements `OpenCall`."""

    def __init__(self, payer: Payer, request: ModelRequest, info: ModelInfo, others: OpenCalls) -> None:
        self.payer = payer
        self.most: dict[Unit, float] = {"usd": 0.0, "credits": 0.0}
        """What it may come to."""
        self._request = request
        self._info = info
        self._others = others

    def hold(self, charge: Charge) -> None:
        """Counts it among those that are open."""
        tokens = self._request.settings.max_output_tokens or self._info.max_output_tokens or _LONGEST_REPLY
        usage = self.estimate(tokens * CHARS_PER_TOKEN)
        payer = self.payer
        recorded = UsageRecorded(
            session_id="",
            run_id="",
            model=(payer.model if payer.plan else "") or self._request.model,
            **usage.model_dump(exclude={"type"}),
        )
        credits = 0.0 if payer.plan and payer.free else charge(recorded)
        self.most = {"usd": usage.cost_usd or 0.0, "credits": credits}
        self._others.calls.add(self)

    def estimate(self, written: int) -> UsageReport:
        """See `OpenCall.estimate`."""
        return estimated(self._info, self._request, written)

    def close(self) -> None:
        """See `OpenCall.close`."""
        self._others.discard(self)
