"""Operations of Sage's API: chats and streams, what they are resumed by, and what they wait for."""

from __future__ import annotations

import time

from starlette.types import ASGIApp

from holdfast.core.domain.identity import Scope
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.callers import caller
from holdfast.server.dialects.sage.deciding import RESOLVED, audited, decided
from holdfast.server.dialects.sage.optimizing import better, better_lines
from holdfast.server.dialects.sage.sessions import SESSIONS
from holdfast.server.dialects.sage.talking import PLAIN, attached, begin, detached, resumed
from holdfast.server.dialects.sage.watching import active_sessions
from holdfast.server.dialects.sage.wire import Envelope
from holdfast.server.dialects.sage.wire_streams import (
    Audit,
    AuditQuery,
    ChatRequest,
    OptimizedInput,
    OptimizeInput,
    ResumeQuery,
    SandboxDecided,
    SandboxDecision,
    StreamRequest,
)
from holdfast.server.dialects.sage.words import locale_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.stream import FrameStream


async def chat(call: Call) -> ASGIApp:
    """Lets an agent answer, line by line; the run is cancelled when the client goes away."""
    workbench = await caller(call)
    begun = await begin(workbench, call.body)
    return attached(call, workbench, begun, locale_of(call.request.headers), progress=False)


async def stream(call: Call) -> ASGIApp:
    """Lets an agent answer as the request wants it for this run, line by line, with the output of tools; the
    run is cancelled when the client goes away."""
    workbench = await caller(call)
    begun = await begin(workbench, call.body, progress=True)
    return attached(call, workbench, begun, locale_of(call.request.headers), progress=True)


async def web_stream(call: Call) -> ASGIApp:
    """Lets an agent answer, line by line, in the place of what it still says in this session; the run goes on
    when the client goes away, which resumes the stream later."""
    begun = await begin(call.workbench, call.body, anew=True)
    return detached(call, begun, locale_of(call.request.headers))


async def resume_stream(call: Call) -> ASGIApp:
    """Goes on with the lines of a session's run behind those that the client has."""
    called: str = call.path["session_id"]
    session = await SESSIONS.found(call.workbench, called)
    return resumed(call, session, called, call.query.last_index, locale_of(call.request.headers))


async def stream_active_sessions(call: Call) -> ASGIApp:
    """Tells in which of the caller's sessions runs are under way, now and after each change."""
    door = call.door
    return FrameStream(active_sessions(call.workbench), closing=door.closing, ping_s=door.ping_s)


async def optimize_input(call: Call) -> Envelope[OptimizedInput]:
    """Says better what somebody is about to say."""
    draft = await better(call.workbench, call.body)
    said = OptimizedInput(optimized_input=draft.text, timestamp=time.time())
    return ok(call, said, "input_optimized" if draft.by == "model" else "input_as_it_was")


async def optimize_input_stream(call: Call) -> ASGIApp:
    """Does the same line by line."""
    door = call.door
    lines = better_lines(call.workbench, call.body)
    return FrameStream(lines, closing=door.closing, ping_s=door.ping_s, ping=b"", media_type=PLAIN)


async def decide_sandbox_approval(call: Call) -> Envelope[SandboxDecided]:
    """Lets a call go that waits for a person, or denies it."""
    status = await decided(call.workbench, call.body)
    resolved = status == RESOLVED
    said = SandboxDecided(success=resolved, status=status)
    return ok(call, said, "sandbox_decided" if resolved else "sandbox_not_decided", status=status)


async def audit_sandbox_approvals(call: Call) -> Envelope[Audit]:
    """Lists the calls of a session that a person was asked for."""
    session = await SESSIONS.found(call.workbench, call.query.session_id)
    records = () if session is None else await audited(call.workbench, session, call.query.limit)
    return ok(call, Audit(success=True, records=records), "sandbox_audit")


_LINES, _EVENTS = "text/plain", "text/event-stream"

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "chat", "POST", "/api/chat", chat,
        gives=_LINES, body=ChatRequest, public=True, holds_file=True,
    ),
    Operation(
        "stream", "POST", "/api/stream", stream,
        gives=_LINES, body=StreamRequest, public=True, holds_file=True,
    ),
    Operation(
        "web_stream", "POST", "/api/web-stream", web_stream,
        gives=_LINES, body=StreamRequest, least=Scope.CHAT, holds_file=True,
    ),
    Operation(
        "resume_stream", "GET", "/api/stream/resume/{session_id}", resume_stream,
        gives=_LINES, query=ResumeQuery,
    ),
    Operation(
        "stream_active_sessions", "GET", "/api/stream/active_sessions", stream_active_sessions, gives=_EVENTS
    ),
    Operation(
        "optimize_input", "POST", "/api/chat/optimize-input", optimize_input,
        result=Envelope[OptimizedInput], body=OptimizeInput, least=Scope.CHAT,
    ),
    Operation(
        "optimize_input_stream", "POST", "/api/chat/optimize-input/stream", optimize_input_stream,
        gives=_LINES, body=OptimizeInput, least=Scope.CHAT,
    ),
    Operation(
        "decide_sandbox_approval", "POST", "/api/sandbox/approval", decide_sandbox_approval,
        result=Envelope[SandboxDecided], body=SandboxDecision, least=Scope.CHAT,
    ),
    Operation(
        "audit_sandbox_approvals", "GET", "/api/sandbox/approval/audit", audit_sandbox_approvals,
        result=Envelope[Audit], query=AuditQuery,
    ),
)  # fmt: skip
