"""Agents that build on others."""

from __future__ import annotations

from agent_folders import Agents

BASE = """\
description: the base
model: openai/gpt-4o
fallback_models: [offline]
model_settings: { temperature: 0.2, seed: 7 }
instructions: base
tools: [read_file, write_file]
approvals: { allow: [read_file], deny: ["run_command(rm *)"] }
limits: { max_steps: 5, timeout_s: 60 }
prompts:
  - { name: one, text: base one }
  - { name: two, text: base two }
"""


def test_what_is_not_said_is_inherited(agents: Agents) -> None:
    agents.write("shipped", "base", BASE)
    agents.write("user", "child", "extends: base\n")
    base, child = agents.spec("base"), agents.spec("child")
    own = {"name": "base", "extends": None, "id": base.id, "tools": base.tools}
    assert child.model_copy(update=own) == base
    assert child.tool_names == base.tool_names


def test_each_kind_of_value_is_laid_over_in_its_own_way(agents: Agents) -> None:
    agents.write("shipped", "base", BASE)
    agents.write(
        "user",
        "child",
        "extends: base\nmodel: offline\nfallback_models: []\nmodel_settings: { temperature: 1 }\n"
        "tools: [list_files]\napprovals: { ask: [write_file], deny: [fetch_url] }\n"
        "limits: { max_steps: 9 }\nprompts: [{ name: two, text: mine }, { name: three, text: mine }]\n",
    )
    child = agents.spec("child")
    assert (child.description, child.instructions) == ("the base", "base")
    assert (child.model, child.fallback_models) == ("offline", ())
    assert (child.model_settings.temperature, child.model_settings.seed) == (1, 7)
    assert child.tool_names == ("list_files",)
    assert child.approvals.allow == ("read_file",)
    assert child.approvals.ask == ("write_file",)
    assert child.approvals.deny == ("run_command(rm *)", "fetch_url")
    assert (child.limits.max_steps, child.limits.timeout_s) == (9, 60)
    assert {prompt.name: prompt.text for prompt in child.prompts} == {
        "one": "base one",
        "two": "mine",
        "three": "mine",
    }


def test_workflows_are_joined_by_name(agents: Agents) -> None:
    agents.write("shipped", "base", "mode: team\nworkflows: { one: [a], two: [b] }\n")
    agents.write("user", "child", "extends: base\nworkflows: { two: [c, d] }\n")
    child = agents.spec("child")
    assert (child.mode, child.workflows) == ("team", {"one": ("a",), "two": ("c", "d")})


def test_a_chain_is_followed(agents: Agents) -> None:
    agents.write("shipped", "a", "instructions: from a\n")
    agents.write("shipped", "b", "extends: a\nmodel: offline\n")
    agents.write("user", "c", "extends: b\n")
    assert (agents.spec("c").instructions, agents.spec("c").model) == ("from a", "offline")


def test_a_circle_is_a_mistake_with_its_way(agents: Agents) -> None:
    agents.write("user", "a", "extends: b\n")
    agents.write("user", "b", "extends: a\n")
    (problem,) = agents.registry.get("a").problems
    assert (problem.line, problem.column, problem.key_path) == (3, 10, "extends")
    assert "`a` → `b` → `a`" in problem.message


def test_an_agent_cannot_extend_itself(agents: Agents) -> None:
    agents.write("user", "a", "extends: a\n")
    assert "no agent `a` to extend" in agents.registry.get("a").problems[0].message


def test_an_unknown_base_names_the_nearest(agents: Agents) -> None:
    agents.write("shipped", "general")
    agents.write("user", "a", "extends: genral\n")
    assert agents.registry.get("a").problems[0].hint == "did you mean `general`?"


def test_a_base_with_mistakes_is_named(agents: Agents) -> None:
    path = agents.write("user", "base", "foo: 1\n")
    agents.write("user", "a", "extends: base\n")
    agents.write("user", "b", "extends: a\n")
    assert str(path) in agents.registry.get("a").problems[0].hint
    assert "mistakes of its own" in agents.registry.get("b").problems[0].message


def test_the_same_name_means_the_layer_below(agents: Agents) -> None:
    agents.write("shipped", "coder", "instructions: shipped\n")
    agents.write("user", "coder", "extends: coder\nmodel: offline\n")
    agents.write("project", "coder", "extends: coder\n")
    assert (agents.spec("coder").instructions, agents.spec("coder").model) == ("shipped", "offline")


def test_a_project_cannot_put_itself_under_an_agent_of_the_user(agents: Agents) -> None:
    agents.write("shipped", "base", "instructions: shipped\n")
    agents.write("project", "base", "instructions: foreign\n")
    agents.write("user", "mine", "extends: base\n")
    assert agents.spec("mine").instructions == "shipped"


def test_an_edit_of_the_base_is_seen_in_the_child(agents: Agents) -> None:
    agents.write("shipped", "base", "instructions: old\n")
    agents.write("user", "child", "extends: base\n")
    assert agents.spec("child").instructions == "old"
    agents.write("shipped", "base", "instructions: new\n")
    assert agents.spec("child").instructions == "new"
