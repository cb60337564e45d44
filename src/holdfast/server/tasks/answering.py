"""How a message answers what waits for a person. Pure.

Only what is said plainly counts as an approval; what begins with a no is a denial, and the rest is its
reason. Whatever is neither decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.domain.approvals import Approval, Decision
from holdfast.core.domain.text import sanitize, shorten
from holdfast.core.domain.tools import Question
from holdfast.server.tasks.asking import approvable, asked_data
from holdfast.server.tasks.said import Said
from holdfast.server.tasks.watched import Waiting

_YES = frozenset(
    {"yes", "y", "ok", "okay", "approve", "approved", "allow", "allowed", "accept", "accepted", "confirm"}
    | {"confirmed", "continue", "proceed", "go ahead", "do it", "yes please", "yes approve", "yes go ahead"}
)
_NO = re.compile(
    r"(?:no|n|nope|deny|denied|reject|rejected|refuse|refused|decline|declined|disallow|cancel|stop|"
    r"don'?t|do not|never)\b[\s,.:;!–—-]*(?P<why>.*)",
    re.IGNORECASE | re.DOTALL,
)
_ENDS = " \t\r\n.!,"
_OUTCOMES = {
    "approve": "approve",
    "approved": "approve",
    "allow": "approve",
    "yes": "approve",
    "deny": "deny",
    "denied": "deny",
    "reject": "deny",
    "no": "deny",
}
_OWN_KEYS = frozenset({"id", "kind", "action", "decision"})
_REASON = 2_000
_ANSWER = 20_000


def addressed(waiting: Sequence[Waiting], said: Said) -> Waiting | None:
    """Returns what a message answers: what it names by its id, else the oldest that waits. None where it
    names something that does not wait."""
    for each in said.objects:
        if isinstance(id := each.get("id"), str):
            return next((one for one in waiting if one.id == id), None)
    return waiting[0] if waiting else None


def decision_in(approval: Approval, said: Said) -> Decision | None:
    """Returns what a message decides; None where it decides nothing, or says two things at once."""
    own = [each for each in said.objects if each.get("id", approval.id) == approval.id]
    stated = {outcome: each for each in own if (outcome := _outcome(each)) is not None}
    no = _NO.fullmatch(said.words)
    if "approve" in stated:
        return _decision(approval, "approve") if len(stated) == 1 and no is None else None
    if "deny" in stated:
        reason = stated["deny"].get("reason")
        return _decision(approval, "deny", reason if isinstance(reason, str) else "")
    if no is not None:
        return _decision(approval, "deny", no["why"])
    return _decision(approval, "approve") if not stated and _is_yes(approval, said) else None


def answer_in(question: Question, said: Said) -> dict[str, Any] | None:
    """Returns the answer of a message, as `runs.answer` takes it; None where it has none."""
    if question.acted:
        return _action(question, said)
    for each in said.objects:
        if isinstance(answer := each.get("answer"), str) and answer.strip():
            return _chosen(question, answer)
    return _chosen(question, said.text()) if said.words or said.data else None


def _outcome(given: Mapping[str, Any]) -> str | None:
    """`decision`, or a word that other systems have for it; `unclear` for one that nobody knows."""
    for name in ("decision", "outcome", "status"):
        if isinstance(value := given.get(name), str):
            return _OUTCOMES.get(value.strip().lower(), "unclear")
    approved = given.get("approved")
    return ("approve" if approved else "deny") if isinstance(approved, bool) else None


def _is_yes(approval: Approval, said: Said) -> bool:
    """Whether a message is a yes and nothing else; what was asked may stand beside it."""
    asked = asked_data(approval).keys()
    echoes = all(isinstance(each, Mapping) and each.keys() <= asked for each in said.data)
    plain = " ".join(said.words.strip(_ENDS).lower().replace(",", " ").split()) in _YES
    return plain and echoes and not said.files and not said.links


def _decision(approval: Approval, outcome: str, reason: str = "") -> Decision | None:
    if outcome == "deny":
        return Decision(outcome="deny", reason=shorten(sanitize(reason).strip(), _REASON))
    return Decision(outcome="approve") if approvable(approval) else None


def _action(question: Question, said: Said) -> dict[str, Any] | None:
    """The answer to a form, or to an address that is to be visited."""
    for each in said.objects:
        if each.get("action") in ("decline", "cancel"):
            return {"action": each["action"]}
        if question.form is not None:
            fields = each.get("fields")
            given = (
                fields if isinstance(fields, Mapping) else {k: each[k] for k in each if k not in _OWN_KEYS}
            )
            return {"action": "accept", "fields": dict(given)}
        if each.get("action") == "accept":
            return {"action": "accept"}
    if _NO.fullmatch(said.words):
        return {"action": "decline"}
    accepted = question.form is None and said.words.strip(_ENDS).lower() in _YES
    return {"action": "accept"} if accepted else None


def _chosen(question: Question, text: str) -> dict[str, Any] | None:
    """The choice that a text means: its words, or its number where that is none of the choices."""
    plain = text.strip().casefold()
    for choice in question.choices:
        if choice.strip().casefold() == plain:
            return {"answer": choice}
    number = plain.rstrip(".)")
    if number.isascii() and number.isdigit() and 0 < int(number[:4]) <= len(question.choices):
        return {"answer": question.choices[int(number[:4]) - 1]}
    return {"answer": shorten(text.strip(), _ANSWER)} if question.free_text else None
