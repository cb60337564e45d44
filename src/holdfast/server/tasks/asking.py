"""What waits for a person, as it is put to who is outside: in words, and as data with the id to answer by."""

from __future__ import annotations

from typing import Any

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.server.tasks.previews import LONGEST, preview_text
from holdfast.server.tasks.watched import Waiting

_ELSEWHERE = "It is too long to be shown here: it can be denied here, and approved in Holdfast only."


def approvable(approval: Approval) -> bool:
    """Says whether all of what a call will do is shown: nobody decides what he has seen the half of."""
    return len(preview_text(approval)) <= LONGEST


def asked_text(waiting: Waiting) -> str:
    """Returns what a person is asked, and how it is answered."""
    if isinstance(waiting, Approval):
        return _approval(waiting)
    who = f"The MCP server {sanitize_line(waiting.server)}" if waiting.server else "The agent"
    if waiting.agent and not waiting.server:
        who = f"The agent {sanitize_line(waiting.agent)}"
    lines = [f"{who} asks:", "", sanitize(waiting.text)]
    lines += [f"{number}. {sanitize_line(choice)}" for number, choice in enumerate(waiting.choices, 1)]
    if waiting.form is not None:
        lines += ["", "Answer with an object that has the fields of the form, or with `decline`."]
    elif waiting.url is not None:
        lines += ["", f"It asks to visit {sanitize_line(waiting.url)}. Answer `yes` after that, or `no`."]
    return "\n".join(lines)


def asked_data(waiting: Waiting) -> dict[str, Any]:
    """Returns the same for programs. An answer may name `id`."""
    if isinstance(waiting, Approval):
        return {
            "kind": "approval",
            "id": waiting.id,
            "agent": waiting.agent,
            "tool": waiting.tool,
            "risk": waiting.risk.value,
            "arguments": waiting.arguments,
            "decisions": ["approve", "deny"] if approvable(waiting) else ["deny"],
        }
    found: dict[str, Any] = {
        "kind": "question",
        "id": waiting.id,
        "text": waiting.text,
        "choices": list(waiting.choices),
        "free_text": waiting.free_text,
    }
    more = {"form": waiting.form, "url": waiting.url, "server": waiting.server or None}
    return found | {name: value for name, value in more.items() if value is not None}


def _approval(approval: Approval) -> str:
    head = (
        f"The agent {sanitize_line(approval.agent)} wants to use {sanitize_line(approval.tool)} "
        f"({approval.risk.value})"
    )
    if not approvable(approval):
        return f"{head}. {_ELSEWHERE}"
    return (
        f"{head}:\n\n{preview_text(approval)}\n\nAnswer `yes` to approve exactly this once, or `no` and why."
    )
