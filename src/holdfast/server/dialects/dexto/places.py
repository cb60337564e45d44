"""Sessions by the ids that Dexto's clients give them.

A client may call a session what it likes. The id is ours too where ours can be so, and where it tells nobody
what others have: only administrators take such ids. Any other session has an id that is made of its owner's
and of the client's, and remembers the latter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.identity import Principal
from holdfast.core.domain.runs import Session
from holdfast.core.domain.values import all_items
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.active import EXT, active_agent
from holdfast.server.dialects.dexto.mapping_sessions import busy, called
from holdfast.server.dialects.dexto.names import ToolNames
from holdfast.server.dialects.dexto.servers import is_hidden

_ID = "id"
_LONGEST = 1_000
_ATTEMPTS = 10

Act = Callable[[str], Awaitable[Any]]


def own_id(owner: str, wanted: str) -> str:
    """Returns our id of a session that cannot have the one that a client wants."""
    digest = hashlib.sha256(f"{owner}\0{wanted}".encode("utf-8", "replace")).hexdigest()
    return f"dexto-{digest[:40]}"


async def known(workbench: Workbench, wanted: str) -> Session:
    """Returns the session that a client calls so. Raises `NotFoundError`."""
    me = await workbench.users.me()
    for id in (wanted, own_id(me.user_id, wanted)):
        try:
            session = await workbench.sessions.get(id)
        except NotFoundError:
            continue
        if called(session) == wanted:
            return session
    raise NotFoundError(f"Session {wanted[:128]} not found", code="session_not_found")


async def found(workbench: Workbench, wanted: str) -> Session | None:
    """Returns the session that a client calls so, None where there is none."""
    try:
        return await known(workbench, wanted)
    except NotFoundError:
        return None


async def reached(workbench: Workbench, wanted: str) -> Session:
    """Returns the session that a client calls so; where there is none it is made, of the active agent."""
    session = await found(workbench, wanted)
    if session is not None:
        return session
    if not 1 <= len(wanted) <= _LONGEST:
        raise InvalidError(f"A session's id has 1 to {_LONGEST} characters.", code="invalid_session_id")
    me, agent = await workbench.users.me(), (await active_agent(workbench)).name
    for id in _ids(me, wanted):
        try:
            return await _made(workbench, agent, id, wanted)
        except InvalidError as error:
            if error.code != "invalid_session_id":
                raise
        except ConflictError as error:
            if error.code != "session_exists":
                raise
            if (session := await found(workbench, wanted)) is not None:
                return session  # another request was quicker; else the id is somebody else's
    return await known(workbench, wanted)


def _ids(me: Principal, wanted: str) -> tuple[str, ...]:
    own = own_id(me.user_id, wanted)
    return (wanted, own) if me.is_admin else (own,)


async def _made(workbench: Workbench, agent: str, id: str, wanted: str) -> Session:
    ext = {} if id == wanted else {EXT: {_ID: wanted}}
    try:
        return await workbench.sessions.create(agent, id=id, ext=ext)
    except ConflictError as error:
        if error.code != "session_in_trash":
            raise
    await workbench.sessions.delete(id, permanent=True)  # its client takes it for gone
    return await workbench.sessions.create(agent, id=id, ext=ext)


async def stilled(workbench: Workbench, session: Session) -> int:
    """Empties the queue of a session, and cancels the run that is under way; returns how many messages have
    waited."""
    waited = await workbench.sessions.empty_queue(session.id)
    await cancelled(workbench, session)
    return len(waited)


async def cancelled(workbench: Workbench, session: Session) -> bool:
    """Cancels the run that is under way; says whether one was."""
    if session.run_id is None or not busy(session):
        return False
    await workbench.runs.cancel(session.run_id)
    return True


async def deleted(workbench: Workbench, session: Session) -> None:
    """Deletes a session, whatever it does."""
    await _idly(workbench, session, workbench.sessions.delete)


async def cleared(workbench: Workbench, session: Session) -> None:
    """Deletes what was said in a session, whatever it does."""
    await _idly(workbench, session, workbench.sessions.clear)


async def _idly(workbench: Workbench, session: Session, act: Act) -> None:
    for attempt in range(_ATTEMPTS):
        session = await workbench.sessions.get(session.id)
        await stilled(workbench, session)
        try:
            await act(session.id)
        except ConflictError as error:
            if error.code != "busy" or attempt == _ATTEMPTS - 1:
                raise
        else:
            return


async def tool_names(workbench: Workbench) -> ToolNames:
    """Returns what tools are called."""
    listed = await workbench.tools.list()
    own = (tool.name for tool in listed if tool.source == "custom")
    return ToolNames(custom=own)


async def all_sessions(workbench: Workbench) -> tuple[Session, ...]:
    """Returns the caller's sessions, latest first, those in the archive too."""
    listed = await all_items(partial(workbench.sessions.list, "archived:yes"))
    return tuple(each for each in listed if not is_hidden(each))
