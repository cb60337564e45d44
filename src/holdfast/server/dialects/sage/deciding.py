"""What people decide of calls that wait, and what they have decided."""

from __future__ import annotations

from functools import partial

from holdfast.core.domain.approvals import Approval, ApprovalStatus, Decision
from holdfast.core.domain.errors import ConflictError, NotFoundError
from holdfast.core.domain.runs import Session
from holdfast.core.domain.values import all_items
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.sage.encoder import command_hash, command_of
from holdfast.server.dialects.sage.sessions import SESSIONS
from holdfast.server.dialects.sage.wire_streams import AuditRecord, SandboxDecision

_DECISIONS = ("approve", "deny")
RESOLVED = "resolved"


async def decided(workbench: Workbench, asked: SandboxDecision) -> str:
    """Decides an approval of a session; returns `resolved`, or why nothing was decided."""
    if asked.decision not in _DECISIONS:
        return "invalid_decision"
    try:
        approval = await workbench.approvals.get(asked.approval_id)
        session = await SESSIONS.known(workbench, asked.session_id.partition("_sub_")[0])
    except NotFoundError as error:
        return "session_mismatch" if error.code == "session_not_found" else "not_found"
    if session.id not in (approval.session_id, approval.parent_session_id):
        return "session_mismatch"
    if asked.command_hash is not None and asked.command_hash != command_hash(approval):
        return "command_mismatch"
    if approval.status is not ApprovalStatus.PENDING:
        return "expired" if approval.status is ApprovalStatus.EXPIRED else "already_resolved"
    outcome = "approve" if asked.decision == "approve" else "deny"
    try:
        await workbench.approvals.decide(approval.id, Decision(outcome=outcome))
    except ConflictError:
        return "already_resolved"
    return RESOLVED


async def audited(workbench: Workbench, session: Session, limit: int) -> tuple[AuditRecord, ...]:
    """Returns what was asked in a session, the latest first, those that wait too."""
    found = await all_items(partial(workbench.approvals.list, session.id, False))
    return tuple(
        _record(each) for each in sorted(found, key=lambda one: one.requested_at, reverse=True)[:limit]
    )


def _record(approval: Approval) -> AuditRecord:
    return AuditRecord(
        approval_id=approval.id,
        command=command_of(approval),
        command_hash=command_hash(approval),
        category=approval.risk.value,
        reason=approval.reason,
        tool_name=approval.tool,
        status=approval.status.value,
        requested_at=approval.requested_at.timestamp(),
        decided_at=approval.decided_at.timestamp() if approval.decided_at is not None else None,
    )
