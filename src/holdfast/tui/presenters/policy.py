"""Rules and the record of decisions as lists to choose from, and what a rule would let through."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.figures import age
from holdfast.tui.presenters.inbox import Item, detail
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.approvals import Approval
    from holdfast.core.domain.rules import RuleEntry, RuleSuggestion, RuleWeight

VERDICTS = {"deny": ("✗ deny ", "error"), "ask": ("? ask  ", "warning"), "allow": ("✓ allow", "success")}
ORIGINS = {
    "user": "your policy file",
    "machine": "this engine's owner",
    "session": "granted in this session",
    "agent": "the file of agent",
}
STATES = {
    "approved": ("✓", "success"),
    "denied": ("✗", "error"),
    "pending": ("⚠", "warning"),
    "expired": ("⌛", "muted"),
    "cancelled": ("-", "muted"),
    "stale": ("↻", "muted"),
}
ADD = "add"
"""The choice that asks for a new rule."""


def rule_choices(
    entries: Iterable[RuleEntry], suggested: Iterable[RuleSuggestion], may_change: bool
) -> list[Choice]:
    """Returns the rules that hold, after what can be added; a choice's value tells what it is by its first
    letter: `+N` a suggestion, `=N` a rule, else `add`."""
    choices = []
    if may_change:
        about = [line("A rule is a tool's name, or NAME(PATTERN) with * and ? as wildcards.")]
        choices.append(Choice(ADD, line(("+ ", "accent"), "add a rule"), about, "add a rule"))
    for number, each in enumerate(suggested):
        label = line(
            ("★ ", "accent"), (f"you approved {each.approved} times  ", "muted"), rule_text(each.weight.rule)
        )
        choices.append(
            Choice(f"+{number}", label, weight_lines(each.weight), f"suggested {each.weight.rule}")
        )
    return [*choices, *(_entry(number, entry) for number, entry in enumerate(entries))]


def _entry(number: int, entry: RuleEntry) -> Choice:
    verdict = VERDICTS[entry.verdict.value]
    where = ORIGINS[entry.origin]
    if entry.origin == "agent":
        where = f"{where} {sanitize_line(entry.where)}"
    label = line(verdict, "  ", rule_text(entry.rule), (f"   {where}", "muted"))
    about = [line((rule_text(entry.rule), "strong")), line((where, "muted"))]
    if entry.origin == "user":
        about.append(line((sanitize_line(entry.where), "muted")))
    if entry.removable:
        about += [BLANK, line(("enter", "key"), (" takes it out", "muted"))]
    return Choice(f"={number}", label, about, f"{entry.verdict.value} {entry.rule} {where}", entry.removable)


def rule_text(rule: str) -> str:
    """Returns a rule as it can be shown: on one line, without what nobody sees."""
    return sanitize_line(rule)


def weight_lines(weight: RuleWeight) -> list[Line]:
    """Returns what a rule would let through, before it is saved."""
    lines = [line((f"allow: {rule_text(weight.rule)}", "heading"))]
    if weight.saved:
        lines.append(line(("Your policy has it already.", "muted")))
    lines += [line(("! ", "warning"), risk) for risk in weight.risks]
    lines += [
        line((rule_text(rule), "strong"), (" counts more where both fit", "muted")) for rule in weight.before
    ]
    lines.append(BLANK)
    if not weight.covered:
        return [*lines, line(("It would have let through no call of the past.", "muted"))]
    refused = (f", {weight.denied} of which you denied", "error") if weight.denied else ("", "")
    lines.append(line(f"It would have let through {weight.covered} calls of the past", refused, ":"))
    for call in weight.calls:
        sign, style = STATES[call.status.value]
        text = shorten(sanitize_line(f"{call.tool} {call.subject}"), 160)
        lines.append(line((f"  {sign} ", style), text, (f"  {sanitize_line(call.agent)}", "muted")))
    return lines


def suggestion_hint(suggestion: RuleSuggestion) -> str:
    """Returns the suggestion in one sentence."""
    rule = rule_text(suggestion.weight.rule)
    return f"You approved this {suggestion.approved} times: /rules shows the rule {rule} before you save it."


def record_choices(approvals: Iterable[Approval], titles: dict[str, str], now: datetime) -> list[Choice]:
    """Returns the record of decisions; its filter finds words of tool, agent, outcome, day, person and of
    what it was decided with."""
    return [_decided(approval, titles.get(approval.session_id, ""), now) for approval in approvals]


def _decided(approval: Approval, title: str, now: datetime) -> Choice:
    decision = approval.decision
    sign, style = STATES[approval.status.value]
    when = approval.decided_at or approval.requested_at
    who = sanitize_line(decision.decided_by) if decision else ""
    using = sanitize_line(decision.client) if decision else ""
    tool, subject = sanitize_line(approval.tool), shorten(sanitize_line(approval.subject), 120)
    label = line(
        (f"{sign} ", style),
        (f"{age(when, now):>8}  ", "muted"),
        (tool, "strong"),
        f" {subject}",
        (f"   {who}{f' ({using})' if using else ''}", "muted"),
    )
    facts = [line((f"{approval.status.value} ", style), (f"{when.astimezone():%Y-%m-%d %H:%M:%S}", "muted"))]
    if decision is not None:
        scope = {"once": "", "session": ", for the session", "always": ", always"}[decision.scope]
        facts.append(line(f"by {who}{f', with {using}' if using else ''}{scope}"))
        if decision.reason:
            facts.append(line((sanitize_line(decision.reason), "muted")))
    words = (
        tool,
        subject,
        approval.agent,
        approval.status.value,
        f"{when.astimezone():%Y-%m-%d}",
        who,
        using,
    )
    about = [*facts, BLANK, *detail(Item(approval.id, approval.session_id, 0.0, approval), title, now)]
    return Choice(approval.session_id, label, about, sanitize_line(" ".join((*words, title))))
