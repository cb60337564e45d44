"""Tools that the caller executes: handed over at the end of a run, answered by the next message."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from grammar import check
from run_helpers import of

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.messages import TextPart, ToolResultPart, text_of
from holdfast.core.domain.models import ToolSchema
from holdfast.core.domain.runs import RunOptions, RunStatus
from holdfast.core.runs.projections.context import NO_RESULT
from holdfast.core.store.log import EventLog

pytestmark = pytest.mark.parametrize("door", ["local", "remote"])

WEATHER = ToolSchema(
    name="get_weather",
    description="The weather of a town.",
    parameters={"type": "object", "properties": {"town": {"type": "string"}}},
)
SKY = ("get_weather", json.dumps({"town": "Bath"}))
SEA = ("get_weather", json.dumps({"town": "Brest"}))
FREE = ("write_file", json.dumps({"path": "free.md", "content": "x"}))
ASKED = ("write_file", json.dumps({"path": "asked.md", "content": "x"}))


def result(call_id: str, text: str = "Rain.", **more: Any) -> ToolResultPart:
    return ToolResultPart(call_id=call_id, name="get_weather", content=(TextPart(text=text),), **more)


async def hand_over(bench: Any, session: Any, **options: Any) -> list[str]:
    """Runs until calls are left to the caller; returns their ids."""
    events = await bench.end(await bench.send(session, client_tools=(WEATHER,), **options))
    assert (events[-1].event.type, events[-1].event.reason) == ("run.completed", "client_tools")
    check(events)
    return [each.call_id for each in of(events, "tool_call.completed") if each.outcome == "client"]


async def answer(bench: Any, session: Any, *parts: Any, **options: Any) -> Any:
    submitted = await bench.workbench.runs.send(session.id, parts, RunOptions(**options))
    assert submitted.run_id is not None
    return await bench.end(submitted.run_id)


async def test_a_call_is_handed_over_and_its_result_goes_on(open_bench, say, call) -> None:
    async with open_bench([call(SKY), say("It rains.")]) as bench:
        session = await bench.session()
        (call_id,) = await hand_over(bench, session)
        tools = [tool.name for tool in bench.model.requests[0].tools]
        assert tools[-1] == "get_weather"
        assert "read_file" in tools
        assert (await bench.workbench.sessions.get(session.id)).status == RunStatus.COMPLETED
        events = await answer(bench, session, result(call_id))
        assert events[-1].event.type == "run.completed"
        asked, told = bench.model.requests[1].messages[-2:]
        assert [(asked.role, asked.parts[0].call_id), told.role] == [("assistant", call_id), "tool"]
        assert (told.parts[0].call_id, text_of(told.parts[0].content)) == (call_id, "Rain.")
        # The result was no message of a person: the title stays, and it is not found as one.
        assert (await bench.workbench.sessions.get(session.id)).title == "Hello"
        assert (await bench.workbench.sessions.search("tool_result")).items == ()


async def test_the_steps_other_calls_are_executed_first(open_bench, say, call) -> None:
    async with open_bench([call(SKY, FREE, ASKED), say("ok")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, client_tools=(WEATHER,))
        approval = await bench.approval()
        assert (await bench.workbench.runs.get(run_id)).status == RunStatus.WAITING
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert [e.outcome for e in of(events, "tool_call.completed")] == ["ok", "ok", "client"]
        handed = of(events, "tool_call.completed")[-1]
        assert [e.call_id for e in of(events, "tool_call.started")].count(handed.call_id) == 0
        files = [entry.path for entry in await bench.workbench.files.list(session.id)]
        assert files == ["asked.md", "free.md"]
        await answer(bench, session, result(handed.call_id))
        roles = [message.role for message in bench.model.requests[-1].messages]
        assert roles == ["system", "user", "assistant", "tool", "tool", "tool"]


async def test_no_restart_finds_a_run_between_its_handed_calls_and_its_end(
    open_bench, call, monkeypatch
) -> None:
    async with open_bench([call(SKY, SEA)]) as bench:
        batches: list[list[str]] = []
        append = EventLog.append

        def noticed(log: EventLog, *events: Any, durable: bool = False) -> Any:
            batches.append([event.type for event in events])
            return append(log, *events, durable=durable)

        monkeypatch.setattr(EventLog, "append", noticed)
        await hand_over(bench, await bench.session())
        assert batches[-1] == ["tool_call.completed", "tool_call.completed", "run.completed"]


async def test_policy_does_not_speak_of_the_callers_tools(open_bench, call) -> None:
    async with open_bench([call(SKY)]) as bench:
        assert len(await hand_over(bench, await bench.session(), approvals="deny")) == 1


async def test_a_call_that_cannot_be_read_goes_back_to_the_model_not_to_the_caller(
    open_bench, say, call
) -> None:
    async with open_bench([call(("get_weather", "no json")), call(SKY), say("ok")]) as bench:
        events = await bench.end(await bench.send(await bench.session(), client_tools=(WEATHER,)))
        assert [e.outcome for e in of(events, "tool_call.completed")] == ["error", "client"]


async def test_an_unknown_name_near_a_client_tool_is_told_to_the_model(open_bench, say, call) -> None:
    async with open_bench([call(("get_wether", "{}")), say("ok")]) as bench:
        events = await bench.end(await bench.send(await bench.session(), client_tools=(WEATHER,)))
        assert "Did you mean get_weather" in of(events, "tool_call.requested")[0].invalid


async def test_a_call_that_nobody_answered_gets_a_placeholder(open_bench, say, call) -> None:
    async with open_bench([call(SKY, SEA), say("one"), call(SKY), say("two")]) as bench:
        session = await bench.session()
        first, second = await hand_over(bench, session)
        await answer(bench, session, result(second, "Sun.", is_error=True), TextPart(text="And now?"))
        *_, a, b, user = bench.model.requests[1].messages
        assert [(m.role, m.parts[0].call_id) for m in (a, b)] == [("tool", first), ("tool", second)]
        assert text_of(a.parts[0].content) == NO_RESULT
        assert (text_of(b.parts[0].content), b.parts[0].is_error) == ("Sun.", True)
        assert (user.role, user.text) == ("user", "And now?")
        await hand_over(bench, session)
        await answer(bench, session, TextPart(text="Never mind"))
        *_, tool, user = bench.model.requests[-1].messages
        assert (text_of(tool.parts[0].content), user.text) == (NO_RESULT, "Never mind")


async def test_only_calls_that_wait_can_be_answered(open_bench, say, call) -> None:
    async with open_bench([call(FREE), say("a"), call(SKY), say("b"), call(ASKED), say("c")]) as bench:
        session = await bench.session()

        async def refused(*parts: Any) -> None:
            with pytest.raises(InvalidError) as caught:
                await bench.workbench.runs.send(session.id, parts)
            assert caught.value.code == "unknown_call"

        await refused(result("call_none"))
        events = await bench.end(await bench.send(session))
        await refused(result(of(events, "tool_call.completed")[0].call_id))  # executed here
        (call_id,) = await hand_over(bench, session)
        await refused(result(call_id), result("call_none"))
        await refused(result(call_id), result(call_id))
        await answer(bench, session, result(call_id))
        await refused(result(call_id))  # answered already
        run_id = await bench.send(session)
        await bench.approval()
        await refused(result(call_id))  # busy: nothing was left to anybody
        with pytest.raises(InvalidError) as caught:
            await bench.workbench.runs.steer(run_id, (result(call_id),))
        assert caught.value.code == "unknown_call"
        await bench.workbench.runs.cancel(run_id)
        assert len((await bench.workbench.runs.list(session.id)).items) == 4


async def test_two_answers_at_once_are_one_answer(open_bench, say, call) -> None:
    async with open_bench([call(SKY), say("b"), say("c")]) as bench:
        session = await bench.session()
        (call_id,) = await hand_over(bench, session)
        send = bench.workbench.runs.send
        both = await asyncio.gather(
            send(session.id, (result(call_id),)), send(session.id, (result(call_id),)), return_exceptions=True
        )
        assert sum(isinstance(each, InvalidError) for each in both) == 1


async def test_what_waits_lets_the_answer_go_first(open_bench, say, call) -> None:
    async with open_bench([call(ASKED, SKY), say("answered"), say("then the queue")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, client_tools=(WEATHER,))
        approval = await bench.approval()
        await bench.workbench.runs.send(session.id, (TextPart(text="later"),))
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="deny"))
        events = await bench.end(run_id)
        handed = of(events, "tool_call.completed")[-1]
        assert handed.outcome == "client"
        assert [each.parts[0].text for each in await bench.workbench.sessions.queue(session.id)] == ["later"]
        events = await answer(bench, session, result(handed.call_id))
        await bench.until("run.completed", after=events[-1].id)
        assert bench.model.requests[-1].messages[-1].text == "later"
        roles = [message.role for message in bench.model.requests[-1].messages]
        assert roles == ["system", "user", "assistant", "tool", "tool", "assistant", "user"]


async def test_another_message_lets_what_waits_go_on_without_the_answer(open_bench, say, call) -> None:
    async with open_bench([call(ASKED, SKY), say("to later"), say("to last")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, client_tools=(WEATHER,))
        approval = await bench.approval()
        await bench.workbench.runs.send(session.id, (TextPart(text="later"),))
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="deny"))
        events = await bench.end(run_id)
        await bench.workbench.runs.send(session.id, (TextPart(text="last"),))
        events = await bench.until("run.completed", after=events[-1].id)
        await bench.until("run.completed", after=events[-1].id)
        said = [m.text for m in bench.model.requests[-1].messages if m.role == "user"]
        assert said == ["Hello", "later", "last"]
        assert NO_RESULT in str(bench.model.requests[1].messages)


async def test_a_run_that_waits_over_a_restart_hands_its_calls_over_afterwards(open_bench, say, call) -> None:
    async with open_bench([call(SKY, ASKED)]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, client_tools=(WEATHER,))
        await bench.approval()
    async with open_bench([say("ok")]) as again:
        approval = await again.approval()
        await again.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await again.end(run_id)
        assert events[-1].event.reason == "client_tools"
        handed = of(events, "tool_call.completed")[-1]
        await answer(again, session, result(handed.call_id))
        assert again.model.requests[0].messages[-1].role == "tool"
        check((await again.workbench.events.read(EventFilter(session_id=session.id), 0, 1000)).items)


async def test_a_cancelled_run_leaves_nothing_to_the_caller(open_bench, say, call) -> None:
    async with open_bench([call(SKY, ASKED), say("ok")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, client_tools=(WEATHER,))
        await bench.approval()
        await bench.workbench.runs.cancel(run_id)
        events = await bench.end(run_id)
        check(events)
        assert {e.outcome for e in of(events, "tool_call.completed")} == {"cancelled"}
        with pytest.raises(InvalidError):
            await bench.workbench.runs.send(
                session.id, (result(of(events, "tool_call.completed")[0].call_id),)
            )


async def test_the_last_step_of_a_finish_has_no_client_tools(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("so far")]) as bench:
        run_id = await bench.send(await bench.session(), client_tools=(WEATHER,))
        approval = await bench.approval()
        await bench.workbench.runs.finish(run_id)
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="deny"))
        await bench.end(run_id)
        assert bench.model.requests[-1].tools == ()


async def test_a_fork_is_answered_on_its_own(open_bench, say, call) -> None:
    async with open_bench([call(SKY), say("here"), say("there")]) as bench:
        session = await bench.session()
        (call_id,) = await hand_over(bench, session)
        fork = await bench.workbench.sessions.fork(session.id)
        await answer(bench, session, result(call_id, "Rain."))
        await answer(bench, fork, result(call_id, "Sun."))
        told = [text_of(r.messages[-1].parts[0].content) for r in bench.model.requests[1:]]
        assert told == ["Rain.", "Sun."]
        for each in (session, fork):
            check(
                (
                    await bench.workbench.events.read(EventFilter(session_id=each.id, deltas=False), 0, 1000)
                ).items,
                deltas=False,
            )


async def test_a_context_with_answers_is_compacted_between_messages(open_bench, say, call) -> None:
    async with open_bench([call(SKY), say("a"), call(SKY), say("summary"), say("b")]) as bench:
        session = await bench.session()
        (call_id,) = await hand_over(bench, session)
        await answer(bench, session, result(call_id, "rain " * 3_000), TextPart(text="Thanks"))
        (call_id,) = await hand_over(bench, session)
        bench.catalog.window = 4_000
        events = await answer(bench, session, result(call_id, "Sun."), TextPart(text="And now?"))
        assert len(of(events, "context.compacted")) == 1
        messages = bench.model.requests[-1].messages
        assert "rain rain" not in str(messages)
        assert [m.role for m in messages] == [
            *("system", "user", "user", "assistant", "user", "assistant", "tool", "user")
        ]


@pytest.mark.parametrize(
    ("tools", "why"),
    [
        ((WEATHER.model_copy(update={"name": "read_file"}),), "same name"),
        ((WEATHER, WEATHER), "same name"),
        ((WEATHER.model_copy(update={"name": ""}),), "1 to 64"),
        ((WEATHER.model_copy(update={"name": "get weather"}),), "1 to 64"),
        ((WEATHER.model_copy(update={"name": "wetter\u00fc"}),), "1 to 64"),
        ((WEATHER.model_copy(update={"name": "x" * 65}),), "1 to 64"),
        ((WEATHER.model_copy(update={"name": "get_weather\n"}),), "1 to 64"),
    ],
)
async def test_a_client_tool_that_cannot_be_is_refused(open_bench, tools, why) -> None:
    async with open_bench([]) as bench:
        session = await bench.session()
        with pytest.raises(InvalidError, match=why) as caught:
            await bench.send(session, client_tools=tools)
        assert caught.value.code == "invalid_client_tool"


async def test_a_client_tool_may_have_the_name_of_a_tool_that_the_run_does_without(
    open_bench, say, call
) -> None:
    mine = WEATHER.model_copy(update={"name": "read_file"})
    async with open_bench([call(("read_file", '{"path": "x"}'))]) as bench:
        events = await bench.end(
            await bench.send(await bench.session(), client_tools=(mine,), tools=("write_file",))
        )
        assert events[-1].event.reason == "client_tools"


async def test_an_export_tells_of_calls_and_results_of_the_caller(open_bench, say, call) -> None:
    async with open_bench([call(SKY), say("It rains.")]) as bench:
        session = await bench.session()
        (call_id,) = await hand_over(bench, session)
        await answer(bench, session, result(call_id, "Rain from the west."))
        text = await bench.workbench.sessions.export(session.id, "markdown")
        assert "*`get_weather` was handed to the caller*" in text
        assert "**Result** of `get_weather` from the caller\n\n```\nRain from the west.\n```" in text
        assert text.count("## You") == 1
