"""Messages to agents and what comes of them, by both bindings."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from a2a.client.errors import A2AClientError
from a2a.server.context import ServerCallContext
from a2a.types.a2a_pb2 import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    ListTasksResponse,
    Part,
    SendMessageRequest,
    SubscribeToTaskRequest,
)
from a2a.utils.errors import (
    InternalError,
    InvalidParamsError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from a2a_talking import BINDINGS, STATE, asked, message, reply
from starlette.requests import Request

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import ModelRequestRefused
from holdfast.server.a2a.asked import Asked
from holdfast.server.a2a.handler import Handler
from holdfast.server.kit.operations import Door

WRITE = ("write_file", '{"path": "a.md", "content": "Alpha\\n"}')
ASK = ("ask_user", '{"question": "Which colour?", "choices": ["red", "blue"]}')


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_message_is_answered_as_a_task_that_is_done(talk: Any, say: Any, binding: str) -> None:
    async with talk([say("Hello ", "there.")], binding=binding) as talking:
        task = await talking.ask(message("Hi", id="mine"))
        again = await talking.client.get_task(GetTaskRequest(id=task.id))
        run = await talking.bench.workbench.runs.get(task.id)
    assert (task.status.state, reply(task)) == (STATE.TASK_STATE_COMPLETED, "Hello there.")
    assert [(each.message_id, each.parts[0].text) for each in task.history][:1] == [("mine", "Hi")]
    assert again == task
    assert (run.session_id, run.agent) == (task.context_id, "tester")


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_stream_tells_the_reply_in_pieces_and_then_that_it_is_done(
    talk: Any, say: Any, binding: str
) -> None:
    async with talk([say("Hello ", "there.")], binding=binding, streaming=True) as talking:
        first, *updates = await talking.stream("Hi")
    assert first.task.status.state == STATE.TASK_STATE_WORKING
    pieces = [each.artifact_update for each in updates if each.HasField("artifact_update")]
    assert "".join(each.artifact.parts[0].text for each in pieces) == "Hello there."
    assert [each.append for each in pieces] == [False, *([True] * (len(pieces) - 1))]
    assert pieces[-1].last_chunk
    assert updates[-1].status_update.status.state == STATE.TASK_STATE_COMPLETED


async def test_the_next_message_of_a_context_goes_on_with_the_conversation(talk: Any, say: Any) -> None:
    async with talk([say("One."), say("Two.")]) as talking:
        first = await talking.ask("Hi")
        second = await talking.ask(message("And?", context_id=first.context_id))
        with pytest.raises(UnsupportedOperationError):
            await talking.ask(message("And?", task_id=first.id))
        with pytest.raises(InvalidParamsError):
            await talking.ask(message("And?", task_id=first.id, context_id="another"))
    assert second.context_id == first.context_id
    assert second.id != first.id
    assert reply(second) == "Two."


@pytest.mark.parametrize("binding", BINDINGS)
async def test_an_approval_waits_for_the_next_message(talk: Any, say: Any, call: Any, binding: str) -> None:
    async with talk([call(WRITE), say("Written.")], binding=binding) as talking:
        waiting = await talking.ask("Write")
        unclear = await talking.ask(message("What is that?", task_id=waiting.id))
        done = await talking.ask(message("Yes.", task_id=waiting.id))
    assert waiting.status.state == STATE.TASK_STATE_INPUT_REQUIRED
    assert "wants to use write_file" in asked(waiting)
    assert "+Alpha" in asked(waiting)
    assert unclear.status == waiting.status
    assert (done.status.state, reply(done)) == (STATE.TASK_STATE_COMPLETED, "Written.")


async def test_an_answer_that_comes_again_approves_nothing_else(talk: Any, say: Any, call: Any) -> None:
    other = ("write_file", '{"path": "b.md", "content": "Beta\\n"}')
    async with talk([call(WRITE, other), say("Written.")]) as talking:
        first = await talking.ask("Write")
        yes = message("yes", task_id=first.id)
        second = await talking.ask(yes)
        again = await talking.ask(yes)
        done = await talking.ask(message("yes", task_id=first.id))
    assert "a.md" in asked(first)
    assert "b.md" in asked(second)
    assert asked(again) == asked(second)
    assert done.status.state == STATE.TASK_STATE_COMPLETED


async def test_a_denial_carries_its_reason_to_the_model(talk: Any, say: Any, call: Any) -> None:
    async with talk([call(WRITE), say("All right.")]) as talking:
        waiting = await talking.ask("Write")
        id = waiting.status.message.parts[1].data.struct_value.fields["id"].string_value
        done = await talking.ask(
            message(task_id=waiting.id, data={"id": id, "decision": "deny", "reason": "not there"})
        )
        (record,) = (await talking.bench.workbench.approvals.history()).items
    assert done.status.state == STATE.TASK_STATE_COMPLETED
    assert (record.decision.outcome, record.decision.reason) == ("deny", "not there")
    assert record.decision.client.endswith("(A2A)")


async def test_a_question_is_answered_by_a_choice_or_its_number(talk: Any, say: Any, call: Any) -> None:
    async with talk([call(ASK), say("Blue.")]) as talking:
        waiting = await talking.ask("Paint")
        done = await talking.ask(message("2", task_id=waiting.id))
        prompts = talking.bench.model.requests[-1].messages[-1].parts[0].content[0].text
    assert "1. red\n2. blue" in asked(waiting)
    assert done.status.state == STATE.TASK_STATE_COMPLETED
    assert "blue" in prompts


async def test_a_stream_ends_where_something_waits_and_the_answer_streams_on(
    talk: Any, say: Any, call: Any
) -> None:
    async with talk([call(WRITE), say("Written.")], streaming=True) as talking:
        events = await talking.stream("Write")
        task = events[0].task
        rest = await talking.stream(message("approve", task_id=task.id))
    asks = events[-1].status_update.status
    assert asks.state == STATE.TASK_STATE_INPUT_REQUIRED
    assert "write_file" in asks.message.parts[0].text
    assert (rest[0].task.id, rest[0].task.status.state) == (task.id, STATE.TASK_STATE_WORKING)
    pieces = [each.artifact_update for each in rest if each.HasField("artifact_update")]
    assert "".join(each.artifact.parts[0].text for each in pieces) == "Written."
    assert rest[-1].status_update.status.state == STATE.TASK_STATE_COMPLETED


async def test_a_stream_tells_which_tools_are_used(talk: Any, say: Any, call: Any) -> None:
    free = ("write_file", '{"path": "free.md", "content": "Alpha"}')
    async with talk([call(free), say("Written.")], streaming=True) as talking:
        updates = [each.status_update.status.message for each in await talking.stream("Write")]
    assert [each.parts[0].text for each in updates if each.parts] == ["write_file free.md"]


async def test_who_does_not_wait_gets_the_task_at_once(talk: Any, call: Any) -> None:
    async with talk([call(WRITE)]) as talking:
        begun = await talking.ask("Write", return_immediately=True)
        await talking.bench.approval()
        later = await talking.client.get_task(GetTaskRequest(id=begun.id))
    assert not begun.artifacts
    assert later.status.state == STATE.TASK_STATE_INPUT_REQUIRED


async def test_a_task_that_waits_is_followed_while_others_decide(talk: Any, say: Any, call: Any) -> None:
    async with talk([call(WRITE), say("Written.")], streaming=True) as talking:
        begun = (await talking.stream("Write"))[0].task
        approval = await talking.bench.approval()
        following = talking.client.subscribe(SubscribeToTaskRequest(id=begun.id))
        first = await anext(following)
        await talking.bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        rest = [each async for each in following]
        with pytest.raises(UnsupportedOperationError):
            await anext(talking.client.subscribe(SubscribeToTaskRequest(id=begun.id)))
    assert first.task.id == begun.id
    states = [each.status_update.status.state for each in rest if each.HasField("status_update")]
    assert STATE.TASK_STATE_WORKING in states
    assert states[-1] == STATE.TASK_STATE_COMPLETED


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_task_is_cancelled_once(talk: Any, call: Any, binding: str) -> None:
    async with talk([call(WRITE)], binding=binding) as talking:
        waiting = await talking.ask("Write")
        cancelled = await talking.client.cancel_task(CancelTaskRequest(id=waiting.id))
        with pytest.raises(TaskNotCancelableError):
            await talking.client.cancel_task(CancelTaskRequest(id=waiting.id))
    assert cancelled.status.state == STATE.TASK_STATE_CANCELED


async def test_a_failed_run_is_a_failed_task_that_says_why(talk: Any) -> None:
    async with talk([[ModelRequestRefused("That is not possible.")]]) as talking:
        failed = await talking.ask("Hi")
    assert failed.status.state == STATE.TASK_STATE_FAILED
    assert asked(failed) == "That is not possible."


@pytest.mark.parametrize("binding", BINDINGS)
async def test_tasks_of_others_and_of_other_agents_are_not_there(talk: Any, say: Any, binding: str) -> None:
    async with talk([say("One.")], binding=binding) as talking:
        task = await talking.ask("Hi")
        with pytest.raises(TaskNotFoundError):
            await talking.client.get_task(GetTaskRequest(id="nobody"))
        rest = await talking.http.get(f"/a2a/agents/general/tasks/{task.id}", headers={"A2A-Version": "1.0"})
    assert rest.status_code == 404
    assert rest.json()["error"]["details"][0]["reason"] == "TASK_NOT_FOUND"


async def test_files_and_data_come_to_the_model_and_private_addresses_are_refused(
    talk: Any, say: Any
) -> None:
    async with talk([say("Seen.")]) as talking:
        said = message("Look", data={"depth": 3})
        said.parts.append(Part(raw=b"Alpha\n", filename="notes.txt", media_type="text/plain"))
        await talking.ask(said)
        seen = talking.bench.model.requests[-1].messages[-1]
        with pytest.raises(A2AClientError, match="403"):
            bad = message("Look")
            bad.parts.append(Part(url="http://127.0.0.1/a.png", media_type="image/png"))
            await talking.ask(bad)
    assert '{"depth": 3}' in seen.text
    assert "notes.txt" in repr(seen.parts)


async def test_the_history_is_as_long_as_was_asked_for(talk: Any, say: Any) -> None:
    async with talk([say("One.")]) as talking:
        task = await talking.ask("Hi", history_length=0)
        short = await talking.client.get_task(GetTaskRequest(id=task.id, history_length=1))
        with pytest.raises(InvalidParamsError):
            await talking.client.get_task(GetTaskRequest(id=task.id, history_length=-1))
    assert not task.history
    assert len(short.history) == 1


@pytest.mark.parametrize("binding", BINDINGS)
async def test_tasks_are_listed_in_pages_by_state_context_and_time(
    talk: Any, say: Any, call: Any, binding: str
) -> None:
    async with talk([say("One."), say("Two."), call(WRITE)], binding=binding) as talking:

        async def listed(**wanted: Any) -> ListTasksResponse:
            return await talking.client.list_tasks(ListTasksRequest(**wanted))

        one = await talking.ask("First")
        two = await talking.ask("Second")
        three = await talking.ask(message("Third", context_id=two.context_id))
        first = await listed(page_size=2, include_artifacts=True)
        rest = await listed(page_size=2, page_token=first.next_page_token)
        waiting = await listed(status=STATE.TASK_STATE_INPUT_REQUIRED)
        working = await listed(status=STATE.TASK_STATE_WORKING)
        done = await listed(status=STATE.TASK_STATE_COMPLETED, history_length=0)
        rejected = await listed(status=STATE.TASK_STATE_REJECTED)
        of_one = await listed(context_id=one.context_id)
        of_nobody = await listed(context_id="nobody")
        later = await listed(status_timestamp_after=two.status.timestamp)
        with pytest.raises(InvalidParamsError):
            await listed(page_size=101)
        with pytest.raises(InvalidParamsError):
            await listed(page_token="?")
    assert [each.id for each in first.tasks] == [three.id, two.id]
    assert (first.total_size, first.page_size, reply(first.tasks[1])) == (3, 2, "Two.")
    assert ([each.id for each in rest.tasks], rest.next_page_token) == ([one.id], "")
    assert not rest.tasks[0].artifacts
    assert [each.id for each in waiting.tasks] == [three.id]
    assert [each.id for each in done.tasks] == [two.id, one.id]
    assert not any(each.history for each in done.tasks)
    assert [len(each.tasks) for each in (working, rejected, of_nobody)] == [0, 0, 0]
    assert [each.id for each in of_one.tasks] == [one.id]
    assert [each.id for each in later.tasks] == [three.id, two.id]


async def test_a_client_that_leaves_ends_its_wait_and_not_the_task(talk: Any, say: Any, call: Any) -> None:
    async with talk([call(WRITE), say("Written.")]) as talking:
        workbench = talking.bench.workbench
        waiting = await talking.ask("Write")
        await workbench.runs.pause(waiting.id)
        await workbench.approvals.decide((await talking.bench.approval()).id, Decision(outcome="approve"))
        await talking.bench.until("run.paused")
        asking = asyncio.create_task(talking.ask(message("And b.md.", task_id=waiting.id)))
        await talking.bench.until("message.queued")
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await workbench.runs.resume(waiting.id)
        await talking.bench.end(waiting.id)
        done = await talking.client.get_task(GetTaskRequest(id=waiting.id))
    assert done.status.state == STATE.TASK_STATE_COMPLETED
    assert [each.parts[0].text for each in done.history] == ["Write", "And b.md.", "Written."]


async def test_a_client_that_leaves_is_nothing_that_went_wrong(
    talk: Any, call: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def gone() -> Any:
        return {"type": "http.disconnect"}

    async with talk([call(WRITE)]) as talking:
        workbench = talking.bench.workbench
        agent = await workbench.agents.get("tester")
        door = Door(host=None, closing=asyncio.Event())  # type: ignore[arg-type]
        asked_by = Asked(Request({"type": "http"}, gone), door, workbench, agent, "", "r")
        context = ServerCallContext(state={"a2a": asked_by})
        with pytest.raises(InternalError):
            await Handler().on_message_send(SendMessageRequest(message=message("Write")), context)
    assert asked_by.refused is not None
    assert asked_by.refused.code == "engine_stopping"
    assert not caplog.records


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_door_that_closes_ends_streams_and_leaves_the_task(
    talk: Any, call: Any, binding: str
) -> None:
    async with talk([call(WRITE)], binding=binding, streaming=True) as talking:
        task = (await talking.stream("Write"))[0].task
        following = talking.client.subscribe(SubscribeToTaskRequest(id=task.id))
        await anext(following)
        talking.served.stop.set()
        async with asyncio.timeout(10):
            left = [each async for each in following]
        run = await talking.bench.workbench.runs.get(task.id)
    assert left == []
    assert not run.status.ended
