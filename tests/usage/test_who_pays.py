"""On whose account work goes, and that nobody gets past an account of his own."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from paying import HELLO, followed, with_key
from tests.fakes.openai_server import PIXEL

from holdfast.core.domain.errors import BudgetSpent, ForbiddenError, UnsupportedError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.images import MadeImage
from holdfast.core.domain.limits import Budget
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import Finished, TextDelta, ToolCallDelta, UsageReport
from holdfast.core.domain.options import SubAgentUse
from holdfast.core.domain.runs import RunOptions
from holdfast.core.services.local import LocalWorkbench
from holdfast.core.tools.builtin.generate_image import GenerateImage

DOLLAR = UsageReport(input_tokens=1, output_tokens=1, cost_usd=1.0)
ASKS = [
    ToolCallDelta(key="0", name="ask_user", arguments='{"question": "Go on?"}'),
    DOLLAR,
    Finished(reason="tool_calls"),
]
SAYS = [TextDelta(text="Yes"), DOLLAR, Finished(reason="stop")]


async def asking(host: Any) -> tuple[str, str]:
    """Returns a session and its run, which waits for an answer."""
    session = await host.sessions.create("general", model="offline")
    run_id = str((await host.runs.send(session.id, HELLO)).run_id)
    await followed(host, ("question.asked",), run_id=run_id)
    return session.id, run_id


async def entered(host: Any, session_id: str, text: str) -> str:
    """Returns the run that has taken a message in, when it has ended."""
    async with asyncio.timeout(60):
        async for logged in host.events.follow(EventFilter(session_id=session_id), 0):
            event = logged.event
            if event.type == "message.added" and event.parts[0].text == text:
                await followed(host, run_id=event.run_id)
                return str(event.run_id)
    raise AssertionError


async def answer(host: LocalWorkbench) -> None:
    await host.runs.answer((await host.runs.questions()).items[0].id, "yes")


async def test_what_another_key_says_waits_for_a_run_on_its_own_account(
    host: LocalWorkbench, replies: list[Any]
) -> None:
    replies[:] = [ASKS, SAYS, SAYS]
    ci, key_id = await with_key(host, scope=Scope.CHAT)
    session_id, run_id = await asking(host)
    await ci.runs.steer(run_id, (TextPart(text="My own work"),))
    await answer(host)
    first = await followed(host, run_id=run_id)
    assert [event.origin for event in first if event.type == "message.added"] == ["send"]
    assert await entered(host, session_id, "My own work") != run_id
    groups = (await host.usage.report(by="key")).groups
    assert {group.key: group.cost_usd for group in groups} == {"": 2.0, key_id: 1.0}


async def test_a_key_without_a_budget_left_steers_nothing(host: LocalWorkbench, replies: list[Any]) -> None:
    replies[:] = [ASKS, SAYS]
    ci, _ = await with_key(host, scope=Scope.CHAT, budgets=(Budget(amount=0),))
    session_id, run_id = await asking(host)
    with pytest.raises(BudgetSpent):
        await ci.runs.steer(run_id, HELLO)
    assert await host._core.log.reader.queue(session_id) == ()
    await answer(host)
    await followed(host, run_id=run_id)


async def test_a_message_that_cannot_be_paid_for_keeps_none_behind_it_waiting(
    host: LocalWorkbench, replies: list[Any]
) -> None:
    replies[:] = [ASKS, SAYS, SAYS, SAYS]
    ci, _ = await with_key(host, scope=Scope.CHAT)
    session_id, _ = await asking(host)
    await ci.runs.send(session_id, (TextPart(text="Of the key"),), message_id="key")
    await host.usage.set_limit("key", "ci", budgets=(Budget(amount=0),))
    await host.runs.send(session_id, (TextPart(text="Of the owner"),), message_id="owner")
    await answer(host)
    await entered(host, session_id, "Of the owner")
    await host.runs.send(session_id, (TextPart(text="Later"),))
    await entered(host, session_id, "Later")
    assert [each.id for each in await host._core.log.reader.queue(session_id)] == ["key"]


@pytest.mark.parametrize("key", ["limits.tiers.free", "limits.credits_per_usd", "limits"])
async def test_a_key_with_limits_cannot_change_what_they_mean(host: LocalWorkbench, key: str) -> None:
    ci, _ = await with_key(host, budgets=(Budget(amount=1, unit="credits"),))
    for change in (ci.engine.set_setting(key, "1"), ci.engine.unset_setting(key)):
        with pytest.raises(ForbiddenError) as refused:
            await change
        assert refused.value.code == "limited_key"
    await ci.engine.set_setting("images.model", "openai/gpt-image-1")


async def test_a_search_that_asks_a_model_is_refused_to_who_has_a_budget(host: LocalWorkbench) -> None:
    ci, _ = await with_key(host, scope=Scope.CHAT, budgets=(Budget(amount=1),))
    with pytest.raises(UnsupportedError) as refused:
        await ci.knowledge._service._searches.model("openai/gpt-4o")
    assert refused.value.code == "not_counted"


async def test_a_providers_vectors_are_refused_to_who_has_a_budget(host: LocalWorkbench) -> None:
    ci, _ = await with_key(host, budgets=(Budget(amount=1),))
    with pytest.raises(UnsupportedError) as refused:
        await ci.knowledge.embed(("text",), "openai/text-embedding-3-small")
    assert refused.value.code == "not_counted"


class Maker:
    made = 0

    async def make_image(self, model: str, prompt: str, *, size: str | None = None) -> MadeImage:
        self.made += 1
        return MadeImage(base64.b64decode(PIXEL), UsageReport(cost_usd=None))


@pytest.mark.parametrize(("model", "made"), [("openai/no-price", 0), ("openai/gpt-image-1", 1)])
async def test_an_image_without_a_price_is_not_made_where_a_budget_holds(
    host: LocalWorkbench, monkeypatch: pytest.MonkeyPatch, model: str, made: int
) -> None:
    maker = Maker()
    monkeypatch.setitem(host._core.parts.tools._tools, "generate_image", GenerateImage(maker, lambda: model))
    await host.usage.set_limit("user", "local", budgets=(Budget(amount=1),))
    await host.approvals.add_rule("generate_image")
    await host.approvals.add_rule("write_file")
    session = await host.sessions.create("general", model="offline")
    done = await host.tools.run(session.id, "generate_image", {"prompt": "cat", "path": "c.png"}, wait_s=20)
    assert maker.made == made
    if not made:
        assert "The price of openai/no-price is not known" in str(done)


async def test_a_described_sub_agent_is_on_the_account_of_the_agent_it_stands_on(
    host: LocalWorkbench, replies: list[Any]
) -> None:
    await host.agents.create("version: 1\nname: second\ndescription: Helps.\nmodel: offline\n")
    await host.agents.create("version: 1\nname: lead\nmodel: offline\nsubagents: [second]\n")
    call = ToolCallDelta(key="0", name="delegate", arguments='{"agent": "x", "task": "Help"}')
    replies[:] = [[call, DOLLAR, Finished(reason="tool_calls")], SAYS, SAYS]
    await host.usage.set_limit("agent", "lead", budgets=(Budget(amount=1.5),))
    session = await host.sessions.create("lead", model="offline")
    described = SubAgentUse(name="x", description="d", instructions="Do it")
    sent = await host.runs.send(session.id, HELLO, RunOptions(sub_agents=(described,)))
    found = await followed(host, run_id=str(sent.run_id))
    assert found[-1].error.code == "budget_spent"
    groups = (await host.usage.report(by="agent")).groups
    assert {group.key: group.cost_usd for group in groups} == {"lead": 2.0}
