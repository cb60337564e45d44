"""`holdfast approvals`: several at once, the record, rules, modes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from cli_fakes import NOW, FakeDoors, FakeWorkbench, approval_of, session_of

from holdfast.cli.times import day_of
from holdfast.core.domain.approvals import ApprovalStatus, ApproveMode, Decision
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.modes import AutoLimits


@pytest.fixture
def bench(fake: FakeDoors) -> FakeWorkbench:
    workbench = FakeWorkbench()
    workbench.known = {"aaaaaaaa-1": session_of("aaaaaaaa-1", title="Orders")}
    decided = {"decided_by": "ann", "client": "key laptop", "scope": "session"}
    workbench.listed_approvals = [
        approval_of("11111111-a"),
        approval_of("22222222-b"),
        approval_of("33333333-c", status=ApprovalStatus.APPROVED).model_copy(
            update={"decision": Decision(outcome="approve", **decided), "decided_at": NOW}
        ),
    ]
    fake.build = lambda: workbench
    return workbench


def test_several_are_decided_each_on_its_own_and_one_that_is_gone_hinders_no_other(
    bench: FakeWorkbench, cli: object
) -> None:
    outcome = cli("approvals", "approve", "1111", "3333", "2222", "11111111-a")
    assert outcome.status == 1
    assert "decided already" in outcome.err
    assert outcome.out.count("approved") == 2
    assert [i for i, _ in bench.decisions] == ["11111111-a", "33333333-c", "22222222-b"]


def test_a_wrong_name_among_several_decides_nothing(bench: FakeWorkbench, cli: object) -> None:
    assert cli("approvals", "deny", "1111", "nope").status == 1
    assert bench.decisions == []
    assert cli("approvals", "approve", "1111", "2222", "--arguments", "{}").status == 2


def test_the_record_says_who_decided_and_with_what(bench: FakeWorkbench, cli: object) -> None:
    out = cli("approvals", "list", "--search", "ann", "--status", "approved", "--day", "2026-11-01").out
    assert "ann" in out
    assert "key laptop" in out
    assert "approved, session" in out
    words, status, since, until, *_ = bench.asked_history
    assert (words, status) == ("ann", ApprovalStatus.APPROVED)
    assert until - since == timedelta(days=1)
    assert cli("approvals", "list", "--status", "nope").status == 2
    assert "by ann (key laptop), session" in cli("approvals", "show", "3333").out


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidError):
        day_of("yesterday")


def test_rules_are_shown_with_where_they_come_from(bench: FakeWorkbench, cli: object) -> None:
    out = cli("approvals", "rules", "--session", "aaaa").out
    assert "agent general" in out
    assert "your policy" in out
    assert out.index("ask") < out.index("allow")


def test_a_rule_is_weighed_before_it_is_added_and_can_be_forgotten(bench: FakeWorkbench, cli: object) -> None:
    added = cli("approvals", "allow", "write_file(docs/*)")
    assert "9 calls of the past, 1 of which you denied" in added.err
    assert "It is wide." in added.err
    assert cli("approvals", "allow", "rm", "--as", "deny").err == ""
    gone = cli("approvals", "forget", "write_file(docs/*)")
    assert "brings it back" in gone.out
    assert bench.ruled == [
        ("added", "write_file(docs/*)", "allow"),
        ("added", "rm", "deny"),
        ("removed", "write_file(docs/*)", "allow"),
    ]


def test_suggestions_come_with_the_command_that_saves_them(bench: FakeWorkbench, cli: object) -> None:
    out = cli("approvals", "suggest").out
    assert "approved 4 times" in out
    assert "holdfast approvals allow 'write_file(docs/*)'" in out


def test_a_mode_is_set_with_its_limits_and_shown(bench: FakeWorkbench, cli: object) -> None:
    assert "nobody has chosen" in cli("approvals", "mode", "aaaa").out
    out = cli("approvals", "mode", "aaaa", "auto", "--steps", "5").out
    assert "after 5 steps, $1 or 30 minutes" in out
    assert bench.modes["aaaaaaaa-1"].limits == AutoLimits(steps=5)
    assert json.loads(cli("approvals", "mode", "aaaa", "--json").out)["mode"] == "auto"
    assert cli("approvals", "mode", "aaaa", "plan", "--steps", "5").status == 2
    cli("approvals", "mode", "aaaa", "plan")
    assert bench.modes["aaaaaaaa-1"].mode is ApproveMode.PLAN
