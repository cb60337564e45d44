"""Sessions by the ids that the clients of another system give them.

A client may call a session what it likes. The id is ours too where ours can be so, and where it tells nobody
what others have: only administrators take such ids. Any other session has an id that is made of its owner's
and of the client's, and remembers the latter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.identity import Principal
from holdfast.core.domain.runs import Session, SessionWorkspace
from holdfast.core.services.workbench import Workbench

LONGEST = 1_000
"""Characters of an id that a client gives."""
_ID = "id"
_ATTEMPTS = 10

AgentOf = Callable[[Workbench], Awaitable[str]]
"""Says by name which agent a session is made for, when one is made."""

Act = Callable[[str], Awaitable[Any]]


class NamedSessions:
    """The sessions of one system's clients."""

    def __init__(self, api: str, workspace: SessionWorkspace | None = None) -> None:
        """`api` is the system's name: ids of ours begin with it, and what clients call a session is kept with
        that under it. `workspace` says where the files of its sessions are; None: as their agents say."""
        self._api = api
        self._workspace = workspace

    def own_id(self, owner: str, wanted: str) -> str:
        """Returns our id of a session that cannot have the one that a client wants."""
        digest = hashlib.sha256(f"{owner}\0{wanted}".encode("utf-8", "replace")).hexdigest()
        return f"{self._api}-{digest[:40]}"

    def called(self, session: Session) -> str:
        """Returns what clients call a session."""
        own = session.ext.get(self._api, {}).get(_ID)
        return own if isinstance(own, str) else session.id

    async def known(self, workbench: Workbench, wanted: str) -> Session:
        """Returns the session that a client calls so. Raises `NotFoundError`."""
        me = await workbench.users.me()
        for id in (wanted, self.own_id(me.user_id, wanted)):
            try:
                session = await workbench.sessions.get(id)
            except NotFoundError:
                continue
            if self.called(session) == wanted:
                return session
        raise NotFoundError(f"Session {wanted[:128]} not found", code="session_not_found")

    async def found(self, workbench: Workbench, wanted: str) -> Session | None:
        """Returns the session that a client calls so, None where there is none."""
        try:
            return await self.known(workbench, wanted)
        except NotFoundError:
            return None

    async def reached(self, workbench: Workbench, wanted: str, agent_of: AgentOf) -> Session:
        """Returns the session that a client calls so; where there is none it is made. Raises `InvalidError`
        for an id that is empty or too long."""
        session = await self.found(workbench, wanted)
        if session is not None:
            return session
        if not 1 <= len(wanted) <= LONGEST:
            raise InvalidError(f"A session's id has 1 to {LONGEST} characters.", code="invalid_session_id")
        me, agent = await workbench.users.me(), await agent_of(workbench)
        for id in self._ids(me, wanted):
            try:
                return await self._made(workbench, agent, id, wanted)
            except InvalidError as error:
                if error.code != "invalid_session_id":
                    raise
            except ConflictError as error:
                if error.code != "session_exists":
                    raise
                if (session := await self.found(workbench, wanted)) is not None:
                    return session  # another request was quicker; else the id is somebody else's
        return await self.known(workbench, wanted)

    def _ids(self, me: Principal, wanted: str) -> tuple[str, ...]:
        own = self.own_id(me.user_id, wanted)
        return (wanted, own) if me.is_admin else (own,)

    async def _made(self, workbench: Workbench, agent: str, id: str, wanted: str) -> Session:
        ext: Ext = {} if id == wanted else {self._api: {_ID: wanted}}
        try:
            return await workbench.sessions.create(agent, id=id, ext=ext, workspace=self._workspace)
        except ConflictError as error:
            if error.code != "session_in_trash":
                raise
        await workbench.sessions.delete(id, permanent=True)  # its client takes it for gone
        return await workbench.sessions.create(agent, id=id, ext=ext, workspace=self._workspace)


def busy(session: Session) -> bool:
    """Says whether a run of the session is under way."""
    return session.status is not None and not session.status.ended


async def cancelled(workbench: Workbench, session: Session) -> bool:
    """Cancels the run that is under way; says whether one was."""
    if session.run_id is None or not busy(session):
        return False
    await workbench.runs.cancel(session.run_id)
    return True


async def stilled(workbench: Workbench, session: Session) -> int:
    """Empties the queue of a session, and cancels the run that is under way; returns how many messages have
    waited."""
    waited = await workbench.sessions.empty_queue(session.id)
    await cancelled(workbench, session)
    return len(waited)


async def idly(workbench: Workbench, session: Session, act: Act) -> None:
    """Does what can only be done with a session that is idle, and stills it before, whatever it does: `act`
    takes its id, and raises `ConflictError` (`busy`) where it is not idle after all."""
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
