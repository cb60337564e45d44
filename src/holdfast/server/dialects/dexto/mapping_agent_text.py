"""An agent of ours as a Dexto agent file: the saved one as long as it says the same, else a new one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.mcp import McpAssignment
from holdfast.server.dialects.dexto.finishing import REDACTED, redacted
from holdfast.server.dialects.dexto.mapping_config import GROUPS, INTERNAL, Converted, converted, read_config
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

_NESTED = {
    "model_settings": ("temperature", "max_output_tokens", "reasoning_effort", "api_base"),
    "limits": ("max_steps",),
    "memory": ("recall",),
}
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


def agent_text(spec: AgentSpec, source: Mapping[str, Any], model: str) -> str:
    """Returns an agent as a Dexto agent file; `source` has the keys of its own file, and `model` is the one
    that it uses."""
    kept = spec.ext.get(EXT, {}).get(YAML)
    if isinstance(kept, str) and _says_the_same(kept, source):
        return kept
    return yaml_text(config_values(spec, model))


def _says_the_same(text: str, source: Mapping[str, Any]) -> bool:
    config, _ = read_config(text)
    if config is None:
        return False
    try:
        found = converted(config).values
    except InvalidError:
        return False
    return all(key not in source or _has(source[key], value) for key, value in found.items())


def _has(own: Any, value: Any) -> bool:
    """Says whether an agent's own file still says what stands in `value`, perhaps beside more."""
    if isinstance(own, dict) and isinstance(value, dict):
        return all(key in own and _has(own[key], each) for key, each in value.items())
    if isinstance(own, list) and isinstance(value, list):
        return all(one in own for one in value)
    return bool(own == value)


def config_values(spec: AgentSpec, model: str) -> dict[str, Any]:
    """Returns the values of a Dexto agent file that says what an agent of ours does with the model that it
    uses."""
    prompts = [
        {"type": "inline", "id": one.name, "title": one.title or one.name, "prompt": one.text}
        for one in spec.prompts
    ]
    found = {
        "agentId": spec.name,
        "systemPrompt": spec.instructions,
        "greeting": spec.ext.get(EXT, {}).get(GREETING),
        "llm": _llm(spec, model),
        "mcpServers": {one.server: _server(one) for one in spec.mcp if one.defined},
        "internalTools": [theirs for theirs, ours in INTERNAL.items() if ours in spec.tool_names],
        "customTools": list(_groups(spec.tool_names)),
        "toolConfirmation": {"mode": "manual"},
        "prompts": prompts,
    }
    return {key: value for key, value in found.items() if value or key == "systemPrompt"}


def _groups(names: Collection[str]) -> Iterator[dict[str, Any]]:
    for type, tools in GROUPS.items():
        found = [theirs for theirs, ours in tools.items() if ours in names]
        if found:
            yield {"type": type, "enabledTools": found}


def _llm(spec: AgentSpec, model: str) -> dict[str, Any]:
    provider, name = dexto_model(model)
    settings = spec.model_settings
    found = {
        "provider": provider,
        "model": name,
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


def changes_of(
    before: Converted | None, after: Converted, source: Mapping[str, Any], text: str, greeting: str | None
) -> dict[str, Any]:
    """Returns what to change in the file of an agent of ours, so that it is what a Dexto agent file says:
    `before` is what that said of it until now, `source` has the file's own keys. What did not change there,
    and what such a file cannot say, stays as it is."""
    old = before.values if before is not None else {}
    new = after.values
    changed = [key for key in _WHOLE if old.get(key) != new.get(key)]
    nested = [
        (f"{part}.{name}", new.get(part, {}).get(name))
        for part, names in _NESTED.items()
        for name in names
        if old.get(part, {}).get(name) != new.get(part, {}).get(name)
    ]
    return {
        **{key: _merged(source.get(key), old.get(key), new.get(key)) for key in changed},
        **dict(nested),
        f"ext.{EXT}.{YAML}": kept_text(after, text),
        f"ext.{EXT}.{GREETING}": greeting,
    }


def _merged(own: Any, before: Any, after: Any) -> Any:
    """Returns a value with the difference between two others laid over it."""
    if isinstance(own, dict) and isinstance(before or {}, dict) and isinstance(after or {}, dict):
        keys = dict.fromkeys((*own, *(after or {})))
        found = {key: _merged(own.get(key), (before or {}).get(key), (after or {}).get(key)) for key in keys}
        return {key: value for key, value in found.items() if value is not None} or None
    if isinstance(own, list) and isinstance(before or [], list) and isinstance(after or [], list):
        gone = {_name(one) for one in before or ()} - {_name(one) for one in after or ()}
        new = {_name(one): one for one in after or () if one not in (before or ())}
        kept = [new.pop(_name(one), one) for one in own if _name(one) not in gone]
        return [*kept, *new.values()] or None
    return own if before == after else after


def _name(entry: Any) -> Any:
    """Returns what an entry of a list is called by: itself, or what it names first."""
    if not isinstance(entry, dict):
        return entry
    return next((entry[key] for key in ("tool", "server", "agent", "name") if key in entry), None)


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
