"""Sessions by the ids that Sage's clients give them, and what is kept with them."""

from __future__ import annotations

from typing import Any

from holdfast.core.domain.runs import Session
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.named_sessions import NamedSessions

EXT = "sage"
"""The name under which Sage's own is kept with users, sessions and agents."""
SESSIONS = NamedSessions(EXT, workspace="agent")
"""Finds sessions, and makes them, by what clients call them."""
PROGRESS = "progress"
"""The key, in what is kept with a session, that says that its latest run tells the output of tools while
they execute: these lines count where such a stream is resumed."""


def kept(session: Session) -> dict[str, Any]:
    """Returns what is kept with a session."""
    return dict(session.ext.get(EXT, {}))


async def note_progress(workbench: Workbench, session: Session, *, progress: bool) -> None:
    """Keeps whether the run that begins in a session tells the output of tools while they execute."""
    before = kept(session)
    if bool(before.get(PROGRESS)) == progress:
        return
    after = {name: value for name, value in before.items() if name != PROGRESS}
    await workbench.sessions.annotate(session.id, {EXT: {**after, PROGRESS: True} if progress else after})
