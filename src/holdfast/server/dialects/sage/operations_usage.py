"""Operations of Sage's API: what was used. Everybody reads his own, administrators that of all."""

from __future__ import annotations

from contextlib import suppress

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.usage import UsageSummary
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.mapping_usage import moment, token_usage
from holdfast.server.dialects.sage.sessions import SESSIONS
from holdfast.server.dialects.sage.wire import Envelope
from holdfast.server.dialects.sage.wire_usage import TokenUsage, TokenUsageBody, ToolUsage, ToolUsageBody
from holdfast.server.kit.operations import Call, Operation

_MOST = 200
"""Groups that are told apart."""


async def agent_usage_stats(call: Call) -> Envelope[ToolUsage]:
    """Says how often the caller's runs have asked for each tool."""
    body: ToolUsageBody = call.body
    agent = await _agent(call.workbench, body.agent_id)
    return ok(call, ToolUsage(usage=await call.workbench.usage.tools(body.days, agent)))


async def token_usage_stats(call: Call) -> Envelope[TokenUsage]:
    """Adds up the tokens that were used."""
    body: TokenUsageBody = call.body
    me = await call.workbench.users.me()
    found = await call.workbench.usage.report(
        moment(body.start_date),
        moment(body.end_date, end=True),
        by=body.dimension,
        all_users=me.is_admin and not body.user_id,
        limit=_MOST,
        session=await _session(call.workbench, body.session_id),
        agent=await _agent(call.workbench, body.agent_id),
        user=body.user_id or None,
    )
    return ok(call, token_usage(found, body.dimension, await _ids(call.workbench, body, found)))


async def _agent(workbench: Workbench, id: str | None) -> str | None:
    """Returns the name of the agent of this id; the id itself where there is none any more."""
    return next((each.name for each in await workbench.agents.list() if each.id == id), id or None)


async def _session(workbench: Workbench, called: str | None) -> str | None:
    """Returns our id of a session; what clients call it, where nothing is called so."""
    if not called:
        return None
    found = await SESSIONS.found(workbench, called)
    return called if found is None else found.id


async def _ids(workbench: Workbench, body: TokenUsageBody, found: UsageSummary) -> dict[str, str]:
    """Returns what clients call agents and sessions, by what a report calls them."""
    if body.dimension == "agent":
        return {each.name: each.id for each in await workbench.agents.list()}
    called: dict[str, str] = {}
    for group in found.groups if body.dimension == "session" else ():
        with suppress(NotFoundError):  # deleted, or another user's
            called[group.key] = SESSIONS.called(await workbench.sessions.get(group.key))
    return called


# fmt: off
OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "agent_usage_stats", "POST", "/api/system/agent/usage-stats", agent_usage_stats,
        body=ToolUsageBody, result=Envelope[ToolUsage],
    ),
    Operation(
        "token_usage_stats", "POST", "/api/token-usage/stats", token_usage_stats,
        body=TokenUsageBody, result=Envelope[TokenUsage],
    ),
)
# fmt: on
