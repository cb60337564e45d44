"""Sessions by the ids that Dexto's clients give them; the active agent's where they are new."""

from __future__ import annotations

from functools import partial

from holdfast.core.domain.runs import Session
from holdfast.core.domain.values import all_items
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.active import active_agent
from holdfast.server.dialects.dexto.mapping_sessions import NAMED
from holdfast.server.dialects.dexto.names import ToolNames
from holdfast.server.dialects.dexto.servers import is_hidden
from holdfast.server.kit.named_sessions import idly

own_id, known, found = NAMED.own_id, NAMED.known, NAMED.found


async def reached(workbench: Workbench, wanted: str) -> Session:
    """Returns the session that a client calls so; where there is none it is made, of the active agent."""
    return await NAMED.reached(workbench, wanted, _active)


async def _active(workbench: Workbench) -> str:
    return (await active_agent(workbench)).name


async def deleted(workbench: Workbench, session: Session) -> None:
    """Deletes a session, whatever it does."""
    await idly(workbench, session, workbench.sessions.delete)


async def cleared(workbench: Workbench, session: Session) -> None:
    """Deletes what was said in a session, whatever it does."""
    await idly(workbench, session, workbench.sessions.clear)


async def tool_names(workbench: Workbench) -> ToolNames:
    """Returns what tools are called."""
    listed = await workbench.tools.list()
    own = (tool.name for tool in listed if tool.source == "custom")
    return ToolNames(custom=own)


async def all_sessions(workbench: Workbench) -> tuple[Session, ...]:
    """Returns the caller's sessions, latest first, those in the archive too."""
    listed = await all_items(partial(workbench.sessions.list, "archived:yes"))
    return tuple(each for each in listed if not is_hidden(each))
