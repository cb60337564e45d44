"""Chat completions and models as OpenAI has them: an agent is the model `agent/NAME`.

A caller of this API keeps no connection to what he started: when he goes away, the run is cancelled. Who
wants more of a run has its ids in the answer's headers, and the native API.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, cast

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import (
    HoldfastError,
    NotFoundError,
    UnavailableError,
    from_info,
)
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.services.workbench import Host, Workbench
from holdfast.server.kit.auth import Admitted, principal_of
from holdfast.server.kit.body import MAX_BODY, read_json
from holdfast.server.kit.compose import Api, MadeApi
from holdfast.server.kit.errors import Boundary
from holdfast.server.kit.meter import named
from holdfast.server.kit.reading import mistaken
from holdfast.server.kit.sse import write_frame
from holdfast.server.kit.stream import FrameStream
from holdfast.server.openai.conversations import Conversations, Sent
from holdfast.server.openai.encoder import ChatEncoder
from holdfast.server.openai.errors import error_body, error_response
from holdfast.server.openai.mapping import MODEL_PREFIX, Turn, agent_of, no_model, turn_of
from holdfast.server.openai.wire import ChatRequest

PREFIX = "/openai"
NAME = "openai"

_LOG = logging.getLogger(__name__)
_DONE = write_frame("[DONE]")


def openai_api(
    host: Callable[[], Awaitable[Host]],
    *,
    log: logging.Logger,
    closing: asyncio.Event,
    max_body: int = MAX_BODY,
    ping_s: float = 15.0,
) -> Api:
    """Returns the API under `PREFIX`. `closing` ends the open streams when set; `max_body` is in bytes,
    `ping_s` the longest silence of a stream in seconds."""
    chat = _Chat(host, closing, max_body, ping_s)
    routes = (
        Route(f"{PREFIX}/v1/chat/completions", named("openai.chat", _asgi(chat.complete)), methods=["POST"]),
        Route(f"{PREFIX}/v1/models", named("openai.models", chat.models)),
        Route(f"{PREFIX}/v1/models/{{model:path}}", named("openai.model", chat.model)),
    )
    router = Router(list(routes), redirect_slashes=False, default=_nothing_there)
    return MadeApi(NAME, PREFIX, Boundary(Admitted(router), log, render=error_response), routes)


def _asgi(endpoint: Callable[[Request], Awaitable[ASGIApp]]) -> Callable[[Request], Awaitable[Response]]:
    # Starlette asks for a Response, but calls it as what every ASGI application is.
    return cast("Callable[[Request], Awaitable[Response]]", endpoint)


async def _nothing_there(scope: Scope, receive: Receive, send: Send) -> None:
    here = f"GET {PREFIX}/v1/models and POST {PREFIX}/v1/chat/completions"
    raise HTTPException(404, f"There is nothing at {scope['path']}; what can be asked here is {here}")


class _Chat:
    """Answers the requests of this API."""

    def __init__(
        self, host: Callable[[], Awaitable[Host]], closing: asyncio.Event, max_body: int, ping_s: float
    ) -> None:
        self._host = host
        self._closing = closing
        self._max_body = max_body
        self._ping_s = ping_s
        self._conversations = Conversations()

    async def _workbench(self, request: Request) -> Workbench:
        return (await self._host()).as_principal(principal_of(request))

    async def models(self, request: Request) -> Response:
        workbench = await self._workbench(request)
        agents = [agent for agent in await workbench.agents.list() if agent.spec is not None]
        return JSONResponse({"object": "list", "data": [_model(agent) for agent in agents]})

    async def model(self, request: Request) -> Response:
        workbench = await self._workbench(request)
        name = request.path_params["model"]
        try:
            return JSONResponse(_model(await workbench.agents.get(agent_of(name))))
        except NotFoundError:
            raise no_model(name) from None

    async def complete(self, request: Request) -> ASGIApp:
        workbench = await self._workbench(request)
        asked = _parse(await read_json(request, self._max_body))
        turn = turn_of(asked)
        owner = principal_of(request).user_id
        try:
            sent = await self._conversations.send(workbench, owner, turn, asked.holdfast.project)
        except NotFoundError as error:
            raise no_model(asked.model) if error.code == "agent_not_found" else error from None
        encoder = ChatEncoder(
            f"chatcmpl-{sent.run_id}",
            asked.model,
            int(time.time()),
            whole=turn.options.response_format is not None or not asked.stream,
        )
        answer = _Answer(workbench, self._conversations, owner, turn, sent, encoder)
        if not asked.stream:
            return await self._whole(answer, request)
        usage = asked.stream_options is not None and asked.stream_options.include_usage
        return FrameStream(
            answer.frames(include_usage=usage),
            closing=self._closing,
            ping_s=self._ping_s,
            headers=answer.headers,
            cut=lambda: _frame(error_body(_stopping().info)),
        )

    async def _whole(self, answer: _Answer, request: Request) -> Response:
        """Waits for the end of the run, or of the caller."""
        reading = asyncio.create_task(answer.read())
        leaving = [asyncio.create_task(_gone(request.receive)), asyncio.create_task(self._closing.wait())]
        try:
            await asyncio.wait({reading, *leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, *leaving):
                task.cancel()
            await asyncio.gather(reading, *leaving, return_exceptions=True)
            await answer.close()
        if reading.cancelled():
            # Read only by a caller who is still there: then it is the listener that ends.
            raise _stopping()
        reading.result()
        return answer.response()


class _Answer:
    """The answer to one request, while its run goes on."""

    def __init__(
        self,
        workbench: Workbench,
        conversations: Conversations,
        owner: str,
        turn: Turn,
        sent: Sent,
        encoder: ChatEncoder,
    ) -> None:
        self._workbench = workbench
        self._conversations = conversations
        self._owner = owner
        self._turn = turn
        self._sent = sent
        self._encoder = encoder

    @property
    def headers(self) -> dict[str, str]:
        """Where the run is found in the native API."""
        return {"Holdfast-Session": self._sent.session_id, "Holdfast-Run": self._sent.run_id}

    async def read(self) -> None:
        """Reads the run to its end."""
        async with aclosing(self._chunks()) as chunks:
            async for _ in chunks:
                continue

    def response(self) -> Response:
        """Returns the whole reply. Raises the error that the run ended with."""
        error = self._encoder.reply.error
        if error is not None:
            # The run has done its work: the client must not send it once more by itself.
            raise from_info(error.model_copy(update={"retryable": False}))
        return JSONResponse(self._encoder.completion(), headers=self.headers)

    async def frames(self, *, include_usage: bool) -> AsyncGenerator[bytes, None]:
        """Yields the frames of the stream; when it is closed before its end, the run is cancelled."""
        try:
            yield _frame(self._encoder.start())
            async with aclosing(self._chunks()) as chunks:
                async for chunk in chunks:
                    yield _frame(chunk)
            if (error := self._encoder.reply.error) is not None:
                yield _frame(error_body(error))
                return
            if include_usage:
                yield _frame(self._encoder.usage_chunk())
            yield _DONE
        except HoldfastError as error:
            yield _frame(error_body(error.info))
        finally:
            await self.close()

    async def _chunks(self) -> AsyncGenerator[dict[str, Any], None]:
        following = self._workbench.events.follow(EventFilter(run_id=self._sent.run_id), 0)
        # An iterator that is no generator has nothing to close.
        async with aclosing(cast("AsyncGenerator[LoggedEvent, None]", following)) as events:
            async for logged in events:
                for chunk in self._encoder.take(logged):
                    yield chunk
                if self._encoder.ended:
                    break
        if not self._encoder.ended:  # the log has closed
            raise _stopping()
        reply = self._encoder.reply
        if reply.error is None:
            self._conversations.remember(self._owner, self._turn, reply.message, self._sent)

    async def close(self) -> None:
        """Cancels the run when its caller went away before its end."""
        if self._encoder.ended:
            return
        try:
            await self._workbench.runs.cancel(self._sent.run_id)
        except HoldfastError as error:
            _LOG.warning("run %s could not be cancelled: %s", self._sent.run_id, error.message)


def _stopping() -> UnavailableError:
    return UnavailableError("The engine is stopping", code="engine_stopping", retryable=True)


def _parse(body: bytes) -> ChatRequest:
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise mistaken(error) from None


def _model(agent: AgentInfo) -> dict[str, Any]:
    return {
        "id": f"{MODEL_PREFIX}{agent.name}",
        "object": "model",
        "created": 0,
        "owned_by": agent.author or "holdfast",
    }


def _frame(chunk: dict[str, Any]) -> bytes:
    return write_frame(json.dumps(chunk, ensure_ascii=False, separators=(",", ":")))


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
