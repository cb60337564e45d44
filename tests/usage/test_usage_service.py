"""Reports of usage and the engine's figures: who sees whose, and what stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from paying import ended, start

from holdfast.core.domain.errors import ForbiddenError, InvalidError
from holdfast.core.domain.identity import Role, Scope
from holdfast.core.domain.usage import ModelUsage
from holdfast.core.services import usage
from holdfast.core.services.local import LocalWorkbench


async def test_a_run_is_on_the_bill_of_its_owner_alone(host: LocalWorkbench, sign_in: Any, ask: Any) -> None:
    ann, boss = await sign_in("ann"), await sign_in("boss", Role.ADMIN)
    session_id = await ask(ann)
    mine = await ann.usage.report(by="session")
    assert [(group.key, group.label) for group in mine.groups] == [(session_id, "Secret plans")]
    assert (mine.total.runs, mine.total.steps, mine.total.input_tokens) == (1, 1, 10)
    assert (mine.total.cost_usd, mine.total.unpriced) == (0.25, False)
    for other in (host, boss):
        assert (await other.usage.report()).total.runs == 0
        everybody = await other.usage.report(by="session", all_users=True)
        assert [(group.key, group.label) for group in everybody.groups] == [(session_id, "")]
        (user,) = (await other.usage.report(by="user", all_users=True)).groups
        assert user.label == "ann"


async def test_only_an_administrator_sees_what_all_have_used(sign_in: Any) -> None:
    ann = await sign_in("ann")
    with pytest.raises(ForbiddenError):
        await ann.usage.report(all_users=True)
    with pytest.raises(ForbiddenError):
        await ann.engine.figures()


async def test_a_key_that_may_only_read_reads_usage_and_figures(sign_in: Any) -> None:
    boss = await sign_in("boss", Role.ADMIN, Scope.READ)
    assert (await boss.usage.report()).groups == ()
    assert (await boss.engine.figures()).sessions == 0


async def test_a_bill_does_not_shrink_with_its_session(host: LocalWorkbench, ask: Any) -> None:
    session_id = await ask(host)
    before = await host.usage.report(by="model")
    figures = await host.engine.figures()
    await host.sessions.delete(session_id, permanent=True)
    assert await host.usage.report(by="model") == before
    assert (await host.engine.figures()).usage == figures.usage
    await host.engine.check(repair=True)
    assert await host.usage.report(by="model") == before


async def test_a_new_agent_has_used_nothing_though_one_of_its_title_did(host: LocalWorkbench) -> None:
    names = []
    for _ in range(2):
        made = await host.agents.compose({"display_name": "My Clerk", "model": "offline"})
        await ended(host, await start(host, made.name))
        await host.agents.delete(made.id)
        names.append(made.name)
    assert names == ["my-clerk", "my-clerk-2"]
    assert {each.key: each.runs for each in (await host.usage.report(by="agent")).groups} == dict.fromkeys(
        names, 1
    )


async def test_usage_that_was_lost_is_noticed_and_brought_back(host: LocalWorkbench, ask: Any) -> None:
    session_id = await ask(host)
    await host.sessions.fork(session_id)
    before = await host.usage.report(by="model")
    (index,) = [check for check in await host.engine.check() if check.name == "index"]
    assert index.state == "ok"
    await host._core.log.writer.run(lambda db: db.execute("DELETE FROM usage") and None)
    (index,) = [check for check in await host.engine.check(repair=True) if check.name == "index"]
    assert (index.state, "usage of 1" in index.message) == ("repaired", True)
    assert await host.usage.report(by="model") == before


async def test_a_fork_is_on_no_bill_before_it_runs(host: LocalWorkbench, ask: Any) -> None:
    session_id = await ask(host)
    await host.sessions.fork(session_id)
    assert (await host.usage.report()).total.runs == 1
    assert (await host.engine.figures()).runs_ended["completed"] == 1


async def test_a_span_that_ends_before_it_begins_is_refused(host: LocalWorkbench) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    with pytest.raises(InvalidError, match="until"):
        await host.usage.report(since=now, until=now - timedelta(days=1))
    with pytest.raises(InvalidError, match="limit"):
        await host.usage.report(limit=0)


async def test_the_figures_say_what_there_is_now(host: LocalWorkbench, ask: Any) -> None:
    await ask(host)
    figures = await host.engine.figures()
    assert figures.open_runs == {"running": 0, "waiting": 0, "paused": 0}
    assert (figures.sessions, figures.executing_runs, figures.waiting_approvals) == (1, 0, 0)
    assert figures.runs_ended == {"completed": 1, "failed": 0, "cancelled": 0}
    assert figures.last_event_id == figures.events_appended > 5
    (model,) = figures.usage
    assert (model.model, model.input_tokens, model.cost_usd) == ("offline", 10, 0.25)
    await ask(host)
    assert (await host.engine.figures()).usage[0].input_tokens == 20


async def test_so_many_models_and_no_more_have_figures_of_their_own(
    host: LocalWorkbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "MOST_MODELS", 2)
    figures = host._core.figures
    for name in ("a", "b", "c", "d", "a"):
        figures._add(ModelUsage(model=name, input_tokens=1, estimated=name == "d"))
    found = {each.model: each for each in (await figures.read()).usage}
    assert {name: each.input_tokens for name, each in found.items()} == {"a": 2, "b": 1, "other": 2}
    assert found["other"].estimated
