"""Starts the runs that answer messages, and what tells them."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from uuid import uuid4

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    HoldfastError,
    InvalidError,
    NotFoundError,
)
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.mcp import server_of
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.sage.encoder import LineEncoder, fallback_end
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_streams import (
    Have,
    chat_options,
    model_in,
    new_turn,
    plain_text,
    stream_options,
    taken_apart,
)
from holdfast.server.dialects.sage.sessions import PROGRESS, SESSIONS, kept, note_progress
from holdfast.server.dialects.sage.supplying import history_of, parts_in
from holdfast.server.dialects.sage.wire_streams import ChatRequest, MessageIn, StreamRequest
from holdfast.server.dialects.sage.words import Locale
from holdfast.server.kit.answers import OnDisconnect, RunAnswer
from holdfast.server.kit.family import family_events, family_so_far
from holdfast.server.kit.named_sessions import busy
from holdfast.server.kit.operations import Call
from holdfast.server.kit.starting import drop_unused, start_anew, start_now
from holdfast.server.kit.stream import FrameStream

PLAIN = "text/plain; charset=utf-8"
HEARTBEAT = b": heartbeat\n\n"
"""Breaks the silence of streams that go on when their client has gone. It is no line of theirs."""
_LONGEST_ID = 200
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that answers messages."""

    run_id: str
    called: str
    """What its client calls the session."""


# --- starting


async def begin(
    workbench: Workbench,
    asked: ChatRequest,
    *,
    anew: bool = False,
    progress: bool = False,
    stays: bool = False,
) -> Begun:
    """Starts the run that answers the latest messages of a session, which is made where there is none.
    `anew`: in the place of the run that is under way, if one is; `progress`: the output of tools is told;
    `stays`: where no run can be started, the session stays, though nothing was said in it.
    Raises `InvalidError` in Sage's words."""
    if not asked.messages:
        raise failure("messages_empty")
    before, new = new_turn(asked.messages)
    called = asked.session_id or str(uuid4())
    known = await SESSIONS.found(workbench, called)
    if known is not None and busy(known) and not anew:
        raise failure("session_running")
    agent = await _agent(workbench, asked, known)
    options = await _options(workbench, asked, new[0], agent)
    session = known or await _made(workbench, called, agent)
    try:
        if session.run_id is None:
            options = options.model_copy(update={"history": history_of(before)})
        if session.agent != agent.name:
            session = await workbench.sessions.configure(session.id, agent=agent.name)
        parts = await parts_in(workbench, session.id, new)
        await note_progress(workbench, session, progress=progress)
        return Begun(await _started(workbench, session, parts, options, new[-1], anew=anew), called)
    except HoldfastError:
        if not stays:
            await drop_unused(workbench, session)
        raise


async def _agent(workbench: Workbench, asked: ChatRequest, known: Session | None) -> AgentInfo:
    """Returns the agent that is asked for; where none is, that of the session, or of new ones. Only
    `/api/chat` minds one that there is not."""
    if asked.agent_id:
        try:
            return await workbench.agents.get(asked.agent_id)
        except NotFoundError:
            if not isinstance(asked, StreamRequest):
                raise failure("agent_not_there") from None
            _LOG.warning("there is no agent %r for a stream; the usual one answers", asked.agent_id[:80])
    if known is not None:
        with suppress(NotFoundError):
            return await workbench.agents.get(known.agent)
    return await workbench.agents.get((await workbench.engine.settings()).default_agent)


async def _made(workbench: Workbench, called: str, agent: AgentInfo) -> Session:
    async def name(_: Workbench) -> str:
        return agent.name

    try:
        return await SESSIONS.reached(workbench, called, name)
    except InvalidError as error:
        if error.code != "invalid_session_id":
            raise
        raise failure("session_id_invalid") from None


async def _started(
    workbench: Workbench,
    session: Session,
    parts: tuple[UserPart, ...],
    options: RunOptions,
    message: MessageIn,
    *,
    anew: bool,
) -> str:
    start = start_anew if anew else start_now
    id = message.message_id if 0 < len(message.message_id or "") <= _LONGEST_ID else None
    try:
        return await start(workbench, session, parts, options, id)
    except ConflictError as error:
        if error.code == "busy":
            raise failure("session_running") from None
        if error.code != "message_exists":
            raise
    return await start(workbench, session, parts, options)


async def _options(
    workbench: Workbench, asked: ChatRequest, message: MessageIn, agent: AgentInfo
) -> RunOptions:
    if agent.spec is None:
        raise failure("agent_not_there")
    _, tags = taken_apart(plain_text(message))
    model = await _model(workbench, asked)
    if not isinstance(asked, StreamRequest):
        return chat_options(asked, tags, model, agent.spec)
    have = Have(agent.spec)
    if asked.available_tools is not None:
        tools = await workbench.tools.list()
        have = replace(
            have,
            custom_tools={tool.name for tool in tools if tool.source == "custom"},
            servers=await _servers(workbench, asked.available_tools),
        )
    if asked.available_skills is not None:
        skills = await workbench.skills.list(agent=agent.name)
        have = replace(have, skills={skill.name for skill in skills})
    if asked.available_knowledge_bases is not None:
        there = await workbench.knowledge.list()
        have = replace(have, collections={name for one in there for name in (one.id, one.name)})
    if asked.available_sub_agent_ids is not None or asked.custom_sub_agents is not None:
        agents = await workbench.agents.list()
        have = replace(have, agents={name for one in agents if one.spec for name in (one.id, one.name)})
    return stream_options(asked, tags, model, have)


async def _servers(workbench: Workbench, tools: Sequence[str]) -> set[str]:
    """Returns the names of the caller's MCP servers, where any of these tools is one of a server."""
    if not any(map(server_of, tools)):
        return set()
    return {each.spec.name for each in await workbench.mcp.list() if each.spec.enabled}


async def _model(workbench: Workbench, asked: ChatRequest) -> str | None:
    """Returns the model of the provider that is asked for, else the one that is named; None: the agent's.
    Raises `InvalidError` where there is none of the kind."""
    wanted = asked.provider_id or model_in(asked)
    if not wanted:
        return None
    with suppress(ForbiddenError):
        for one in await workbench.models.own():
            if wanted in (one.model.id, one.model.full_name, one.model.name):
                return one.model.full_name
    if not asked.provider_id:
        return wanted
    if any(one.name == wanted for one in await workbench.models.list()):
        return wanted
    raise failure("internal", detail=f"LLM provider not found: {wanted[:200]}")


# --- telling


class LineAnswer(RunAnswer[bytes]):
    """The lines of a run, with those of its sub-agents in their places."""

    def __init__(
        self, call: Call, run_id: str, encoder: LineEncoder, on_disconnect: OnDisconnect, skip: int = 0
    ) -> None:
        """The first `skip` lines are left out: the client has them."""
        super().__init__(call, run_id, encoder, on_disconnect)
        self._skip = skip

    async def frames(self) -> AsyncGenerator[bytes, None]:
        left = self._skip
        async with aclosing(super().frames()) as lines:
            async for line in lines:
                if left:
                    left -= 1
                else:
                    yield line

    def _events(self) -> AsyncGenerator[LoggedEvent, None]:
        return self._until_end()

    async def _until_end(self) -> AsyncGenerator[LoggedEvent, None]:
        async with aclosing(family_events(self._call.workbench, self._run_id)) as events:
            async for logged in events:
                yield logged
                if self._encoder.state.ended:
                    return


def attached(
    call: Call, workbench: Workbench, begun: Begun, locale: Locale, *, progress: bool
) -> FrameStream:
    """Returns the lines of a run that is cancelled when its client goes away."""
    encoder = LineEncoder(begun.called, locale, progress=progress, ends_always=True)
    return LineAnswer(replace(call, workbench=workbench), begun.run_id, encoder, "cancel").stream(
        media_type=PLAIN, ping=b""
    )


def detached(call: Call, begun: Begun, locale: Locale) -> FrameStream:
    """Returns the lines of a run that goes on when its client goes away."""
    answer = LineAnswer(call, begun.run_id, LineEncoder(begun.called, locale), "detach")
    return answer.stream(media_type=PLAIN, ping=HEARTBEAT)


# --- going on


def resumed(call: Call, session: Session | None, called: str, have: int, locale: Locale) -> FrameStream:
    """Returns the lines of a session's latest run behind the first `have`, and then those that come. For who
    has them all, for who has none of a run that has ended, and behind what a run has told that was cancelled
    before, there is an end record that says so: what was said stands in the conversation. Nothing is told of
    a session that there is not."""
    frames = _nothing() if session is None else _rest(call, session, called, have, locale)
    door = call.door
    return FrameStream(frames, closing=door.closing, ping_s=door.ping_s, ping=HEARTBEAT, media_type=PLAIN)


async def _nothing() -> AsyncGenerator[bytes, None]:
    lines: tuple[bytes, ...] = ()
    for line in lines:
        yield line


async def _rest(
    call: Call, session: Session, called: str, have: int, locale: Locale
) -> AsyncGenerator[bytes, None]:
    goes_on, without_end = busy(session), True
    if session.run_id is not None and (have or goes_on):
        encoder = LineEncoder(called, locale, progress=bool(kept(session).get(PROGRESS)))
        answer = LineAnswer(call, session.run_id, encoder, "detach", have)
        async with aclosing(answer.frames()) as lines:
            async for line in lines:
                without_end = False
                yield line
        if not encoder.state.ended:
            return
        without_end = without_end or (not goes_on and encoder.state.status == "cancelled")
    if without_end:
        yield fallback_end(called, session.updated_at.timestamp())


async def next_stream_index(workbench: Workbench, session: Session, until: int | None = None) -> int:
    """Returns how many lines the run that is under way in a session has told so far, with the events up to
    the id `until` at most: who has read what was said up to there resumes its stream at this index. 0 where
    no run is under way."""
    if session.run_id is None or not busy(session):
        return 0
    encoder = LineEncoder(SESSIONS.called(session), progress=bool(kept(session).get(PROGRESS)))
    count = 0
    async for logged in family_so_far(workbench, session.run_id, until):
        count += len(encoder.take(logged))
    return count
