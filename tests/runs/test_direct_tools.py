"""A tool that a person runs directly: logged, approved, cancelled and taken up as any other call."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from grammar import check, check_accepted

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnsupportedError,
)
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.messages import DIRECT_CALL_HEADER, Message, TextPart, ToolResultPart, text_of
from holdfast.core.domain.models import ToolSchema
from holdfast.core.domain.runs import RunOptions, RunStatus
from holdfast.core.domain.tools import Risk
from holdfast.core.runs.projections.context import ContextProjection
from holdfast.core.runs.recovery import read_context
from holdfast.core.services.local import LocalWorkbench

both = pytest.mark.parametrize("door", ["local", "remote"])

WRITE = {"path": "free.md", "content": "hello"}
ASKED = {"path": "asked.md", "content": "hello"}
WEATHER = ToolSchema(name="get_weather", description="The weather of a town.", parameters={"type": "object"})
SKY = ("get_weather", "{}")


def kinds(events) -> list[str]:
    return [logged.event.type for logged in events]


async def log_of(bench, session):
    return (await bench.workbench.events.page_before(session.id)).items


def user_texts(messages: tuple[Message, ...]) -> list[str]:
    return [message.text for message in messages if message.role == "user"]


@both
async def test_a_tool_is_listed_as_models_see_it(open_bench) -> None:
    async with open_bench() as bench:
        tools = {tool.name: tool for tool in await bench.workbench.tools.list()}
        assert tools["write_file"].risk is Risk.WRITE
        assert tools["write_file"].description
        assert set(tools["write_file"].parameters["required"]) == {"path", "content"}
        assert tools["fetch_url"].risk is Risk.NETWORK, "also one that no agent here has"


@both
async def test_an_allowed_tool_runs_without_any_model(open_bench) -> None:
    async with open_bench() as bench:
        session = await bench.session()
        done = await bench.workbench.tools.run(session.id, "write_file", WRITE, wait_s=20)
        assert (done.status, done.outcome, done.tool) == (RunStatus.COMPLETED, "ok", "write_file")
        assert "free.md" in text_of(done.content)
        assert done.display
        assert (Path(session.workspace) / "free.md").read_text() == "hello"
        events = await bench.end(done.run_id)
        check(events)
        assert kinds(events) == [
            "run.started",
            "tool_call.requested",
            "tool_call.started",
            "file.changed",
            "tool_call.completed",
            "run.completed",
        ]
        run = await bench.workbench.runs.get(done.run_id)
        assert (run.model, run.steps, run.status) == ("", 0, RunStatus.COMPLETED)
        assert bench.model.requests == []
        assert await bench.workbench.files.undo(session.id) == ()


@both
async def test_a_tool_that_the_agent_has_not_is_run_under_its_rules(open_bench) -> None:
    async with open_bench() as bench:
        session, tools = await bench.session(), bench.workbench.tools
        (Path(session.workspace) / "a.txt").write_text("needle")
        found = await tools.run(session.id, "search_files", {"pattern": "needle"}, wait_s=20)
        assert (found.outcome, "a.txt" in text_of(found.content)) == ("ok", True)
        denied = await tools.run(
            session.id, "write_file", {"path": "forbidden.md", "content": "x"}, wait_s=20
        )
        assert (denied.status, denied.outcome) == (RunStatus.COMPLETED, "denied")
        assert not (Path(session.workspace) / "forbidden.md").exists()


@both
async def test_what_policy_asks_for_waits_and_a_decision_lets_it_go(open_bench) -> None:
    async with open_bench() as bench:
        session, tools = await bench.session(), bench.workbench.tools
        waiting = await tools.run(session.id, "write_file", ASKED)
        approval = await bench.approval()
        assert (approval.run_id, approval.tool, waiting.outcome) == (waiting.run_id, "write_file", None)
        assert (await tools.result(waiting.run_id, 0.01)).status is RunStatus.WAITING
        edited = {"path": "asked.md", "content": "edited"}
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve", arguments=edited))
        done = await tools.result(waiting.run_id, 20)
        assert (done.outcome, (Path(session.workspace) / "asked.md").read_text()) == ("ok", "edited")
        denied = await tools.run(session.id, "run_command", {"command": "touch x"})
        approval = await bench.approval()
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="deny", reason="not that"))
        assert "not that" in text_of((await tools.result(denied.run_id, 20)).content)


@both
async def test_the_options_say_who_is_asked_and_how_long_it_may_take(open_bench) -> None:
    async with open_bench() as bench:
        session, tools = await bench.session(), bench.workbench.tools
        nobody = RunOptions(approvals="deny")
        assert (await tools.run(session.id, "write_file", ASKED, nobody, 20)).outcome == "denied"
        everything = RunOptions(approve="all")
        assert (await tools.run(session.id, "write_file", ASKED, everything, 20)).outcome == "ok"
        short = RunOptions(approve="all", timeout_s=0.2)
        late = await tools.run(session.id, "run_command", {"command": "read x < /dev/zero"}, short, 20)
        assert late.status is RunStatus.FAILED
        assert late.error is not None
        assert (late.error.code, late.outcome) == ("timeout", "cancelled")
        with pytest.raises(UnsupportedError, match="model"):
            await tools.run(session.id, "list_files", {}, RunOptions(model="scripted"))


@both
async def test_what_cannot_be_is_refused_before_anything_is_logged(open_bench) -> None:
    async with open_bench() as bench:
        session, tools = await bench.session(), bench.workbench.tools
        with pytest.raises(NotFoundError, match="read_file"):
            await tools.run(session.id, "read_fil", {"path": "a"})
        with pytest.raises(InvalidError, match="path is missing"):
            await tools.run(session.id, "read_file", {"paht": "a"})
        deep: list[object] = []
        for _ in range(150):
            deep = [deep]
        with pytest.raises(InvalidError):
            await tools.run(session.id, "update_plan", {"items": deep})
        with pytest.raises(NotFoundError):
            await tools.run("nothing", "list_files", {})
        assert (await bench.workbench.runs.list(session.id)).items == ()
        assert "run.started" not in kinds(await log_of(bench, session))


@both
async def test_one_thing_at_a_time_happens_in_a_session(open_bench, say) -> None:
    async with open_bench([say("After")]) as bench:
        session, tools = await bench.session(), bench.workbench.tools
        waiting = await tools.run(session.id, "write_file", ASKED)
        await bench.approval()
        with pytest.raises(ConflictError) as refused:
            await tools.run(session.id, "list_files", {})
        assert refused.value.code == "busy"
        queued = await bench.workbench.runs.send(session.id, (TextPart(text="Then?"),))
        assert queued.run_id is None
        await bench.workbench.runs.cancel(waiting.run_id)
        cancelled = await tools.result(waiting.run_id)
        assert (cancelled.status, cancelled.outcome) == (RunStatus.CANCELLED, "cancelled")
        await bench.until("run.completed")
        check(await log_of(bench, session), deltas=False)


@both
async def test_what_waits_for_results_of_the_caller_waits_on(open_bench, say, call) -> None:
    steps = [call(("write_file", json.dumps(ASKED)), SKY), say("It rains"), say("to later")]
    async with open_bench(steps) as bench:
        session, tools, runs = await bench.session(), bench.workbench.tools, bench.workbench.runs
        run_id = await bench.send(session, client_tools=(WEATHER,))
        approval = await bench.approval()
        await runs.send(session.id, (TextPart(text="later"),))
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="deny"))
        handed = (await bench.end(run_id))[-2].event
        assert handed.outcome == "client"
        direct = await tools.run(session.id, "write_file", {"path": "asked.md", "content": "x"})
        result = ToolResultPart(call_id=handed.call_id, name=handed.name, content=(TextPart(text="Rain"),))
        await bench.approval()
        with pytest.raises(ConflictError) as refused:
            await runs.send(session.id, (result,))
        assert (refused.value.code, refused.value.retryable) == ("busy", True)
        await runs.cancel(direct.run_id)
        assert (await tools.run(session.id, "list_files", {}, wait_s=20)).outcome == "ok"
        assert [one.parts[0].text for one in await bench.workbench.sessions.queue(session.id)] == ["later"]
        answered = await runs.send(session.id, (result,))
        events = await bench.end(answered.run_id)
        assert "Rain" in str(bench.model.requests[1].messages)
        await bench.until("run.completed", after=events[-1].id)
        assert bench.model.requests[-1].messages[-1].text == "later"


@both
async def test_a_failed_run_is_gone_on_with_though_a_tool_was_run_meanwhile(open_bench, say) -> None:
    async with open_bench([[RuntimeError("bug")], say("Again")]) as bench:
        session = await bench.session()
        failed = await bench.send(session)
        await bench.end(failed)
        await bench.workbench.tools.run(session.id, "list_files", {}, wait_s=20)
        submitted = await bench.workbench.runs.go_on(session.id)
        events = await bench.end(submitted.run_id)
        assert (events[0].event.continues, events[-1].event.type) == (failed, "run.completed")


@both
async def test_it_cannot_be_gone_on_with(open_bench) -> None:
    async with open_bench() as bench:
        session = await bench.session()
        waiting = await bench.workbench.tools.run(session.id, "write_file", ASKED)
        await bench.approval()
        await bench.workbench.runs.cancel(waiting.run_id)
        with pytest.raises(ConflictError) as refused:
            await bench.workbench.runs.go_on(session.id)
        assert refused.value.code == "nothing_to_continue"


@both
async def test_a_run_of_an_agent_is_no_result_of_a_tool(open_bench, say) -> None:
    async with open_bench([say("Hi")]) as bench:
        run_id = await bench.send(await bench.session())
        await bench.end(run_id)
        with pytest.raises(NotFoundError) as refused:
            await bench.workbench.tools.result(run_id)
        assert refused.value.code == "no_tool_run"


@both
async def test_who_stops_waiting_loses_nothing(open_bench) -> None:
    async with open_bench() as bench:
        session, tools = await bench.session(), bench.workbench.tools
        asking = asyncio.create_task(tools.run(session.id, "write_file", ASKED, wait_s=90))
        approval = await bench.approval()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        assert (await tools.result(approval.run_id, 20)).outcome == "ok"


async def test_a_restart_takes_up_a_call_that_waits(open_bench) -> None:
    async with open_bench() as bench:
        session = await bench.session()
        waiting = await bench.workbench.tools.run(
            session.id, "run_command", {"command": "echo done > made"}, RunOptions(timeout_s=30)
        )
        await bench.approval()
    async with open_bench() as bench:
        approval = await bench.approval()
        assert approval.run_id == waiting.run_id
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        done = await bench.workbench.tools.result(waiting.run_id, 20)
        assert (done.status, done.outcome) == (RunStatus.COMPLETED, "ok")
        assert (Path(session.workspace) / "made").read_text() == "done\n"
        assert bench.model.requests == []
        check(await log_of(bench, session), deltas=False)


async def test_a_question_is_asked_by_the_tool_that_asks(open_bench) -> None:
    async with open_bench() as bench:
        session = await bench.session()
        asked = await bench.workbench.tools.run(session.id, "ask_user", {"question": "Well?"})
        await bench.until("question.asked")
        (question,) = (await bench.workbench.runs.questions()).items
        await bench.workbench.runs.answer(question.id, "Yes")
        assert text_of((await bench.workbench.tools.result(asked.run_id, 20)).content) == "Yes"


@both
async def test_the_next_run_of_the_agent_knows_what_was_done(open_bench, say) -> None:
    async with open_bench([say("First"), say("Second")]) as bench:
        session, tools = await bench.session(), bench.workbench.tools
        await bench.end(await bench.send(session, "One"))
        done = await tools.run(session.id, "write_file", WRITE, wait_s=20)
        await tools.run(session.id, "write_file", {"path": "forbidden.md", "content": "x"}, wait_s=20)
        await bench.end(await bench.send(session, "Two"))
        messages = bench.model.requests[-1].messages[1:]
        check_accepted(messages)
        assert [message.role for message in messages] == ["user", "assistant", "user", "user"]
        first, note, second = user_texts(messages)
        assert (first, second) == ("One", "Two")
        assert note.startswith(DIRECT_CALL_HEADER)
        assert '`write_file` with {"path": "free.md", "content": "hello"}' in note
        assert f"<{done.call_id}>\n{text_of(done.content)}\n</{done.call_id}>" in note
        assert (await bench.workbench.sessions.get(session.id)).title == "One"


async def test_what_was_done_stands_behind_the_results_of_the_caller(open_bench, say, call) -> None:
    weather = ToolSchema(name="get_weather", description="", parameters={"type": "object"})
    async with open_bench([call(("get_weather", "{}")), say("Fine")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "Weather?", client_tools=(weather,)))
        await bench.workbench.tools.run(session.id, "write_file", WRITE, wait_s=20)
        assert isinstance(bench.workbench, LocalWorkbench)
        context = await read_context(bench.workbench._core.log, session.id)
        assert list(context.unanswered.values()) == ["get_weather"]
        await bench.end(await bench.send(session, "Never mind"))
        messages = bench.model.requests[-1].messages[1:]
        check_accepted(messages)
        assert [message.role for message in messages] == ["user", "assistant", "tool", "user", "user"]


async def test_a_user_who_is_no_administrator_runs_no_programs(open_bench) -> None:
    async with open_bench() as bench:
        assert isinstance(bench.workbench, LocalWorkbench)
        await bench.workbench.users.add("ann")
        key = await bench.workbench.keys.create("k", user="ann")
        ann = bench.workbench.as_principal(await bench.workbench.authenticate(key.secret))
        agents = bench.home / "config" / "agents"
        assert agents.is_dir()
        session = await ann.sessions.create("general")
        options = RunOptions(approve="all")
        done = await ann.tools.run(session.id, "run_command", {"command": "touch x"}, options, 20)
        assert done.outcome == "denied"
        reader = bench.workbench.as_principal(
            (await bench.workbench.authenticate(key.secret)).model_copy(update={"scope": Scope.READ})
        )
        assert await reader.tools.list()
        with pytest.raises(ForbiddenError):
            await reader.tools.run(session.id, "list_files", {})


async def test_a_fork_carries_what_was_done(open_bench, say) -> None:
    async with open_bench([say("Second")]) as bench:
        session = await bench.session()
        await bench.workbench.tools.run(session.id, "write_file", WRITE, wait_s=20)
        fork = await bench.workbench.sessions.fork(session.id)
        await bench.end(await bench.send(fork, "And?"))
        assert user_texts(bench.model.requests[-1].messages)[0].startswith(DIRECT_CALL_HEADER)
        check(await log_of(bench, fork), deltas=False)


async def test_replayed_and_live_contexts_are_equal(open_bench, say) -> None:
    async with open_bench([say("Second")]) as bench:
        session = await bench.session()
        await bench.workbench.tools.run(session.id, "write_file", WRITE, wait_s=20)
        await bench.end(await bench.send(session, "And?"))
        context = ContextProjection()
        found = await bench.workbench.events.read(EventFilter(session_id=session.id), limit=1000)
        for logged in found.items:
            context.apply(logged)
        assert context.messages[:-1] == bench.model.requests[-1].messages[1:]
