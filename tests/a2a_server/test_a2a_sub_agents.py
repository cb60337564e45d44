"""Agents that hand work on, seen from an A2A client: what their sub-agents wait for is theirs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from a2a.types.a2a_pb2 import GetTaskRequest, TaskPushNotificationConfig
from a2a.utils.errors import TaskNotFoundError
from a2a_talking import STATE, asked, message, reply
from tests.hooks.conftest import Receiver
from tests.runs.run_helpers import by_task

LEAD = "subagents: [helper]\n"
HELPER = """
version: 1
name: helper
instructions: You are the helper.
tools: [write_file]
"""
DELEGATE = ("delegate", json.dumps({"agent": "helper", "task": "Write it."}))
WRITE = ("write_file", '{"path": "a.md", "content": "Alpha\\n"}')


@pytest.fixture
def talk_with_helper(open_bench: Any, talk: Any, say: Any, call: Any) -> Any:
    open_bench.put_agent("helper", HELPER)
    answers = {"Go": [call(DELEGATE), say("All done.")], "Write": [call(WRITE), say("Written.")]}
    return lambda **more: talk([by_task(answers)] * 20, agent=LEAD, **more)


async def test_what_a_sub_agent_waits_for_is_answered_in_the_task(talk_with_helper: Any) -> None:
    async with talk_with_helper() as talking:
        waiting = await talking.ask("Go")
        run = await talking.bench.workbench.runs.get(waiting.id)
        (child,) = run.child_runs
        with pytest.raises(TaskNotFoundError):
            await talking.client.get_task(GetTaskRequest(id=child))
        done = await talking.ask(message("yes", task_id=waiting.id))
    assert waiting.status.state == STATE.TASK_STATE_INPUT_REQUIRED
    assert asked(waiting).startswith("The agent helper wants to use write_file")
    assert (done.status.state, reply(done)) == (STATE.TASK_STATE_COMPLETED, "All done.")


async def test_a_stream_ends_and_an_address_is_told_where_a_sub_agent_waits(
    talk_with_helper: Any, receiver: Receiver
) -> None:
    async with talk_with_helper(streaming=True) as talking:
        config = TaskPushNotificationConfig(url=receiver.url)
        events = await talking.stream("Go", task_push_notification_config=config)
        task = events[0].task
        (told,) = await receiver.until(1)
        rest = await talking.stream(message("yes", task_id=task.id))
    assert events[-1].status_update.status.state == STATE.TASK_STATE_INPUT_REQUIRED
    pushed = json.loads(told.body)["statusUpdate"]
    assert (pushed["taskId"], pushed["contextId"]) == (task.id, task.context_id)
    assert pushed["status"]["state"] == "TASK_STATE_INPUT_REQUIRED"
    assert rest[-1].status_update.status.state == STATE.TASK_STATE_COMPLETED
