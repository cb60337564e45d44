"""An agent of ours as a Dexto agent file: the saved one as long as it says the same, else a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.mcp import McpAssignment
from holdfast.server.dialects.dexto.finishing import REDACTED, redacted
from holdfast.server.dialects.dexto.mapping_config import Converted, converted, read_config
from holdfast.server.dialects.dexto.mapping_providers import PROVIDERS, dexto_model
from holdfast.server.dialects.dexto.wire_config import AgentConfig
from holdfast.server.kit.yaml_text import read_yaml, yaml_text

EXT = "dexto"
YAML = "yaml"
GREETING = "greeting"
"""Keys of what is kept with an agent for Dexto's clients."""

MAX_KEPT = 32 * 1024
"""Characters of a file that is kept as it was written; of a longer one only what it means."""
_SHORTEST_KEY = 8

_SETTINGS = ("temperature", "max_output_tokens", "reasoning_effort", "api_base")
_WHOLE = ("model", "instructions", "mcp", "tools", "skills", "subagents", "approvals", "prompts")
_CHANGES = {
    "storage": "Storage backend",
    "sessions": "Session configuration",
    "system_prompt": "System prompt",
    "tool_confirmation": "Tool confirmation",
    "internal_tools": "Internal tools",
    "mcp_servers": "MCP servers",
    "llm": "LLM configuration",
}
"""What Dexto calls changes that make it start its agent anew."""


def agent_text(spec: AgentSpec, source: Mapping[str, Any]) -> str:
    """Returns an agent as a Dexto agent file; `source` has the keys of its own file."""
    kept = spec.ext.get(EXT, {}).get(YAML)
    if isinstance(kept, str) and _says_the_same(kept, source):
        return kept
    return yaml_text(config_values(spec))


def _says_the_same(text: str, source: Mapping[str, Any]) -> bool:
    config, _ = read_config(text)
    if config is None:
        return False
    try:
        found = converted(config).values
    except InvalidError:
        return False
    return all(source.get(key) == value for key, value in found.items() if key in _WHOLE)


def config_values(spec: AgentSpec) -> dict[str, Any]:
    """Returns the values of a Dexto agent file that says what an agent of ours does."""
    prompts = [
        {"type": "inline", "id": one.name, "title": one.title or one.name, "prompt": one.text}
        for one in spec.prompts
    ]
    found = {
        "agentId": spec.name,
        "systemPrompt": spec.instructions,
        "greeting": spec.ext.get(EXT, {}).get(GREETING),
        "llm": _llm(spec),
        "mcpServers": {one.server: _server(one) for one in spec.mcp if one.defined},
        "internalTools": [name for name in ("ask_user",) if name in spec.tool_names],
        "toolConfirmation": {"mode": "manual"},
        "prompts": prompts,
    }
    return {key: value for key, value in found.items() if value or key == "systemPrompt"}


def _llm(spec: AgentSpec) -> dict[str, Any]:
    provider, model = dexto_model(spec.model or "offline")
    settings = spec.model_settings
    found = {
        "provider": provider,
        "model": model,
        "apiKey": f"${PROVIDERS[provider].variable}",
        "maxIterations": spec.limits.max_steps,
        "baseURL": settings.api_base,
        "maxOutputTokens": settings.max_output_tokens,
        "temperature": settings.temperature,
        "reasoningEffort": settings.reasoning_effort,
    }
    return {key: value for key, value in found.items() if value is not None}


def _server(one: McpAssignment) -> dict[str, Any]:
    common = {"enabled": one.enabled, "timeout": round(one.timeout_s * 1000)}
    if one.url is not None:
        return {"type": "sse" if one.sse else "http", "url": one.url, "headers": one.headers, **common}
    command, *args = one.command
    return {"type": "stdio", "command": command, "args": args, "env": one.env, **common}


def exported(text: str) -> str:
    """Returns a Dexto agent file with its defaults, and without what may be a secret."""
    config, _ = read_config(text)
    if config is None:
        value = read_yaml(text).value
        return yaml_text(redacted(value))
    found = redacted(config.model_dump(mode="json", by_alias=True, exclude_none=True))
    for server in found["mcpServers"].values():
        hidden = "env" if server["type"] == "stdio" else "headers"
        server[hidden] = dict.fromkeys(server[hidden], REDACTED)
    return yaml_text(found)


def changes_of(found: Converted, text: str, greeting: str | None) -> dict[str, Any]:
    """Returns what to change in an agent of ours, so that it is what a Dexto agent file says. What such a
    file cannot say stays as it is."""
    values = found.values
    settings, limits = values.get("model_settings", {}), values.get("limits", {})
    return {
        **{key: values.get(key) for key in _WHOLE},
        **{f"model_settings.{name}": settings.get(name) for name in _SETTINGS},
        "limits.max_steps": limits.get("max_steps"),
        f"ext.{EXT}.{YAML}": kept_text(found, text),
        f"ext.{EXT}.{GREETING}": greeting,
    }


def kept_text(found: Converted, text: str) -> str | None:
    """Returns a file as it may be kept: without keys. None where it is too long, or has secrets that cannot
    be taken out of it."""
    if len(text) > MAX_KEPT or any(server.secrets for server in found.servers):
        return None
    for provider, key in found.keys.items():
        if len(key) < _SHORTEST_KEY:
            return None
        variable = next(one.variable for one in PROVIDERS.values() if one.ours == provider)
        text = text.replace(key, f"${variable}")
    return text


def applied(before: AgentConfig | None, after: AgentConfig) -> list[str]:
    """Returns which of Dexto's parts differ between two files, in its words."""
    return [
        words
        for name, words in _CHANGES.items()
        if before is None or getattr(before, name) != getattr(after, name)
    ]
