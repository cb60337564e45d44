"""The agent for the clients of A2A: its card, messages, tasks, and the same by JSON-RPC."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from starlette.types import ASGIApp

from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.runs import Session
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.active import active_agent
from holdfast.server.dialects.dexto.errors import not_here, own_refusal
from holdfast.server.dialects.dexto.mapping_a2a import METHODS, card_of, page_size_of, state_of_session
from holdfast.server.dialects.dexto.mapping_sessions import called
from holdfast.server.dialects.dexto.places import all_sessions, known
from holdfast.server.dialects.dexto.rpc_a2a import answer_rpc
from holdfast.server.dialects.dexto.talking_a2a import answered, begin, own_stream, task_in
from holdfast.server.dialects.dexto.wire import PREFIX
from holdfast.server.dialects.dexto.wire_a2a import (
    CardOut,
    RpcDescription,
    RpcReplies,
    SendBody,
    TaskOut,
    TasksOut,
    TasksQuery,
)
from holdfast.server.dialects.dexto.zod import refused
from holdfast.server.kit.auth import recognised
from holdfast.server.kit.named_sessions import cancelled
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.origin import origin_of


async def get_agent_card(call: Call) -> CardOut:
    """Gives the card of the active agent; to who is not known no more than how it is asked."""
    known = await recognised(call.request)
    agent = None if known is None else await active_agent((await call.door.host()).as_principal(known))
    return card_of(agent, f"{origin_of(call.request)}{PREFIX}/jsonrpc")


async def send_a2a_message(call: Call) -> TaskOut:
    """Sends a message to the agent, and waits for what comes of it."""
    return await answered(call, await begin(call, call.body))


async def stream_a2a_message(call: Call) -> ASGIApp:
    """Sends a message to the agent, and streams what it does."""
    return await own_stream(call, await begin(call, call.body))


async def list_a2a_tasks(call: Call) -> TasksOut:
    """Lists the caller's sessions as tasks, latest first."""
    return await listed(call.workbench, call.query)


async def get_a2a_task(call: Call) -> TaskOut:
    """Gives a session as a task."""
    return await task_in(call.workbench, await _known(call))


async def cancel_a2a_task(call: Call) -> TaskOut:
    """Cancels what goes on in a session."""
    session = await _known(call)
    await cancelled(call.workbench, session)
    return await task_in(call.workbench, session)


async def post_jsonrpc(call: Call) -> ASGIApp:
    """Answers one request of JSON-RPC, or several."""
    return await answer_rpc(call, listed)


async def describe_jsonrpc(call: Call) -> RpcDescription:
    """Says what can be asked by JSON-RPC."""
    return RpcDescription(
        service="A2A JSON-RPC 2.0",
        version="0.3.0",
        endpoint="/jsonrpc",
        methods=list(METHODS),
        usage="POST a JSON-RPC 2.0 request to this path.",
    )


async def listed(workbench: Workbench, query: TasksQuery) -> TasksOut:
    """Returns a page of tasks."""
    size = page_size_of(query.page_size)
    found = [each for each in await all_sessions(workbench) if _wanted(each, query)]
    tasks = [await task_in(workbench, each, whole=False) for each in found[:size]]
    return TasksOut(tasks=tasks, total_size=len(found), page_size=size)


def _wanted(session: Session, query: TasksQuery) -> bool:
    of_context = not query.context_id or query.context_id == called(session)
    return of_context and (not query.status or query.status is state_of_session(session))


async def _known(call: Call) -> Session:
    try:
        return await known(call.workbench, call.path["id"])
    except NotFoundError:
        raise not_here("Task not found") from None


def _no_message(error: ValidationError, kind: Any) -> InvalidError:
    """Returns the error of a stream, which has another than all else here."""
    return own_refusal({"error": "Invalid request body", "details": refused(error, kind).details["issues"]})


_SEND, _TASK = "/v1/message", "/v1/tasks/{id}"

OPERATIONS = (
    Operation(
        "get_agent_card", "GET", "/.well-known/agent-card.json", get_agent_card, result=CardOut, public=True
    ),
    Operation("send_a2a_message", "POST", f"{_SEND}:send", send_a2a_message, result=TaskOut, body=SendBody),
    Operation(
        "stream_a2a_message",
        "POST",
        f"{_SEND}:stream",
        stream_a2a_message,
        gives="text/event-stream",
        body=SendBody,
        refuse=_no_message,
    ),
    Operation("list_a2a_tasks", "GET", "/v1/tasks", list_a2a_tasks, result=TasksOut, query=TasksQuery),
    Operation("get_a2a_task", "GET", _TASK, get_a2a_task, result=TaskOut),
    Operation("cancel_a2a_task", "POST", f"{_TASK}:cancel", cancel_a2a_task, result=TaskOut),
    Operation("describe_jsonrpc", "GET", "/jsonrpc", describe_jsonrpc, result=RpcDescription),
    Operation(
        "post_jsonrpc",
        "POST",
        "/jsonrpc",
        post_jsonrpc,
        result=RpcReplies,
        gives="text/event-stream",
        takes="application/json",
    ),
)
