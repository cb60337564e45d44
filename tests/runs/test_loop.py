"""A run from its message to its end, through both implementations of a workbench."""

from __future__ import annotations

import asyncio
import json

import pytest
from run_helpers import of

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import (
    ConflictError,
    ContextTooLong,
    ForbiddenError,
    InvalidError,
    ModelAuthError,
    ModelStreamCut,
    ModelUnavailable,
)
from holdfast.core.domain.messages import TextPart, text_of
from holdfast.core.domain.models import TextDelta
from holdfast.core.domain.runs import RunStatus

pytestmark = pytest.mark.parametrize("door", ["local", "remote"])


def kinds(events) -> list[str]:
    return [logged.event.type for logged in events]


async def test_a_message_gives_a_streamed_reply(open_bench, say) -> None:
    async with open_bench([say("Good ", "day")]) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, "Hello there"))
        assert kinds(events)[:4] == ["run.started", "message.added", "step.started", "part.started"]
        assert kinds(events)[-3:] == ["part.completed", "step.completed", "run.completed"]
        assert "".join(each.text for each in of(events, "part.delta")) == "Good day"
        assert of(events, "part.completed")[0].text == "Good day"
        after = await bench.workbench.sessions.get(session.id)
        assert (after.title, after.status, after.messages) == ("Hello there", RunStatus.COMPLETED, 2)


async def test_the_exact_prompt_of_each_step_is_kept(open_bench, say) -> None:
    async with open_bench([say("Yes")]) as bench:
        events = await bench.end(await bench.send(await bench.session(), "A question"))
        prompt = json.loads(bench.blobs.get(of(events, "step.started")[0].prompt))
        assert prompt["messages"][0]["role"] == "system"
        assert "You are a test." in prompt["messages"][0]["parts"][0]["text"]
        assert prompt["messages"][1]["parts"][0]["text"] == "A question"
        assert {tool["name"] for tool in prompt["tools"]} >= {"read_file", "write_file"}


async def test_an_allowed_call_is_executed_and_its_result_goes_to_the_model(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "free.md", "content": "hi"}')), say("Done")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session))
        assert "approval.requested" not in kinds(events)
        changed = of(events, "file.changed")[0]
        assert (changed.path, changed.change, changed.run_id) == (
            "free.md",
            "created",
            events[0].event.run_id,
        )
        last = bench.model.requests[-1].messages
        assert [message.role for message in last] == ["system", "user", "assistant", "tool"]
        (entry,) = await bench.workbench.files.list(session.id)
        assert (entry.path, entry.state) == ("free.md", "created")


async def test_an_asked_call_waits_and_runs_when_approved(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "a.md", "content": "hi\\n"}')), say("Done")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        approval = await bench.approval()
        assert (approval.subject, approval.preview[0].type) == ("a.md", "diff")
        assert "+hi" in approval.preview[0].diff
        assert (await bench.workbench.runs.get(run_id)).status == RunStatus.WAITING
        assert await bench.workbench.files.list(session.id) == ()
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert of(events, "tool_call.completed")[0].outcome == "ok"
        with pytest.raises(ConflictError, match="approved already"):
            await bench.workbench.approvals.decide(approval.id, Decision(outcome="deny"))


async def test_a_denial_reaches_the_model_with_its_reason(open_bench, say, call) -> None:
    steps = [call(("run_command", '{"command": "touch x"}')), say("Very well")]
    async with open_bench(steps) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        assert approval.preview[0].command == "touch x"
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="deny", reason="not on Fridays"))
        events = await bench.end(run_id)
        done = of(events, "tool_call.completed")[0]
        assert done.outcome == "denied"
        assert "tool_call.started" not in kinds(events)
        assert "not on Fridays" in text_of(bench.model.requests[-1].messages[-1].parts[0].content)


async def test_edited_arguments_are_what_runs_and_what_the_model_sees(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "a.md", "content": "bad"}')), say("Done")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        approval = await bench.approval()
        decide = bench.workbench.approvals.decide
        with pytest.raises(InvalidError, match="path"):
            await decide(approval.id, Decision(outcome="approve", arguments={"content": "x"}))
        with pytest.raises(ForbiddenError, match="forbidden"):
            edited = {"path": "forbidden.md", "content": "x"}
            await decide(approval.id, Decision(outcome="approve", arguments=edited))
        edited = {"path": "b.md", "content": "good"}
        await decide(approval.id, Decision(outcome="approve", arguments=edited))
        await bench.end(run_id)
        assert [entry.path for entry in await bench.workbench.files.list(session.id)] == ["b.md"]
        assistant = bench.model.requests[-1].messages[2]
        assert assistant.parts[-1].arguments == edited


async def test_a_grant_for_the_session_is_not_asked_again_and_always_is_in_the_policy_file(
    open_bench, say, call
) -> None:
    write = ("write_file", '{"path": "a.md", "content": "1"}')
    run = ("run_command", '{"command": "true"}')
    steps = [call(write), call(write), call(run), call(run), say("Done")]
    async with open_bench(steps) as bench:
        run_id = await bench.send(await bench.session())
        first = await bench.approval()
        await bench.workbench.approvals.decide(first.id, Decision(outcome="approve", scope="session"))
        events = await bench.until(
            "approval.requested",
            run_id=run_id,
            after=(await bench.until("approval.resolved", run_id=run_id))[-1].id,
        )
        second = of(events, "approval.requested")[0].approval
        assert second.tool == "run_command"
        await bench.workbench.approvals.decide(second.id, Decision(outcome="approve", scope="always"))
        events = await bench.end(run_id)
        assert len(of(events, "approval.requested")) == 2
        assert (await bench.workbench.approvals.rules()).allow == (second.rule,)


async def test_a_file_changed_under_an_approval_is_asked_again_with_the_new_diff(
    open_bench, say, call
) -> None:
    steps = [call(("write_file", '{"path": "a.md", "content": "new"}')), say("Done")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        first = await bench.approval()
        (bench.home / "data" / "workspaces" / session.id / "a.md").write_text("by hand")
        with pytest.raises(ConflictError, match="asked again"):
            await bench.workbench.approvals.decide(first.id, Decision(outcome="approve"))
        second = await bench.approval()
        assert second.id != first.id
        assert "-by hand" in second.preview[0].diff
        await bench.workbench.approvals.decide(second.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert of(events, "approval.resolved")[0].status == "stale"


async def test_policy_denies_without_asking(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "forbidden.md", "content": "x"}')), say("Oh")]
    async with open_bench(steps) as bench:
        events = await bench.end(await bench.send(await bench.session(), approve="all"))
        assert of(events, "tool_call.completed")[0].outcome == "denied"


async def test_several_calls_are_asked_at_once_and_run_in_order(open_bench, say, call) -> None:
    wanted = [("write_file", json.dumps({"path": f"{name}.md", "content": name})) for name in "ab"]
    async with open_bench([call(*wanted), say("Done")]) as bench:
        run_id = await bench.send(await bench.session())
        first, second = await bench.approvals(2)
        await bench.workbench.approvals.decide(second.id, Decision(outcome="approve"))
        await bench.workbench.approvals.decide(first.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert [each.path for each in of(events, "file.changed")] == ["a.md", "b.md"]


async def test_wrong_calls_come_back_to_the_model_as_errors(open_bench, say, call) -> None:
    wanted = [
        ("write_fil", "{}"),
        ("read_file", '{"path"'),
        ("read_file", "[]"),
        ("read_file", '{"pth": "x"}'),
    ]
    async with open_bench([call(*wanted), say("Sorry")]) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        done = of(events, "tool_call.completed")
        assert [each.outcome for each in done] == ["error"] * 4
        texts = [text_of(each.content) for each in done]
        assert "write_file" in texts[0]
        assert "JSON" in texts[1] and "object" in texts[2] and "path is missing" in texts[3]


async def test_the_same_call_three_times_in_a_row_ends_the_run(open_bench, call) -> None:
    async with open_bench([call(("list_files", "{}"))] * 5) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        assert events[-1].event.error.code == "repeated_call"
        assert len(of(events, "tool_call.requested")) == len(of(events, "tool_call.completed")) == 3


async def test_the_step_limit_ends_the_run_with_a_reason(open_bench, call) -> None:
    steps = [call(("list_files", json.dumps({"pattern": str(n)}))) for n in range(9)]
    async with open_bench(steps, max_steps=3) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        assert events[-1].event.error.code == "step_limit"
        assert len(of(events, "step.started")) == 3


async def test_a_failing_model_is_retried_visibly_then_given_up_for_the_next(open_bench, say) -> None:
    steps = [[ModelUnavailable("down")], [ModelUnavailable("down")], [ModelUnavailable("down")], say("Here")]
    async with open_bench(steps, retries=2) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        assert [each.attempt for each in of(events, "model.retried")] == [1, 2]
        assert of(events, "model.fell_back")[0].to_model == "second"
        assert [request.model for request in bench.model.requests] == ["scripted"] * 3 + ["second"]
        assert events[-1].event.type == "run.completed"


async def test_a_refused_key_on_every_model_fails_the_run_with_what_to_do(open_bench) -> None:
    async with open_bench([[ModelAuthError("no key")], [ModelAuthError("no key, set one")]]) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        assert events[-1].event.error.code == "model_auth"
        assert of(events, "step.completed")[0].reason == "error"


async def test_a_cut_stream_keeps_what_came(open_bench, say) -> None:
    async with open_bench([[TextDelta(text="half a "), ModelStreamCut("cut")], say("rest")]) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session))
        assert of(events, "part.completed")[0].text == "half a "
        assert events[-1].event.error.code == "model_stream_cut"
        submitted = await bench.workbench.runs.go_on(session.id)
        events = await bench.end(submitted.run_id)
        assert of(events, "message.added")[0].origin == "continue"
        assert [m.text for m in bench.model.requests[-1].messages[1:]] == [
            "Hello",
            "half a ",
            "Continue where you stopped.",
        ]


async def test_cancelling_closes_everything(open_bench, call) -> None:
    async with open_bench([call(("write_file", '{"path": "a", "content": "b"}'))]) as bench:
        run_id = await bench.send(await bench.session())
        await bench.approval()
        run = await bench.workbench.runs.cancel(run_id)
        assert run.status == RunStatus.CANCELLED
        events = await bench.end(run_id)
        assert kinds(events)[-3:] == ["approval.resolved", "tool_call.completed", "run.cancelled"]
        assert (await bench.workbench.approvals.list()).items == ()


async def test_messages_that_come_while_busy_wait_in_order_and_can_be_pulled_back(
    open_bench, say, call
) -> None:
    steps = [call(("write_file", '{"path": "a", "content": "b"}')), say("one"), say("two")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        run_id = await bench.send(session, "first")
        approval = await bench.approval()
        send = bench.workbench.runs.send
        second = await send(session.id, (TextPart(text="second"),))
        third = await send(session.id, (TextPart(text="third"),))
        assert (second.run_id, third.run_id) == (None, None)
        pulled = await bench.workbench.sessions.pull_back(session.id, third.message_id)
        assert text_of(pulled.parts) == "third"
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        events = await bench.until("run.completed", after=events[-1].id)
        assert text_of(of(events, "message.added")[0].parts) == "second"
        assert await bench.workbench.sessions.queue(session.id) == ()


async def test_a_steer_enters_before_the_next_step(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "a", "content": "b"}')), say("ok")]
    async with open_bench(steps) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        await bench.workbench.runs.steer(run_id, (TextPart(text="be brief"),))
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await bench.end(run_id)
        assert bench.model.requests[-1].messages[-1].text == "be brief"


async def test_a_paused_run_holds_before_its_next_step(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "a", "content": "b"}')), say("ok")]
    async with open_bench(steps) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        await bench.workbench.runs.pause(run_id)
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await bench.until("run.paused", run_id=run_id)
        assert (await bench.workbench.runs.get(run_id)).status == RunStatus.PAUSED
        await bench.workbench.runs.resume(run_id)
        assert "run.resumed" in kinds(await bench.end(run_id))


async def test_finish_makes_the_next_step_the_last_one_without_tools(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "a", "content": "b"}')), say("So far")]
    async with open_bench(steps) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        await bench.workbench.runs.finish(run_id)
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await bench.end(run_id)
        assert bench.model.requests[-1].tools == ()


async def test_a_question_waits_for_its_answer(open_bench, say, call) -> None:
    question = json.dumps({"question": "Which?", "choices": ["a", "b"]})
    async with open_bench([call(("ask_user", question)), say("Good")]) as bench:
        run_id = await bench.send(await bench.session())
        await bench.until("question.asked", run_id=run_id)
        (asked,) = (await bench.workbench.runs.questions()).items
        assert asked.choices == ("a", "b")
        await bench.workbench.runs.answer(asked.id, "b")
        events = await bench.end(run_id)
        assert text_of(of(events, "tool_call.completed")[0].content) == "b"
        with pytest.raises(ConflictError):
            await bench.workbench.runs.answer(asked.id, "a")


async def test_an_approval_that_expires_is_denied(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "a", "content": "b"}')), say("Too late")]
    async with open_bench(steps, expires="0.05") as bench:
        events = await bench.end(await bench.send(await bench.session()))
        assert of(events, "approval.resolved")[0].status == "expired"
        assert of(events, "tool_call.completed")[0].outcome == "denied"


async def test_a_reply_that_must_be_json_is_repaired_once(open_bench, say) -> None:
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    async with open_bench([say('{"n": "x"}'), say('{"n": 1}')]) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, response_format=schema))
        assert events[-1].event.type == "run.completed"
        assert [each.origin for each in of(events, "message.added")] == ["send", "repair"]


async def test_a_reply_that_never_fits_fails_the_run(open_bench, say) -> None:
    async with open_bench([say("no"), say("still no")]) as bench:
        events = await bench.end(await bench.send(await bench.session(), response_format={"type": "object"}))
        assert events[-1].event.error.code == "response_format"


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/nowhere"},
        {"$ref": "https://example.invalid/schema.json"},
        {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
    ],
)
async def test_a_schema_that_leads_out_of_itself_or_in_circles_ends_the_run_with_what_is_wrong(
    open_bench, say, schema
) -> None:
    async with open_bench([say("{}")]) as bench:
        events = await bench.end(await bench.send(await bench.session(), response_format=schema))
        assert events[-1].event.error.code == "invalid_schema"


async def test_a_reply_that_is_nested_without_end_is_asked_for_again(open_bench, say) -> None:
    async with open_bench([say("[" * 100_000), say("{}")]) as bench:
        events = await bench.end(await bench.send(await bench.session(), response_format={"type": "object"}))
        assert events[-1].event.type == "run.completed"


async def test_a_time_limit_ends_the_run(open_bench, say, call) -> None:
    steps = [call(("run_command", '{"command": "sleep 30"}')), say("never")]
    async with open_bench(steps) as bench:
        run_id = await bench.send(await bench.session(), approve="all", timeout_s=0.5)
        events = await bench.end(run_id)
        assert events[-1].event.error.code == "timeout"
        assert of(events, "tool_call.completed")[0].outcome == "cancelled"


async def test_a_long_conversation_is_compacted_and_the_log_keeps_all(open_bench, say) -> None:
    long = "word " * 400
    async with open_bench([say(long), say(long), say("a summary"), say("fine")]) as bench:
        bench.catalog.window = 2000
        session = await bench.session()
        for number in range(3):
            events = await bench.end(await bench.send(session, f"question {number}"))
        compacted = of(events, "context.compacted")[0]
        assert compacted.summary == "a summary"
        assert compacted.tokens_after < compacted.tokens_before
        messages = bench.model.requests[-1].messages
        assert "a summary" in messages[1].text
        assert messages[-1].text == "question 2"


async def test_a_window_smaller_than_known_is_compacted_once(open_bench, say) -> None:
    steps = [say("a" * 900), [ContextTooLong("too long")], say("summary"), say("fine")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "one"))
        events = await bench.end(await bench.send(session, "two"))
        assert "context.compacted" in kinds(events)
        assert events[-1].event.type == "run.completed"


async def test_two_sessions_run_at_the_same_time(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "a", "content": "b"}'))] * 2 + [say("ok"), say("ok")]
    async with open_bench(steps) as bench:
        runs = [await bench.send(await bench.session()) for _ in range(2)]
        waiting = await bench.approvals(2)
        assert {approval.run_id for approval in waiting} == set(runs)
        for approval in waiting:
            await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await asyncio.gather(*(bench.end(run_id) for run_id in runs))


async def test_undo_takes_a_runs_changes_back_and_redo_brings_them_again(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "free.md", "content": "one"}')), say("ok")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.end(run_id)
        path = bench.home / "data" / "workspaces" / session.id / "free.md"
        assert await bench.workbench.files.undo(session.id) == ()
        assert not path.exists()
        with pytest.raises(ConflictError, match="nothing to undo"):
            await bench.workbench.files.undo(session.id)
        (entry,) = await bench.workbench.files.redo(session.id)
        assert (entry.state, path.read_text()) == ("created", "one")
        path.write_text("changed by hand")
        with pytest.raises(ConflictError, match=r"free\.md"):
            await bench.workbench.files.undo(session.id, run_id)
        assert path.read_text() == "changed by hand"
