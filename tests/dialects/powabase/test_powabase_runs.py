"""Runs through Powabase's API: one call, the stream with its events, records, approvals."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.fakes.fake_index import FakeIndex

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import ModelNotFound, ModelRequestRefused, NotFoundError
from holdfast.core.domain.models import ReasoningDelta, TextDelta
from holdfast.core.domain.runs import RunOptions
from holdfast.server.dialects.powabase.errors import error_response
from holdfast.server.dialects.powabase.mapping_runs import options_of
from holdfast.server.dialects.powabase.wire_runs import RunRequest

ROOT = "/powabase/api"


async def agent_id(served: Any) -> str:
    return (await served.bench.workbench.agents.get("tester", str(served.bench.project))).id


async def stream(served: Any, **body: Any) -> list[dict[str, Any]]:
    """Returns the records of a streamed run, read as the documentation reads them."""
    records = []
    path = f"{ROOT}/agents/{await agent_id(served)}/run/stream"
    async with served.http.stream("POST", path, json={"message": "Hello", **body}) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        async for line in response.aiter_lines():
            assert not line.startswith("event:")
            if line.startswith("data: "):
                records.append(json.loads(line[6:]))
    return records


async def run(served: Any, **body: Any) -> httpx.Response:
    path = f"{ROOT}/agents/{await agent_id(served)}/run"
    found: httpx.Response = await served.http.post(path, json={"message": "Hello", **body})
    return found


@pytest.mark.covers("powabase.run_agent")
async def test_a_run_is_one_call_of_the_model_without_tools(serve, say) -> None:
    async with serve([say("Hi", " there")]) as served:
        answer = await run(served)
        assert answer.status_code == 200, answer.text
        said = answer.json()
        assert said["content"] == "Hi there"
        assert (said["status"], said["error"], said["is_new_session"]) == ("completed", None, True)
        assert (
            said["usage"]["total_tokens"]
            == said["usage"]["prompt_tokens"] + said["usage"]["completion_tokens"]
        )
        assert served.bench.model.requests[0].tools == ()


@pytest.mark.covers("powabase.run_agent")
async def test_a_session_goes_on_by_its_id_and_may_be_named_by_the_caller(serve, say) -> None:
    async with serve([say("One"), say("Two")]) as served:
        first = (await run(served, session_id="my-session")).json()
        assert (first["session_id"], first["is_new_session"]) == ("my-session", True)
        again = (await run(served, session_id="my-session", message="And?")).json()
        assert (again["session_id"], again["is_new_session"]) == ("my-session", False)
        shown = [message.text for message in served.bench.model.requests[1].messages]
        assert shown[-3:] == ["Hello", "One", "And?"]


@pytest.mark.covers("powabase.run_agent_stream")
async def test_the_stream_tells_of_every_step_and_its_chunks_are_the_reply(serve, say, call) -> None:
    steps = [[TextDelta(text="Let me look."), *call(("list_files", "{}"))], say("None", " there.")]
    async with serve(steps) as served:
        records = await stream(served)
        assert [record["event"] for record in records] == [
            "start",
            "step_started",
            "chunk",
            "tool_call",
            "step_completed",
            "tool_result",
            "step_started",
            "chunk",
            "chunk",
            "step_completed",
            "complete",
        ]
        start, complete = records[0], records[-1]
        assert start["session_id"] == complete["session_id"]
        assert {record["run_id"] for record in records} == {start["run_id"]}
        assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
        chunks = "".join(record["content"] for record in records if record["event"] == "chunk")
        assert chunks == complete["content"] == "Let me look.\n\nNone there."
        result = next(record for record in records if record["event"] == "tool_result")
        assert (result["tool_name"], result["is_error"], result["step"]) == ("list_files", False, 1)
        assert complete["status"] == "completed"
        assert [each["tool_name"] for each in complete["tool_calls"]] == ["list_files"]


@pytest.mark.covers("powabase.run_agent_stream")
async def test_reasoning_is_told_where_it_was_asked_for(serve) -> None:
    step = [
        ReasoningDelta(text="Hmm. "),
        ReasoningDelta(text="I thought", summary=True),
        TextDelta(text="Yes"),
    ]
    async with serve([step] * 2) as served:
        told = await stream(served, reasoning_requested=True)
        pieces = [each for each in told if each["event"] == "reasoning"]
        assert [(each["delta"], each["source"]) for each in pieces] == [("Hmm. ", "thinking")]
        summaries = [each["summary"] for each in told if each["event"] == "reasoning_summary"]
        assert summaries == ["I thought"]
        assert served.bench.model.requests[0].settings.reasoning_effort == "medium"
        silent = {each["event"] for each in await stream(served)}
        assert not silent & {"reasoning", "reasoning_summary"}


@pytest.mark.covers("powabase.run_agent_stream", "powabase.approve_run", "powabase.get_run")
@pytest.mark.parametrize("approved", [True, False])
async def test_a_call_waits_for_the_callers_word(serve, say, call, approved: bool) -> None:
    steps = [call(("write_file", '{"path": "a.txt", "content": "x"}')), say("Done.")]
    async with serve(steps) as served:
        streaming = asyncio.create_task(stream(served))
        approval = await served.bench.approval()
        run_id = approval.run_id
        record = (await served.http.get(f"{ROOT}/agents/runs/{run_id}")).json()
        assert (record["status"], record["completed_at"]) == ("running", None)
        body = {"approved": approved, "reason": "not now"}
        said = await served.http.post(f"{ROOT}/agents/runs/{run_id}/approve", json=body)
        assert (said.status_code, said.json()) == (200, {"status": "resumed"})
        records = await streaming
        asked = next(each for each in records if each["event"] == "approval_requested")
        assert (asked["tool_name"], asked["tool_input"]["path"]) == ("write_file", "a.txt")
        decided = next(each for each in records if each["event"] == "approval_resolved")
        assert (decided["approved"], decided["call_id"]) == (approved, asked["call_id"])
        result = next(each for each in records if each["event"] == "tool_result")
        assert result["is_error"] is not approved
        assert records[-1]["status"] == "completed"
        again = await served.http.post(f"{ROOT}/agents/runs/{run_id}/approve", json=body)
        assert again.status_code == 404


@pytest.mark.covers("powabase.approve_run")
async def test_of_several_calls_the_named_one_is_decided_else_the_oldest(serve, say, call) -> None:
    writes = [("write_file", f'{{"path": "{name}.txt", "content": "x"}}') for name in "abc"]
    async with serve([call(*writes), say("Done.")]) as served:
        streaming = asyncio.create_task(stream(served))
        first, _, third = await served.bench.approvals(3)
        place = f"{ROOT}/agents/runs/{first.run_id}/approve"
        for body in ({"tool_call_id": third.call_id, "approved": False}, {"approved": True}):
            assert (await served.http.post(place, json=body)).status_code == 200
        (left,) = (await served.bench.workbench.approvals.list()).items
        again = await served.http.post(place, json={"call_id": third.call_id, "approved": True})
        assert again.status_code == 404
        assert (await served.http.post(place, json={"approved": False})).status_code == 200
        records = await streaming
        decided = {e["call_id"]: e["approved"] for e in records if e["event"] == "approval_resolved"}
        assert decided == {first.call_id: True, left.call_id: False, third.call_id: False}


@pytest.mark.covers("powabase.approve_run")
async def test_an_approval_by_a_person_in_the_app_lets_the_stream_go_on(serve, say, call) -> None:
    steps = [call(("write_file", '{"path": "a.txt", "content": "x"}')), say("Done.")]
    async with serve(steps) as served:
        streaming = asyncio.create_task(stream(served))
        approval = await served.bench.approval()
        await served.bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        assert (await streaming)[-1]["status"] == "completed"


@pytest.mark.covers("powabase.add_agent_hook", "powabase.run_agent_stream", "powabase.approve_run")
async def test_hooks_of_the_agent_ask_and_refuse_in_the_words_of_the_api(serve, say, call) -> None:
    ask = {"event": "before_tool", "type": "approval", "config": {"message": "Sure?", "timeout": 30}}
    refuse = {"condition": "path CONTAINS secret", "message": "No secrets."}
    steps = [call(("list_files", '{"path": "secret"}')), call(("list_files", '{"path": "."}')), say("None.")]
    async with serve(steps) as served:
        hooks = f"{ROOT}/agents/{await agent_id(served)}/hooks"
        for hook in (ask, {"event": "PreToolUse", "type": "rule", "config": refuse}):
            made = await served.http.post(hooks, json={**hook, "matcher": "list_files"})
            assert made.status_code == 201, made.text
        streaming = asyncio.create_task(stream(served))
        approval = await served.bench.approval()
        body = {"approved": False, "reason": "Not now", "call_id": approval.call_id}
        await served.http.post(f"{ROOT}/agents/runs/{approval.run_id}/approve", json=body)
        records = await streaming
        told = [each for each in records if each["event"] == "hook_result"]
        assert [(each["hook_event"], each["blocked"]) for each in told] == [
            *(("PreToolUse", blocked) for blocked in (False, True, False, False))
        ]
        asked = next(each for each in records if each["event"] == "approval_requested")
        assert (asked["message"], asked["timeout"], asked["tool_name"]) == ("Sure?", 30, "list_files")
        decided = next(each for each in records if each["event"] == "approval_resolved")
        assert (decided["tool_name"], decided["reason"]) == ("list_files", "Not now")
        results = [each["result"] for each in records if each["event"] == "tool_result"]
        assert "No secrets." in results[0] and "Not now" in results[1]
        assert records[-1]["status"] == "completed"


@pytest.mark.covers("powabase.get_run")
async def test_a_record_has_every_field_of_the_contract(serve, say, call) -> None:
    async with serve([call(("list_files", "{}")), say("None.")]) as served:
        done = (await stream(served))[-1]
        answer = await served.http.get(f"{ROOT}/agents/runs/{done['run_id']}")
        record = answer.json()
        assert set(record) == {
            "id", "run_id", "session_id", "parent_orchestration_run_id", "parent_workflow_execution_id",
            "status", "input_messages", "output_messages", "content", "usage", "retrieved_context", "error",
            "started_at", "completed_at", "steps", "events", "tool_calls", "reasoning_steps", "created_at",
        }  # fmt: skip
        assert (record["status"], record["content"], record["steps"]) == ("completed", "None.", 2)
        assert record["session_id"] == done["session_id"]
        assert record["input_messages"] == [{"role": "user", "content": "Hello"}]
        assert record["output_messages"][0]["content"] == "None."
        assert record["tool_calls"][0]["tool_name"] == "list_files"
        assert record["reasoning_steps"] == [{"step": 1, "tool_calls": ["list_files"]}]
        assert "chunk" not in {each["event"] for each in record["events"]}
        assert record["events"][0]["event"] == "start"
        assert record["events"][-1]["event"] == "complete"


async def test_a_run_that_fails_says_so_and_ends_its_stream(serve) -> None:
    refused = ModelRequestRefused("That is not possible.")
    async with serve([[TextDelta(text="Half"), refused]] * 2) as served:
        records = await stream(served)
        assert [each["event"] for each in records[-2:]] == ["error", "complete"]
        assert (records[-1]["status"], records[-1]["content"]) == ("failed", "Half")
        assert records[-1]["error"] == records[-2]["message"] == "That is not possible."
        answer = (await run(served)).json()
        assert (answer["status"], answer["error"]) == ("failed", "That is not possible.")


async def test_a_caller_who_goes_leaves_the_run_going_on(serve, say, call) -> None:
    steps = [call(("write_file", '{"path": "a.txt", "content": "x"}')), say("Done.")]
    async with serve(steps) as served:
        path = f"{ROOT}/agents/{await agent_id(served)}/run/stream"
        async with served.http.stream("POST", path, json={"message": "Hello"}) as response:
            async for line in response.aiter_lines():
                if '"approval_requested"' in line:
                    break
        approval = await served.bench.approval()
        await served.bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await served.bench.end(approval.run_id)
        assert events[-1].event.type == "run.completed"


# --- contexts


def knowledge() -> dict[str, Any]:
    index = FakeIndex()
    index.add("docs", {"a.md": ["Hotels cost ninety euros.", "Trains cost ten euros."]})
    return {"knowledge": index, "agent": ""}


async def collection(served: Any) -> str:
    found = await served.bench.workbench.knowledge.list()
    return found[0].id


@pytest.mark.covers("powabase.run_agent")
async def test_two_sources_of_context_are_refused_before_anything_is_looked_up(serve, say) -> None:
    pairs = (
        {"context_override": "a", "context_items": [{"text": "b"}]},
        {"knowledge_bases": [{"id": "x"}], "context_handler_id": "y"},
    )
    async with serve([say("Hi")]) as served:
        path = f"{ROOT}/agents/00000000-0000-4000-8000-000000000000/run"
        for sources in pairs:
            answer = await served.http.post(path, json={"message": "Hello", "session_id": "s", **sources})
            assert answer.status_code == 400
            assert "Only one context source" in answer.json()["error"]


async def test_empty_sources_do_not_count(serve, say) -> None:
    async with serve([say("Hi")], **knowledge()) as served:
        answer = await run(
            served,
            context_override="The sky is green.",
            context_items=[],
            knowledge_bases=[],
            context_handler_id="",
            session_id="",
        )
        assert answer.status_code == 200, answer.text
        shown = "\n".join(message.text for message in served.bench.model.requests[0].messages)
        assert "The sky is green." in shown


async def test_items_are_shown_up_to_the_first_that_does_not_fit(serve, say) -> None:
    async with serve([say("Hi [1]")], **knowledge()) as served:
        items = [{"text": "a" * 40}, {"text": "b" * 4000}, {"text": "c"}]
        answer = (
            await run(served, context_items=items, max_context_tokens=100, citations_enabled=True)
        ).json()
        assert answer["retrieved_items"] == 1
        assert [each["key"] for each in answer["citations"]] == ["1"]
        assert list(answer["citation_candidates"]) == ["1"]
        record = (await served.http.get(f"{ROOT}/agents/runs/{answer['run_id']}")).json()
        about, *found = record["retrieved_context"]
        assert (about["_type"], about["items_included"], about["items_dropped"]) == (
            "retrieval_diagnostics",
            1,
            2,
        )
        assert [each["included_in_context"] for each in found] == [True, False, False]


@pytest.mark.covers(
    "powabase.create_context_handler", "powabase.get_context_handler", "powabase.list_context_handlers"
)
async def test_a_context_is_kept_and_given_to_a_run(serve, say) -> None:
    async with serve([say("Ninety [1].")], **knowledge()) as served:
        body = {"query": "hotels", "knowledge_bases": [{"id": await collection(served), "top_k": 1}]}
        made = await served.http.post(f"{ROOT}/context-handlers", json=body)
        assert made.status_code == 201, made.text
        kept = made.json()
        assert (kept["status"], kept["query"]) == ("completed", "hotels")
        assert "ninety" in kept["formatted_context"]
        again = await served.http.get(f"{ROOT}/context-handlers/{kept['id']}")
        assert again.json()["formatted_context"] == kept["formatted_context"]
        listed = (await served.http.get(f"{ROOT}/context-handlers")).json()
        assert (listed["total"], listed["context_handlers"][0]["id"]) == (1, kept["id"])
        answer = (await run(served, context_handler_id=kept["id"], citations_enabled=True)).json()
        assert answer["context_handler_id"] == kept["id"]
        assert answer["citations"][0]["source_name"] == "a.md"


async def test_knowledge_bases_of_a_request_are_searched_and_kept(serve, say) -> None:
    async with serve([say("Ninety.")], **knowledge()) as served:
        uses = [{"id": await collection(served), "top_k": 1, "retrieval_method": "full_text"}]
        answer = (await run(served, message="hotels", knowledge_bases=uses)).json()
        assert answer["retrieved_items"] == 1
        assert answer["context_handler_id"]
        assert "citations" not in answer or answer["citations"] is None


async def test_a_search_that_fails_is_a_warning_and_an_unknown_handler_is_404(serve, say) -> None:
    async with serve([say("Anyway.")], **knowledge()) as served:
        uses = [{"id": "00000000-0000-4000-8000-000000000000"}]
        answer = (await run(served, knowledge_bases=uses)).json()
        assert (answer["status"], bool(answer["warning"])) == ("completed", True)
        unknown = await run(served, context_handler_id="00000000-0000-4000-8000-000000000000")
        assert unknown.status_code == 404


# --- what is refused


async def test_a_wrong_body_is_400_in_powabases_shape(serve, say) -> None:
    bodies: list[Any] = [{}, {"message": ""}, {"message": 7}, [], "text"]
    bodies.append({"message": "x", "response_format": {"type": "odd"}})
    async with serve([say("Hi")]) as served:
        for path in ("run", "run/stream"):
            for body in bodies:
                answer = await served.http.post(f"{ROOT}/agents/{await agent_id(served)}/{path}", json=body)
                assert answer.status_code == 400, answer.text
                assert set(answer.json()) <= {"error", "code"}


async def test_what_there_is_not_is_404(serve, say) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    async with serve([say("Hi")]) as served:
        answers = [
            await served.http.post(f"{ROOT}/agents/{nobody}/run", json={"message": "x"}),
            await served.http.post(f"{ROOT}/agents/{nobody}/run/stream", json={"message": "x"}),
            await served.http.get(f"{ROOT}/agents/runs/{nobody}"),
            await served.http.post(f"{ROOT}/agents/runs/{nobody}/approve", json={"approved": True}),
            await served.http.get(f"{ROOT}/agents/{nobody}/sessions"),
            await served.http.get(f"{ROOT}/sessions/{nobody}/messages"),
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert all(set(answer.json()) <= {"error", "code"} for answer in answers)


# --- sessions


@pytest.mark.covers(
    "powabase.list_agent_sessions",
    "powabase.create_agent_session",
    "powabase.get_session",
    "powabase.list_session_messages",
    "powabase.list_session_runs",
    "powabase.get_retrieved_context",
    "powabase.delete_session",
    "powabase.delete_agent_session",
)
async def test_sessions_are_listed_read_and_deleted(serve, say) -> None:
    async with serve([say("One")]) as served:
        agent = await agent_id(served)
        empty = await served.http.post(f"{ROOT}/agents/{agent}/sessions")
        assert empty.status_code == 201
        done = (await run(served, message="What is this?")).json()
        listed = (await served.http.get(f"{ROOT}/agents/{agent}/sessions")).json()
        assert (listed["total"], listed["limit"], listed["offset"]) == (2, 50, 0)
        first = next(each for each in listed["sessions"] if each["session_id"] == done["session_id"])
        assert (first["run_count"], first["first_message"]) == (1, "What is this?")
        some = await served.http.get(f"{ROOT}/agents/{agent}/sessions", params={"min_runs": 1, "limit": 1})
        assert [each["session_id"] for each in some.json()["sessions"]] == [done["session_id"]]
        for search, count in (("WHAT IS", 1), ("archived:only", 0), ("agent:general", 0), ("since:soon", 0)):
            found = await served.http.get(f"{ROOT}/agents/{agent}/sessions", params={"search": search})
            assert found.json()["total"] == count, found.text
        session = f"{ROOT}/sessions/{done['session_id']}"
        assert (await served.http.get(session)).json()["agent_id"] == agent
        said = (await served.http.get(f"{session}/messages")).json()["messages"]
        assert [(each["role"], each["content"]) for each in said] == [
            ("user", "What is this?"),
            ("assistant", "One"),
        ]
        runs = (await served.http.get(f"{session}/runs")).json()
        assert [each["run_id"] for each in runs["runs"]] == [done["run_id"]]
        context = await served.http.get(f"{session}/runs/{done['run_id']}/retrieved-context")
        assert context.json() == {"run_id": done["run_id"], "retrieved_context": []}
        gone = await served.http.delete(session)
        assert (gone.status_code, gone.json()["success"]) == (200, True)
        assert (await served.http.get(session)).status_code == 404
        one = empty.json()["session_id"]
        assert (await served.http.delete(f"{ROOT}/agents/{agent}/sessions/{one}")).status_code == 204


@pytest.mark.covers("powabase.list_session_messages")
async def test_the_latest_messages_of_a_session_are_read_alone(serve, say) -> None:
    async with serve([say("One"), say("Two")]) as served:
        session = (await run(served)).json()["session_id"]
        await run(served, session_id=session, message="And?")
        for limit, wanted in (
            (1, ["Two"]),
            (3, ["One", "And?", "Two"]),
            (9, ["Hello", "One", "And?", "Two"]),
        ):
            path = f"{ROOT}/sessions/{session}/messages"
            said = (await served.http.get(path, params={"limit": limit})).json()["messages"]
            assert [each["content"] for each in said] == wanted


@pytest.mark.covers("powabase.run_agent_stream")
async def test_a_line_of_the_stream_stays_one_whatever_takes_it_apart(serve, say) -> None:
    text = "one\u2028two\u0085three\nfour\r\nfive \U0001f600"
    async with serve([say(text)]) as served:
        assert (await stream(served))[-1]["content"] == text


@pytest.mark.covers("powabase.get_run", "powabase.run_agent_stream")
@pytest.mark.parametrize("asked", [True, False])
async def test_what_was_streamed_is_told_again_but_for_its_pieces(serve, asked: bool) -> None:
    step = [ReasoningDelta(text="Hmm. "), TextDelta(text="Yes [1].")]
    async with serve([step], **knowledge()) as served:
        body = {"reasoning_requested": asked, "citations_enabled": asked, "context_items": [{"text": "Yes."}]}
        told = await stream(served, **body)
        answer = await served.http.get(f"{ROOT}/agents/runs/{told[0]['run_id']}")
        record = answer.json()
        pieces = ("chunk", "reasoning")
        for one in (*told, *record["events"]):
            del one["seq"]
        told[-1]["is_new_session"] = False  # it is no more
        assert record["events"] == [one for one in told if one["event"] not in pieces]
        assert record["output_messages"][0].get("reasoning_requested", False) is asked
        assert ("citations" in told[-1]) is asked


@pytest.mark.covers("powabase.run_agent", "powabase.list_agent_sessions")
async def test_a_run_that_cannot_begin_leaves_no_session(serve, say) -> None:
    refused = [
        {"context_handler_id": "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"},
        {"response_format": {"type": "odd"}},
    ]
    async with serve([say("Hi")]) as served:
        for body in refused:
            assert (await run(served, session_id="mine", **body)).status_code in (400, 404)
        agent = await agent_id(served)
        assert (await served.http.get(f"{ROOT}/agents/{agent}/sessions")).json()["total"] == 0
        assert (await run(served, session_id="mine")).status_code == 200


async def test_a_session_of_another_agent_is_404(serve, say) -> None:
    async with serve([say("One")]) as served:
        other = await served.bench.workbench.sessions.create("general", str(served.bench.project))
        assert (await run(served, session_id=other.id)).status_code == 404


async def test_temperature_and_a_schema_of_the_reply_reach_the_model(serve, say) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    format = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    async with serve([say('{"n": 1}')]) as served:
        answer = (await run(served, temperature=0.3, response_format=format)).json()
        assert json.loads(answer["content"]) == {"n": 1}
        assert served.bench.model.requests[0].settings.temperature == 0.3


def test_a_model_that_there_is_not_is_a_bad_request() -> None:
    assert error_response(ModelNotFound("no such model").info, "r").status_code == 400
    assert error_response(NotFoundError("no such agent").info, "r").status_code == 404


def test_options_of_a_run_are_made_without_a_loss() -> None:
    options = options_of(RunRequest(message="x", reasoning_requested=True), None, plain=True)
    assert (options.tools, options.reasoning, options.hand_over) == ((), True, False)
    assert options_of(RunRequest(message="x"), None, plain=False) == RunOptions(
        citations=False, hand_over=False
    )
