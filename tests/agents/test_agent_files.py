"""One agent file: what it means and where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_folders import TOOLS

from holdfast.core.agents.loader import parse_agent
from holdfast.core.domain.errors import Diagnostic

EXAMPLE = """\
version: 1
name: analyst
description: Answers questions about tabular data and writes the report.
model: openai/gpt-4o
fallback_models: [anthropic/claude-sonnet-4-5, offline]
model_settings: { temperature: 0.2, max_output_tokens: 4096, reasoning_effort: medium }
instructions: |
  You are a careful analyst. Check every figure before you report it.
tools: [read_file, list_files, search_files, write_file, edit_file, run_python, update_plan, ask_user]
approvals:
  allow: ["read_file", "list_files", "write_file(*.md)"]
  ask:   ["run_python", "edit_file"]
  deny:  ["run_command(rm *)"]
workspace: session
limits: { max_steps: 30, timeout_s: 900, max_cost_usd: 1.00, max_tool_output_chars: 30000 }
prompts:
  - { name: summary, text: "Summarise {{file}} in five bullets." }
"""


def mistakes(text: str) -> list[Diagnostic]:
    return list(parse_agent("version: 1\nname: a\n" + text, Path("a.yaml"), TOOLS).problems)


def only(text: str) -> Diagnostic:
    found = mistakes(text)
    assert len(found) == 1, found
    return found[0]


def test_the_documented_example_is_valid() -> None:
    assert parse_agent(EXAMPLE, Path("analyst.yaml"), TOOLS).problems == ()


def test_an_unknown_tool_is_named_with_its_place_and_the_nearest() -> None:
    found = only("tools:\n  - read_file\n  - wirte_file\n")
    assert (found.line, found.column, found.key_path) == (5, 5, "tools[1]")
    assert found.hint == "did you mean `write_file`?"


def test_a_tool_that_is_listed_twice_is_a_mistake() -> None:
    assert only("tools: [read_file, read_file]\n").key_path == "tools[1]"


def test_a_malformed_rule_is_named_with_its_place() -> None:
    found = only('approvals:\n  deny: ["run_command(rm *)", "run command"]\n')
    assert (found.line, found.column, found.key_path) == (4, 31, "approvals.deny[1]")


def test_a_rule_that_can_never_speak_is_a_mistake() -> None:
    found = only('approvals: { deny: ["run_comand(rm *)"] }\n')
    assert (found.key_path, found.hint) == ("approvals.deny[0]", "did you mean `run_command`?")
    assert mistakes('approvals: { deny: ["run_*", "*(secret*)"] }\n') == []


def test_without_known_tools_names_are_not_checked() -> None:
    text = "version: 1\nname: a\ntools: [anything]\n"
    assert parse_agent(text, Path("a.yaml")).problems == ()


@pytest.mark.parametrize("workspace", ["session", "project", "./data", "/tmp/x", "~/x", "~", "."])
def test_a_workspace_is_a_word_or_a_path(workspace: str) -> None:
    assert mistakes(f"workspace: '{workspace}'\n") == []


def test_a_misspelt_workspace_is_not_taken_for_a_folder() -> None:
    assert only("workspace: sesion\n").hint == "did you mean `session`?"


def test_two_prompts_of_one_name_are_a_mistake() -> None:
    text = "prompts:\n  - { name: x, text: a }\n  - { name: x, text: b }\n"
    assert only(text).key_path == "prompts[1].name"


def test_mistakes_of_shape_and_of_meaning_are_told_together() -> None:
    found = mistakes("tools: [nothing_like_it, 3]\nfoo: 1\nworkspace: x\nlimits: { max_steps: none }\n")
    assert [p.key_path for p in found] == ["tools[0]", "tools[1]", "foo", "workspace", "limits.max_steps"]


def test_a_name_with_terminal_escapes_does_not_reach_the_message() -> None:
    found = only('tools: ["\\e[2Jx"]\n')
    assert "\x1b" not in str(found)
