"""Answers what clients of A2A ask, of whatever version and binding: a task is a run, a context a session.

What runs are and how they go on is the engine's to know: the SDK's own keeper of tasks is not used.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from a2a.server.context import ServerCallContext
from a2a.server.events.event_queue import Event
from a2a.server.request_handlers.request_handler import RequestHandler, validate_request_params
from a2a.types.a2a_pb2 import (
    AgentCard,
    CancelTaskRequest,
    DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    ListTaskPushNotificationConfigsRequest,
    ListTaskPushNotificationConfigsResponse,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    Role,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskPushNotificationConfig,
)
from a2a.utils.errors import (
    A2AError,
    InvalidParamsError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from a2a.utils.task import apply_history_length, validate_history_length

from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError
from holdfast.core.domain.identity import Role as UserRole
from holdfast.core.domain.runs import Run, RunOptions, RunStatus, Session
from holdfast.server.a2a import pushing
from holdfast.server.a2a.asked import Asked, asked_in
from holdfast.server.a2a.cards import card_of
from holdfast.server.a2a.errors import bounded, bounded_stream
from holdfast.server.a2a.listing import listed
from holdfast.server.a2a.mapping import said_in, status_update, task_of, update_of
from holdfast.server.kit.answers import events_of, while_there
from holdfast.server.kit.starting import new_session, start_now
from holdfast.server.tasks.desk import parts_of, settle, waiting_in
from holdfast.server.tasks.following import Following
from holdfast.server.tasks.said import Said
from holdfast.server.tasks.updates import Updates
from holdfast.server.tasks.views import TaskView, view_of

_TAKEN = ("session_exists", "session_in_trash")
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that a message has started, or gone into."""

    run: Run
    following: Following
    """From the message on."""
    new: bool = False
    """Whether it was started."""


class Handler(RequestHandler):
    """Serves every agent; whom a request is for stands in its context."""

    @bounded
    @validate_request_params
    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Task | Message:
        asked = asked_in(context)
        validate_history_length(params.configuration)
        begun = await _begin(asked, params)
        if not params.configuration.return_immediately:
            await while_there(asked, _until_told(begun.following))
        view = await _view(asked, begun.run.id)
        return apply_history_length(task_of(view), params.configuration)

    @bounded_stream
    @validate_request_params
    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        asked = asked_in(context)
        validate_history_length(params.configuration)
        begun = await _begin(asked, params)
        task = task_of(await _seen(asked, begun.run, begun.following))
        yield apply_history_length(task, params.configuration)
        async with aclosing(_updates(asked, begun.run, begun.following)) as updates:
            async for update in updates:
                yield update

    @bounded_stream
    @validate_request_params
    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        asked = asked_in(context)
        run = await _run(asked, params.id)
        if run.status.ended:
            raise UnsupportedOperationError(f"The task {run.id} has ended: {run.status.value}.")
        following = Following(asked.workbench, run, patient=True)
        await following.catch_up()
        yield task_of(await _seen(asked, run, following))
        async with aclosing(_updates(asked, run, following)) as updates:
            async for update in updates:
                yield update

    @bounded
    @validate_request_params
    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task | None:
        validate_history_length(params)
        asked = asked_in(context)
        await _run(asked, params.id)
        return apply_history_length(task_of(await _view(asked, params.id)), params)

    @bounded
    @validate_request_params
    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task | None:
        asked = asked_in(context)
        run = await _run(asked, params.id)
        if run.status.ended:
            raise TaskNotCancelableError(f"The task {run.id} has ended: {run.status.value}.")
        await asked.workbench.runs.cancel(run.id)
        return task_of(await _view(asked, run.id))

    @bounded
    @validate_request_params
    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        return await listed(asked_in(context), params)

    @bounded
    @validate_request_params
    async def on_create_task_push_notification_config(
        self, params: TaskPushNotificationConfig, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        asked = asked_in(context)
        return await pushing.add(asked.workbench, await _run(asked, params.task_id), params)

    @bounded
    @validate_request_params
    async def on_get_task_push_notification_config(
        self, params: GetTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        asked = asked_in(context)
        run = await _run(asked, params.task_id)
        return pushing.config_of(await pushing.one(asked.workbench, run, params.id))

    @bounded
    @validate_request_params
    async def on_list_task_push_notification_configs(
        self, params: ListTaskPushNotificationConfigsRequest, context: ServerCallContext
    ) -> ListTaskPushNotificationConfigsResponse:
        asked = asked_in(context)
        found = await pushing.every(asked.workbench, await _run(asked, params.task_id))
        return ListTaskPushNotificationConfigsResponse(configs=found)

    @bounded
    @validate_request_params
    async def on_delete_task_push_notification_config(
        self, params: DeleteTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> None:
        asked = asked_in(context)
        run = await _run(asked, params.task_id)
        await asked.workbench.webhooks.remove((await pushing.one(asked.workbench, run, params.id)).id)

    @bounded
    @validate_request_params
    async def on_get_extended_agent_card(
        self, params: GetExtendedAgentCardRequest, context: ServerCallContext
    ) -> AgentCard:
        asked = asked_in(context)
        return card_of(asked.agent, asked.card_url)


# --- messages


async def _begin(asked: Asked, params: SendMessageRequest) -> Begun:
    """Starts a run with a message, or lets it go into the task that it names; notes whom to tell of it."""
    begun = await _said(asked, params.message)
    if not params.configuration.HasField("task_push_notification_config"):
        return begun
    try:
        await pushing.add(asked.workbench, begun.run, params.configuration.task_push_notification_config)
    except (HoldfastError, A2AError):
        if begun.new:  # its client takes it for not begun
            await asked.workbench.runs.cancel(begun.run.id)
        raise
    return begun


async def _said(asked: Asked, message: Message) -> Begun:
    if message.role == Role.ROLE_AGENT:
        raise InvalidParamsError("A message to an agent has the role ROLE_USER.")
    said = said_in(message)
    if message.task_id:
        return await _go_on(asked, message, said)
    session = await _session(asked, message.context_id) if message.context_id else None
    if session is not None:
        return await _start(asked, session, message, said)
    try:
        async with new_session(asked.workbench, asked.agent.name, id=message.context_id or None) as made:
            return await _start(asked, made, message, said)
    except ConflictError as error:
        if error.code not in _TAKEN:
            raise
        raise _no_context(message.context_id) from None


async def _start(asked: Asked, session: Session, message: Message, said: Said) -> Begun:
    parts = await parts_of(asked.workbench, session.id, said)
    # The history shows the client's own ids again.
    id = message.message_id if len(message.message_id) <= _LONGEST_ID else None
    run_id = await start_now(asked.workbench, session, parts, RunOptions(hand_over=False), id)
    run = await asked.workbench.runs.get(run_id)
    following = Following(asked.workbench, run)
    await following.begin()
    return Begun(run, following, new=True)


async def _go_on(asked: Asked, message: Message, said: Said) -> Begun:
    """Lets a message answer what waits in its task, or else steer it. What is no answer changes nothing."""
    run = await _run(asked, message.task_id)
    if message.context_id and message.context_id != run.session_id:
        raise InvalidParamsError(f"The task {run.id} is not in this context.")
    if run.status.ended:
        raise UnsupportedOperationError(
            f"The task {run.id} has ended: {run.status.value}. Leave out `taskId` to go on in its context."
        )
    following = Following(asked.workbench, run)
    await following.catch_up()
    waiting = await waiting_in(asked.workbench, run.session_id)
    if not waiting:
        await asked.workbench.runs.steer(run.id, await parts_of(asked.workbench, run.session_id, said))
        return Begun(run, following)
    settled = await settle(asked.workbench, waiting, said, (run.id, message.message_id))
    if settled is not None:
        following.settle(settled)
    return Begun(run, following)


async def _session(asked: Asked, context_id: str) -> Session | None:
    """Returns the session of a context; None where it is still to be made. Only administrators name new
    ones: for others that would tell which ids are taken."""
    try:
        session = await asked.workbench.sessions.get(context_id)
    except NotFoundError:
        if (await asked.workbench.users.me()).role is not UserRole.ADMIN:
            raise _no_context(context_id) from None
        return None
    if session.agent != asked.agent.name or session.child_of is not None:
        raise _no_context(context_id)
    return session


def _no_context(context_id: str) -> InvalidParamsError:
    return InvalidParamsError(
        f"There is no context {context_id[:80]!r} of this agent; leave out `contextId` to begin one."
    )


# --- tasks


async def _run(asked: Asked, task_id: str) -> Run:
    """Returns the run of a task of this agent. Raises `TaskNotFoundError`."""
    run = await asked.workbench.runs.get(task_id)
    if run.agent != asked.agent.name or run.parent_run_id is not None:
        raise TaskNotFoundError
    return run


async def _view(asked: Asked, run_id: str) -> TaskView:
    """Returns a task as it is now."""
    run = await asked.workbench.runs.get(run_id)
    events = await events_of(asked.workbench, run)
    waiting = () if run.status.ended else await waiting_in(asked.workbench, run.session_id)
    return view_of(run, events, waiting)


async def _seen(asked: Asked, run: Run, following: Following) -> TaskView:
    """Returns a task as it was where it begins to be followed: it may have ended meanwhile."""
    if following.ended:
        return await _view(asked, run.id)
    waiting = await waiting_in(asked.workbench, run.session_id) if following.waits else ()
    as_it_was = {"status": RunStatus.RUNNING, "ended_at": None, "error": None}
    return view_of(run.model_copy(update=as_it_was), following.known, waiting)


async def _until_told(following: Following) -> None:
    """Waits until a task has ended, or waits for a person."""
    async with aclosing(following.events()) as events:
        async for _ in events:
            continue


async def _updates(asked: Asked, run: Run, following: Following) -> AsyncGenerator[Event, None]:
    """Yields what becomes of a task, as long as it is followed."""
    if following.over:  # what was said of it already is all that there is
        return
    updates = Updates(run.id, following.state, waits=following.waits)
    async with aclosing(following.events()) as events:
        async for heard in events:
            for update in updates.of(heard):
                yield update_of(update, run)
            if heard.waits and not heard.ended:
                yield status_update(await _view(asked, run.id))
    for update in updates.last():
        yield update_of(update, run)
    if following.ended:
        yield status_update(await _view(asked, run.id))
