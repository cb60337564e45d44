"""Dexto's agent files as the keys of ours, and back."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.mcp import free_server_name
from holdfast.server.dialects.dexto.mapping_agent_text import agent_text, changes_of, config_values
from holdfast.server.dialects.dexto.mapping_config import (
    config_of,
    converted,
    read_config,
    slug,
)

LLM = {"provider": "openai", "model": "gpt-5-nano"}


def of(**more: Any) -> Any:
    config, mistakes = config_of({"systemPrompt": "Be brief.", "llm": LLM, **more})
    assert mistakes == ()
    return converted(config)


def left(found: Any) -> list[str]:
    return [one.path for one in found.left_out]


def test_what_has_a_counterpart_is_taken_over() -> None:
    llm = {**LLM, "maxIterations": 7, "temperature": 0.5, "maxOutputTokens": 9, "reasoningEffort": "low"}
    found = of(llm=llm, agentId="My Clerk", internalTools=["ask_user", "invoke_skill"])
    assert found.left_out == ()
    assert found.values == {
        "name": "my-clerk",
        "model": "openai/gpt-5-nano",
        "model_settings": {"temperature": 0.5, "max_output_tokens": 9, "reasoning_effort": "low"},
        "instructions": "Be brief.",
        "limits": {"max_steps": 7},
        "tools": ["ask_user"],
        "skills": ["*"],
    }
    AgentSpec.model_validate({"version": 1, **found.values})


def test_pieces_of_the_prompt_stand_by_their_priority() -> None:
    pieces = [
        {"id": "b", "type": "static", "priority": 5, "content": "Second."},
        {"id": "a", "type": "static", "priority": 0, "content": "First."},
        {"id": "c", "type": "static", "priority": 1, "content": "Never.", "enabled": False},
        {"id": "d", "type": "dynamic", "priority": 9, "source": "date"},
        {"id": "e", "type": "file", "priority": 9, "files": ["/a/CONTEXT.md"]},
    ]
    found = of(systemPrompt={"contributors": pieces})
    assert found.values["instructions"] == "First.\n\nSecond."
    assert left(found) == ["systemPrompt.contributors.d", "systemPrompt.contributors.e"]


def test_what_has_no_counterpart_is_told_and_nothing_else_is_lost() -> None:
    found = of(
        storage={"cache": {"type": "in-memory"}},
        sessions={"maxSessions": 3},
        compaction={"type": "noop"},
        internalTools=["delegate_to_url"],
        customTools=[{"type": "process-tools", "securityLevel": "strict"}, {"type": "weather"}],
        prompts=[
            {"type": "file", "file": "/a/p.md"},
            {"type": "inline", "id": "Sum Up", "prompt": "Sum up."},
        ],
    )
    assert found.values["tools"] == ["run_command"]
    assert found.values["prompts"] == [{"name": "sum-up", "text": "Sum up."}]
    assert set(left(found)) == {
        "storage",
        "sessions",
        "compaction",
        "internalTools.delegate_to_url",
        "customTools.process-tools.securityLevel",
        "customTools.weather",
        "prompts./a/p.md",
    }


def test_rules_of_tools_are_ours_by_their_names() -> None:
    policies = {"alwaysAllow": ["custom--read_file", "mcp--docs--find"], "alwaysDeny": ["mcp--write", "x--y"]}
    found = of(toolConfirmation={"mode": "auto-deny", "toolPolicies": policies})
    assert found.values["approvals"] == {
        "allow": ["read_file", "mcp__docs__find"],
        "deny": ["mcp__*__write", "*"],
    }
    assert left(found) == ["toolConfirmation.toolPolicies.x--y"]
    asked = of(toolConfirmation={"mode": "auto-approve"})
    assert "approvals" not in asked.values
    assert left(asked) == ["toolConfirmation.mode"]


def test_a_server_whose_address_is_none_is_refused() -> None:
    config, _ = config_of(
        {"systemPrompt": "", "llm": LLM, "mcpServers": {"a": {"type": "http", "url": "x" * 3000}}}
    )
    assert config is not None
    with pytest.raises(InvalidError, match="MCP server a"):
        converted(config)


@given(st.text())
def test_any_name_becomes_one_of_ours(name: str) -> None:
    AgentSpec.model_validate({"version": 1, "name": slug(name)})
    config, _ = config_of(
        {"systemPrompt": "", "llm": LLM, "mcpServers": {name: {"type": "stdio", "command": "x"}}}
    )
    assert config is not None
    assert converted(config).values["mcp"][0]["server"] == free_server_name(name, ())


@given(st.text(max_size=300))
def test_any_text_is_read_or_its_mistakes_are_told(text: str) -> None:
    config, mistakes = read_config(text)
    assert (config is None) == bool(mistakes)


_NAMES = st.sampled_from(["read_file", "write_file", "run_command", "ask_user", "update_plan", "fetch_url"])
_SPECS = st.builds(
    lambda instructions, tools, steps, servers: AgentSpec.model_validate(
        {
            "version": 1,
            "name": "clerk",
            "instructions": instructions,
            "tools": sorted(tools),
            "limits": {"max_steps": steps},
            "mcp": [{"server": name, "command": ["run", name]} for name in sorted(servers)],
        }
    ),
    st.text(alphabet=st.characters(exclude_categories=("C", "Z")), max_size=50),
    st.sets(_NAMES),
    st.integers(1, 100),
    st.sets(st.sampled_from(["docs", "files"])),
)


@given(_SPECS)
def test_an_agent_as_a_file_of_dextos_and_back_changes_nothing(spec: AgentSpec) -> None:
    source = spec.model_dump(mode="json", exclude_defaults=True)
    text = agent_text(spec, source, "openai/gpt-5")
    config, mistakes = read_config(text)
    assert config is not None, mistakes
    found = converted(config)
    changes = changes_of(found, found, source, text, None)
    assert set(changes) == {"ext.dexto.yaml", "ext.dexto.greeting"}
    assert yaml.safe_load(text) == config_values(spec, "openai/gpt-5")


def test_only_what_changed_is_changed() -> None:
    source = {"tools": ["read_file", {"tool": "fetch_url", "arguments": {"a": 1}}, "ask_user"], "model": "x"}
    before = of(internalTools=["ask_user"], customTools=[{"type": "filesystem-tools"}])
    after = of(internalTools=[], customTools=[{"type": "process-tools"}])
    changes = changes_of(before, after, source, "text", "Hello")
    assert changes == {
        "tools": [{"tool": "fetch_url", "arguments": {"a": 1}}, "run_command"],
        "ext.dexto.yaml": "text",
        "ext.dexto.greeting": "Hello",
    }


def test_a_key_never_stands_in_the_text_that_is_kept() -> None:
    key = "sk-proj-0123456789abcdef"
    after = of(llm={**LLM, "apiKey": key})
    assert after.keys == {"openai": key}
    changes = changes_of(None, after, {}, f"apiKey: {key}", None)
    assert changes["ext.dexto.yaml"] == "apiKey: $OPENAI_API_KEY"
    server = {"type": "stdio", "command": "x", "env": {"API_TOKEN": "abc"}}
    hidden = of(mcpServers={"docs": server})
    assert hidden.servers[0].secrets == {"API_TOKEN": "abc"}
    assert changes_of(None, hidden, {}, "env: abc", None)["ext.dexto.yaml"] is None
