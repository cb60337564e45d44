"""MCP servers in an agent file: what may be written, how it is inherited, who may start programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_folders import Agents

from holdfast.core.agents.loader import parse_agent

BASE = """\
mcp:
  - files
  - { server: docs, url: "https://a.example/mcp", tools: ["get_*"], id: 11111111-2222-4333-8444-555555555555 }
approvals: { allow: ["mcp__files__*"] }
"""


def test_a_name_alone_is_a_server_of_the_user(agents: Agents) -> None:
    agents.write("user", "mine", BASE)
    files, docs = agents.spec("mine").mcp

    assert (files.server, files.defined, files.tools) == ("files", False, None)
    assert (docs.server, docs.defined, docs.tools) == ("docs", True, ("get_*",))
    assert docs.id == "11111111-2222-4333-8444-555555555555"
    assert files.id is not None


def test_servers_are_inherited_and_replaced_whole_with_ids_of_their_own(agents: Agents) -> None:
    agents.write("user", "base", BASE)
    agents.write("user", "same", "extends: base\n")
    agents.write("user", "other", "extends: base\nmcp: [tickets]\n")

    same, other = agents.spec("same").mcp, agents.spec("other").mcp
    assert [each.server for each in same] == ["files", "docs"]
    assert not {each.id for each in same} & {each.id for each in agents.spec("base").mcp}
    assert [each.server for each in other] == ["tickets"]


@pytest.mark.parametrize(
    ("text", "line", "key_path"),
    [
        ("mcp:\n  - files\n  - files\n", 5, "mcp[1]"),
        ("mcp:\n  - { server: Files }\n", 4, "mcp[0].server"),
        ("mcp:\n  - { server: a, urll: x }\n", 4, "mcp[0].urll"),
        ("mcp:\n  - 7\n", 4, "mcp[0]"),
        ("mcp:\n  - { server: a, command: [x], url: 'http://a/' }\n", 4, "mcp[0]"),
        ("mcp:\n  - { server: a, env: { A: b } }\n", 4, "mcp[0]"),
        ("mcp:\n  - server: a\n    command: [x]\n    env:\n      A: ${secret:b}\n", 7, "mcp[0].env.A"),
    ],
)
def test_a_mistake_is_told_at_its_place(text: str, line: int, key_path: str) -> None:
    (found,) = parse_agent("version: 1\nname: a\n" + text, Path("a.yaml")).problems
    assert (found.line, found.key_path) == (line, key_path)


def test_another_user_of_the_engine_starts_no_program(agents: Agents) -> None:
    servers = "  - { server: a, command: [x] }\n  - { server: b, url: 'http://b/' }\n"
    text = f"version: 1\nname: theirs\nmcp:\n{servers}"
    problems = agents.registry.check(text, owner="somebody").problems

    assert [(each.line, each.key_path) for each in problems] == [(4, "mcp[0].command")]
    assert agents.registry.check(text).problems == ()
