"""Modes of sessions: held by the engine, from the next call on, also of a busy run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from holdfast.core.domain.approvals import ApproveMode, Decision, Verdict
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.messages import TextPart, text_of
from holdfast.core.domain.modes import AutoLimits
from holdfast.core.domain.runs import RunOptions


def write(path: str = "note.md") -> tuple[str, str]:
    return ("write_file", f'{{"path": "{path}", "content": "x"}}')


RUN = ("run_command", '{"command": "true"}')


def outcomes(events: list[LoggedEvent]) -> list[str]:
    return [e.event.outcome for e in events if e.event.type == "tool_call.completed"]


async def test_mode_edits_writes_and_still_asks_for_programs(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    async with open_bench([call(write(), RUN), say("done")]) as bench:
        session = await bench.session()
        await bench.workbench.approvals.set_mode(session.id, ApproveMode.EDITS)
        run_id = await bench.send(session)
        asked = await bench.approval()
        assert asked.tool == "run_command"
        await bench.workbench.approvals.decide(asked.id, Decision(outcome="deny"))
        assert outcomes(await bench.end(run_id)) == ["ok", "denied"]


async def test_mode_plan_denies_writes_and_tells_the_model_so(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    async with open_bench([call(write("free.md"), RUN), say("My plan: first …")]) as bench:
        session = await bench.session()
        await bench.workbench.approvals.set_mode(session.id, ApproveMode.PLAN)
        events = await bench.end(await bench.send(session))
        assert outcomes(events) == ["denied", "denied"]
        result = next(e.event for e in events if e.event.type == "tool_call.completed")
        assert "plan mode" in text_of(result.content)
        assert "# Plan mode" in text_of(bench.model.requests[0].messages[0].parts)


async def test_a_change_holds_from_the_next_call_of_a_busy_run_and_the_log_says_whose_it_was(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    steps = [call(write("a.md")), call(write("b.md")), call(write("c.md")), say("done")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        approvals = bench.workbench.approvals
        run_id = await bench.send(session)
        first = await bench.approval()
        await approvals.set_mode(session.id, ApproveMode.EDITS)
        # What waits already goes on waiting: it was shown to be decided.
        assert (await approvals.get(first.id)).status == "pending"
        await approvals.decide(first.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert outcomes(events) == ["ok"] * 3
        assert sum(e.event.type == "approval.requested" for e in events) == 1
        changed = (await bench.until("session.mode_changed"))[-1].event
        assert (changed.mode, changed.by) == (ApproveMode.EDITS, "local")


async def test_plan_reaches_a_call_that_was_approved_before(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    async with open_bench([call(write("a.md"), write("b.md")), say("done")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        first, second = await bench.approvals(2)
        await bench.workbench.approvals.decide(second.id, Decision(outcome="approve"))
        await bench.workbench.approvals.set_mode(session.id, ApproveMode.PLAN)
        await bench.workbench.approvals.decide(first.id, Decision(outcome="approve"))
        assert outcomes(await bench.end(run_id)) == ["denied", "denied"]


async def test_what_a_run_was_started_with_counts_until_the_mode_is_changed(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    steps = [call(write("a.md")), say("done"), call(write("b.md")), say("done")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        await bench.workbench.approvals.set_mode(session.id, ApproveMode.PLAN)
        assert outcomes(await bench.end(await bench.send(session, approve="all"))) == ["ok"]
        assert outcomes(await bench.end(await bench.send(session))) == ["denied"]


async def test_auto_asks_again_when_its_steps_are_made(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    steps = [call(RUN), call(RUN, write()), call(write("b.md")), say("done")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        approvals = bench.workbench.approvals
        await approvals.set_mode(session.id, ApproveMode.AUTO, AutoLimits(steps=2))
        run_id = await bench.send(session)
        asked = await bench.approval()
        assert asked.subject == "b.md"
        mode = await approvals.mode(session.id)
        assert mode is not None
        assert (mode.mode, mode.limits) == (ApproveMode.ASK, None)
        changed = [e.event for e in await bench.until("approval.requested")]
        fell_back = [e for e in changed if e.type == "session.mode_changed"][-1]
        assert (fell_back.by, fell_back.reason) == ("", "2 steps are made")
        await approvals.decide(asked.id, Decision(outcome="deny"))
        assert outcomes(await bench.end(run_id)) == ["ok", "ok", "ok", "denied"]


async def test_auto_counts_what_was_used_since_it_was_switched_on(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any], usage: Any
) -> None:
    async with open_bench([say("one"), call(RUN), say("two")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session))
        await bench.workbench.approvals.set_mode(session.id, ApproveMode.AUTO)
        await bench.end(await bench.send(session))
        mode = await bench.workbench.approvals.mode(session.id)
        assert mode is not None
        assert mode.steps == 2
        assert mode.limits == AutoLimits()


async def test_what_a_later_mode_denies_is_asked_no_more(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    async with open_bench([call(write("a.md"), RUN), say("done")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        first, second = await bench.approvals(2)
        await bench.workbench.approvals.set_mode(session.id, ApproveMode.PLAN)
        asked_first = first if first.tool == "write_file" else second
        await bench.workbench.approvals.decide(asked_first.id, Decision(outcome="approve"))
        assert outcomes(await bench.end(run_id)) == ["denied", "denied"]
        assert (await bench.workbench.approvals.list(session.id)).items == ()


async def test_a_run_that_is_taken_up_after_a_restart_has_the_mode_of_its_session(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    async with open_bench([call(write("a.md"), RUN)]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.approvals(2)
        await bench.workbench.approvals.set_mode(session.id, ApproveMode.PLAN)
    async with open_bench([say("done")]) as bench:
        assert outcomes(await bench.end(run_id)) == ["denied", "denied"]
        assert (await bench.workbench.approvals.list(session.id)).items == ()


async def test_a_session_made_anew_under_an_old_id_has_no_mode(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    async with open_bench([call(RUN), say("done"), call(RUN)]) as bench:
        await bench.session(id="again")
        await bench.workbench.approvals.set_mode("again", ApproveMode.AUTO)
        fork = await bench.workbench.sessions.fork("again")
        assert await bench.workbench.approvals.mode(fork.id) is None
        session = await bench.workbench.sessions.get("again")
        await bench.end(await bench.send(session))
        await bench.workbench.sessions.delete("again", permanent=True)
        session = await bench.session(id="again")
        assert await bench.workbench.approvals.mode("again") is None
        await bench.send(session)
        assert (await bench.approval()).tool == "run_command"


async def test_limits_belong_to_auto_and_modes_to_sessions_that_exist(open_bench: Any) -> None:
    async with open_bench() as bench:
        session = await bench.session()
        with pytest.raises(InvalidError):
            await bench.workbench.approvals.set_mode(session.id, ApproveMode.ASK, AutoLimits())
        with pytest.raises(NotFoundError):
            await bench.workbench.approvals.set_mode("nobody", ApproveMode.ASK)


async def test_a_rule_that_is_forgotten_is_gone_from_the_session_that_made_it(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    async with open_bench([call(RUN), say("done"), call(RUN), say("done"), call(RUN)]) as bench:
        session = await bench.session()
        approvals = bench.workbench.approvals
        run_id = await bench.send(session)
        asked = await bench.approval()
        await approvals.decide(asked.id, Decision(outcome="approve", scope="always"))
        await bench.end(run_id)
        assert outcomes(await bench.end(await bench.send(session))) == ["ok"]
        assert (await approvals.remove_rule(asked.rule, Verdict.ALLOW)).allow == ()
        await bench.send(session)
        assert (await bench.approval()).tool == "run_command"


async def test_what_was_granted_for_a_session_can_be_taken_back(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    async with open_bench([call(RUN), say("done"), call(RUN)]) as bench:
        session = await bench.session()
        approvals = bench.workbench.approvals
        run_id = await bench.send(session)
        asked = await bench.approval()
        await approvals.decide(asked.id, Decision(outcome="approve", scope="session"))
        await bench.end(run_id)
        granted = [e for e in await approvals.sources(session.id) if e.origin == "session"]
        assert [(e.rule, e.verdict) for e in granted] == [(asked.rule, Verdict.ALLOW)]
        await approvals.drop_grants(session.id, (asked.rule,))
        assert not [e for e in await approvals.sources(session.id) if e.origin == "session"]
        await bench.send(session)
        assert (await bench.approval()).tool == "run_command"


async def test_the_history_says_who_decided_what_and_is_searched(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    async with open_bench([call(write("a.md"), RUN), say("done")]) as bench:
        session = await bench.session()
        approvals = bench.workbench.approvals
        run_id = await bench.send(session)
        first, second = await bench.approvals(2)
        claimed = Decision(outcome="approve", decided_by="somebody", client="key stolen")
        await approvals.decide(first.id, claimed)
        await approvals.decide(second.id, Decision(outcome="deny", reason="not today"))
        await bench.end(run_id)
        found = (await approvals.history()).items
        assert [a.id for a in found] == [second.id, first.id]
        assert (found[1].decision.decided_by, found[1].decision.client) == ("local", "")
        assert [a.id for a in (await approvals.history("TODAY run_")).items] == [second.id]
        assert [a.id for a in (await approvals.history("tester", status="approved")).items] == [first.id]
        assert (await approvals.history("100%")).items == ()
        decided = found[0].decided_at
        assert [a.id for a in (await approvals.history(since=decided)).items] == [second.id]
        assert [a.id for a in (await approvals.history(until=decided)).items] == [first.id]
        page = await approvals.history(limit=1)
        rest = await approvals.history(limit=1, cursor=page.next_cursor)
        assert [*page.items, *rest.items] == list(found)


async def test_rules_are_suggested_from_what_was_approved_by_hand(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    steps = [call(*(write(f"docs/{n}.md") for n in range(3)), ("run_command", '{"command": "true"}'))]
    async with open_bench([*steps, say("done")]) as bench:
        session = await bench.session()
        approvals = bench.workbench.approvals
        run_id = await bench.send(session)
        for waiting in await bench.approvals(4):
            await approvals.decide(waiting.id, Decision(outcome="approve"))
        await bench.end(run_id)
        (suggested,) = await approvals.suggestions()
        assert (suggested.kind, suggested.weight.rule, suggested.approved) == (
            "folder",
            "write_file(docs/*)",
            3,
        )
        await approvals.add_rule(suggested.weight.rule)
        assert await approvals.suggestions() == ()
        assert (await approvals.weigh("run_command(true)")).covered == 1


async def test_a_message_that_waits_does_not_take_a_later_word_back(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    steps = [call(RUN), say("done"), call(write()), say("done")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        asked = await bench.approval()
        parts = (TextPart(text="And then?"),)
        await bench.workbench.runs.send(session.id, parts, RunOptions(approve=ApproveMode.ALL))
        await bench.workbench.approvals.set_mode(session.id, ApproveMode.PLAN)
        await bench.workbench.approvals.decide(asked.id, Decision(outcome="approve"))
        first = await bench.end(run_id)
        second = await bench.until("run.completed", after=first[-1].id)
        assert outcomes(second) == ["denied"]


async def test_a_grant_reaches_neither_other_users_nor_what_its_rule_does_not_cover(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    other = ("run_command", '{"command": "false"}')
    async with open_bench([call(write()), call(other), call(write()), say("done")]) as bench:
        await bench.workbench.users.add("ann")
        (user,) = [each for each in await bench.workbench.users.list() if each.name == "ann"]
        ann = bench.workbench.as_principal(
            Principal(user_id=user.id, name="ann", role=Role.USER, scope=Scope.CHAT)
        )
        hers = await ann.sessions.create("coder")
        await ann.runs.send(hers.id, (TextPart(text="Go"),))
        async with asyncio.timeout(20):
            async for _ in ann.events.follow(EventFilter(), 0):
                if (await ann.approvals.list()).items:
                    break
        # Whatever waits goes on waiting when a mode would allow it now.
        await ann.approvals.set_mode(hers.id, ApproveMode.ALL)
        mine = await bench.session()
        await bench.send(mine)
        (unlike,) = await bench.approvals(1)
        await bench.workbench.approvals.set_mode(mine.id, ApproveMode.ALL)
        third = await bench.session()
        await bench.send(third)
        asked = next(each for each in await bench.approvals(2) if each.session_id == third.id)
        await bench.workbench.approvals.decide(asked.id, Decision(outcome="approve", scope="always"))
        assert [each.status for each in (await ann.approvals.list()).items] == ["pending"]
        assert (await bench.workbench.approvals.get(unlike.id)).status == "pending"
