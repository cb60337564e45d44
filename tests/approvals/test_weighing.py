"""What rules would have done in the past, and which the past suggests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.approvals import weighing
from holdfast.core.approvals.policy import covers
from holdfast.core.approvals.suggest import literal, suggest_rule
from holdfast.core.approvals.weighing import ENOUGH, MOST, Past, overlap, suggestions, weigh
from holdfast.core.domain.approvals import Approval, ApprovalStatus, Decision, Rule, Rules
from holdfast.core.domain.tools import Risk

AT = datetime(2026, 11, 22, tzinfo=UTC)
SECONDS = count(1)
RISKS = {"write_file": Risk.WRITE, "edit_file": Risk.WRITE, "remember": Risk.WRITE, "fetch_url": Risk.NETWORK}


def past(
    tool: str,
    *subjects: str,
    status: ApprovalStatus = ApprovalStatus.APPROVED,
    reason: str = "",
    edited: bool = False,
    client: str = "app",
    again: bool = False,
) -> Past:
    """`again`: of a fork, which has a decision of before once more."""
    risk = RISKS.get(tool, Risk.EXECUTE)
    outcome = "approve" if status is ApprovalStatus.APPROVED else "deny"
    approval = Approval(
        id="a",
        session_id="s",
        run_id="r",
        call_id="c",
        agent="general",
        tool=tool,
        risk=risk,
        subject=subjects[0],
        arguments={},
        rule=str(suggest_rule(tool, risk, subjects) or ""),
        requested_at=AT,
        decided_at=AT if again else AT + timedelta(seconds=next(SECONDS)),
        status=status,
        decision=Decision(outcome=outcome, reason=reason, client=client, arguments={} if edited else None),
    )
    return Past(approval, subjects)


def some(times: int, tool: str, subject: str, **more: object) -> list[Past]:
    return [past(tool, subject, **more) for _ in range(times)]


def suggested(calls: list[Past], **lists: tuple[str, ...]) -> list[str]:
    return [each.weight.rule for each in suggestions(calls, Rules(**lists))]


def test_the_same_call_approved_by_hand_often_enough_suggests_its_exact_rule() -> None:
    calls = some(ENOUGH, "run_command", "pytest -q")
    assert suggested(calls) == ["run_command(pytest -q)"]
    assert suggested(calls[1:]) == []


def test_a_program_that_could_do_harm_is_never_suggested_with_any_arguments() -> None:
    assert suggested([past("run_command", f"pytest tests/{n}") for n in range(9)]) == []
    assert suggested([past("run_command", f"ls {n}") for n in range(3)]) == ["run_command(ls *)"]


def test_files_of_one_folder_suggest_the_folder_and_say_what_that_lets_through() -> None:
    (found,) = suggestions([past("write_file", f"docs/{n}.md") for n in range(3)], Rules())
    assert (found.kind, found.approved, found.weight.rule) == ("folder", 3, "write_file(docs/*)")
    assert not found.weight.exact
    assert any("subfolders" in risk for risk in found.weight.risks)


@pytest.mark.parametrize(
    "paths",
    [
        ("a.md", "b.md", "c.md"),
        (".github/a", ".github/b", ".github/c"),
        ("agents/a.md", "agents/b.md", "agents/c.md"),
        ("/etc/a", "/etc/b", "/etc/c"),
        ("../x/a", "../x/b", "../x/c"),
        ("docs/a", "docs/a", "docs/b"),
    ],
)
def test_no_folder_is_suggested_at_the_root_of_hidden_ones_or_outside(paths: tuple[str, ...]) -> None:
    assert suggested([past("write_file", path) for path in paths]) == []


def test_memory_is_no_folder() -> None:
    assert suggested([past("remember", f"docs/{n}") for n in range(5)]) == []


def test_what_a_person_did_not_approve_as_it_was_suggests_nothing() -> None:
    assert suggested(some(4, "run_command", "make", reason="covered by the rule x")) == []
    assert suggested(some(4, "run_command", "make", edited=True)) == []
    assert suggested(some(4, "run_command", "make", status=ApprovalStatus.EXPIRED)) == []
    assert suggested(some(4, "run_command", "make")) == ["run_command(make)"]


def test_as_many_are_weighed_as_are_suggested_the_most_useful_first(monkeypatch: pytest.MonkeyPatch) -> None:
    weighed: list[str] = []
    monkeypatch.setattr(
        weighing, "weigh", lambda rule, *rest: weighed.append(str(rule)) or weigh(rule, *rest)
    )
    calls = [each for n in range(60) for each in some(ENOUGH + (n == 50), "run_command", f"pytest t{n}")]
    found = suggested(calls)
    assert len(found) == MOST
    assert found == weighed
    assert found[0] == "run_command(pytest t50)"


def test_forks_and_imported_sessions_count_for_nothing() -> None:
    assert suggested(some(4, "run_command", "make", again=True)) == []
    assert suggested(some(4, "run_command", "make", client="import")) == []
    assert suggested([past("write_file", f"docs/{n}.md", client="import") for n in range(4)]) == []


def test_one_denial_of_what_it_covers_is_enough_against_a_rule() -> None:
    calls = [past("write_file", f"docs/{n}.md") for n in range(5)]
    assert suggested([*calls, past("write_file", "docs/x.md", status=ApprovalStatus.DENIED)]) == []
    assert suggested([*calls, past("write_file", "src/x.md", status=ApprovalStatus.DENIED)]) != []


@pytest.mark.parametrize("kind", ["deny", "ask"])
@pytest.mark.parametrize(
    "rule", ["write_file", "*", "write_file(docs/secret*)", "write_file(*.md)", "*_file(d*)"]
)
def test_no_rule_is_suggested_near_what_another_denies_or_asks_for(kind: str, rule: str) -> None:
    calls = [past("write_file", f"docs/{n}.md") for n in range(5)]
    assert suggested(calls, **{kind: (rule,)}) == []


def test_a_rule_elsewhere_is_no_hindrance_and_what_is_allowed_already_is_not_suggested() -> None:
    calls = [past("write_file", f"docs/{n}.md") for n in range(5)]
    assert suggested(calls, deny=("run_command(rm *)", "write_file(src/*)")) == ["write_file(docs/*)"]
    assert suggested(calls, allow=("write_file(*.md)",)) == []


def test_a_rule_is_weighed_with_what_it_would_have_let_through() -> None:
    calls = [past("run_command", "git log"), past("run_command", "git push", status=ApprovalStatus.DENIED)]
    weight = weigh(Rule.parse("run_command(git *)"), calls, Rules(deny=("run_command(git push*)",)))
    assert (weight.covered, weight.denied, weight.exact, weight.saved) == (2, 1, False, False)
    assert weight.before == ("run_command(git push*)",)
    assert any("options" in risk for risk in weight.risks)
    assert [call.subject for call in weight.calls] == ["git log", "git push"]


SUBJECT = st.text(alphabet="ab/*?[].", max_size=6)
PATTERN = st.text(alphabet="ab/*?.", max_size=5)


@given(PATTERN, PATTERN, SUBJECT)
def test_rules_that_both_match_something_overlap(one: str, other: str, subject: str) -> None:
    first, second = Rule(tool="t", pattern=one), Rule(tool="*", pattern=other)
    if first.matches("t", subject) and second.matches("t", subject):
        assert overlap(first, second)
        assert overlap(second, first)


CALL = st.builds(
    lambda tool, subject, status: past(tool, subject, status=status),
    st.sampled_from(["write_file", "edit_file", "run_command", "remember"]),
    st.sampled_from(
        ["docs/a", "docs/b", "docs/c", "docs/.x", "a", "ls x", "ls -l", "rm x", "agents/a.yaml", "../a"]
    ),
    st.sampled_from(list(ApprovalStatus)),
)
RULES = st.lists(
    st.sampled_from(["write_file", "*(docs/b)", "run_command(ls*)", "edit_file(a*)"]), max_size=2
)


@given(st.lists(CALL, max_size=24), RULES, RULES)
def test_no_suggestion_is_wider_than_always_but_for_a_folder_that_was_written_in(
    calls: list[Past], deny: list[str], ask: list[str]
) -> None:
    rules = Rules(deny=tuple(deny), ask=tuple(ask))
    for found in suggestions(calls, rules):
        rule = Rule.parse(found.weight.rule)
        held = [each for each in calls if each.covered_by(rule)]
        assert sum(each.by_hand for each in held) >= ENOUGH
        assert not any(each.refused for each in held)
        for text in (*deny, *ask):
            assert not any(
                Rule.parse(text).matches(each.approval.tool, s) for each in held for s in each.subjects
            )
        if found.kind == "folder":
            assert rule.pattern == "docs/*"
            assert rule.tool in ("write_file", "edit_file")
        elif found.kind == "exact":
            assert literal(rule.pattern or "") is not None
        assert any(str(rule) == each.approval.rule for each in held) or found.kind == "folder"
        assert all(covers(rule, each.approval.tool, each.approval.risk, each.subjects) for each in held)
