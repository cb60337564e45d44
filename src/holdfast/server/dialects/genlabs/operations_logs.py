"""The log of calls, beside what GenLabs' API has: found and sorted, each in full, and sessions as maps."""

from __future__ import annotations

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.values import all_items
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.genlabs.calls import EXT, THREAD
from holdfast.server.dialects.genlabs.keys import login_or_key
from holdfast.server.dialects.genlabs.mapping_agents import agent_id, no_agent
from holdfast.server.dialects.genlabs.mapping_logs import log_details, log_id, logs, mapped, page_of, wanted
from holdfast.server.dialects.genlabs.wire_logs import (
    LogDetails,
    Logs,
    LogsWanted,
    MapWanted,
    NamedLog,
    SessionMaps,
)
from holdfast.server.kit.operations import Call, Operation

MOST_SESSIONS = 20
"""Sessions that are drawn at once."""
MOST_RUNS = 20
"""Of each of several sessions so many runs, the last ones, are drawn."""
_LOOKED_THROUGH = 10_000
"""Sessions among which one is looked for by the name that a client gave it."""


async def get_logs(call: Call) -> Logs:
    """Lists the calls of the caller's agents."""
    bench, body = call.workbench, call.body
    asked = wanted(body)
    agent = await _agent(bench, body.modelId)
    found = await bench.runs.search(agent=None if agent is None else agent.name, **asked)
    return logs(found, await _ids(bench), page_of(body), asked["limit"])


async def _agent(workbench: Workbench, named: object) -> AgentInfo | None:
    """Returns the agent that is named, if one is. Raises `NotFoundError`."""
    if named is None or named == "":
        return None
    try:
        return await workbench.agents.get(agent_id(named))
    except NotFoundError:
        raise no_agent() from None


async def _ids(workbench: Workbench) -> dict[str, str]:
    return {info.name: info.id for info in reversed(await workbench.agents.list())}


async def get_log_details(call: Call) -> LogDetails:
    """Returns one call in full; without what was said where the agent's logging was off."""
    report = await call.workbench.runs.report(log_id(call.body.log_id))
    return log_details(report, await _ids(call.workbench))


async def get_session_map(call: Call) -> SessionMaps:
    """Returns what happened in a session, or in the latest ones of an agent, as graphs."""
    bench, body = call.workbench, call.body
    agent = await _agent(bench, body.modelId)
    if body.session is None or body.session == "":
        query = "archived:yes" if agent is None else f"agent:{agent.name} archived:yes"
        page = await bench.sessions.list(query, MOST_SESSIONS)
        maps = [await bench.runs.map(each.id, MOST_RUNS) for each in page.items]
        return SessionMaps(sessions=tuple(map(mapped, maps)))
    return SessionMaps(sessions=(mapped(await bench.runs.map(await _session(bench, agent, body.session))),))


async def _session(workbench: Workbench, agent: AgentInfo | None, named: object) -> str:
    """Returns the id of the session that a client's name, or an id, means. Raises `NotFoundError`."""
    query = "archived:yes" if agent is None else f"agent:{agent.name} archived:yes"
    every = await all_items(
        lambda limit, cursor: workbench.sessions.list(query, limit, cursor), _LOOKED_THROUGH
    )
    for session in every:
        if named in (session.ext.get(EXT, {}).get(THREAD), session.id):
            return session.id
    raise NotFoundError("Session not found", code="session_not_found")


OPERATIONS = (
    Operation(
        "get_logs", "POST", "/get_logs", get_logs, result=Logs, body=LogsWanted,
        required=False, secrets=login_or_key, other_paths=("/get-logs",), least=Scope.ADMIN,
    ),
    Operation(
        "get_log_details", "POST", "/get_log_details", get_log_details, result=LogDetails, body=NamedLog,
        required=False, secrets=login_or_key, other_paths=("/get-log-details",), least=Scope.ADMIN,
    ),
    Operation(
        "get_session_map", "POST", "/get_session_map", get_session_map, result=SessionMaps, body=MapWanted,
        required=False, secrets=login_or_key, other_paths=("/get-session-map",), least=Scope.ADMIN,
    ),
)  # fmt: skip
