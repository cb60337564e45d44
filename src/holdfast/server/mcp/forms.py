"""Approvals and questions as the forms of an elicitation, and what comes back as decisions and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult

from holdfast.core.domain.approvals import Approval, Decision
from holdfast.core.domain.forms import FormChoice, FormField, form_fields
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.domain.tools import Question
from holdfast.server.tasks.previews import LONGEST, preview_text
from holdfast.server.tasks.watched import Waiting

APPROVE, DENY = "approve", "deny"
DECLINED = "The person declined to answer."
_REASON = 2_000
_ANSWER = 20_000
_CHOICE = 200


def form_of(waiting: Waiting) -> ElicitRequest | None:
    """Returns the form that asks a person; None for what cannot be asked in one."""
    if isinstance(waiting, Question):
        if waiting.url is not None:
            return None  # where it leads is for the person to look at, in Holdfast
        if len({_shown(choice) for choice in waiting.choices}) < len(waiting.choices):
            return None  # choices that cannot be told apart here
        if waiting.form is None:
            message, schema = _question(waiting)
        else:
            fields = form_fields(waiting.form)
            if not all(map(_is_plain, fields)):
                return None  # the words of a server that must be given back as they are, and not shown so
            message, schema = _fields(waiting, fields)
    else:
        message, schema = _approval(waiting)
    if len(message) > LONGEST:
        return None
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def decision_of(answer: ElicitResult) -> Decision | None:
    """Returns what was decided; None when nobody has decided: the form was dismissed, or is not filled in."""
    if answer.action == "decline":
        return Decision(outcome="deny", reason="The person declined it in the MCP client.")
    filled = (answer.content or {}) if answer.action == "accept" else {}
    match filled.get("decision"):
        case "approve":
            return Decision(outcome="approve")
        case "deny":
            reason = filled.get("reason")
            said = shorten(sanitize(reason).strip(), _REASON) if isinstance(reason, str) else ""
            return Decision(outcome="deny", reason=said)
        case _:
            return None


def answer_of(question: Question, answer: ElicitResult) -> dict[str, Any] | None:
    """Returns the answer to a question, as `runs.answer` takes it; None when there is none: the form was
    dismissed, or what stands in it is no answer."""
    if answer.action == "cancel":
        return None
    if question.form is not None:
        fields = answer.content or {}
        accepted = {"fields": {name: value for name, value in fields.items() if value is not None}}
        return {"action": answer.action, **(accepted if answer.action == "accept" else {})}
    if answer.action == "decline":
        return {"answer": DECLINED} if question.free_text else None
    said = (answer.content or {}).get("answer")
    if not isinstance(said, str) or not said.strip():
        return None
    # A choice that was shown shortened, or made plain, is meant all the same.
    chosen = next((choice for choice in question.choices if _shown(choice) == said), None)
    if chosen is None and not question.free_text:
        return None
    return {"answer": chosen or shorten(said, _ANSWER)}


def _approval(approval: Approval) -> tuple[str, dict[str, Any]]:
    agent, tool = sanitize_line(approval.agent), sanitize_line(approval.tool)
    head = f"The agent {agent} wants to use {tool} ({approval.risk.value}):"
    fields = {
        "decision": {
            "type": "string",
            "title": "Decision",
            "description": "Approve exactly this once, or deny it.",
            "enum": [APPROVE, DENY],
        },
        "reason": {
            "type": "string",
            "title": "Reason",
            "description": "Of a denial; the agent is told.",
            "maxLength": _REASON,
        },
    }
    schema = {"type": "object", "properties": fields, "required": ["decision"]}
    return f"{head}\n\n{preview_text(approval)}", schema


def _question(question: Question) -> tuple[str, dict[str, Any]]:
    field: dict[str, Any] = {"type": "string", "title": "Answer"}
    # Without it a question could be made to look like an approval.
    who = f"The agent {sanitize_line(question.agent)}" if question.agent else "The agent"
    text = f"{who} asks:\n\n{sanitize(question.text)}"
    if question.choices and not question.free_text:
        field["enum"] = [_shown(choice) for choice in question.choices]
    elif question.choices:
        text = "\n".join([text, "", *(f"- {_shown(choice)}" for choice in question.choices)])
    if "enum" not in field:
        field["maxLength"] = _ANSWER
    return text, {"type": "object", "properties": {"answer": field}, "required": ["answer"]}


def _fields(question: Question, found: Sequence[FormField]) -> tuple[str, dict[str, Any]]:
    """Returns the fields that an MCP server asks for, in the middle of a call: its words are data."""
    head = f"The MCP server {sanitize_line(question.server)} asks:"
    schema = {
        "type": "object",
        "properties": {field.name: _field(field) for field in found},
        "required": [field.name for field in found if field.required],
    }
    return f"{head}\n\n{sanitize(question.text)}", schema


def _is_plain(field: FormField) -> bool:
    """Says whether what is given back as it stands can be shown as it stands."""
    words = (field.name, field.format, *(choice.value for choice in field.choices))
    return all(word == sanitize_line(word) for word in words)


def _field(field: FormField) -> dict[str, Any]:
    values = [choice.value for choice in field.choices]
    shape: dict[str, Any] = {"type": field.kind}
    match field.kind:
        case "text":
            shape = {"type": "string"} | ({"format": field.format} if field.format else {})
        case "choice":
            shape = {"type": "string", "enum": values, "enumNames": [_name(each) for each in field.choices]}
        case "choices":
            shape = {"type": "array", "items": {"type": "string", "enum": values}}
    told = {"title": sanitize_line(field.label), "description": sanitize_line(field.description)}
    return {**shape, **{name: text for name, text in told.items() if text}}


def _name(choice: FormChoice) -> str:
    return sanitize_line(choice.title or choice.value)


def _shown(choice: str) -> str:
    return shorten(sanitize_line(choice), _CHOICE)
