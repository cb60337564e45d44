"""What holds for every policy and every call."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.agents.narrow import narrow_rules
from holdfast.core.approvals.policy import AGENT_FILES, Layers, covers, evaluate
from holdfast.core.approvals.policy_file import parse_rules
from holdfast.core.approvals.suggest import escape, literal, suggest_rule
from holdfast.core.domain.approvals import ApproveMode, Rule, Rules, Verdict
from holdfast.core.domain.tools import Risk

ORDER = (Verdict.DENY, Verdict.ASK, Verdict.ALLOW)
TOOLS = st.sampled_from(["read_file", "write_file", "run_command"])
SUBJECTS = st.lists(
    st.sampled_from(["", "a.md", "b.txt", "rm -rf x", "ls", "ls -l", "ls; rm x", "git status"]),
    min_size=1,
    max_size=3,
).map(tuple)
RULE = st.builds(
    lambda tool, pattern: tool if pattern is None else f"{tool}({pattern})",
    st.sampled_from(["read_file", "write_file", "run_command", "*", "*_file"]),
    st.sampled_from([None, "*", "*.md", "a.md", "ls*", "ls", "rm *", "git status *", ""]),
)
LIST = st.lists(RULE, max_size=3).map(tuple)
RULES = st.builds(lambda allow, ask, deny: Rules(allow=allow, ask=ask, deny=deny), LIST, LIST, LIST)
LAYERS = st.builds(
    lambda user, session, agent, unreadable: Layers(
        user=user, session=session, agent=agent, unreadable=unreadable
    ),
    RULES,
    RULES,
    RULES,
    st.sampled_from(["", "", "", "broken"]),
)
LAYER = st.sampled_from(["user", "session", "agent"])
RISK = st.sampled_from(list(Risk))
MODE = st.sampled_from(list(ApproveMode))
ANY_TEXT = st.text(max_size=40) | st.text(alphabet="[]*?!()-a \n\"\\'#:", max_size=12)


def grade(tool: str, risk: Risk, subjects: tuple[str, ...], layers: Layers, mode: ApproveMode) -> int:
    return ORDER.index(evaluate(tool, risk, subjects, layers, mode).verdict)


def with_rule(layers: Layers, layer: str, kind: str, rule: str) -> Layers:
    old: Rules = getattr(layers, layer)
    new = old.model_copy(update={kind: (*getattr(old, kind), rule)})
    return layers.model_copy(update={layer: new})


@given(TOOLS, RISK, SUBJECTS, LAYERS, MODE)
def test_a_deny_that_matches_any_subject_always_wins(
    tool: str, risk: Risk, subjects: tuple[str, ...], layers: Layers, mode: ApproveMode
) -> None:
    denied = any(
        Rule.parse(rule).matches(tool, subject)
        for rules in (layers.user, layers.session, layers.agent)
        for rule in rules.deny
        for subject in subjects
    )
    denied = denied or (mode is ApproveMode.PLAN and risk is not Risk.READ)
    assert (evaluate(tool, risk, subjects, layers, mode).verdict is Verdict.DENY) is denied


@given(TOOLS, RISK, SUBJECTS, LAYERS, MODE, LAYER, RULE)
def test_an_allow_rule_more_never_narrows_and_never_turns_a_deny(
    tool: str, risk: Risk, subjects: tuple[str, ...], layers: Layers, mode: ApproveMode, layer: str, rule: str
) -> None:
    before = grade(tool, risk, subjects, layers, mode)
    after = grade(tool, risk, subjects, with_rule(layers, layer, "allow", rule), mode)
    assert after >= before
    assert (before == 0) == (after == 0)


@given(TOOLS, RISK, SUBJECTS, LAYERS, MODE, LAYER, RULE, st.sampled_from(["ask", "deny"]))
def test_an_ask_or_deny_rule_more_never_widens(
    tool: str,
    risk: Risk,
    subjects: tuple[str, ...],
    layers: Layers,
    mode: ApproveMode,
    layer: str,
    rule: str,
    kind: str,
) -> None:
    before = grade(tool, risk, subjects, layers, mode)
    assert grade(tool, risk, subjects, with_rule(layers, layer, kind, rule), mode) <= before


@given(TOOLS, RISK, SUBJECTS, RULES, RULES, RULES, MODE)
def test_an_untrusted_agent_never_gets_more_than_one_without_rules(
    tool: str,
    risk: Risk,
    subjects: tuple[str, ...],
    user: Rules,
    session: Rules,
    agent: Rules,
    mode: ApproveMode,
) -> None:
    bare = Layers(user=user, session=session)
    narrowed = Layers(user=user, session=session, agent=narrow_rules(agent))
    assert grade(tool, risk, subjects, narrowed, mode) <= grade(tool, risk, subjects, bare, mode)


@given(TOOLS, RISK, SUBJECTS, RULES, RULES, MODE)
def test_an_agents_allow_never_overrides_the_users_ask(
    tool: str, risk: Risk, subjects: tuple[str, ...], user: Rules, agent: Rules, mode: ApproveMode
) -> None:
    if mode in (ApproveMode.ALL, ApproveMode.AUTO):
        return
    if any(Rule.parse(rule).matches(tool, subject) for rule in user.ask for subject in subjects):
        assert (
            evaluate(tool, risk, subjects, Layers(user=user, agent=agent), mode).verdict is not Verdict.ALLOW
        )


@given(TOOLS, RISK, SUBJECTS, LAYERS)
def test_what_is_allowed_is_covered_by_a_rule_or_only_reads(
    tool: str, risk: Risk, subjects: tuple[str, ...], layers: Layers
) -> None:
    allowed = evaluate(tool, risk, subjects, layers).verdict is Verdict.ALLOW
    rules = [Rule.parse(rule) for one in (layers.user, layers.session, layers.agent) for rule in one.allow]
    covered = any(covers(rule, tool, risk, subjects) for rule in rules)
    assert not allowed or covered or risk is Risk.READ


PATH = st.sampled_from(
    [
        *("a.md", "docs/b.txt", "docs/agents.yaml", ""),
        *("/etc/passwd", "../x", "a/../../x", "~/x", "a\\..\\b"),
        *(".env", ".git/hooks/pre-commit", ".holdfast/policy.yaml", "agents/a.yaml", "sub/Agents/b.YML"),
    ]
)
PATHS = st.lists(PATH, min_size=1, max_size=2).map(tuple)
WRITERS = st.sampled_from(["write_file", "edit_file", "remember", "update_memory_block", "run_command"])


@given(TOOLS, RISK, SUBJECTS, LAYERS)
def test_the_modes_are_in_order(tool: str, risk: Risk, subjects: tuple[str, ...], layers: Layers) -> None:
    grades = {mode: grade(tool, risk, subjects, layers, mode) for mode in ApproveMode}
    order = (ApproveMode.ASK, ApproveMode.READS, ApproveMode.AUTO, ApproveMode.ALL)
    assert [grades[mode] for mode in order] == sorted(grades[mode] for mode in order)
    assert grades[ApproveMode.NONE] == grades[ApproveMode.ASK] <= grades[ApproveMode.EDITS]
    assert grades[ApproveMode.PLAN] <= grades[ApproveMode.ASK]
    assert grades[ApproveMode.EDITS] <= grades[ApproveMode.ALL]


@given(WRITERS, RISK, PATHS | SUBJECTS, LAYERS)
def test_plan_lets_nothing_through_but_reading_whatever_rules_allow(
    tool: str, risk: Risk, subjects: tuple[str, ...], layers: Layers
) -> None:
    verdict = evaluate(tool, risk, subjects, layers, ApproveMode.PLAN).verdict
    if risk is Risk.READ:
        assert verdict is evaluate(tool, risk, subjects, layers).verdict
    else:
        assert verdict is Verdict.DENY


@given(WRITERS, RISK, PATHS, LAYERS)
def test_edits_differ_from_ask_for_plain_files_of_the_workspace_alone(
    tool: str, risk: Risk, subjects: tuple[str, ...], layers: Layers
) -> None:
    asked = evaluate(tool, risk, subjects, layers).verdict
    edits = evaluate(tool, risk, subjects, layers, ApproveMode.EDITS).verdict
    if asked is edits:
        return
    assert (asked, edits) == (Verdict.ASK, Verdict.ALLOW)
    assert (tool, risk) in (("write_file", Risk.WRITE), ("edit_file", Risk.WRITE))
    assert not layers.unreadable
    for subject in subjects:
        parts = subject.replace("\\", "/").split("/")
        assert subject
        assert not subject.startswith(("/", "~"))
        assert not any(part.startswith(".") for part in parts)
        assert parts[-2:-1] != ["agents"]


@given(TOOLS, RISK, SUBJECTS, LAYERS, RULE)
def test_an_ask_rule_of_anybody_is_kept_in_mode_edits(
    tool: str, risk: Risk, subjects: tuple[str, ...], layers: Layers, rule: str
) -> None:
    asked = with_rule(layers, "agent", "ask", rule)
    assert grade(tool, risk, subjects, asked, ApproveMode.EDITS) <= max(
        grade(tool, risk, subjects, asked, ApproveMode.ASK),
        grade(tool, risk, subjects, layers, ApproveMode.EDITS),
    )
    if any(Rule.parse(rule).matches(tool, subject) for subject in subjects):
        assert grade(tool, risk, subjects, asked, ApproveMode.EDITS) == grade(
            tool, risk, subjects, asked, ApproveMode.ASK
        )


@given(WRITERS, PATHS, LAYERS)
def test_auto_asks_for_the_files_that_say_what_agents_may_do(
    tool: str, subjects: tuple[str, ...], layers: Layers
) -> None:
    if any(AGENT_FILES.match(subject) for subject in subjects):
        auto = evaluate(tool, Risk.WRITE, subjects, layers, ApproveMode.AUTO).verdict
        assert auto is evaluate(tool, Risk.WRITE, subjects, layers).verdict


@given(TOOLS, RISK, st.lists(ANY_TEXT, min_size=1, max_size=3).map(tuple))
def test_a_suggested_rule_covers_the_call_and_survives_being_written(
    tool: str, risk: Risk, subjects: tuple[str, ...]
) -> None:
    rule = suggest_rule(tool, risk, subjects)
    if rule is None:
        assert risk is not Risk.EXECUTE
        assert len(set(subjects)) > 1
        return
    again = Rule.parse(str(rule))
    assert again == rule
    assert covers(again, tool, risk, subjects)
    layers = Layers(user=Rules(allow=(str(rule),)), agent=Rules(ask=("*",)))
    assert evaluate(tool, risk, subjects, layers).verdict is Verdict.ALLOW


@given(TOOLS, RISK, ANY_TEXT, ANY_TEXT)
def test_a_suggested_rule_covers_no_other_call(tool: str, risk: Risk, seen: str, other: str) -> None:
    rule = suggest_rule(tool, risk, (seen,))
    assert rule is not None
    if other != seen and literal(rule.pattern or "") is not None:
        assert not covers(rule, tool, risk, (other,))


@given(ANY_TEXT)
def test_an_escaped_text_is_a_literal_pattern_of_itself(text: str) -> None:
    assert literal(escape(text)) == text
    assert Rule(tool="t", pattern=escape(text)).matches("t", text)


@given(LIST, LIST, LIST)
def test_rules_in_a_file_are_the_rules(
    allow: tuple[str, ...], ask: tuple[str, ...], deny: tuple[str, ...]
) -> None:
    text = json.dumps({"allow": allow, "ask": ask, "deny": deny})
    assert parse_rules(text, "policy.yaml") == (Rules(allow=allow, ask=ask, deny=deny), [])
