"""The user's policy file: read, refused, added to."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.approvals.policy_file import PolicyFile
from holdfast.core.domain.approvals import Rules, Verdict
from holdfast.core.domain.errors import InvalidError, NotFoundError


@pytest.fixture
def policy(tmp_path: Path) -> PolicyFile:
    return PolicyFile(tmp_path / "config" / "policy.yaml")


def write(policy: PolicyFile, text: str) -> None:
    policy.path.parent.mkdir(exist_ok=True)
    policy.path.write_text(text, encoding="utf-8", newline="")


def test_no_file_is_no_rules(policy: PolicyFile) -> None:
    assert policy.read() == Rules()


def test_an_edit_counts_at_the_next_reading(policy: PolicyFile) -> None:
    write(policy, "deny: ['run_command(rm *)']\n")
    assert policy.read().deny == ("run_command(rm *)",)
    write(policy, "")
    assert policy.read() == Rules()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("alow: []\n", "alow"),
        ("allow: write_file\n", "allow"),
        ("deny: [write_file(x]\n", "deny[0]"),
        ("deny: ['']\n", "deny[0]"),
        ("allow: [3]\n", "allow[0]"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_loosened(policy: PolicyFile, text: str, path: str) -> None:
    write(policy, text)
    with pytest.raises(InvalidError) as caught:
        policy.read()
    assert [one["key_path"] for one in caught.value.details["diagnostics"]] == [path]
    with pytest.raises(InvalidError):
        policy.add_allow("write_file(x)")
    assert policy.path.read_text() == text


def test_the_first_rule_makes_a_private_file_that_explains_itself(policy: PolicyFile) -> None:
    assert policy.add_allow("write_file(notes.md)") == Rules(allow=("write_file(notes.md)",))
    assert stat.S_IMODE(policy.path.stat().st_mode) == 0o600
    text = policy.path.read_text()
    assert text.startswith("# What agents may do")
    assert text.endswith('allow:\n  - "write_file(notes.md)"\n')


def test_comments_and_order_stay(policy: PolicyFile) -> None:
    before = (
        "# mine\n"
        "deny:\n"
        "  - run_command(rm *)  # never\n"
        "allow:\n"
        "    # the diary\n"
        "    - write_file(diary.md)  # daily\n"
        "\n"
        "# the rest\n"
        "ask: [fetch_url]\n"
    )
    write(policy, before)
    policy.add_allow("write_file(b.md)")
    policy.add_allow("write_file(c.md)")
    assert policy.path.read_text() == before.replace(
        "# daily\n", '# daily\n    - "write_file(b.md)"\n    - "write_file(c.md)"\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "deny: [write_file]\n",
        "deny: [write_file]",
        "allow: []\n",
        "allow: [ ]  # none\ndeny: [x]\n",
        "allow: [read_file]\n",
        "allow: [read_file, ]\n",
        "allow: [\n  read_file,  # one\n  list_files  # two\n]\n",
        "allow:\n- read_file\n- list_files\ndeny:\n- x\n",
        "allow:\n  - >-\n    read_file\ndeny: []\n",
        "allow:\n  - 'read_file'\n  - \"list_files\"",
        "{ deny: [x] }\n",
        "{ deny: [x], allow: [y] }\n",
        "{}\n",
        "allow:\r\n  - read_file\r\ndeny: []\r\n",
        "ask: ['é(😀)', x]\nallow: ['é(😀)']\n",
        "--- # start\nallow:\n  - read_file\n",
    ],
)
def test_a_rule_can_be_added_to_a_file_of_any_style(policy: PolicyFile, text: str) -> None:
    write(policy, text)
    before = policy.read()
    after = policy.add_allow("write_file(new.md)")
    assert after == before.model_copy(update={"allow": (*before.allow, "write_file(new.md)")})
    assert policy.read() == after
    comments = [line.partition("#")[2] for line in text.splitlines() if "#" in line]
    assert all(comment in policy.path.read_text() for comment in comments)


def test_a_rule_that_is_there_is_not_added_again(policy: PolicyFile) -> None:
    policy.add_allow("write_file(a)")
    before = policy.path.read_text()
    policy.add_allow("write_file(a)")
    assert policy.path.read_text() == before


def test_where_no_line_can_be_added_the_file_stays_and_the_person_is_told(policy: PolicyFile) -> None:
    text = "deny: []\n...\n"
    write(policy, text)
    with pytest.raises(InvalidError, match="cannot be added"):
        policy.add_allow("write_file(a)")
    assert policy.path.read_text() == text


def test_what_is_no_rule_is_refused(policy: PolicyFile) -> None:
    with pytest.raises(InvalidError):
        policy.add_allow("no rule at all")
    assert not policy.path.exists()


def test_a_character_that_cannot_be_seen_is_written_as_an_escape(policy: PolicyFile) -> None:
    rule = "write_file(a\u202egpj.exe\nb\x1b)"
    policy.add_allow(rule)
    assert policy.read().allow == (rule,)
    text = policy.path.read_text()
    assert "\u202e" not in text
    assert "\x1b" not in text


PATTERN = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(patterns=st.lists(PATTERN, min_size=1, max_size=4))
def test_any_rule_that_is_added_is_read_back(policy: PolicyFile, patterns: list[str]) -> None:
    policy.path.unlink(missing_ok=True)
    wanted = [f"write_file({pattern})" for pattern in patterns]
    for rule in wanted:
        policy.add_allow(rule)
    assert policy.read().allow == tuple(dict.fromkeys(wanted))


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("# mine\nallow:\n  - a  # why\n  - b\n# end\n", "# mine\nallow:\n  - b\n# end\n"),
        ("allow:\n  - b\n  - a\ndeny:\n  - c\n", "allow:\n  - b\ndeny:\n  - c\n"),
        ("allow:\n  - a\ndeny: [c]\n", "allow: []\ndeny: [c]\n"),
        ("allow: [a, b]\n", "allow: [b]\n"),
        ("allow: [b, a]\n", "allow: [b]\n"),
        ("allow: [a]\n", "allow: []\n"),
        ("{allow: ['a', b], deny: [a]}\n", "{allow: [b], deny: [a]}\n"),
        ("allow:\n- 'a'\n- b", "allow:\n- b"),
    ],
)
def test_a_rule_is_taken_out_and_all_else_stays_as_written(policy: PolicyFile, text: str, rest: str) -> None:
    write(policy, text)
    policy.remove("a", Verdict.ALLOW)
    assert policy.path.read_text() == rest


def test_a_rule_that_is_not_there_cannot_be_taken_out(policy: PolicyFile) -> None:
    write(policy, "deny: [a]\n")
    with pytest.raises(NotFoundError):
        policy.remove("a", Verdict.ALLOW)
    assert policy.path.read_text() == "deny: [a]\n"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(patterns=st.lists(PATTERN, min_size=1, max_size=4, unique=True), at=st.integers(0, 3))
def test_what_is_taken_out_and_put_back_is_as_before(
    policy: PolicyFile, patterns: list[str], at: int
) -> None:
    policy.path.unlink(missing_ok=True)
    rules = [f"write_file({pattern})" for pattern in patterns]
    for rule in rules:
        policy.add(rule, Verdict.DENY)
    gone = rules[at % len(rules)]
    left = policy.remove(gone, Verdict.DENY)
    assert left.deny == tuple(rule for rule in rules if rule != gone) == policy.read().deny
    assert set(policy.add(gone, Verdict.DENY).deny) == set(rules)
