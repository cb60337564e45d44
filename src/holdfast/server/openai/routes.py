"""Chat completions and models as OpenAI has them: an agent is the model `agent/NAME`.

A caller of this API keeps no connection to what he started: when he goes away, the run is cancelled. Who
wants more of a run has its ids in the answer's headers, and the native API.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import NotFoundError, from_info
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.answers import RunAnswer
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.compose import Api
from holdfast.server.kit.operations import Call, Dialect, Door, Operation
from holdfast.server.kit.serving import dialect_api
from holdfast.server.openai.conversations import Conversations
from holdfast.server.openai.encoder import ChatEncoder
from holdfast.server.openai.errors import error_response
from holdfast.server.openai.mapping import MODEL_PREFIX, Asked, agent_of, no_model, turn_of
from holdfast.server.openai.wire import ChatRequest

PREFIX = "/openai"
NAME = "openai"


def openai_api(door: Door, *, log: logging.Logger) -> Api:
    """Returns the API under `PREFIX`."""
    here = f"GET {PREFIX}/v1/models and POST {PREFIX}/v1/chat/completions"
    dialect = Dialect(
        name=NAME,
        prefix=PREFIX,
        title="Chat completions",
        render=error_response,
        operations=chat_operations("/v1"),
        nothing_there=f"There is nothing at this path; what can be asked here is {here}",
    )
    return dialect_api(dialect, door, log=log)


class AgentModels:
    """The models of an API: the agents."""

    body: type[ChatRequest] = ChatRequest
    """What requests are read as."""

    async def all(self, workbench: Workbench) -> list[dict[str, Any]]:
        """Returns the models that can be asked, as OpenAI shows them."""
        return [_shown(agent) for agent in await workbench.agents.list() if agent.spec is not None]

    async def one(self, workbench: Workbench, name: str) -> dict[str, Any]:
        """Returns the model of a name. Raises `NotFoundError`."""
        try:
            return _shown(await workbench.agents.get(agent_of(name)))
        except NotFoundError:
            raise no_model(name) from None

    async def asked(self, workbench: Workbench, request: ChatRequest) -> Asked:
        """Returns who is to answer a request. Raises `NotFoundError`."""
        return Asked(agent_of(request.model))


def chat_operations(
    path: str, models: AgentModels | None = None, ids: tuple[str, str, str] = ("chat", "models", "model")
) -> tuple[Operation, ...]:
    """Returns the operations below `path` of an API, which remember conversations of their own. `ids` are
    those of the operations: to chat, to list the models, to get one."""
    conversations = Conversations()
    known = models or AgentModels()

    async def complete(call: Call) -> ASGIApp:
        """Lets a model or an agent answer, whole or as a stream."""
        return await _complete(conversations, known, call)

    async def every(call: Call) -> dict[str, Any]:
        """Lists the models that can be asked."""
        return {"object": "list", "data": await known.all(call.workbench)}

    async def one(call: Call) -> dict[str, Any]:
        """Returns a model."""
        return await known.one(call.workbench, call.path["model"])

    chat, listing, single = ids
    record, streams = dict[str, Any], "text/event-stream"
    return (
        Operation(chat, "POST", f"{path}/chat/completions", complete, 200, record, streams, body=known.body),
        Operation(listing, "GET", f"{path}/models", every, result=record),
        Operation(single, "GET", f"{path}/models/{{model:path}}", one, result=record),
    )


async def _complete(conversations: Conversations, models: AgentModels, call: Call) -> ASGIApp:
    asked: ChatRequest = call.body
    turn = turn_of(asked, await models.asked(call.workbench, asked))
    owner = principal_of(call.request).user_id
    try:
        sent = await conversations.send(call.workbench, owner, turn, asked.holdfast.project)
    except NotFoundError as error:
        raise no_model(asked.model) if error.code == "agent_not_found" else error from None
    encoder = ChatEncoder(
        {"id": f"chatcmpl-{sent.run_id}", "created": int(time.time()), "model": asked.model},
        lambda reply: conversations.remember(owner, turn, reply, sent),
        whole=turn.options.response_format is not None or not asked.stream,
        include_usage=asked.stream_options is not None and asked.stream_options.include_usage,
    )
    answer = RunAnswer(call, sent.run_id, encoder, "cancel")
    # Where the run is found in the native API.
    headers = {"Holdfast-Session": sent.session_id, "Holdfast-Run": sent.run_id}
    if asked.stream:
        return answer.stream(headers=headers)
    await answer.whole()
    if encoder.error is not None:
        # The run has done its work: the client must not send it once more by itself.
        raise from_info(encoder.error.model_copy(update={"retryable": False}))
    return JSONResponse(encoder.completion(), headers=headers)


def _shown(agent: AgentInfo) -> dict[str, Any]:
    return {
        "id": f"{MODEL_PREFIX}{agent.name}",
        "object": "model",
        "created": 0,
        "owned_by": agent.author or "holdfast",
    }
