"""Finds the session that a conversation goes on in, though its caller sends all of it each time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.messages import Message, UserPart
from holdfast.core.domain.runs import RunOptions, RunStatus, Session
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.starting import new_session, start_now
from holdfast.server.openai.mapping import Attached, Turn, fingerprint, history_of, parts_of
from holdfast.server.openai.wire import AssistantMessage, ChatMessage, UserMessage

KEPT = 10_000
"""Conversations that are remembered; of older ones, and after a restart, the history makes a new session."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A run that answers a request; the conversation stands there when it was the last one."""

    session_id: str
    run_id: str
    agent: str
    """By its name, as the session had it."""


class Conversations:
    """Knows conversations by what was said in them, each for one user."""

    def __init__(self) -> None:
        self._places: OrderedDict[tuple[str, str], Sent] = OrderedDict()

    async def send(self, workbench: Workbench, owner: str, turn: Turn, project: str) -> Sent:
        """Starts the run that answers `turn`: where the conversation stands, else in a new session that
        begins with its history."""
        known = await self._known(workbench, owner, turn)
        if known is not None:
            try:
                return await _say(workbench, known, turn, turn.options)
            except NotFoundError as error:
                if error.code != "session_not_found":  # else it was deleted at this moment
                    raise
        async with new_session(workbench, turn.agent, project) as session:
            history = await history_in(workbench, session, turn.before) if turn.before else None
            return await _say(workbench, session, turn, turn.options.model_copy(update={"history": history}))

    def remember(self, owner: str, turn: Turn, reply: AssistantMessage, sent: Sent) -> None:
        """Notes where the conversation stands after a reply."""
        key = (owner, fingerprint(turn.agent, (*turn.before, *turn.new, reply)))
        self._places[key] = sent
        self._places.move_to_end(key)
        if len(self._places) > KEPT:
            self._places.popitem(last=False)

    async def _known(self, workbench: Workbench, owner: str, turn: Turn) -> Session | None:
        place = self._places.get((owner, fingerprint(turn.agent, turn.before))) if turn.before else None
        if place is None:
            return None
        session = await find_session(workbench, place.session_id)
        if session is None or session.status != RunStatus.COMPLETED:
            return None
        # Somebody else, or another branch of the same conversation, may have gone on there.
        same = (session.run_id, session.agent) == (place.run_id, place.agent)
        return session if same else None


async def find_session(workbench: Workbench, session_id: str) -> Session | None:
    """Returns a session, None when it was deleted."""
    try:
        return await workbench.sessions.get(session_id)
    except NotFoundError:
        return None


async def _say(workbench: Workbench, session: Session, turn: Turn, options: RunOptions) -> Sent:
    parts = [part for one in turn.new for part in await parts_in(workbench, session, one)]
    run_id = await start_now(workbench, session, tuple(parts), options)
    return Sent(session.id, run_id, session.agent)


async def history_in(
    workbench: Workbench, session: Session, messages: Sequence[ChatMessage]
) -> tuple[Message, ...]:
    """Returns a conversation as the history of a run of a session, its files taken in."""
    asked = [one for one in messages if isinstance(one, UserMessage)]
    return history_of(messages, [await parts_in(workbench, session, one) for one in asked])


async def parts_in(workbench: Workbench, session: Session, message: ChatMessage) -> list[UserPart]:
    """Returns the parts of a message, its files taken in."""
    return [
        await workbench.files.attach_data(session.id, part.name, part.data)
        if isinstance(part, Attached)
        else part
        for part in parts_of(message)
    ]
