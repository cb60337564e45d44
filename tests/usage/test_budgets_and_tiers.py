"""Limits: who may lay them down, what they refuse and stop, and what of them a restart remembers."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from paying import HELLO, ended, followed, start, with_key

from holdfast.core.domain.errors import (
    BudgetSpent,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RateLimitedError,
)
from holdfast.core.domain.events import RUN_ENDS, EventFilter, RunFailed
from holdfast.core.domain.identity import Role, Scope
from holdfast.core.domain.limits import Budget, Payer
from holdfast.core.domain.models import Finished, TextDelta, ToolCallDelta, UsageReport
from holdfast.core.services.local import LocalWorkbench

# --- requests


async def test_requests_beyond_a_tier_are_refused_until_the_oldest_is_a_minute_old(
    host: LocalWorkbench, clock: Any
) -> None:
    ci, key_id = await with_key(host, tier="free")
    await ended(ci, await start(ci))
    clock.put_forward(seconds=20)
    await ended(ci, await start(ci))
    with pytest.raises(RateLimitedError) as refused:
        await start(ci)
    assert refused.value.code == "rate_limited"
    assert refused.value.details["retry_after_s"] == pytest.approx(40)
    assert refused.value.details["tier"] == "free"
    until = clock.at + timedelta(seconds=40)
    assert f"Ask again in 40 s, at {until:%Y-%m-%d %H:%M:%S} UTC" in refused.value.message
    clock.put_forward(seconds=41)
    await ended(ci, await start(ci))
    clock.put_forward(minutes=5)
    with pytest.raises(RateLimitedError, match="within a day"):
        await start(ci)
    clock.put_forward(days=1)
    await ended(ci, await start(ci))
    assert [each.key for each in (await host.usage.report(by="key")).groups] == [key_id]


async def test_requests_at_once_cannot_pass_a_limit_together(host: LocalWorkbench, limits: Any) -> None:
    limits["tiers"]["free"] = "3/minute"
    ci, _ = await with_key(host, tier="free")
    outcomes = await asyncio.gather(*(start(ci) for _ in range(12)), return_exceptions=True)
    started = [each for each in outcomes if isinstance(each, str)]
    assert len(started) == 3
    assert sum(isinstance(each, RateLimitedError) for each in outcomes) == 9
    for run_id in started:
        await ended(ci, run_id)


async def test_what_was_asked_for_counts_after_a_restart(open_host: Any) -> None:
    host = await open_host()
    secret = (await host.keys.create("ci", Scope.CHAT)).secret
    await host.usage.set_limit("key", "ci", tier="free")
    ci = host.as_principal(await host.authenticate(secret))
    for _ in range(2):
        await ended(ci, await start(ci))
    await host.close()
    host = await open_host()
    ci = host.as_principal(await host.authenticate(secret))
    with pytest.raises(RateLimitedError):
        await start(ci)
    await host.close()


async def test_a_key_without_a_tier_has_the_default_one_and_the_socket_none(
    host: LocalWorkbench, limits: Any
) -> None:
    limits["default_tier"] = "free"
    ci, key_id = await with_key(host)
    (state,) = await ci.usage.limits()
    assert (state.subject, state.tier, state.label) == (key_id, "free", "ci")
    for _ in range(2):
        await ended(ci, await start(ci))
    with pytest.raises(RateLimitedError):
        await start(ci)
    await host.usage.set_limit("key", "ci", tier="wide")
    for each in (ci, host, host, host):
        await ended(each, await start(each))


async def test_all_that_asks_for_work_counts(host: LocalWorkbench, limits: Any) -> None:
    limits["tiers"]["free"] = "1/day"
    ci, _ = await with_key(host, tier="free")
    run_id = await start(ci)
    await ended(ci, run_id)
    session = (await ci.runs.get(run_id)).session_id
    for ask in (
        lambda: ci.runs.send(session, HELLO),
        lambda: ci.runs.go_on(session),
        lambda: ci.runs.compact(session),
        lambda: ci.runs.steer(run_id, HELLO),
        lambda: ci.tools.run(session, "list_files", {}),
    ):
        with pytest.raises(RateLimitedError):
            await ask()


async def test_a_login_is_on_the_account_of_the_key_that_made_it(host: LocalWorkbench, limits: Any) -> None:
    limits["tiers"]["free"] = "1/day"
    ci, key_id = await with_key(host, scope=Scope.CHAT, tier="free")
    login = host.as_principal(await host.authenticate((await ci.users.login()).secret))
    assert (await login.users.me()).key_id == key_id
    await ended(login, await start(login))
    for each in (login, ci):
        with pytest.raises(RateLimitedError):
            await start(each)


async def test_a_tier_that_is_named_no_more_lets_nobody_through(host: LocalWorkbench, limits: Any) -> None:
    ci, _ = await with_key(host, tier="free")
    del limits["tiers"]["free"]
    with pytest.raises(ConflictError) as refused:
        await start(ci)
    assert refused.value.code == "unknown_tier"


# --- budgets


async def test_a_spent_budget_refuses_a_run_before_it_begins(host: LocalWorkbench, clock: Any) -> None:
    ci, key_id = await with_key(host, budgets=(Budget(amount=0.5, period="day"),))
    for _ in range(2):
        await ended(ci, await start(ci))
    with pytest.raises(BudgetSpent) as refused:
        await start(ci)
    error = refused.value
    assert (error.code, error.retryable, error.kind) == ("budget_spent", True, "rate_limited")
    assert "The key ci has used up its budget of $0.5 a day." in error.message
    assert error.details["subject"] == key_id
    assert 0 < error.details["retry_after_s"] <= 86_400
    assert len((await ci.sessions.list()).items) == 3
    await ended(host, await start(host))  # who is not limited goes on
    clock.put_forward(days=1)
    await ended(ci, await start(ci))


@pytest.mark.parametrize("kind", ["key", "agent", "user"])
async def test_a_budget_that_is_crossed_ends_the_run_once_and_says_which(
    host: LocalWorkbench, replies: Any, kind: str
) -> None:
    call = [
        ToolCallDelta(key="0", name="list_files", arguments="{}"),
        UsageReport(input_tokens=1, output_tokens=1, cost_usd=1.0),
        Finished(reason="tool_calls"),
    ]
    replies[:] = [[*call], [*call], *replies]
    ci, key_id = await with_key(host)
    subject = {"key": key_id, "agent": "general", "user": "local"}[kind]
    await host.usage.set_limit(kind, subject, budgets=(Budget(amount=1.5),))  # type: ignore[arg-type]
    events = await ended(ci, await start(ci))
    assert sum(event.type in RUN_ENDS for event in events) == 1
    end = events[-1]
    assert isinstance(end, RunFailed)
    assert (end.error.code, end.error.retryable) == ("budget_spent", False)
    assert end.error.details["kind"] == kind
    assert end.error.details["used"] == 2.0
    assert sum(event.type == "step.started" for event in events) == 2
    opened = {event.call_id for event in events if event.type == "tool_call.requested"}
    assert opened == {event.call_id for event in events if event.type == "tool_call.completed"}
    with pytest.raises(BudgetSpent):
        await start(ci)
    with pytest.raises(BudgetSpent):
        await ci.runs.go_on((await ci.runs.get(end.run_id)).session_id)


async def test_a_script_is_stopped_by_a_budget_and_cannot_pass_it_by_another_model(
    host: LocalWorkbench,
) -> None:
    asks = 'for _ in range(9):\n    query("offline", conversation)\n'
    other = 'query("openai/made-up", conversation)\n'
    for name, code in (("counting", asks), ("cheating", other)):
        text = f"version: 1\nname: {name}\nmodel: offline\nscript: {json.dumps(code)}\n"
        await host.agents.create(text)
    await host.usage.set_limit("user", "local", budgets=(Budget(amount=0.5),))
    for name, code, asked in (("cheating", "unpriced_model", 0), ("counting", "budget_spent", 2)):
        session = await host.sessions.create(name, model="offline")
        sent = await host.runs.send(session.id, HELLO)
        events = await ended(host, str(sent.run_id))
        assert events[-1].error.code == code
        assert sum(event.type == "usage.recorded" for event in events) == asked


async def test_what_a_sub_agent_uses_is_on_the_account_of_the_key_above(
    host: LocalWorkbench, replies: Any
) -> None:
    await host.agents.create("version: 1\nname: second\ndescription: Helps.\nmodel: offline\n")
    await host.agents.create("version: 1\nname: lead\nmodel: offline\nsubagents: [second]\n")
    call = ToolCallDelta(key="0", name="delegate", arguments='{"agent": "second", "task": "Help"}')
    replies.insert(0, [call, UsageReport(input_tokens=1, output_tokens=1, cost_usd=1.0), *stop("tool_calls")])
    ci, key_id = await with_key(host, budgets=(Budget(amount=1.25),))
    session = await ci.sessions.create("lead", model="offline")
    events = await ended(ci, str((await ci.runs.send(session.id, HELLO)).run_id))
    (child,) = [event for event in events if event.type == "child_run.completed"]
    assert (child.status, child.usage.cost_usd) == ("completed", 0.25)
    assert events[-1].error.code == "budget_spent"
    (group,) = (await host.usage.report(by="key")).groups
    assert (group.key, group.runs, group.steps, group.cost_usd) == (key_id, 2, 2, 1.25)
    by_agent = {each.key: each.cost_usd for each in (await host.usage.report(by="agent", key=key_id)).groups}
    assert by_agent == {"lead": 1.0, "second": 0.25}


async def test_a_budget_that_is_laid_down_meanwhile_stops_a_run(host: LocalWorkbench, replies: Any) -> None:
    asked = [ToolCallDelta(key="0", name="ask_user", arguments='{"question": "Go on?"}')]
    replies[:] = [[*asked, UsageReport(input_tokens=1, output_tokens=1, cost_usd=1.0), *stop("tool_calls")]]
    (host._core.parts.paths.agents / "helper.yaml").write_text(
        "version: 1\nname: helper\nmodel: offline\ntools: [ask_user]\n"
    )
    session = await host.sessions.create("helper", model="offline")
    run_id = (await host.runs.send(session.id, HELLO)).run_id
    assert run_id is not None
    await followed(host, ("question.asked",), run_id=run_id)
    await host.usage.set_limit("user", "local", budgets=(Budget(amount=0.1, period="month"),))
    (question,) = (await host.runs.questions()).items
    await host.runs.answer(question.id, "yes")
    events = await ended(host, run_id)
    assert events[-1].error.code == "budget_spent"


async def test_a_message_that_waits_goes_on_the_account_of_the_key_that_sent_it(
    host: LocalWorkbench, replies: Any
) -> None:
    asked = [ToolCallDelta(key="0", name="ask_user", arguments='{"question": "Go on?"}')]
    replies[:] = [[*asked, *stop("tool_calls")], *replies]
    (host._core.parts.paths.agents / "helper.yaml").write_text(
        "version: 1\nname: helper\nmodel: offline\ntools: [ask_user]\n"
    )
    ci, key_id = await with_key(host)
    session = await host.sessions.create("helper", model="offline")
    first = (await host.runs.send(session.id, HELLO)).run_id
    assert (await ci.runs.send(session.id, HELLO)).run_id is None
    await followed(host, ("question.asked",), session_id=session.id)
    (question,) = (await host.runs.questions()).items
    await host.runs.answer(question.id, "yes")
    async with asyncio.timeout(60):
        async for logged in host.events.follow(EventFilter(session_id=session.id), 0):
            if logged.event.type == "run.completed" and logged.event.run_id != first:
                break
    found = {each.key: each.runs for each in (await host.usage.report(by="key")).groups}
    assert found == {"": 1, key_id: 1}
    assert (await host.usage.report(key=key_id)).total.steps == 1


async def test_credits_are_charged_by_price_and_limited(host: LocalWorkbench, limits: Any) -> None:
    limits["credit_prices"] = {"offline": "1000000/input 500000/output 20/call"}
    ci, _ = await with_key(host, budgets=(Budget(amount=40, unit="credits"),))
    await ended(ci, await start(ci))
    (before,) = await ci.usage.limits()
    assert (before.allowances[0].used, before.allowances[0].left, before.nearly_used) == (31, 9, False)
    limits["credit_prices"] = {}  # what was charged stays as it was
    limits["credits_per_usd"] = 8
    await ended(ci, await start(ci))
    (after,) = await ci.usage.limits()
    assert (after.allowances[0].used, after.nearly_used) == (33, True)
    assert (await host.usage.report()).total.credits == 33


async def test_a_model_without_a_price_is_refused_where_a_budget_holds(
    host: LocalWorkbench, limits: Any
) -> None:
    ci, _ = await with_key(host, budgets=(Budget(amount=9, unit="credits"),))
    with pytest.raises(InvalidError) as refused:
        await start(ci, model="openai/made-up")
    assert refused.value.code == "unpriced_model"
    limits["credit_prices"] = {"openai/made-up": "5/call"}
    await ended(ci, await start(ci, model="openai/made-up"))
    (state,) = await ci.usage.limits()
    assert state.allowances[0].used == 5
    await host.usage.set_limit("key", "ci", budgets=(Budget(amount=9),))
    with pytest.raises(InvalidError):
        await start(ci, model="openai/made-up")


async def test_a_run_whose_cost_nobody_tells_is_stopped_where_a_budget_holds(
    host: LocalWorkbench, replies: Any
) -> None:
    call = [ToolCallDelta(key="0", name="list_files", arguments="{}")]
    replies[:] = [[*call, UsageReport(input_tokens=1, output_tokens=1, cost_usd=None), *stop("tool_calls")]]
    ci, _ = await with_key(host, budgets=(Budget(amount=9),))
    events = await ended(ci, await start(ci))
    assert events[-1].error.code == "cost_unknown"
    assert "key ci" in events[-1].error.message


# --- who may


async def test_a_key_with_limits_can_neither_lift_them_nor_make_another_key(host: LocalWorkbench) -> None:
    ci, _ = await with_key(host, tier="wide")
    for forbidden in (
        lambda: ci.usage.remove_limit("key", "ci"),
        lambda: ci.usage.set_limit("key", "ci", tier="wide"),
        lambda: ci.keys.create("more"),
    ):
        with pytest.raises(ForbiddenError) as refused:
            await forbidden()
        assert refused.value.code == "limited_key"


async def test_users_limit_their_own_keys_and_agents_and_administrators_all(
    host: LocalWorkbench, sign_in: Any, ask: Any
) -> None:
    ann, bob, boss = await sign_in("ann"), await sign_in("bob"), await sign_in("boss", Role.ADMIN)
    one = (Budget(amount=1),)
    await ann.keys.create("phone")
    await ann.usage.set_limit("key", "phone", budgets=one)
    await ann.usage.set_limit("agent", "general", budgets=(Budget(amount=0.25),))
    for forbidden in (
        lambda: bob.usage.set_limit("user", "bob", budgets=one),
        lambda: bob.usage.set_limit("agent", "general", budgets=one, user="ann"),
        lambda: bob.usage.limits(all_users=True),
    ):
        with pytest.raises(ForbiddenError):
            await forbidden()
    with pytest.raises(NotFoundError):
        await bob.usage.set_limit("key", "phone", budgets=one)
    with pytest.raises(NotFoundError):
        await bob.usage.remove_limit("agent", "general")
    await boss.usage.set_limit("user", "bob", budgets=one)
    assert [each.kind for each in await ann.usage.limits()] == ["agent", "key"]
    assert [each.label for each in await bob.usage.limits()] == ["bob"]
    assert len(await boss.usage.limits(all_users=True)) == 3
    await ask(ann)
    with pytest.raises(BudgetSpent):
        await ask(ann)
    await ask(bob)  # it is what ann uses of the agent that is limited
    await boss.usage.remove_limit("agent", "general", user="ann")
    await ask(ann)
    assert [each.kind for each in await ann.usage.limits()] == ["key"]
    await ann.keys.revoke("phone")
    assert await ann.usage.limits() == ()
    await boss.users.remove("ann")
    assert [each.label for each in await boss.usage.limits(all_users=True)] == ["bob"]


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ({}, "invalid_limit"),
        ({"budgets": (Budget(amount=1), Budget(amount=2))}, "invalid_limit"),
        ({"tier": "gold"}, "unknown_tier"),
    ],
)
async def test_what_is_no_limit_is_refused(host: LocalWorkbench, limit: Any, code: str) -> None:
    with pytest.raises(InvalidError) as refused:
        await host.usage.set_limit("user", "local", **limit)
    assert refused.value.code == code


async def test_an_agent_that_there_is_not_cannot_be_limited(host: LocalWorkbench) -> None:
    with pytest.raises(NotFoundError):
        await host.usage.set_limit("agent", "nobody", budgets=(Budget(amount=1),))
    with pytest.raises(NotFoundError) as refused:
        await host.usage.remove_limit("agent", "general")
    assert refused.value.code == "limit_not_found"


async def test_limits_can_be_laid_down_while_budgets_are_looked_at(host: LocalWorkbench) -> None:
    budgets = tuple(Budget(amount=9, period=period) for period in ("day", "month", "total"))  # type: ignore[arg-type]
    await host.usage.set_limit("user", "local", budgets=budgets)
    for number in range(9):
        await host.keys.create(f"k{number}")
    checks = [host._core.budgets.check(Payer(owner="local")) for _ in range(9)]
    kept = [host.usage.set_limit("key", f"k{number}", budgets=budgets) for number in range(9)]
    await asyncio.gather(*(each for pair in zip(checks, kept, strict=True) for each in pair))
    assert len(await host.usage.limits()) == 10


async def test_a_budget_of_nothing_lets_nothing_through(host: LocalWorkbench) -> None:
    await host.usage.set_limit("user", "local", budgets=(Budget(amount=0),))
    with pytest.raises(BudgetSpent) as refused:
        await start(host)
    assert "holdfast usage limit" in refused.value.message
    await host.usage.remove_limit("user", "local")
    await ended(host, await start(host))


async def test_usage_is_told_by_message_run_and_key(host: LocalWorkbench) -> None:
    session = await host.sessions.create("general", model="offline")
    for message in ("m1", "m2"):
        sent = await host.runs.send(session.id, HELLO, message_id=message)
        await ended(host, str(sent.run_id))
    by_message = await host.usage.report(by="message", session=session.id)
    assert {each.key: (each.runs, each.steps, each.cost_usd) for each in by_message.groups} == {
        "m1": (1, 1, 0.25),
        "m2": (1, 1, 0.25),
    }
    assert len((await host.usage.report(by="run", agent="general")).groups) == 2
    assert (await host.usage.report(agent="helper")).groups == ()
    before = await host.usage.report(by="message")
    await host.engine.check(repair=True)
    assert await host.usage.report(by="message") == before


def stop(reason: str) -> list[Any]:
    return [TextDelta(text=""), Finished.model_validate({"reason": reason})]
