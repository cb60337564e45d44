"""The addresses that clients name for a task, and what these get."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from a2a.types.a2a_pb2 import (
    AuthenticationInfo,
    DeleteTaskPushNotificationConfigRequest,
    GetTaskPushNotificationConfigRequest,
    ListTaskPushNotificationConfigsRequest,
    StreamResponse,
    TaskPushNotificationConfig,
)
from a2a.utils.errors import InvalidParamsError, TaskNotFoundError
from a2a_talking import BINDINGS, STATE, message
from google.protobuf.json_format import Parse
from tests.hooks.conftest import Receiver

from holdfast.core.domain.runs import RunStatus
from holdfast.server.a2a.push_format import FORMAT, TOKEN_HEADER, Watch, secret_of

WRITE = ("write_file", '{"path": "a.md", "content": "Alpha\\n"}')


async def told(receiver: Receiver, count: int) -> list[StreamResponse]:
    """Returns what has come, when it is so much; everything is as the protocol describes it."""
    async with asyncio.timeout(20), receiver.grown:
        await receiver.grown.wait_for(lambda: len(receiver.requests) >= count)
    return [Parse(each.body, StreamResponse()) for each in receiver.requests]


def config(receiver: Receiver, **more: Any) -> TaskPushNotificationConfig:
    known = AuthenticationInfo(scheme="Bearer", credentials="for them")
    return TaskPushNotificationConfig(url=receiver.url, token="t 1", authentication=known, **more)


async def test_an_address_is_told_what_becomes_of_a_task(
    talk: Any, say: Any, call: Any, receiver: Receiver
) -> None:
    async with talk([call(WRITE), say("Written.")]) as talking:
        task = await talking.ask("Write", task_push_notification_config=config(receiver))
        await told(receiver, 1)
        await talking.ask(message("yes", task_id=task.id))
        asks, works, reply, done = await told(receiver, 4)
    heads = [{name.lower(): value for name, value in each.headers.items()} for each in receiver.requests]
    assert {each[TOKEN_HEADER.lower()] for each in heads} == {"t 1"}
    assert {each["authorization"] for each in heads} == {"Bearer for them"}
    assert asks.status_update.status.state == STATE.TASK_STATE_INPUT_REQUIRED
    assert "wants to use write_file" in asks.status_update.status.message.parts[0].text
    assert works.status_update.status.state == STATE.TASK_STATE_WORKING
    assert (reply.artifact_update.artifact.parts[0].text, reply.artifact_update.last_chunk) == (
        "Written.",
        True,
    )
    assert done.status_update.status.state == STATE.TASK_STATE_COMPLETED
    updates = (asks.status_update, works.status_update, reply.artifact_update, done.status_update)
    assert {(each.task_id, each.context_id) for each in updates} == {(task.id, task.context_id)}


async def test_a_task_that_is_quick_is_told_all_the_same_and_no_other(
    talk: Any, say: Any, receiver: Receiver
) -> None:
    async with talk([say("One."), say("Two."), say("Three.")]) as talking:
        await talking.ask("First")
        task = await talking.ask("Second", task_push_notification_config=config(receiver))
        await talking.ask(message("Third", context_id=task.context_id))
        await told(receiver, 2)
        found = await told(receiver, 2)
    assert [each.WhichOneof("payload") for each in found] == ["artifact_update", "status_update"]
    assert found[0].artifact_update.artifact.parts[0].text == "Two."


@pytest.mark.parametrize("binding", BINDINGS)
async def test_configurations_are_kept_without_what_is_secret(
    talk: Any, call: Any, receiver: Receiver, binding: str
) -> None:
    async with talk([call(WRITE)], binding=binding) as talking:
        task = await talking.ask("Write")
        client = talking.client
        made = await client.create_task_push_notification_config(config(receiver, task_id=task.id, id="mine"))
        again = await client.create_task_push_notification_config(
            config(receiver, task_id=task.id, id="mine")
        )
        one = await client.get_task_push_notification_config(
            GetTaskPushNotificationConfigRequest(task_id=task.id, id="mine")
        )
        every = await client.list_task_push_notification_configs(
            ListTaskPushNotificationConfigsRequest(task_id=task.id)
        )
        kept = await talking.bench.workbench.webhooks.list()
        gone = DeleteTaskPushNotificationConfigRequest(task_id=task.id, id="mine")
        await client.delete_task_push_notification_config(gone)
        left = await talking.bench.workbench.webhooks.list()
        with pytest.raises(TaskNotFoundError):
            await client.delete_task_push_notification_config(gone)
    assert made == again == one == every.configs[0]
    assert (one.url, one.authentication.scheme, one.token) == (receiver.url, "Bearer", "")
    assert "for them" not in f"{one} {[each.model_dump_json() for each in kept]}"
    assert (len(kept), len(left), len(every.configs)) == (1, 0, 1)


async def test_addresses_that_cannot_be_are_refused(talk: Any, call: Any) -> None:
    async with talk([call(WRITE)]) as talking:
        task = await talking.ask("Write")
        for wrong in ({"url": "ftp://example.com"}, {"url": "https://example.com", "token": "é"}):
            with pytest.raises(InvalidParamsError):
                given = TaskPushNotificationConfig(task_id=task.id, **wrong)
                await talking.client.create_task_push_notification_config(given)


async def test_a_message_with_an_address_that_cannot_be_begins_nothing(
    talk: Any, say: Any, call: Any
) -> None:
    async with talk([call(WRITE)]) as talking:
        with pytest.raises(InvalidParamsError):
            await talking.ask("Go", task_push_notification_config=TaskPushNotificationConfig(url="ftp://x"))
        (session,) = (await talking.bench.workbench.sessions.list()).items
    assert session.status is RunStatus.CANCELLED


async def test_webhooks_of_tasks_that_are_gone_make_room(talk: Any, say: Any, receiver: Receiver) -> None:
    async with talk([say("One."), say("Two.")]) as talking:
        first = await talking.ask("First", task_push_notification_config=config(receiver))
        await talking.bench.workbench.sessions.delete(first.context_id, permanent=True)
        second = await talking.ask("Second", task_push_notification_config=config(receiver))
        (left,) = await talking.bench.workbench.webhooks.list()
    assert Watch.of(left).task_id == second.id


def test_a_secret_has_no_spaces_and_says_the_same() -> None:
    made = secret_of("a b", "c")
    assert " " not in made
    assert json.loads(made) == {"token": "a b", "credentials": "c"}
    assert FORMAT.retries.attempts > 1
