"""Runs: one call of a model, the whole loop as a stream, and what is told of them afterwards."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from starlette.types import ASGIApp

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.approvals import Approval, Decision
from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.options import ContextSource
from holdfast.core.domain.runs import Session
from holdfast.server.dialects.powabase.encoder import KEEPALIVE, KEEPALIVE_S, RunEncoder
from holdfast.server.dialects.powabase.mapping_runs import (
    CONTEXT_TOKENS,
    check_one_source,
    options_of,
    record_of,
    reply_of,
    source_of,
    uses_of,
)
from holdfast.server.dialects.powabase.wire_runs import (
    Approve,
    Resumed,
    RunRecord,
    RunReply,
    RunRequest,
)
from holdfast.server.kit.answers import RunAnswer, events_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.starting import start_now


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that was started, and what its answer has to say beside it."""

    run_id: str
    encoder: RunEncoder
    context_id: str | None
    new_session: bool
    warning: str | None


async def run(call: Call) -> RunReply:
    """Asks the agent's model once, without tools, and returns its reply."""
    begun = await _begin(call, plain=True)
    state = await RunAnswer(call, begun.run_id, begun.encoder, "detach").whole()
    return reply_of(
        state,
        context_id=begun.context_id,
        new_session=begun.new_session,
        cited=bool(call.body.citations_enabled),
        warning=begun.warning,
    )


async def run_stream(call: Call) -> ASGIApp:
    """Runs the agent, and streams what it does."""
    begun = await _begin(call, plain=False)
    answer = RunAnswer(call, begun.run_id, begun.encoder, "detach")
    return answer.stream(ping=KEEPALIVE, ping_s=KEEPALIVE_S)


async def _begin(call: Call, *, plain: bool) -> Begun:
    asked: RunRequest = call.body
    check_one_source(asked)
    known = await _known(call, asked.session_id)
    agent = await call.workbench.agents.get(str(call.path["id"]))
    session = known or await _made(call, agent, asked.session_id)
    if session.agent != agent.name:
        raise _no_session(session.id)
    tokens = asked.max_context_tokens or _tokens(agent)
    source, context_id, warning = await _context(call, asked, tokens)
    options = options_of(asked, source, plain=plain)
    run_id = await start_now(call.workbench, session, (TextPart(text=asked.message),), options)
    reasoning = bool(asked.reasoning_requested) or _reasons(agent)
    encoder = RunEncoder(
        context_id=context_id,
        new_session=known is None,
        reasoning=reasoning,
        cited=bool(asked.citations_enabled),
    )
    return Begun(run_id, encoder, context_id, known is None, warning)


async def _known(call: Call, session_id: str | None) -> Session | None:
    """Returns the session that is named, None where it is still to be made."""
    if session_id is None:
        return None
    with contextlib.suppress(NotFoundError):
        return await call.workbench.sessions.get(session_id)
    return None


async def _made(call: Call, agent: AgentInfo, session_id: str | None) -> Session:
    """Makes a session. One of another user's is answered like one that there is not."""
    try:
        return await call.workbench.sessions.create(agent.name, id=session_id)
    except ConflictError:
        raise _no_session(session_id or "") from None


def _no_session(session_id: str) -> NotFoundError:
    return NotFoundError(f"There is no session {session_id[:80]!r}.", code="session_not_found")


def _tokens(agent: AgentInfo) -> int:
    said = agent.spec.ext.get("powabase", {}).get("settings", {}) if agent.spec else {}
    tokens = said.get("max_context_tokens")
    return tokens if isinstance(tokens, int) and tokens > 0 else CONTEXT_TOKENS


def _reasons(agent: AgentInfo) -> bool:
    effort = agent.spec.model_settings.reasoning_effort if agent.spec else None
    return effort not in (None, "none")


async def _context(
    call: Call, asked: RunRequest, tokens: int
) -> tuple[ContextSource | None, str | None, str | None]:
    """Returns the context of a run, the id that it is kept under, and why there is none where a search has
    failed: the run goes on without."""
    stored = asked.context_handler_id or None
    if stored is not None:
        await call.workbench.knowledge.context(stored)
    elif asked.knowledge_bases:
        uses = uses_of(asked.knowledge_bases)
        try:
            stored = (await call.workbench.knowledge.keep(asked.message, uses, max_tokens=tokens)).id
        except HoldfastError as error:
            return None, None, error.message
    return source_of(asked, tokens, stored), stored, None


async def get_run(call: Call) -> RunRecord:
    """Returns a run, however it stands, with its events and calls."""
    run = await call.workbench.runs.get(str(call.path["run_id"]))
    encoder = RunEncoder(reasoning=True)
    told = [record for logged in await events_of(call.workbench, run) for record in _record(encoder, logged)]
    return record_of(encoder.state, told, child=run.parent_run_id is not None, reasoning_requested=False)


def _record(encoder: RunEncoder, logged: LoggedEvent) -> list[dict[str, object]]:
    encoder.state.take(logged)
    return list(encoder.records(logged))


async def approve(call: Call) -> Resumed:
    """Approves or denies a tool call that waits: the named one, else the oldest."""
    body: Approve = call.body
    run = await call.workbench.runs.get(str(call.path["run_id"]))
    found = await call.workbench.approvals.list(run.session_id)
    waiting = _chosen(found.items, run.id, body.call_id)
    decision = Decision(
        outcome="approve" if body.approved else "deny",
        scope="session" if body.always and body.approved else "once",
        reason=body.reason or "",
    )
    await call.workbench.approvals.decide(waiting.id, decision)
    return Resumed()


def _chosen(found: tuple[Approval, ...], run_id: str, call_id: str | None) -> Approval:
    """Of the run's own and of its sub-agents': those have the session of the run above."""
    for each in found:
        if call_id in (None, each.call_id) and (each.run_id == run_id or each.parent_session_id):
            return each
    raise NotFoundError("Nothing of this run waits for an approval.", code="approval_not_found")


OPERATIONS = (
    Operation("run_agent", "POST", "/api/agents/{id:uuid}/run", run, result=RunReply, body=RunRequest),
    Operation(
        "run_agent_stream",
        "POST",
        "/api/agents/{id:uuid}/run/stream",
        run_stream,
        gives="text/event-stream",
        body=RunRequest,
    ),
    Operation("get_run", "GET", "/api/agents/runs/{run_id}", get_run, result=RunRecord),
    Operation(
        "approve_run", "POST", "/api/agents/runs/{run_id}/approve", approve, result=Resumed, body=Approve
    ),
)
