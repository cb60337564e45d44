"""The policy: who is asked, by which rule."""

from __future__ import annotations

import pytest

from holdfast.core.approvals.policy import Layers, covers, evaluate
from holdfast.core.domain.approvals import ApproveMode, Rule, Rules, Verdict
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.tools import Risk


def verdict(
    tool: str = "write_file",
    risk: Risk = Risk.WRITE,
    subjects: tuple[str, ...] = ("notes.md",),
    mode: ApproveMode = ApproveMode.ASK,
    **layers: Rules,
) -> Verdict:
    return evaluate(tool, risk, subjects, Layers(**layers), mode).verdict


def rules(**lists: str) -> Rules:
    return Rules(**{kind: (rule,) for kind, rule in lists.items()})


def test_without_rules_reading_is_allowed_and_the_rest_is_asked() -> None:
    assert verdict("read_file", Risk.READ) is Verdict.ALLOW
    for risk in (Risk.WRITE, Risk.NETWORK, Risk.EXECUTE):
        assert verdict(risk=risk) is Verdict.ASK


def test_the_answer_names_the_rule_and_who_said_it() -> None:
    answer = evaluate("write_file", Risk.WRITE, ("a.md",), Layers(agent=rules(deny="write_file(*.md)")))
    assert answer.reason == "the agent denies write_file(*.md)"
    answer = evaluate("write_file", Risk.WRITE, ("a.md",), Layers(user=rules(allow="write_file")))
    assert answer.reason == "your policy allows write_file"
    assert evaluate("write_file", Risk.WRITE, ("a.md",), Layers()).reason == "no rule allows it"


def test_an_allow_rule_of_any_layer_allows() -> None:
    for layer in ("user", "session", "agent"):
        assert verdict(**{layer: rules(allow="write_file(*.md)")}) is Verdict.ALLOW


def test_ask_wins_over_allow_in_one_layer_and_across_layers() -> None:
    both = Rules(allow=("write_file(notes.md)",), ask=("write_file",))
    assert verdict(user=both) is Verdict.ASK
    assert verdict(agent=both) is Verdict.ASK
    assert verdict(user=rules(ask="write_file"), agent=rules(allow="write_file")) is Verdict.ASK
    assert verdict(user=rules(allow="write_file"), agent=rules(ask="write_file(*.md)")) is Verdict.ASK


def test_always_lifts_the_ask_of_an_agent_for_that_call_only() -> None:
    layers = {"user": rules(allow="write_file(notes.md)"), "agent": rules(ask="write_file")}
    assert verdict(**layers) is Verdict.ALLOW
    assert verdict(subjects=("other.md",), **layers) is Verdict.ASK


def test_a_grant_for_the_session_lifts_every_ask() -> None:
    granted = rules(allow="write_file(notes.md)")
    assert verdict(session=granted, user=rules(ask="write_file")) is Verdict.ALLOW
    assert verdict(session=granted, agent=rules(ask="*")) is Verdict.ALLOW


def test_a_grant_is_for_its_own_call() -> None:
    assert verdict(subjects=("other.md",), session=rules(allow="write_file(notes.md)")) is Verdict.ASK


def test_an_ask_of_the_session_counts_like_the_users() -> None:
    assert verdict(session=rules(ask="write_file"), user=rules(allow="write_file(notes.md)")) is Verdict.ASK


@pytest.mark.parametrize("layer", ["user", "session", "agent"])
@pytest.mark.parametrize("mode", list(ApproveMode))
def test_a_deny_of_any_layer_wins_in_every_mode(layer: str, mode: ApproveMode) -> None:
    everything = Rules(allow=("*", "write_file", "write_file(notes.md)"))
    layers = {"user": everything, "session": everything, "agent": everything}
    denying = Rules(allow=everything.allow, deny=("write_file(*.md)",))
    assert verdict(mode=mode, **{**layers, layer: denying}) is Verdict.DENY


def test_all_allows_what_no_rule_denies() -> None:
    asking = rules(ask="*")
    assert verdict(mode=ApproveMode.ALL, user=asking, agent=asking) is Verdict.ALLOW


def test_reads_allows_reading_though_the_agent_asks_but_not_though_the_user_does() -> None:
    asking = rules(ask="read_file")
    reading = {"tool": "read_file", "risk": Risk.READ, "mode": ApproveMode.READS}
    assert verdict(**reading, agent=asking) is Verdict.ALLOW
    assert verdict(**reading, user=asking) is Verdict.ASK
    assert verdict(mode=ApproveMode.READS, agent=rules(ask="write_file")) is Verdict.ASK
    assert verdict("read_file", Risk.READ, agent=asking) is Verdict.ASK


def test_none_answers_like_ask() -> None:
    assert verdict(mode=ApproveMode.NONE) is Verdict.ASK
    assert verdict(mode=ApproveMode.NONE, user=rules(allow="write_file")) is Verdict.ALLOW


@pytest.mark.parametrize("mode", list(ApproveMode))
def test_while_the_policy_cannot_be_read_everything_is_asked(mode: ApproveMode) -> None:
    layers = Layers(agent=rules(allow="*"), session=rules(allow="*"), unreadable="policy.yaml:1:1: broken")
    answer = evaluate("read_file", Risk.READ, ("a",), layers, mode)
    assert answer.verdict is Verdict.ASK
    assert "policy.yaml:1:1" in answer.reason


class TestSubjects:
    COMMAND = ("ls && rm -rf x", "ls", "rm -rf x")

    def command(self, **layers: Rules) -> Verdict:
        return verdict("run_command", Risk.EXECUTE, self.COMMAND, **layers)

    def test_a_deny_rule_needs_one_part_of_a_command(self) -> None:
        assert self.command(user=rules(deny="run_command(rm *)")) is Verdict.DENY

    def test_an_ask_rule_needs_one_part_of_a_command(self) -> None:
        layers = {"user": rules(ask="run_command(rm *)"), "agent": rules(allow="run_command")}
        assert self.command(**layers) is Verdict.ASK

    def test_an_allow_rule_needs_all_parts_of_a_command(self) -> None:
        assert self.command(user=rules(allow="run_command(ls*)")) is Verdict.ASK
        assert self.command(user=rules(allow="run_command")) is Verdict.ALLOW
        assert self.command(user=rules(allow="run_command(*)")) is Verdict.ALLOW

    def test_a_rule_that_spells_the_command_out_covers_its_parts(self) -> None:
        assert self.command(user=rules(allow="run_command(ls && rm -rf x)")) is Verdict.ALLOW
        assert self.command(user=rules(allow="run_command(ls)")) is Verdict.ASK

    def test_two_paths_are_not_covered_by_a_rule_for_the_first(self) -> None:
        moving = {"tool": "move_file", "subjects": ("a.md", "b.md")}
        assert verdict(**moving, user=rules(allow="move_file(a.md)")) is Verdict.ASK
        assert verdict(**moving, user=rules(allow="move_file(*.md)")) is Verdict.ALLOW

    @pytest.mark.parametrize(
        "line",
        [
            "ls > /etc/motd",
            "ls; reboot",
            "ls $(reboot)",
            "ls `reboot`",
            "ls & reboot",
            "ls\nreboot",
            "ls | sh",
        ],
    )
    def test_a_wildcard_does_not_reach_over_shell_operators(self, line: str) -> None:
        assert not covers(Rule.parse("run_command(ls *)"), "run_command", Risk.EXECUTE, (line,))

    def test_an_operator_that_the_rule_spells_out_is_meant(self) -> None:
        rule = Rule.parse("run_command(pytest * | tail -*)")
        assert covers(rule, "run_command", Risk.EXECUTE, ("pytest tests | tail -3",))
        assert not covers(rule, "run_command", Risk.EXECUTE, ("pytest tests | sh | tail -3",))


def test_a_rule_that_is_none_is_an_error_and_not_ignored() -> None:
    with pytest.raises(InvalidError):
        verdict(user=rules(deny="write file(x)"))


@pytest.mark.parametrize(
    "path", [".holdfast/agents/a.yaml", ".holdfast/settings.yaml", "agents/coder.yaml", "Agents/x.YML"]
)
def test_an_agent_does_not_allow_itself_the_files_that_say_what_it_may_do(path: str) -> None:
    assert verdict(subjects=(path,), agent=rules(allow="write_file")) is Verdict.ASK
    assert verdict(subjects=(path,), user=rules(allow="write_file")) is Verdict.ALLOW
    assert verdict(subjects=("agents/notes.md",), agent=rules(allow="write_file")) is Verdict.ALLOW
    assert verdict("read_file", Risk.READ, (path,), agent=rules(allow="read_file")) is Verdict.ALLOW


@pytest.mark.parametrize("tool", ["write_file", "edit_file"])
def test_mode_edits_writes_files_of_the_workspace_without_asking(tool: str) -> None:
    assert verdict(tool, subjects=("src/app.py",), mode=ApproveMode.EDITS) is Verdict.ALLOW


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "../up.md", "a/../../up.md", "~/.bashrc", "C:\\x", ""),
        *(".env", ".git/hooks/pre-commit", ".holdfast/policy.yaml"),
        *("agents/me.yaml", "sub/agents/me.YML", "Agents/me.yaml"),
        *("AGENTS.md", "sub/agents.md"),
    ],
)
def test_mode_edits_asks_for_paths_that_give_orders_or_lead_out(path: str) -> None:
    assert verdict(subjects=(path,), mode=ApproveMode.EDITS) is Verdict.ASK


@pytest.mark.parametrize(
    ("tool", "risk"),
    [
        ("run_command", Risk.EXECUTE),
        ("run_python", Risk.EXECUTE),
        ("fetch_url", Risk.NETWORK),
        ("remember", Risk.WRITE),
        ("update_memory_block", Risk.WRITE),
    ],
)
def test_mode_edits_asks_for_everything_but_edits(tool: str, risk: Risk) -> None:
    assert verdict(tool, risk, mode=ApproveMode.EDITS) is Verdict.ASK


def test_mode_plan_denies_with_a_reason_that_tells_the_model_what_to_do() -> None:
    everything = Layers(user=rules(allow="*"), session=rules(allow="*"), agent=rules(allow="*"))
    answer = evaluate("write_file", Risk.WRITE, ("a.md",), everything, ApproveMode.PLAN)
    assert answer.verdict is Verdict.DENY
    assert "step by step" in answer.reason
    assert evaluate("read_file", Risk.READ, ("a.md",), everything, ApproveMode.PLAN).verdict is Verdict.ALLOW


def test_mode_auto_denies_what_rules_deny_and_asks_before_agents_get_more() -> None:
    assert verdict("run_command", Risk.EXECUTE, ("rm x",), ApproveMode.AUTO) is Verdict.ALLOW
    denied = rules(deny="run_command(rm *)")
    assert verdict("run_command", Risk.EXECUTE, ("rm x",), ApproveMode.AUTO, user=denied) is Verdict.DENY
    assert verdict(subjects=("agents/me.yaml",), mode=ApproveMode.AUTO) is Verdict.ASK
