"""What a rule would have done in the past, and which rules the past suggests. Pure; nothing is stored.

A rule is suggested only where a person has approved the same thing several times by hand, where nobody has
denied anything that it covers, and where no rule denies or asks for anything near it. It is never wider
than what "always" would add, but for one case: several files of one folder suggest that folder.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

from holdfast.core.approvals.policy import EDIT_TOOLS, covers, editable
from holdfast.core.approvals.suggest import escape, literal
from holdfast.core.domain.approvals import Approval, ApprovalStatus, Rule, Rules
from holdfast.core.domain.rules import PastCall, RuleSuggestion, RuleWeight
from holdfast.core.domain.tools import Risk

ENOUGH = 3
"""So many approvals by hand suggest a rule."""
IMPORTED = "import"
"""What decisions say that they were made with when they come out of a file: nobody here has made them."""
MOST = 10
"""Suggestions at once."""
_SHOWN = 50
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Past:
    """A call that was asked for, with everything that rules are matched with."""

    approval: Approval
    subjects: tuple[str, ...]

    def covered_by(self, rule: Rule) -> bool:
        """Says whether an allow rule reaches to the call."""
        return covers(rule, self.approval.tool, self.approval.risk, self.subjects)

    @property
    def by_hand(self) -> bool:
        """Whether a person has approved this very call, as it was asked for."""
        decision = self.approval.decision
        return (
            self.approval.status is ApprovalStatus.APPROVED
            and decision is not None
            and decision.arguments is None
            and not decision.reason  # with one, a rule that was just given has covered it
            and decision.client != IMPORTED
        )

    @property
    def refused(self) -> bool:
        return self.approval.status is ApprovalStatus.DENIED


def weigh(rule: Rule, past: Sequence[Past], rules: Rules) -> RuleWeight:
    """Returns what `rule` would allow, seen against the last calls, newest first, and the other rules."""
    covered = [each for each in past if each.covered_by(rule)]
    risks = {each.approval.tool: each.approval.risk for each in past}
    return RuleWeight(
        rule=str(rule),
        exact=_exact(rule),
        covered=len(covered),
        denied=sum(each.refused for each in covered),
        calls=tuple(map(_call, covered[:_SHOWN])),
        before=tuple(text for text in (*rules.deny, *rules.ask) if overlap(rule, Rule.parse(text))),
        risks=_risks(rule, risks.get(rule.tool)),
        saved=str(rule) in rules.allow,
    )


def suggestions(past: Sequence[Past], rules: Rules) -> tuple[RuleSuggestion, ...]:
    """Returns the rules that would have spared the most decisions, the most useful first."""
    found = sorted([*_repeated(past), *_folders(past)], key=lambda each: (-each[1], str(each[2])))
    allowed = [Rule.parse(text) for text in rules.allow]
    # Weighed one after another, for it takes long where there are many; only the first are asked for.
    return tuple(islice(_useful(found, past, rules, allowed), MOST))


Found = tuple[Literal["exact", "program", "folder"], int, Rule]


def _repeated(past: Iterable[Past]) -> Iterable[Found]:
    """Yields the rules of "always" that were not used, though the same was approved again and again."""
    decided: dict[str, set[datetime | None]] = defaultdict(set)
    for each in past:
        if each.by_hand and each.approval.rule:
            decided[each.approval.rule].add(each.approval.decided_at)  # a fork has the same one again
    for text, times in decided.items():
        rule = Rule.parse(text)
        if len(times) >= ENOUGH and rule.pattern is not None:
            yield ("exact" if _exact(rule) else "program"), len(times), rule


def _folders(past: Iterable[Past]) -> Iterable[Found]:
    """Yields a rule for each folder of which several files were written by the same tool."""
    written: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in past:
        approval = each.approval
        folder = each.subjects[0].rpartition("/")[0]
        if each.by_hand and folder and editable(approval.tool, approval.risk, each.subjects):
            written[approval.tool, folder].add(each.subjects[0])
    for (tool, folder), paths in written.items():
        # A folder of agents is none to write in without looking, whatever its files are called.
        if len(paths) >= ENOUGH and "agents" not in folder.casefold().split("/"):
            yield "folder", len(paths), Rule(tool=tool, pattern=f"{escape(folder)}/*")


def _useful(
    found: Iterable[Found], past: Sequence[Past], rules: Rules, allowed: Sequence[Rule]
) -> Iterator[RuleSuggestion]:
    """Yields what nothing speaks against, and what is not allowed already."""
    for kind, approved, rule in found:
        weight = weigh(rule, past, rules)
        hindered = weight.denied or weight.before or weight.saved
        if not hindered and not _spared(rule, past, allowed):
            yield RuleSuggestion(kind=kind, approved=approved, weight=weight)


def _spared(rule: Rule, past: Iterable[Past], allowed: Sequence[Rule]) -> bool:
    """Says whether rules allow already whatever of the past another covers."""
    covered = (each for each in past if each.covered_by(rule))
    return all(any(each.covered_by(other) for other in allowed) for each in covered)


def overlap(one: Rule, other: Rule) -> bool:
    """Says whether two rules may speak of the same call; when in doubt, they do."""
    if not _near(one.tool, other.tool):
        return False
    if one.pattern is None or other.pattern is None:
        return True
    return _near(one.pattern, other.pattern)


def _near(one: str, other: str) -> bool:
    """Says whether some text may fit both globs: what stands before their first wildcards agrees."""
    first, second = literal(one), literal(other)
    if first is not None and second is not None:
        return first == second
    if first is not None or second is not None:
        whole, glob = (first, other) if first is not None else (second, one)
        assert whole is not None
        return Rule(tool=glob).matches(whole, "")
    begin, begins = _beginning(one), _beginning(other)
    return begin.startswith(begins) or begins.startswith(begin)


def _beginning(pattern: str) -> str:
    """Returns what every text that fits `pattern` begins with; shorter is safe."""
    return _WILD.split(pattern, maxsplit=1)[0]


def _exact(rule: Rule) -> bool:
    return literal(rule.tool) is not None and rule.pattern is not None and literal(rule.pattern) is not None


def _call(past: Past) -> PastCall:
    approval = past.approval
    return PastCall(
        approval_id=approval.id,
        tool=approval.tool,
        subject=approval.subject,
        agent=approval.agent,
        status=approval.status,
        at=approval.decided_at or approval.requested_at,
    )


def _risks(rule: Rule, risk: Risk | None) -> tuple[str, ...]:
    found: list[str] = []
    if literal(rule.tool) is None:
        found.append("It is about every tool whose name fits, also those that come later.")
    if rule.pattern is None:
        found.append("It is about every call of the tool, whatever with.")
        return tuple(found)
    wild = literal(rule.pattern) is None
    if risk is Risk.EXECUTE:
        found.append(
            "A program's options can write files or start other programs, and * stands for any of them."
            if wild
            else "It sees what is called, not what that does: a script can be changed and called again."
        )
    if risk is Risk.WRITE and rule.tool in EDIT_TOOLS:
        found.append("It does not look at what is written.")
        if wild:
            found.append("* stands for slashes, too: for subfolders, hidden files, and files still to come.")
    if risk is Risk.NETWORK and wild:
        found.append("What an agent knows can be carried away in an address that it asks for.")
    return tuple(found)
