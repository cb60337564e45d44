"""Calls of agents: with the whole conversation, or with its latest message alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import uuid4

from starlette.types import ASGIApp

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.custom_tools import ToolSpec
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.identity import Scope
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.genlabs.calls import Begun, begin_threaded, begin_whole, put_away
from holdfast.server.dialects.genlabs.encoder import CallEncoder, failure
from holdfast.server.dialects.genlabs.errors import NO_CREDITS, SPENT, own, said
from holdfast.server.dialects.genlabs.mapping_calls import (
    Offered,
    check_images,
    check_logging,
    has_images,
    messages_of,
    offered,
    streams,
    thread_name,
    turn_of,
)
from holdfast.server.dialects.genlabs.wire_calls import AnswerV1, AnswerV2, CallRequest
from holdfast.server.kit.answers import OnDisconnect, RunAnswer
from holdfast.server.kit.auth import no_key, principal_of
from holdfast.server.kit.operations import Call, Operation, written
from holdfast.server.openai.wire import ChatMessage

SESSION = "session"
"""The header that names a conversation."""


async def query_v1(call: Call) -> ASGIApp:
    """Answers a conversation that the client sends as a whole."""
    agent, tools = await _called(call)
    turn = turn_of(messages_of(call.body, "v1"))
    await _check_images(call.workbench, agent, (*turn.before, turn.last))
    streamed, owner = streams(call.body, default=_streams(agent)), principal_of(call.request).user_id
    begun = await begin_whole(call.workbench, owner, agent, turn, tools)
    encoder = CallEncoder(tools, None, pieces=_in_pieces(agent))
    behind = partial(put_away, call.workbench, owner, agent, turn, begun, encoder)
    return await _answered(call, begun, encoder, "cancel", streamed=streamed, behind=behind)


async def query_v2(call: Call) -> ASGIApp:
    """Answers the latest message of a conversation that is kept here."""
    agent, tools = await _called(call)
    check_logging(agent.spec is not None and agent.spec.logging)
    turn = turn_of(messages_of(call.body, "v2"))
    await _check_images(call.workbench, agent, (turn.last,))
    name = thread_name(call.request.headers.get(SESSION), str(uuid4()))
    streamed, owner = streams(call.body, default=_streams(agent)), principal_of(call.request).user_id
    begun = await begin_threaded(call, owner, agent, turn, tools, name)
    encoder = CallEncoder(tools, name, pieces=_in_pieces(agent))
    return await _answered(call, begun, encoder, "detach", streamed=streamed, session=name)


async def _answered(
    call: Call,
    begun: Begun,
    encoder: CallEncoder,
    on_disconnect: OnDisconnect,
    *,
    streamed: bool,
    session: str | None = None,
    behind: Callable[[], Awaitable[None]] | None = None,
) -> ASGIApp:
    headers = await _limits(call.workbench) | ({} if session is None else {SESSION: session})
    answer = RunAnswer(call, begun.run_id, encoder, on_disconnect, behind)
    if streamed:
        return answer.stream(headers=headers)
    state = await answer.whole()
    if state.error is not None and state.error.code in SPENT:
        raise said(NO_CREDITS, 402)
    if state.status != "completed":
        raise own(failure(state.error), 500)
    response = written(AnswerV1 if session is None else AnswerV2, encoder.answer)
    response.headers.update(headers)
    return response


async def _limits(workbench: Workbench) -> dict[str, str]:
    """Returns the headers that tell how many calls are left; none where they do not count."""
    requests = (await workbench.usage.credits()).requests
    minute = next((each for each in requests if each.period == "minute"), None)
    if minute is None:
        return {}
    return {
        "X-RateLimit-Limit": f"{minute.limit:.0f}",
        "X-RateLimit-Remaining": f"{minute.left:.0f}",
        "X-RateLimit-Reset": "60",
    }


async def _called(call: Call) -> tuple[AgentInfo, dict[str, Offered]]:
    """Returns the agent that is called, and its tools. Raises `NotFoundError`, and `UnauthenticatedError`
    for a key that is not the one for it."""
    agent = await call.workbench.agents.get(str(call.path["agent_id"]))
    if agent.spec is None:
        raise NotFoundError("Model not found", code="agent_not_found")
    principal, wanted = principal_of(call.request), _kept(agent).get("key")
    if wanted and principal.key_id not in ("", wanted) and principal.scope is not Scope.ADMIN:
        raise no_key()
    specs: list[ToolSpec] = []
    for name in agent.spec.tool_names:
        try:
            specs.append((await call.workbench.tools.get(name)).spec)
        except NotFoundError:
            continue  # it comes with Holdfast, or from a server
    return agent, offered(specs)


def _kept(agent: AgentInfo) -> dict[str, object]:
    return dict(agent.spec.ext.get("genlabs", {})) if agent.spec is not None else {}


def _streams(agent: AgentInfo) -> bool:
    return _kept(agent).get("stream") is True


def _in_pieces(agent: AgentInfo) -> bool:
    """Says whether a streamed reply comes piece by piece: the plan `decentralized` does not do that."""
    return agent.spec is None or agent.spec.plan != "decentralized"


async def _check_images(workbench: Workbench, agent: AgentInfo, messages: tuple[ChatMessage, ...]) -> None:
    """Raises `InvalidError` for images where they are not taken: they are an alpha feature of the plan
    `dedicated`, switched on for the agent or for all."""
    if has_images(messages):
        alpha = _kept(agent).get("alpha") is True or (await workbench.engine.settings()).genlabs.alpha
        check_images(allowed=alpha and agent.spec is not None and agent.spec.plan == "dedicated")


_RECORDS = "text/event-stream"
OPERATIONS = (
    Operation(
        "query_agent_v1", "POST", "/v1/{agent_id:uuid}", query_v1,
        result=AnswerV1, gives=_RECORDS, body=CallRequest, required=False, least=Scope.CHAT,
    ),
    Operation(
        "query_agent_v2", "POST", "/v2/{agent_id:uuid}", query_v2,
        result=AnswerV2, gives=_RECORDS, body=CallRequest, required=False, least=Scope.CHAT,
    ),
)  # fmt: skip
