"""What waits for a person, and what he has decided, on Dexto's wire. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from holdfast.core.domain.approvals import Approval, Decision
from holdfast.core.domain.events import ApprovalResolved, QuestionAnswered
from holdfast.core.domain.tools import (
    CommandBlock,
    DiffBlock,
    DisplayBlock,
    Question,
)
from holdfast.server.dialects.dexto.names import ToolNames
from holdfast.server.dialects.dexto.times import iso
from holdfast.server.dialects.dexto.wire_sessions import ApprovalOut, DecisionBody

DENIED = "User denied the request via API"
_AGENT = "Dexto Agent"
"""Who asks where no MCP server does."""
_ANSWER = "answer"
"""The field in which a question that is asked in words is answered."""


def timeout_ms(approval: Approval) -> int | None:
    """Returns how long an approval waits; None: as long as it takes."""
    if approval.expires_at is None:
        return None
    return max(0, round((approval.expires_at - approval.requested_at).total_seconds() * 1000))


def approval_out(approval: Approval, session_id: str, names: ToolNames) -> ApprovalOut:
    """Returns a call that waits for a person."""
    metadata: dict[str, Any] = {
        "toolName": names.wire(approval.tool),
        "toolCallId": approval.call_id,
        "args": approval.arguments,
    }
    preview = next((shown for block in approval.preview if (shown := display(block))), None)
    more = {"description": approval.reason or None, "displayPreview": preview}
    return ApprovalOut(
        approval_id=approval.id,
        type="tool_confirmation",
        session_id=session_id,
        timeout=timeout_ms(approval),
        timestamp=iso(approval.requested_at),
        metadata=metadata | {name: value for name, value in more.items() if value is not None},
    )


def question_out(question: Question, at: datetime, session_id: str) -> ApprovalOut:
    """Returns a question, asked `at`, as a form to fill in."""
    prompt = question.text if question.url is None else f"{question.text}\n\n{question.url}".strip()
    return ApprovalOut(
        approval_id=question.id,
        type="elicitation",
        session_id=session_id,
        timestamp=iso(at),
        metadata={"schema": _schema(question), "prompt": prompt, "serverName": question.server or _AGENT},
    )


def _schema(question: Question) -> dict[str, Any]:
    if question.acted:
        return question.form or {"type": "object", "properties": {}}
    field: dict[str, Any] = {"type": "string", "description": question.text}
    if question.choices:
        field["examples" if question.free_text else "enum"] = list(question.choices)
    return {"type": "object", "properties": {_ANSWER: field}, "required": [_ANSWER]}


def display(block: DisplayBlock) -> dict[str, Any] | None:
    """Returns what people see of a call; None where Dexto's clients have nothing to show it with."""
    match block:
        case DiffBlock():
            lines = [line for line in block.diff.splitlines() if not line.startswith(("+++", "---"))]
            return {
                "type": "diff",
                "unified": block.diff,
                "filename": block.path,
                "additions": sum(line.startswith("+") for line in lines),
                "deletions": sum(line.startswith("-") for line in lines),
            }
        case CommandBlock():
            shown: dict[str, Any] = {"type": "shell", "command": block.command, "exitCode": block.exit_code}
            return {**shown, "exitCode": block.exit_code or 0, "duration": 0, "stdout": block.output}
    return None


def resolved_out(event: ApprovalResolved, waited_ms: int | None) -> dict[str, Any]:
    """Returns how an approval has ended; `waited_ms` is how long it could wait."""
    found: dict[str, Any] = {"approvalId": event.approval_id, "status": "approved"}
    remembered = event.decision is not None and event.decision.scope != "once"
    match event.status:
        case "approved":
            return found | ({"data": {"rememberChoice": True}} if remembered else {})
        case "denied":
            said = event.decision.reason if event.decision is not None else ""
            return found | {"status": "denied", "reason": "user_denied", "message": said or DENIED}
        case "expired":
            late = {"reason": "timeout", "message": f"The request timed out after {waited_ms}ms"}
            return found | {"status": "cancelled", **late, "timeoutMs": waited_ms}
    return found | {"status": "cancelled", "reason": "system_cancelled"}


def answered_out(event: QuestionAnswered) -> dict[str, Any]:
    """Returns how a question has ended."""
    found: dict[str, Any] = {"approvalId": event.question_id, "status": "approved"}
    if event.action in ("decline", "cancel"):
        return found | {"status": "denied", "reason": "user_denied", "message": DENIED}
    if event.answer is None:
        return found | {"status": "cancelled", "reason": "system_cancelled"}
    given = json.loads(event.answer) if _is_form(event) else {_ANSWER: event.answer}
    return found | {"data": {"formData": given}}


def _is_form(event: QuestionAnswered) -> bool:
    return event.action == "accept" and (event.answer or "").startswith("{")


def decision_of(body: DecisionBody) -> Decision:
    """Returns what a person has decided on a call."""
    if body.status == "denied":
        return Decision(outcome="deny", reason=DENIED)
    return Decision(outcome="approve", scope="session" if body.remember_choice else "once")


def answer_of(body: DecisionBody, question: Question) -> dict[str, Any]:
    """Returns the answer to a question, as `runs.answer` takes it."""
    if body.status == "denied":
        return {"action": "decline"}
    fields = body.form_data or {}
    if question.acted:
        return {"action": "accept", "fields": fields or None if question.form is None else fields}
    return {"answer": _words(fields)}


def _words(fields: Mapping[str, Any]) -> str:
    """Returns what was filled in as words: the one field that was asked for, else all of them as JSON."""
    alone = next(iter(fields.values())) if len(fields) == 1 else None
    answer = fields.get(_ANSWER, alone)
    if isinstance(answer, str):
        return answer
    return json.dumps(dict(fields) if answer is None else answer, ensure_ascii=False)
