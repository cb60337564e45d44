"""Approvals and questions as requests for permission, and the answers as decisions."""

from __future__ import annotations

from acp.schema import PermissionOption, ToolCallUpdate

from holdfast.acp.calls import kind_of, location_of, title_of
from holdfast.acp.content import content_of, locations_of, text_content
from holdfast.acp.updates import call_id_of
from holdfast.core.domain.approvals import Approval, Decision
from holdfast.core.domain.forms import FormAction, form_fields
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.domain.tools import Question

ONCE, SESSION, ALWAYS, REJECT = "once", "session", "always", "reject"
ANOTHER = "another"
"""The person answers a question in words of their own: the next prompt is the answer."""
_CHOICE = "choice-"
_ACT = "act-"
_ACTIONS: tuple[FormAction, ...] = ("accept", "decline", "cancel")
_LABEL = 100


def approval_options(approval: Approval) -> list[PermissionOption]:
    """Returns what a person can decide; rules are shown in full, as they will stand in the policy."""
    options = [PermissionOption(option_id=ONCE, name="Allow once", kind="allow_once")]
    if approval.rule:
        rule = sanitize_line(approval.rule)
        options += [
            PermissionOption(
                option_id=SESSION, name=f"Allow {rule} until the session ends", kind="allow_always"
            ),
            PermissionOption(option_id=ALWAYS, name=f"Always allow {rule}", kind="allow_always"),
        ]
    return [*options, PermissionOption(option_id=REJECT, name="Reject", kind="reject_once")]


def decision_of(option_id: str) -> Decision:
    """Returns the decision that an option stands for; of one that was not offered: a denial."""
    match option_id:
        case "once":
            return Decision(outcome="approve")
        case "session":
            return Decision(outcome="approve", scope="session")
        case "always":
            return Decision(outcome="approve", scope="always")
        case _:
            return Decision(outcome="deny", reason="The person rejected it in the editor.")


def approval_call(approval: Approval, workspace: str) -> ToolCallUpdate:
    """Returns the call that waits, with exactly what it would do."""
    locations = locations_of(approval.preview, workspace)
    return ToolCallUpdate(
        tool_call_id=call_id_of(approval.run_id, approval.call_id),
        title=title_of(approval.tool, approval.arguments),
        kind=kind_of(approval.tool),
        status="pending",
        content=content_of(approval.preview, workspace),
        locations=locations or location_of(approval.tool, approval.arguments, workspace),
        raw_input=approval.arguments,
    )


def question_options(question: Question) -> list[PermissionOption]:
    """Returns the choices of a question as options; none when there are none to choose from. Editors have no
    forms: one can be declined here, and is filled in elsewhere."""
    if question.acted:
        done = [PermissionOption(option_id=f"{_ACT}accept", name="I have done it there", kind="allow_once")]
        return [
            *(done if question.url is not None else ()),
            PermissionOption(option_id=f"{_ACT}decline", name="Decline", kind="reject_once"),
            PermissionOption(option_id=f"{_ACT}cancel", name="Put it away", kind="reject_once"),
        ]
    if not question.choices:
        return []
    options = [
        PermissionOption(
            option_id=f"{_CHOICE}{at}", name=shorten(sanitize_line(choice), _LABEL), kind="allow_once"
        )
        for at, choice in enumerate(question.choices)
    ]
    if question.free_text:
        options.append(PermissionOption(option_id=ANOTHER, name="Another answer …", kind="reject_once"))
    return options


def action_of(option_id: str) -> FormAction | None:
    """Returns what an option does with a form or an address; None where it is one of another kind."""
    for action in _ACTIONS:
        if option_id == f"{_ACT}{action}":
            return action
    return None


def question_words(question: Question) -> str:
    """Returns what is asked, with the name of the server that asks, and how a form is filled in."""
    words = [question.text]
    if question.server:
        words = [f"The MCP server {question.server} asks: {question.text}"]
    if question.url is not None:
        words.append(question.url)
    if question.form is not None:
        words.append(
            "Fill it in with the app (`holdfast`), or with: "
            f"holdfast approvals answer {question.id} --field NAME=VALUE …"
        )
        words += [f"- {sanitize_line(each.name)}: {each.kind}" for each in form_fields(question.form)]
    return "\n".join(words)


def choice_of(question: Question, option_id: str) -> str | None:
    """Returns the choice that an option stands for; None for an answer in other words."""
    at = option_id.removeprefix(_CHOICE)
    if at == option_id or not at.isdecimal() or int(at) >= len(question.choices):
        return None
    return question.choices[int(at)]


def question_call(question: Question) -> ToolCallUpdate:
    """Returns the call that asks."""
    return ToolCallUpdate(
        tool_call_id=call_id_of(question.run_id, question.call_id),
        title=shorten(sanitize_line(question_words(question)), _LABEL),
        status="pending",
        content=[text_content(sanitize(question_words(question)))],
    )
