"""Agents with a plan: what their model calls cost in credits, and what is left of those."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paying import HELLO, ended, with_key

from holdfast.core.domain.errors import (
    BudgetSpent,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RateLimitedError,
)
from holdfast.core.domain.limits import Budget, Payer
from holdfast.core.domain.models import Finished, ModelRequest, TextDelta, UsageReport
from holdfast.core.domain.plans import CREDIT_TIERS, PRICES, price_of, region_of, tier_for

SCRIPT = 'first = query("gpt-4o", conversation)\nfinal_response = query("gpt-4-turbo", conversation)\n'
REPLY = [
    TextDelta(text="Hi."),
    UsageReport(input_tokens=1_000_000, output_tokens=500_000, cost_usd=1.0),
    Finished(reason="stop"),
]


@pytest.fixture
def replies() -> list:
    return [REPLY] * 40


def agent(plan: str, script: str = SCRIPT) -> dict:
    models = dict.fromkeys(("gpt-4o", "gpt-4-turbo", "gemini-2.0-flash"), "offline")
    settings = {"temperature": 0.3, "top_p": 0.5}
    return {
        "name": "clerk",
        "plan": plan,
        "script": {"code": script, "models": models},
        "model_settings": settings,
        **({"region": "eu-west-1"} if plan == "dedicated" else {}),
    }


async def asked(workbench) -> list:
    session = await workbench.sessions.create("clerk", model="offline")
    sent = await workbench.runs.send(session.id, HELLO)
    return await ended(workbench, sent.run_id)


@pytest.mark.parametrize(
    ("plan", "cost"),
    [("decentralized", 10.0 + 100.0), ("dedicated", 2500 + 5000 + 10_000 + 15_000)],
)
async def test_each_query_is_charged_for_by_the_name_that_the_script_gives(host, plan, cost) -> None:
    await host.agents.compose(agent(plan))
    events = await asked(host)
    assert events[-1].type == "run.completed"
    used = [each for each in events if each.type == "usage.recorded"]
    assert sum(each.credits for each in used) == pytest.approx(cost)
    assert {each.plan for each in used} == {plan}
    state = await host.usage.credits()
    assert (state.spent, state.balance) == (pytest.approx(cost), pytest.approx(2500 - cost))


async def test_temperature_and_top_p_act_on_the_dedicated_plan_only(host) -> None:
    client = host._core.parts.client
    for plan, said in (("decentralized", (None, None)), ("dedicated", (0.3, 0.5))):
        await host.agents.compose({**agent(plan, 'response = query("gpt-4o", conversation)'), "name": plan})
        session = await host.sessions.create(plan, model="offline")
        sent = await host.runs.send(session.id, HELLO)
        await ended(host, sent.run_id)
        settings = client.requests[-1].settings
        assert (settings.temperature, settings.top_p) == said
        kept = await host.agents.get(plan)
        assert kept.spec.model_settings.temperature == 0.3


async def test_an_agent_without_a_plan_costs_what_the_settings_say_and_no_balance(host) -> None:
    await host.agents.compose({"name": "clerk"})
    used = [each for each in await asked(host) if each.type == "usage.recorded"]
    assert (used[0].credits, used[0].plan) == (1000.0, "")
    assert (await host.usage.credits()).spent == 0


async def test_without_credits_models_that_cost_some_are_refused_and_free_ones_are_not(host, limits) -> None:
    limits["credits"] = True
    await host.agents.compose(agent("decentralized", 'response = query("gpt-4o", conversation)'))
    await host.agents.compose(
        {**agent("decentralized", 'response = query("gemini-2.0-flash", conversation)'), "name": "free"}
    )
    await host.usage.set_credits(10)
    assert (await asked(host))[-1].type == "run.completed"
    assert (await host.usage.credits()).balance == 0
    failed = (await asked(host))[-1]
    assert (failed.type, failed.error.code) == ("run.failed", "insufficient_credits")
    assert failed.error.message.startswith("Insufficient credits")
    session = await host.sessions.create("free", model="offline")
    sent = await host.runs.send(session.id, HELLO)
    assert (await ended(host, sent.run_id))[-1].type == "run.completed"


async def test_a_budget_of_credits_is_kept_by_what_a_plan_says_where_a_model_has_no_price(
    host, replies
) -> None:
    replies[:] = [
        [TextDelta(text="Hi."), UsageReport(input_tokens=1, output_tokens=1), Finished(reason="stop")]
    ] * 9
    spec = agent("decentralized", 'response = query("gpt-4o", conversation)')
    spec["script"]["models"] = {"gpt-4o": "openai/made-up"}
    await host.agents.compose({**spec, "model": "openai/made-up"})
    ci, _ = await with_key(host, budgets=(Budget(amount=20, unit="credits"),))

    async def last() -> str:
        session = await ci.sessions.create("clerk")
        events = await ended(ci, (await ci.runs.send(session.id, HELLO)).run_id)
        return events[-1].error.code if events[-1].type == "run.failed" else events[-1].type

    assert [await last() for _ in range(2)] == ["run.completed"] * 2
    (state,) = await ci.usage.limits()
    assert state.allowances[0].used == 20
    with pytest.raises(BudgetSpent):
        await last()
    await host.usage.set_limit("key", "ci", budgets=(Budget(amount=20),))
    with pytest.raises(InvalidError, match="price of openai/made-up is not known"):
        await last()


async def test_a_call_that_is_open_holds_what_its_plan_charges_for_it(host) -> None:
    _, key = await with_key(host, budgets=(Budget(amount=500, unit="credits"),))
    payer = Payer(owner="local", key=key, plan="decentralized", model="gpt-4")
    request = ModelRequest(model="offline", messages=())
    for each, held in ((payer, 200), (payer.model_copy(update={"free": True}), 0)):
        call = await host._core.budgets.open(each, request)
        assert call.most["credits"] == held
        call.close()


async def test_credits_do_not_count_unless_the_setting_says_so(host) -> None:
    await host.agents.compose(agent("dedicated"))
    await host.usage.set_credits(-5)
    for _ in range(12):  # more than the first tier allows in a minute
        assert (await asked(host))[-1].type == "run.completed"
    state = await host.usage.credits()
    assert (state.counted, state.requests) == (False, ())


async def test_who_owns_few_credits_may_ask_seldom(host, limits, clock) -> None:
    limits["credits"] = True
    await host.agents.compose(agent("decentralized", 'response = query("gemini-2.0-flash", conversation)'))
    await host.agents.compose({"name": "helper2"})
    for _ in range(10):
        await asked(host)
    with pytest.raises(RateLimitedError) as refused:
        await asked(host)
    details = refused.value.details
    assert (details["tier"], details["limit"], details["retry_after_s"]) == ("Tier 1", 10, 60.0)
    session = await host.sessions.create("helper2", model="offline")
    await host.runs.send(session.id, HELLO)  # an agent without a plan is not meant
    state = await host.usage.credits()
    assert [(each.period, each.limit, each.used) for each in state.requests] == [
        ("minute", 10, 10),
        ("day", 500, 10),
    ]
    await host.usage.set_credits(20_000)
    assert (await asked(host))[-1].type == "run.completed"
    await host.usage.set_credits(9_000)
    with pytest.raises(RateLimitedError):
        await asked(host)
    clock.put_forward(seconds=61)
    assert (await asked(host))[-1].type == "run.completed"


async def test_follow_ups_to_an_agent_of_a_project_are_counted_as_its_messages(
    host, limits, tmp_path
) -> None:
    limits["credits"] = True
    file = tmp_path / "project" / ".holdfast" / "agents" / "planned.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("version: 1\nname: planned\nplan: decentralized\nmodel: offline\n")
    await host.agents.trust(str(tmp_path / "project"), True)
    session = await host.sessions.create("planned", str(tmp_path / "project"))
    await host.runs.follow_up(session.id, HELLO)
    (minute, _) = (await host.usage.credits()).requests
    assert minute.used == 1


async def test_credits_are_each_users_own_and_given_by_administrators(host, sign_in) -> None:
    ann = await sign_in("ann")
    await host.usage.set_credits(60_000, "ann")
    mine = await ann.usage.credits()
    assert (mine.label, mine.balance, mine.tier.name) == ("ann", 60_000, "Tier 3")
    assert (await host.usage.credits()).balance == 2500
    with pytest.raises(ForbiddenError):
        await ann.usage.set_credits(1)
    with pytest.raises(ForbiddenError):
        await ann.usage.credits("local")
    with pytest.raises(NotFoundError):
        await host.usage.credits("bob")
    with pytest.raises(InvalidError):
        await host.usage.set_credits(float("nan"))


async def test_the_settings_prices_go_before_those_that_come_along(host, limits) -> None:
    limits["credit_prices"] = {"gpt-4o": "1/input 2/output 0.5/call", "own": "7/call"}
    terms = await host.usage.plans()
    by_name = {each.model: each for each in terms.prices}
    assert len(terms.prices) == 40
    assert (by_name["gpt-4o"].decentralized, by_name["gpt-4o"].input) == (50, 1)
    assert by_name["own"].decentralized == 700
    assert terms.regions[:3] == ("us-east-1", "us-west-1", "eu-west-1")


def test_the_prices_are_those_of_the_seed() -> None:
    assert len(PRICES) == 39
    assert PRICES["gpt-4"].charge("decentralized", 1, 1) == 200
    assert PRICES["gpt-4"].charge("dedicated", 1_000_000, 1_000_000) == 90_000
    assert all(re.fullmatch(r"[a-z0-9.-]+", name) for name in PRICES)


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("gpt-4o", "gpt-4o"),
        ("openai/gpt-4o", "gpt-4o"),
        ("gemini/gemini-1.5-flash", "gemini-1.5-flash-latest"),
        ("gpt-4-latest", "gpt-4"),
    ],
)
def test_a_model_has_its_price_under_each_of_its_names(model, known) -> None:
    assert price_of(model) == PRICES[known]


def test_a_model_that_nobody_knows_has_no_price() -> None:
    assert price_of("offline") is None
    assert price_of("") is None


@pytest.mark.parametrize(
    ("credits", "tier"),
    [(-1, 1), (10_000, 1), (10_001, 2), (49_999, 2), (50_000, 3), (100_000, 4), (499_999, 4), (500_000, 5)],
)
def test_the_bounds_of_tiers(credits, tier) -> None:
    assert tier_for(credits) == CREDIT_TIERS[tier - 1]


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_who_owns_more_may_never_ask_less_often(one, other) -> None:
    less, more = sorted((one, other))
    assert tier_for(less).per_day <= tier_for(more).per_day


def test_a_region_that_is_no_more_gives_way_to_the_first() -> None:
    regions = ("us-east-1", "eu-west-1")
    assert region_of("eu-west-1", regions) == "eu-west-1"
    assert region_of("mars-1", regions) == "us-east-1"
    assert region_of(None, regions) is None
