"""Runs: one call of a model, the whole loop as a stream, and what is told of them afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from holdfast.core.domain.approvals import Approval, Decision
from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError
from holdfast.core.domain.identity import Role
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.options import ContextSource
from holdfast.core.domain.runs import Session
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.powabase.encoder import KEEPALIVE, KEEPALIVE_S, Record, RunEncoder
from holdfast.server.dialects.powabase.mapping_retrieved import uses_of
from holdfast.server.dialects.powabase.mapping_runs import (
    check_one_source,
    options_of,
    reasons,
    record_of,
    reply_of,
    source_of,
    tokens_of,
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
from holdfast.server.kit.starting import new_session, start_now

_TAKEN = ("session_exists", "session_in_trash")
"""Codes of ids that no session can be made under."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that was started, and what its answer has to say beside it."""

    run_id: str
    encoder: RunEncoder
    new_session: bool
    warning: str | None

    def answer(self, call: Call) -> RunAnswer[bytes]:
        """Returns what waits for it. It goes on when the caller leaves."""
        return RunAnswer(call, self.run_id, self.encoder, "detach")


async def run(call: Call) -> RunReply:
    """Asks the agent's model once, without tools, and returns its reply."""
    begun = await _begin(call, plain=True)
    state = await begun.answer(call).whole()
    return reply_of(state, new_session=begun.new_session, warning=begun.warning)


async def run_stream(call: Call) -> ASGIApp:
    """Runs the agent, and streams what it does."""
    begun = await _begin(call, plain=False)
    return begun.answer(call).stream(ping=KEEPALIVE, ping_s=KEEPALIVE_S)


async def _begin(call: Call, *, plain: bool) -> Begun:
    asked: RunRequest = call.body
    check_one_source(asked)
    id = asked.session_id or None
    known = await _known(call.workbench, id)
    agent = await call.workbench.agents.get(str(call.path["id"]))
    async with _session(call.workbench, known, agent.name, id) as session:
        source, warning = await _context(call.workbench, asked, tokens_of(asked, agent))
        options = options_of(asked, source, plain=plain)
        run_id = await start_now(call.workbench, session, (TextPart(text=asked.message),), options)
    encoder = RunEncoder(new_session=known is None, reasoning=reasons(asked, agent))
    return Begun(run_id, encoder, known is None, warning)


async def _known(workbench: Workbench, id: str | None) -> Session | None:
    """Returns the session that is named, None where it is still to be made."""
    if id is None:
        return None
    try:
        return await workbench.sessions.get(id)
    except NotFoundError:
        return None


@asynccontextmanager
async def _session(
    workbench: Workbench, known: Session | None, agent: str, id: str | None
) -> AsyncIterator[Session]:
    """Gives the session of a run. Raises `NotFoundError` for one of another agent or of another user. Only
    administrators name new ones: for others that would tell which ids are taken."""
    if known is not None:
        if known.agent != agent:
            raise _no_session(known.id)
        yield known
        return
    if id is not None and (await workbench.users.me()).role is not Role.ADMIN:
        raise _no_session(id)
    try:
        async with new_session(workbench, agent, id=id) as made:
            yield made
    except ConflictError as error:
        if error.code not in _TAKEN:
            raise
        raise _no_session(id or "") from None


def _no_session(session_id: str) -> NotFoundError:
    return NotFoundError(f"There is no session {session_id[:80]!r}.", code="session_not_found")


async def _context(
    workbench: Workbench, asked: RunRequest, tokens: int
) -> tuple[ContextSource | None, str | None]:
    """Returns the context of a run, and why there is none where a search has failed: the run goes on
    without."""
    stored = asked.context_handler_id or None
    if stored is not None:
        await workbench.knowledge.context(stored)
    elif asked.knowledge_bases:
        uses = uses_of(asked.knowledge_bases)
        try:
            stored = (await workbench.knowledge.keep(asked.message, uses, max_tokens=tokens)).id
        except HoldfastError as error:
            return None, error.message
    return source_of(asked, tokens, stored), None


async def get_run(call: Call) -> RunRecord:
    """Returns a run, however it stands, with its events and calls."""
    run = await call.workbench.runs.get(str(call.path["run_id"]))
    encoder, told = RunEncoder(reasoning=True), list[Record]()
    for logged in await events_of(call.workbench, run):
        encoder.state.take(logged)
        told += encoder.records(logged)
    return record_of(encoder.state, told, child=run.parent_run_id is not None)


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
