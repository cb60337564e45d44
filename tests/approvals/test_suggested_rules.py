"""The rule that "always" adds."""

from __future__ import annotations

import pytest

from holdfast.core.approvals.policy import covers
from holdfast.core.approvals.suggest import suggest_rule
from holdfast.core.domain.approvals import Rule
from holdfast.core.domain.tools import Risk


def suggested(*subjects: str, tool: str = "run_command", risk: Risk = Risk.EXECUTE) -> str:
    return str(suggest_rule(tool, risk, subjects))


def test_a_file_is_named_exactly() -> None:
    assert suggested("docs/notes.md", tool="write_file", risk=Risk.WRITE) == "write_file(docs/notes.md)"


def test_glob_characters_of_a_name_are_escaped() -> None:
    rule = suggest_rule("write_file", Risk.WRITE, ("a[1]*?.md",))
    assert str(rule) == "write_file(a[[]1][*][?].md)"
    assert rule is not None
    assert rule.matches("write_file", "a[1]*?.md")
    assert not rule.matches("write_file", "a1xx.md")


def test_a_program_that_only_looks_gets_a_wildcard() -> None:
    assert suggested("ls -l src") == "run_command(ls *)"
    # A repository's own settings can make it start a program.
    assert suggested("git status --short") == "run_command(git status --short)"


@pytest.mark.parametrize(
    "command",
    [
        "rm notes.md",
        "sudo ls",
        "sh build.sh",
        "bash -c ls",
        "python -c 1",
        "python3 x.py",
        "curl https://example.org",
        "git push",
        "git diff --output=x",
        "pytest --basetemp=/home",
        "find . -delete",
        "env ls",
        "lsx y",
        "ls",
    ],
)
def test_other_commands_are_spelt_out(command: str) -> None:
    assert suggested(command) == f"run_command({command})"


@pytest.mark.parametrize(
    "line", ["ls $(rm x)", "ls; rm x", "ls > x", "ls `rm x`", "ls 'a b'", "ls ~", "ls {a,b}"]
)
def test_a_line_that_the_shell_works_on_is_spelt_out(line: str) -> None:
    rule = suggest_rule("run_command", Risk.EXECUTE, (line,))
    assert rule is not None
    assert rule.pattern == line


def test_a_line_of_several_commands_is_spelt_out_whole() -> None:
    assert suggested("ls && ls -l", "ls", "ls -l") == "run_command(ls && ls -l)"


def test_a_wildcard_never_covers_what_a_later_line_hides() -> None:
    rule = suggest_rule("run_command", Risk.EXECUTE, ("ls -l",))
    assert rule is not None
    assert not covers(rule, "run_command", Risk.EXECUTE, ("ls -l; rm x", "ls -l", "rm x"))
    assert not covers(rule, "run_command", Risk.EXECUTE, ("ls -l > x",))


def test_a_tool_without_subjects_is_named_with_empty_brackets() -> None:
    rule = suggest_rule("update_plan", Risk.WRITE, ("",))
    assert str(rule) == "update_plan()"
    assert Rule.parse("update_plan()") == rule


def test_no_rule_is_suggested_where_none_is_narrow_enough() -> None:
    assert suggest_rule("move_file", Risk.WRITE, ("a", "b")) is None


def test_a_tool_with_an_odd_name_still_gets_a_rule() -> None:
    rule = suggest_rule("server/do.it", Risk.WRITE, ("x",))
    assert rule is not None
    assert Rule.parse(str(rule)).matches("server/do.it", "x")


def test_half_of_a_character_becomes_a_wildcard_that_a_file_can_hold() -> None:
    rule = suggest_rule("write_file", Risk.WRITE, ("a\ud800b",))
    assert str(rule) == "write_file(a?b)"


@pytest.mark.parametrize("line", ["wc -l a.csv", "du -s ."])
def test_programs_with_an_option_that_prints_other_files_get_an_exact_rule(line: str) -> None:
    assert suggested(line) == f"run_command({line})"
