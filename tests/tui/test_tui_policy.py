"""Rules and the record of decisions as lists."""

from __future__ import annotations

from datetime import UTC, datetime

from holdfast.core.domain.approvals import Approval, ApprovalStatus, Decision, Verdict
from holdfast.core.domain.rules import PastCall, RuleEntry, RuleSuggestion, RuleWeight
from holdfast.core.domain.tools import Risk
from holdfast.tui.presenters.policy import (
    ADD,
    record_choices,
    rule_choices,
    suggestion_hint,
    weight_lines,
)

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CALL = PastCall(
    approval_id="a",
    tool="write_file",
    subject="docs/\x1b[31mx",
    agent="general",
    status=ApprovalStatus.DENIED,
    at=AT,
)
WEIGHT = RuleWeight(
    rule="write_file(docs/*)",
    exact=False,
    covered=4,
    denied=1,
    calls=(CALL,),
    before=("write_file(docs/secret*)",),
    risks=("It does not look at what is written.",),
)
SUGGESTION = RuleSuggestion(kind="folder", approved=4, weight=WEIGHT)


def plain(lines: object) -> str:
    return "\n".join("".join(text for text, _ in one) for one in lines)


def entry(rule: str, verdict: Verdict, origin: str, where: str, removable: bool = True) -> RuleEntry:
    return RuleEntry(rule=rule, verdict=verdict, origin=origin, where=where, removable=removable)


def test_each_rule_says_where_it_comes_from_and_which_can_be_taken_out() -> None:
    entries = [
        entry("run_command(rm *)", Verdict.DENY, "user", "/p/policy.yaml"),
        entry("read_file", Verdict.ALLOW, "agent", "ana\x1blyst", removable=False),
    ]
    choices = rule_choices(entries, [SUGGESTION], may_change=True)
    assert [choice.value for choice in choices] == [ADD, "+0", "=0", "=1"]
    assert "your policy file" in plain([choices[2].label])
    assert plain([choices[3].label]).endswith("the file of agent analyst")
    assert [choice.valid for choice in choices[2:]] == [True, False]
    assert "/p/policy.yaml" in plain(choices[2].detail)
    assert rule_choices([], [], may_change=False) == []


def test_what_a_rule_would_let_through_is_all_said_before_it_is_saved() -> None:
    said = plain(weight_lines(WEIGHT))
    assert said.startswith("allow: write_file(docs/*)\n")
    assert "4 calls of the past, 1 of which you denied" in said
    assert "It does not look at what is written." in said
    assert "write_file(docs/secret*) counts more" in said
    assert "\x1b" not in said
    assert "no call of the past" in plain(weight_lines(RuleWeight(rule="a(b)", exact=True)))
    assert "write_file(docs/*)" in suggestion_hint(SUGGESTION)


def test_the_record_is_found_by_tool_agent_outcome_day_person_and_client() -> None:
    decision = Decision(outcome="deny", reason="not now", decided_by="ann\x1b", client="key laptop")
    approval = Approval(
        id="a",
        session_id="s",
        run_id="r",
        call_id="c",
        agent="general",
        tool="run_command",
        risk=Risk.EXECUTE,
        subject="rm -rf x",
        arguments={"command": "rm -rf x"},
        requested_at=AT,
        decided_at=AT,
        status=ApprovalStatus.DENIED,
        decision=decision,
    )
    (choice,) = record_choices([approval], {"s": "Orders"}, AT)
    for word in ("run_command", "rm -rf", "general", "denied", "2026-11-2", "ann", "key laptop", "Orders"):
        assert word in choice.text
    assert choice.value == "s"
    assert "by ann, with key laptop" in plain(choice.detail)
    assert "not now" in plain(choice.detail)
    assert "\x1b" not in plain([choice.label, *choice.detail]) + choice.text
