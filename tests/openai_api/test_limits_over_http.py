"""Limits over HTTP: who asks too often, or has used up a budget, is answered 429, by whatever API."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from holdfast.core.domain.limits import Budget
from holdfast.core.domain.models import UsageReport

LIMITS = {"limits": {"tiers": {"one": "1/day"}}}
MESSAGE: Any = [{"role": "user", "content": "Hi"}]


async def test_a_request_beyond_the_tier_is_answered_429_with_the_time_to_wait(serve: Any, say: Any) -> None:
    async with serve([say("Hello")], more_settings=LIMITS) as served:
        await served.bench.workbench.usage.set_limit("user", "local", tier="one")
        chat = served.client.chat.completions
        assert (await chat.create(model="agent/tester", messages=MESSAGE)).choices[
            0
        ].message.content == "Hello"
        with pytest.raises(openai.RateLimitError) as refused:
            await chat.create(model="agent/tester", messages=MESSAGE)
        assert refused.value.code == "rate_limited"
        assert 0 < int(refused.value.response.headers["retry-after"]) <= 86_400
        session = (await served.http.post("/holdfast/v1/sessions", json={"agent": "tester"})).json()["id"]
        answer = await served.http.post(
            f"/holdfast/v1/sessions/{session}/runs", json={"parts": [{"type": "text", "text": "Hi"}]}
        )
        assert answer.status_code == 429, answer.text
        assert answer.json()["error"]["code"] == "rate_limited"
        assert int(answer.headers["retry-after"]) > 0


async def test_a_spent_budget_is_answered_429_and_asking_again_is_no_use(serve: Any, say: Any) -> None:
    used = UsageReport(input_tokens=1, output_tokens=1, cost_usd=2.0)
    async with serve([[used, *say("Hello")]], more_settings=LIMITS) as served:
        chat = served.client.chat.completions
        await chat.create(model="agent/tester", messages=MESSAGE)
        # Laid down afterwards: what was used before counts.
        await served.bench.workbench.usage.set_limit("user", "local", budgets=(Budget(amount=1),))
        with pytest.raises(openai.RateLimitError) as refused:
            await chat.create(model="agent/tester", messages=MESSAGE)
        assert refused.value.code == "budget_spent"
        assert refused.value.response.headers["x-should-retry"] == "false"
        assert "retry-after" not in refused.value.response.headers
