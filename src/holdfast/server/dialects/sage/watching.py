"""The sessions of one's own in which runs are under way: a list, and a new one after each change."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.events import RUN_ENDS, EventFilter, LoggedEvent
from holdfast.core.domain.run_log import RunEntry
from holdfast.core.domain.runs import RunStatus, Session
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.sage.sessions import SESSIONS
from holdfast.server.kit.sse import write_frame

_UNDER_WAY = (RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.WAITING)
_CHANGES = ("run.started", "run.paused", "run.resumed", "session.deleted", "session.trashed", *RUN_ENDS)


async def active_sessions(workbench: Workbench) -> AsyncGenerator[bytes, None]:
    """Yields the list as a server-sent event at once, and after each change."""
    since = (await workbench.engine.status()).last_event_id
    yield (told := await _snapshot(workbench))
    following = workbench.events.follow(EventFilter(deltas=False), since)
    async with aclosing(cast("AsyncGenerator[LoggedEvent, None]", following)) as events:
        async for logged in events:
            if logged.event.type in _CHANGES and (now := await _snapshot(workbench)) != told:
                yield (told := now)


async def _snapshot(workbench: Workbench) -> bytes:
    items: dict[str, dict[str, Any]] = {}
    for status in _UNDER_WAY:
        for run in (await workbench.runs.search(status=status)).runs:
            try:
                session = await workbench.sessions.get(run.session_id)
            except NotFoundError:
                continue
            items[session.id] = _item(run, session)
    latest = sorted(items.values(), key=lambda item: item["created_at"])
    return write_frame(json.dumps(latest))


def _item(run: RunEntry, session: Session) -> dict[str, Any]:
    return {
        "session_id": SESSIONS.called(session),
        "created_at": run.started_at.timestamp(),
        "is_completed": False,
        "status": "running",
        "last_activity": session.updated_at.timestamp(),
        "query": run.prompt or session.title,
    }
