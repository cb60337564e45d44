"""What was decided elsewhere, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.domain.approvals import ApprovalStatus
from holdfast.core.domain.text import sanitize_line, shorten

if TYPE_CHECKING:
    from holdfast.core.domain.approvals import Approval, Decision
    from holdfast.core.domain.events import AnyEvent
    from holdfast.tui.presenters.inbox import Item

_WORDS = {
    "approved": "Approved",
    "denied": "Denied",
    "expired": "Nobody decided in time",
}
"""How each end of an approval is called; others are shown by the run itself."""


def settled_elsewhere(item: Item, event: AnyEvent, me: str) -> str:
    """Returns what to say of an item that was decided while it was shown here; empty: nothing."""
    if event.type == "question.answered":
        said = event.answer
        return f"Answered elsewhere: {shorten(sanitize_line(said), 80)}" if said is not None else ""
    if event.type != "approval.resolved" or event.status not in _WORDS:
        return ""
    return f"{_words(event.status, event.decision, me)}: {shorten(item.label, 80)}"


def decided_already(approval: Approval, me: str) -> str:
    """Returns who was faster; empty when it was no person."""
    if approval.decision is None or approval.status not in (ApprovalStatus.APPROVED, ApprovalStatus.DENIED):
        return ""
    return f"{_words(approval.status.value, approval.decision, me)} already; nothing was changed."


def _words(status: str, decision: Decision | None, me: str) -> str:
    if decision is None:
        return _WORDS[status]
    if status == "approved" and decision.reason:  # nobody was asked: a rule that was just given covers it
        return f"{_WORDS[status]}, {sanitize_line(decision.reason)}"
    who = sanitize_line(decision.decided_by)
    return f"{_WORDS[status]} elsewhere" if who in ("", me) else f"{_WORDS[status]} by {who}"
