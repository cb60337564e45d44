"""Streams that are cut and gone on with: nothing is lost, and nothing comes twice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.dialects.sage.stream_talk import (
    Driven,
    Line,
    asked,
    end_of,
    merged,
    open_stream,
    resumed,
    said,
    streamed,
)

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.models import Finished, ReasoningDelta, TextDelta, ToolCallDelta, UsageReport
from holdfast.server.dialects.sage.sessions import SESSIONS
from holdfast.server.dialects.sage.talking import next_stream_index

USED = UsageReport(input_tokens=5, output_tokens=3)
LOOKS = [
    ReasoningDelta(text="where "),
    TextDelta(text="I look. "),
    ToolCallDelta(key="0", name="list_files", arguments="{}"),
    ToolCallDelta(key="1", name="no_such_tool", arguments='{"a": 1}'),
    USED,
    Finished(reason="tool_calls"),
]
WRITES = [
    ToolCallDelta(key="0", name="write_file", arguments='{"path": "asked.md", "content": "x"}'),
    Finished(reason="tool_calls"),
]
ANSWERS = [*(TextDelta(text=each) for each in ("One ", "two ", "three.")), USED, Finished(reason="stop")]
DELEGATES = [
    *(
        ToolCallDelta(
            key=str(number), name="delegate", arguments=json.dumps({"agent": "star-counter", "task": task})
        )
        for number, task in enumerate(("Count the stars", "Count them again"))
    ),
    Finished(reason="tool_calls"),
]


async def taken(lines: Any, count: int) -> list[Line]:
    """Returns the next lines of an open stream."""
    found: list[Line] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found.append(await anext(lines))
    return found


async def whole(served: Any, session: str) -> list[Line]:
    """Returns all the lines of a run that has ended but the first one, which nobody can ask for any more."""
    return await resumed(served.http, session, 1)


@pytest.mark.covers("sage.web_stream", "sage.resume_stream")
async def test_a_run_that_has_ended_is_resumed_at_every_index(serve: Any) -> None:
    async with serve([LOOKS, ANSWERS]) as served:
        lines = await streamed(served.http, "web-stream", asked(session_id="s"))
        assert end_of(lines)["total_stream_count"] == len(lines) - 1
        for index in range(1, len(lines)):
            assert await resumed(served.http, "s", index) == lines[index:]
        for index in (0, len(lines), len(lines) + 7):
            (end,) = await resumed(served.http, "s", index)
            assert (end["type"], end["session_id"], end["resume_fallback"]) == ("stream_end", "s", True)
        assert await resumed(served.http, "nowhere", 0) == []
        assert await resumed(served.http, "nowhere", 3) == []


async def test_who_resumes_what_was_interrupted_before_hears_its_end(serve: Any) -> None:
    async with serve([ANSWERS]) as served:
        model = Driven(served.bench.model)
        async with open_stream(served.http, "web-stream", asked(session_id="s")) as stream:
            model.let(3)
            seen = await taken(stream, 2)
            await served.http.post("/sage/api/sessions/s/interrupt")
            assert [line async for line in stream] == [], "who was there hears nothing more"
        *rest, end = await resumed(served.http, "s", 1)
        assert rest == seen[1:]
        assert (end["type"], end["resume_fallback"]) == ("stream_end", True)
        assert await resumed(served.http, "s", 2) == await resumed(served.http, "s", 3) == [end]


async def test_a_run_goes_on_when_its_client_has_gone_and_is_resumed_at_every_index(serve: Any) -> None:
    async with serve([LOOKS, ANSWERS]) as served:
        model = Driven(served.bench.model)
        async with open_stream(served.http, "web-stream", asked(session_id="s")) as stream:
            model.let(3)
            seen = await taken(stream, 2)
        model.let(len(LOOKS) - 3 + 2)
        going = [asyncio.create_task(resumed(served.http, "s", index)) for index in range(12)]
        await served.bench.until("tool_call.completed")
        model.finish()
        rest = [await each for each in going]
        lines = rest[0]
        assert lines[:2] == seen
        assert said(lines) == "I look. One two three."
        end_of(lines)
        assert rest == [lines[index:] for index in range(12)]
        assert await whole(served, "s") == lines[1:]
        assert await next_stream_index(served.bench.workbench, await known(served)) == 0


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(st.sampled_from(["a", "bc ", "é\u2028", "\n\n"]), min_size=1, max_size=6),
    cuts=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=4),
)
async def test_lines_of_a_stream_that_is_cut_anywhere_are_all_there_once(
    serve: Any, pieces: list[str], cuts: list[tuple[int, int]]
) -> None:
    """Each cut: how many pieces the model says more, and how many lines more the client gets before it goes
    away again, while the model says on."""
    answer = [*(TextDelta(text=each) for each in pieces), Finished(reason="stop")]
    async with serve([LOOKS, answer]) as served:
        model = Driven(served.bench.model)
        have: list[Line] = []
        async with open_stream(served.http, "web-stream", asked(session_id="s")) as stream:
            model.let(1)
            have += await taken(stream, 1)
        for said_on, wanted in cuts:
            model.let(said_on)
            async with served.http.stream(
                "GET", "/sage/api/stream/resume/s", params={"last_index": len(have)}
            ) as going_on:
                lines = going_on.aiter_lines()
                for _ in range(wanted):
                    try:
                        # Nothing more may come: the model waits.
                        async with asyncio.timeout(0.02):
                            line = await anext(lines)
                    except (TimeoutError, StopAsyncIteration):
                        break
                    if line and not line.startswith(":"):
                        have.append(json.loads(line))
        model.finish()
        have += await resumed(served.http, "s", len(have))
        assert have[1:] == await whole(served, "s")
        end_of(have)
        text = next(one for one in merged(have).values() if one["type"] == "do_subtask_result")
        assert text["content"] == "".join(pieces)
        await served.bench.workbench.sessions.delete("s", permanent=True)


async def test_the_stream_of_a_run_that_waits_goes_on_in_the_next_engine(serve: Any) -> None:
    async with serve([LOOKS, WRITES]) as served:
        async with open_stream(served.http, "web-stream", asked(session_id="s")) as stream:
            seen = await taken(stream, 11)
        assert seen[-1]["type"] == "sandbox_approval_requested"
        assert seen[:9] == (await next_lines(served, 0, 9))
    async with serve([ANSWERS]) as again:
        going = [asyncio.create_task(resumed(again.http, "s", index)) for index in range(len(seen) + 1)]
        approval = await again.bench.approval()
        assert await next_stream_index(again.bench.workbench, await known(again)) == len(seen)
        await again.bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        rest = [await each for each in going]
        lines = rest[0]
        assert lines[: len(seen)] == seen
        assert rest == [lines[index:] for index in range(len(seen) + 1)]
        assert said(lines) == "I look. One two three."
        assert lines[len(seen)]["type"] == "sandbox_approval_resolved"
        end_of(lines)


async def known(served: Any) -> Any:
    return await SESSIONS.known(served.bench.workbench, "s")


async def next_lines(served: Any, index: int, count: int) -> list[Line]:
    """Returns the next lines of a stream that is resumed, and leaves it."""
    found: list[Line] = []
    async with served.http.stream("GET", "/sage/api/stream/resume/s", params={"last_index": index}) as answer:
        async for line in answer.aiter_lines():
            found.append(json.loads(line))
            if len(found) == count:
                break
    return found


async def test_the_stream_of_a_run_that_the_engines_end_cut_off_ends_in_the_next_engine(serve: Any) -> None:
    async with serve([LOOKS, ANSWERS]) as served:
        model = Driven(served.bench.model)
        model.let(len(LOOKS) + 2)
        async with open_stream(served.http, "web-stream", asked(session_id="s")) as stream:
            seen = await taken(stream, 10)
            served.stop.set()
            assert [line async for line in stream] == [], "a line that nobody could count"
    async with serve() as again:
        for index in range(1, len(seen) + 1):
            rest = await resumed(again.http, "s", index)
            assert rest[: len(seen) - index] == seen[index:]
            kinds = [line["type"] for line in rest[-3:]]
            assert kinds == ["final_answer", "token_usage", "stream_end"]
        assert rest[-3]["content"].startswith("工作流执行失败: The engine stopped")


async def test_what_sub_agents_say_stands_in_the_same_place_each_time(serve: Any, say: Any) -> None:
    helper = {"name": "Star Counter", "system_prompt": "You count.", "description": "Counts"}
    counted = [*say("Seven ", "stars.")[:-1], USED, Finished(reason="stop")]
    async with serve([DELEGATES, counted, counted, ANSWERS]) as served:
        body = asked(session_id="s", custom_sub_agents=[helper])
        lines = await streamed(served.http, "web-stream", body)
        for number in range(2):
            below = [line for line in lines if line["session_id"] == f"s_sub_{number}"]
            assert said(below) == "Seven stars."
            assert {line["agent_name"] for line in below} == {"star-counter"}
        assert said([line for line in lines if line["session_id"] == "s"]) == "One two three."
        usage = lines[-2]["metadata"]["token_usage"]["total_info"]
        assert usage["prompt_tokens"] == 15, "with what was used below"
        end_of(lines)
        for index in range(1, len(lines)):
            assert await resumed(served.http, "s", index) == lines[index:]
        answer = (await served.http.get("/sage/api/conversations/s/messages")).json()["data"]
        kept = {each["message_id"]: each for each in answer["messages"]}
        streamed_below = {id: each for id, each in merged(lines).items() if "_sub_" in each["session_id"]}
        assert len(streamed_below) == 2
        for id, line in streamed_below.items():
            for name in ("session_id", "agent_name", "content", "type"):
                assert kept[id][name] == line[name]
        order = [(each["role"], each["session_id"]) for each in answer["messages"]]
        below = [order.pop(index) for index in (4, 2)]  # which of the two is first is who ended first
        assert sorted(below) == [("assistant", "s_sub_0"), ("assistant", "s_sub_1")]
        assert order == [("user", "s"), ("assistant", "s"), ("tool", "s"), ("tool", "s"), ("assistant", "s")]


async def test_secrets_are_told_of_neither_now_nor_later(serve: Any) -> None:
    secret = "sk-moonlight-on-the-river-4711"
    pieces = [TextDelta(text=each) for each in ("It is sk-moon", "light-on-the-", "river-4711, ", "so.")]
    late = [TextDelta(text="The willow-tree-at-the-gate-88 is no secret yet."), Finished(reason="stop")]
    async with serve([[*pieces, WRITES[0], Finished(reason="tool_calls")], late]) as served:
        await served.bench.workbench.keys.set_provider("openai", secret)
        body = asked(session_id="s", sandbox_approval_mode="never")
        lines = await streamed(served.http, "web-stream", body)
        assert "moonlight" not in json.dumps(lines)
        assert said(lines).startswith("It is ") and "so." in said(lines)
        # What becomes a secret later was told already; the log has it, and the lines stay as they are.
        await served.bench.workbench.keys.set_provider("mistral", "willow-tree-at-the-gate-88")
        for index in range(1, len(lines)):
            assert await resumed(served.http, "s", index) == lines[index:]


async def test_an_index_is_that_of_what_was_read(serve: Any) -> None:
    async with serve([LOOKS, WRITES, ANSWERS]) as served:
        workbench = served.bench.workbench
        async with open_stream(served.http, "web-stream", asked(session_id="s")) as stream:
            seen = await taken(stream, 11)
        session = await known(served)
        events = await served.bench.until("approval.requested")
        counts = [await next_stream_index(workbench, session, each.id) for each in events]
        assert counts == sorted(counts)
        assert (counts[0], counts[-1]) == (0, len(seen))
        await workbench.runs.cancel(session.run_id)
        assert await next_stream_index(workbench, await known(served)) == 0


async def test_output_of_tools_is_told_on_one_kind_of_stream_and_counts_where_that_is_resumed(
    serve: Any,
) -> None:
    runs = [
        ToolCallDelta(key="0", name="run_command", arguments='{"command": "echo lines; echo more"}'),
        Finished(reason="tool_calls"),
    ]
    async with serve([runs, ANSWERS, runs, ANSWERS]) as served:
        await served.bench.workbench.approvals.add_rule("run_command")
        lines = await streamed(served.http, "stream", asked(session_id="s"))
        output = [line for line in lines if line["type"] == "tool_progress"]
        assert "".join(line["text"] for line in output) == "lines\nmore\n"
        assert [line["closed"] for line in output] == [False] * (len(output) - 1) + [True]
        for index in range(1, len(lines)):
            assert await resumed(served.http, "s", index) == lines[index:]
        lines = await streamed(served.http, "web-stream", asked(session_id="s"))
        assert "tool_progress" not in {line["type"] for line in lines}
        assert end_of(lines)["total_stream_count"] > len(lines) - 1, "what is not shown counts there"
        for index in range(1, len(lines)):
            assert await resumed(served.http, "s", index) == lines[index:]
