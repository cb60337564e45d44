"""The history of a session, read for Dexto's clients."""

from __future__ import annotations

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.runs import Session
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.mapping_messages import Recalled, history_of, images_in
from holdfast.server.dialects.dexto.places import tool_names

_MOST_IMAGES = 20
"""Contents of images that one history has; others are named by their digests."""


async def history(workbench: Workbench, session: Session, *, images: bool = True) -> list[Recalled]:
    """Returns the history of a session, with the contents of its latest images."""
    events = await _events(workbench, session)
    names = await tool_names(workbench)
    wanted = images_in(events)[-_MOST_IMAGES:] if images else []
    contents = {digest: await _content(workbench, session, digest) for digest in wanted}
    return history_of(events, names, contents)


async def _events(workbench: Workbench, session: Session) -> list[LoggedEvent]:
    wanted = EventFilter(session_id=session.id, deltas=False)
    found: list[LoggedEvent] = []
    cursor: str | None = "0"
    while cursor is not None:
        page = await workbench.events.read(wanted, int(cursor))
        found += page.items
        cursor = page.next_cursor
    return found


async def _content(workbench: Workbench, session: Session, digest: str) -> str:
    """Returns an image in base64; empty where it is too large to be told, or is gone."""
    try:
        return (await workbench.files.image(session.id, digest)).data
    except NotFoundError:
        return ""
