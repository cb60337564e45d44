"""JSON-RPC 2.0 for A2A: one request or several, and notifications, which get no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json
from starlette.responses import Response
from starlette.types import ASGIApp

from holdfast.core.domain.errors import HoldfastError, InvalidError, NotFoundError
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.places import known
from holdfast.server.dialects.dexto.talking_a2a import answered, begin, rpc_stream, task_in
from holdfast.server.dialects.dexto.wire_a2a import RpcRequest, SendBody, TaskOut, TasksOut, TasksQuery
from holdfast.server.kit.body import check_values, spooled
from holdfast.server.kit.errors import plain_message
from holdfast.server.kit.named_sessions import cancelled
from holdfast.server.kit.operations import Call
from holdfast.server.kit.reading import parsed

_PARSE, _INVALID, _NO_METHOD, _PARAMS, _FAILED = -32700, -32600, -32601, -32602, -32603
_MOST = 50
"""Requests that are taken at once."""
_STREAM = "message/stream"

Listed = Callable[[Workbench, TasksQuery], Awaitable[TasksOut]]
Reply = dict[str, Any]


class RpcError(Exception):
    """What is said instead of a result."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message, **({} if data is None else {"data": data})}


async def answer_rpc(call: Call, listed: Listed) -> ASGIApp:
    """Returns the answer to what was posted; its status is always 200. `listed` lists tasks."""
    async with spooled(call.request, call.door.max_body, "send less at once") as file:
        body = file.read()
    check_values(body)
    try:
        given = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        return _written(_refused(RpcError(_PARSE, "Parse error", str(error))))
    if isinstance(given, list):
        return await _several(call, listed, given)
    if isinstance(given, dict) and given.get("method") == _STREAM:
        return await _streamed(call, given)
    reply = await _one(call, listed, given)
    return Response(b"") if reply is None else _written(reply)


async def _several(call: Call, listed: Listed, given: list[Any]) -> ASGIApp:
    if not 0 < len(given) <= _MOST:
        why = "Invalid Request: a batch has 1 to 50 requests"
        return _written([_refused(RpcError(_INVALID, why))])
    replies = await asyncio.gather(*(_one(call, listed, each) for each in given))
    answers = [reply for reply in replies if reply is not None]
    return _written(answers) if answers else Response(b"")


async def _one(call: Call, listed: Listed, given: Any) -> Reply | None:
    """Returns the answer to one request; None for a notification."""
    try:
        request = _request(given)
    except RpcError as error:
        return _refused(error, given)
    try:
        found = await _result(call, listed, request)
    except RpcError as error:
        return _refused(error, given) if "id" in given else None
    except HoldfastError as error:
        return _refused(_failure(error), given) if "id" in given else None
    result = found.model_dump(mode="json", by_alias=True)
    return {"jsonrpc": "2.0", "id": request.id, "result": result} if "id" in given else None


async def _result(call: Call, listed: Listed, request: RpcRequest) -> BaseModel:
    """Does what is asked. Raises `RpcError` and `HoldfastError`."""
    params = request.params if isinstance(request.params, dict) else {}
    match request.method:
        case "message/send":
            return await answered(call, await begin(call, parsed(SendBody, params)))
        case "tasks/list":
            return await listed(call.workbench, parsed(TasksQuery, params))
        case "tasks/get":
            return await _task(call, params)
        case "tasks/cancel":
            return await _task(call, params, cancel=True)
        case "message/stream":
            raise RpcError(_INVALID, "Invalid Request: message/stream cannot be in a batch")
    raise RpcError(_NO_METHOD, f"Method not found: {request.method[:200]}")


async def _task(call: Call, params: dict[str, Any], *, cancel: bool = False) -> TaskOut:
    id = params.get("id")
    try:
        if not isinstance(id, str):
            raise NotFoundError("")
        session = await known(call.workbench, id)
    except NotFoundError:
        raise RpcError(_FAILED, f"Task not found: {str(id)[:200]}", {"name": "Error"}) from None
    if cancel:
        await cancelled(call.workbench, session)
    return await task_in(call.workbench, session)


async def _streamed(call: Call, given: dict[str, Any]) -> ASGIApp:
    try:
        request = _request(given)
        if not isinstance(request.params, dict) or "message" not in request.params:
            raise RpcError(_PARAMS, "Invalid params: message is required")
        return await rpc_stream(call, await begin(call, parsed(SendBody, request.params)), request.id)
    except RpcError as error:
        return _written(_refused(error, given))
    except InvalidError as error:
        return _written(_refused(RpcError(_PARAMS, f"Invalid params: {plain_message(error.info)}"), given))
    except HoldfastError as error:
        return _written(_refused(_failure(error), given))


def _request(given: Any) -> RpcRequest:
    try:
        return RpcRequest.model_validate(given, strict=True)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"])) or "it is no object"
        raise RpcError(_INVALID, f"Invalid Request: {field}") from None


def _failure(error: HoldfastError) -> RpcError:
    return RpcError(_FAILED, plain_message(error.info), {"name": "Error"})


def _refused(error: RpcError, given: Any = None) -> Reply:
    id = given.get("id") if isinstance(given, dict) else None
    shown = id if isinstance(id, str | int | float) and not isinstance(id, bool) else None
    return {"jsonrpc": "2.0", "error": error.error, "id": shown}


def _written(value: Any) -> Response:
    return Response(to_json(value), media_type="application/json")
