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
from holdfast.server.kit.answers import RunAnswer
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.compose import Api
from holdfast.server.kit.operations import Call, Dialect, Door, Operation
from holdfast.server.kit.serving import dialect_api
from holdfast.server.openai.conversations import Conversations
from holdfast.server.openai.encoder import ChatEncoder
from holdfast.server.openai.errors import error_response
from holdfast.server.openai.mapping import MODEL_PREFIX, agent_of, no_model, turn_of
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


def chat_operations(path: str) -> tuple[Operation, ...]:
    """Returns the operations below `path` of an API, which remember conversations of their own."""
    conversations = Conversations()

    async def complete(call: Call) -> ASGIApp:
        """Lets an agent answer."""
        return await _complete(conversations, call)

    return (
        Operation("chat", "POST", f"{path}/chat/completions", complete, body=ChatRequest),
        Operation("models", "GET", f"{path}/models", _models),
        Operation("model", "GET", f"{path}/models/{{model:path}}", _model),
    )


async def _models(call: Call) -> ASGIApp:
    """Lists the agents that can be asked."""
    agents = [agent for agent in await call.workbench.agents.list() if agent.spec is not None]
    return JSONResponse({"object": "list", "data": [_shown(agent) for agent in agents]})


async def _model(call: Call) -> ASGIApp:
    """Returns one of them."""
    name: str = call.path["model"]
    try:
        return JSONResponse(_shown(await call.workbench.agents.get(agent_of(name))))
    except NotFoundError:
        raise no_model(name) from None


async def _complete(conversations: Conversations, call: Call) -> ASGIApp:
    asked: ChatRequest = call.body
    turn = turn_of(asked)
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
