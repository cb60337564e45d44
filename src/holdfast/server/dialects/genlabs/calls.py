"""Starts the runs that calls of agents are, where their conversations stand, and clears up behind them."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import NAMESPACE_URL, uuid5

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError
from holdfast.core.domain.messages import Message, TextPart, UserPart
from holdfast.core.domain.runs import Session
from holdfast.core.domain.values import all_items, utc_now
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.genlabs.encoder import CallEncoder
from holdfast.server.dialects.genlabs.mapping_calls import (
    GO_ON,
    Offered,
    Turn,
    called_with,
    options_of,
    plain_text,
    prefixes,
    reply_message,
    results_for,
    told_in,
)
from holdfast.server.kit.answers import state_of
from holdfast.server.kit.operations import Call
from holdfast.server.kit.starting import drop_unused, new_session, start_in_turn, start_now
from holdfast.server.openai.conversations import find_session, history_in, parts_in
from holdfast.server.openai.wire import AssistantMessage

EXT = "genlabs"
_PASSING = "passing"
"""Kept with sessions that go with the answer of their run."""
THREAD = "session"
"""Kept with sessions that are threads: what their client calls them."""
_KEPT = 10_000
_TAKEN = ("session_exists", "session_in_trash")
_MOST_TAKEN = 100
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that answers a call."""

    run_id: str
    session_id: str


class Places:
    """Knows where whole conversations that clients send again and again stand: each for one user."""

    def __init__(self) -> None:
        self.began = utc_now()
        """Sessions from before that are those of an engine that has stopped."""
        self._places: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._swept: set[tuple[str, str]] = set()

    def session_of(self, owner: str, hashes: Sequence[str]) -> str | None:
        """Returns the session of the longest beginning that is known; `hashes` are those of all, the shortest
        first."""
        found = (self._places.get((owner, each)) for each in reversed(hashes))
        return next(filter(None, found), None)

    def remember(self, owner: str, hashed: str, session_id: str) -> None:
        """Notes where a conversation stands."""
        self._places[owner, hashed] = session_id
        self._places.move_to_end((owner, hashed))
        if len(self._places) > _KEPT:
            self._places.popitem(last=False)

    def first_of(self, owner: str, agent: str) -> bool:
        """Says whether an agent is called for the first time since the engine has started."""
        first = (owner, agent) not in self._swept
        self._swept.add((owner, agent))
        return first


PLACES = Places()


# --- v1: the whole conversation


async def begin_whole(
    workbench: Workbench, owner: str, agent: AgentInfo, turn: Turn, tools: dict[str, Offered]
) -> Begun:
    """Starts a run that has nothing but what the client tells. With the agent's logging on it stands in the
    session of the conversation, where that is known and free; else in one that goes with it."""
    keeps = agent.spec is None or agent.spec.logging
    if keeps:
        known = await _known(workbench, owner, agent, turn)
        if known is not None:
            try:
                return await _say(workbench, known, turn, tools)
            except (ConflictError, NotFoundError) as error:
                if error.code not in ("busy", "session_not_found"):
                    raise
    elif PLACES.first_of(owner, agent.name):
        await _sweep(workbench, agent.name)
    async with new_session(workbench, agent.name, ext=None if keeps else {EXT: {_PASSING: True}}) as session:
        return await _say(workbench, session, turn, tools)


async def _known(workbench: Workbench, owner: str, agent: AgentInfo, turn: Turn) -> Session | None:
    place = PLACES.session_of(owner, list(prefixes(agent.id, turn.before)))
    session = await find_session(workbench, place) if place else None
    if session is None or session.agent != agent.name:
        return None
    return session if session.status is None or session.status.ended else None


async def _say(workbench: Workbench, session: Session, turn: Turn, tools: dict[str, Offered]) -> Begun:
    history = await history_in(workbench, session, turn.before)
    parts: tuple[UserPart, ...] = tuple(await parts_in(workbench, session, turn.last))
    if isinstance(turn.last, AssistantMessage):
        text = plain_text(turn.last)
        told = told_in(text)
        said, parts = called_with(told, tools) if told else (_assistant(text), (TextPart(text=GO_ON),))
        history = (*history, said)
    run_id = await start_now(workbench, session, parts, options_of(turn, history))
    return Begun(run_id, session.id)


def _assistant(text: str) -> Message:
    return Message(role="assistant", parts=(TextPart(text=text),))


async def put_away(
    workbench: Workbench, owner: str, agent: AgentInfo, turn: Turn, begun: Begun, encoder: CallEncoder
) -> None:
    """Does what is left to do for a whole conversation: where the log keeps it, it waits in the archive for
    what comes next; else nothing of it stays."""
    try:
        if agent.spec is not None and not agent.spec.logging:
            await workbench.sessions.delete(begun.session_id, permanent=True)
            return
        await workbench.sessions.archive(begun.session_id)
    except HoldfastError as error:
        _LOG.warning("the session %s stays: %s", begun.session_id, error.message)
        return
    if encoder.state.status == "completed":
        said = (*turn.before, turn.last)
        reply = reply_message(encoder.answer)
        *_, hashed = prefixes(agent.id, said if reply is None else (*said, reply))
        PLACES.remember(owner, hashed, begun.session_id)


async def _sweep(workbench: Workbench, agent: str) -> None:
    """Deletes what was to go with the answers of an engine that has stopped before."""
    for session in await all_items(partial(workbench.sessions.list, f"agent:{agent}")):
        if session.ext.get(EXT, {}).get(_PASSING) and session.created_at < PLACES.began:
            if session.run_id is not None:
                await workbench.runs.cancel(session.run_id)
            await workbench.sessions.delete(session.id, permanent=True)


# --- v2: threads


async def begin_threaded(
    call: Call, owner: str, agent: AgentInfo, turn: Turn, tools: dict[str, Offered], name: str
) -> Begun:
    """Starts the run that answers the latest message of a thread, which is made where there is none. While
    the thread answers another one, it waits for its turn."""
    workbench = call.workbench
    session = await _thread(workbench, owner, agent, name)
    try:
        parts: tuple[UserPart, ...]
        if isinstance(turn.last, AssistantMessage):
            parts = results_for(plain_text(turn.last), await _waiting(workbench, session), tools)
        else:
            parts = tuple(await parts_in(workbench, session, turn.last))
        run_id = await start_in_turn(call, session, parts, options_of(turn, None))
    except HoldfastError:
        await drop_unused(workbench, session)
        raise
    return Begun(run_id, session.id)


async def _thread(workbench: Workbench, owner: str, agent: AgentInfo, name: str) -> Session:
    """Returns the session that a client's name for a conversation with an agent means. Where it was deleted,
    or goes on with another agent, the name means the next one."""
    for number in range(_MOST_TAKEN):
        id = str(uuid5(NAMESPACE_URL, f"genlabs:{owner}:{agent.id}:{number}:{name}"))
        session = await find_session(workbench, id)
        if session is None:
            try:
                return await workbench.sessions.create(agent.name, id=id, ext={EXT: {THREAD: name}})
            except ConflictError as error:
                if error.code not in _TAKEN:
                    raise
                session = await find_session(workbench, id)  # made at this moment, by another call
        if session is not None and session.agent == agent.name:
            return session
    raise ConflictError("The session was deleted too often; choose another name.", code="session_exists")


async def _waiting(workbench: Workbench, session: Session) -> dict[str, str]:
    """Returns the tools whose results a thread waits for, by the ids of the calls."""
    if session.run_id is None:
        return {}
    state = await state_of(workbench, await workbench.runs.get(session.run_id))
    return {call.call_id: call.name for call in state.calls.values() if call.outcome == "client"}
