"""What servers ask, in the types of the `mcp` library; loaded with `session.py`.

Up to the protocol of 2025 a server asks by requests of its own, which do not say for which call; from 2026 on
a call comes back with what is asked, and is sent again with the answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import mcp_types
from mcp.client.session import ClientRequestContext

from holdfast.core.domain.errors import HoldfastError, ToolError
from holdfast.core.tools.mcp.limits import MAX_ASKED, MAX_ROUNDS
from holdfast.core.tools.mcp.port import RawElicitation, RawSampling, Requests

T = TypeVar("T")
_Send = Callable[[mcp_types.InputResponses | None, str | None], Awaitable[T | mcp_types.InputRequiredResult]]


class ServerRequests:
    """Answers the requests of one server on behalf of the call that is under way."""

    def __init__(self) -> None:
        self._calls: list[Requests] = []

    @contextmanager
    def call(self, asked: Requests) -> Iterator[None]:
        """Inside the block a call is under way."""
        self._calls.append(asked)
        try:
            yield
        finally:
            self._calls.remove(asked)

    async def elicit(
        self, context: ClientRequestContext, params: mcp_types.ElicitRequestParams
    ) -> mcp_types.ElicitResult | mcp_types.ErrorData:
        """Answers `elicitation/create`."""
        try:
            return await _elicited(self._only(), params)
        except HoldfastError as error:
            return _refused(error)

    async def sample(
        self, context: ClientRequestContext, params: mcp_types.CreateMessageRequestParams
    ) -> mcp_types.CreateMessageResult | mcp_types.ErrorData:
        """Answers `sampling/createMessage`."""
        try:
            return await _sampled(self._only(), params)
        except HoldfastError as error:
            return _refused(error)

    def _only(self) -> Requests:
        """Returns the call that asks. Raises `ToolError` when that cannot be told: what was allowed to one
        run must not be asked for in the name of another."""
        if len(self._calls) != 1:
            why = "several calls are under way" if self._calls else "no call is under way"
            raise ToolError(f"{why}, and it cannot be told which one asks")
        return self._calls[0]


async def in_rounds(send: _Send[T], asked: Requests) -> T:
    """Sends a call, and sends it again with what it asks for until it has a result. Raises `ToolError`."""
    answers: mcp_types.InputResponses | None = None
    state: str | None = None
    for _ in range(MAX_ROUNDS):
        result = await send(answers, state)
        if not isinstance(result, mcp_types.InputRequiredResult):
            return result
        requests = result.input_requests or {}
        if len(requests) > MAX_ASKED:
            raise ToolError(f"The MCP server asks for {len(requests)} things at once.", code="mcp_refused")
        answers = {key: await _answered(asked, each) for key, each in requests.items()}
        state = result.request_state
    raise ToolError(f"The MCP server asks again and again: {MAX_ROUNDS} times.", code="mcp_refused")


async def _answered(asked: Requests, request: mcp_types.InputRequest) -> mcp_types.InputResponse:
    if isinstance(request, mcp_types.ElicitRequest):
        return await _elicited(asked, request.params)
    if isinstance(request, mcp_types.CreateMessageRequest):
        return await _sampled(asked, request.params)
    raise ToolError(f"The MCP server asks for {request.method}, which it does not get.", code="mcp_refused")


async def _elicited(asked: Requests, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
    if isinstance(params, mcp_types.ElicitRequestURLParams):
        wanted = RawElicitation(params.message, url=params.url)
    else:
        wanted = RawElicitation(params.message, schema=params.requested_schema)
    answer = await asked.elicit(wanted)
    given = answer.action == "accept" and wanted.schema is not None
    return mcp_types.ElicitResult(action=answer.action, content=answer.fields if given else None)


async def _sampled(
    asked: Requests, params: mcp_types.CreateMessageRequestParams
) -> mcp_types.CreateMessageResult:
    if params.tools:
        raise ToolError("completions have no tools here", code="mcp_refused")
    messages = []
    for message in params.messages:
        parts = message.content_as_list
        if not all(isinstance(part, mcp_types.TextContent) for part in parts):
            raise ToolError("only texts are completed", code="mcp_refused")
        text = "\n".join(part.text for part in parts if isinstance(part, mcp_types.TextContent))
        messages.append((message.role, text))
    wanted = RawSampling(tuple(messages), params.max_tokens, params.system_prompt or "", params.temperature)
    reply = await asked.sample(wanted)
    return mcp_types.CreateMessageResult(
        role="assistant",
        content=mcp_types.TextContent(text=reply.text),
        model=reply.model,
        stop_reason="maxTokens" if reply.cut else "endTurn",
    )


def _refused(error: HoldfastError) -> mcp_types.ErrorData:
    return mcp_types.ErrorData(code=mcp_types.INVALID_REQUEST, message=error.message)
