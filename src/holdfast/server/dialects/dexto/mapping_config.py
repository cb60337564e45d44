"""From Dexto's agent files to the keys of ours, and what of them has no counterpart here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from holdfast.core.domain.agents import NAME_PATTERN
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.mcp import free_server_name, tool_name
from holdfast.server.dialects.dexto.mapping_mcp import OwnServer, own_server
from holdfast.server.dialects.dexto.mapping_providers import PROVIDERS, model_id
from holdfast.server.dialects.dexto.wire_config import (
    AgentConfig,
    Contributor,
    CustomTool,
    PromptEntry,
    RemoteServer,
    StdioServer,
    ToolConfirmation,
)
from holdfast.server.dialects.dexto.zod import issues_of
from holdfast.server.kit.yaml_text import YamlText, read_yaml

_FULL_REFERENCE = re.compile(r"\$(?:\{\w+\}|\w+)")

_FILE_TOOLS = {
    "read_file": "read_file",
    "write_file": "write_file",
    "edit_file": "edit_file",
    "glob_files": "list_files",
    "grep_content": "search_files",
}
GROUPS: dict[str, dict[str, str]] = {
    "filesystem-tools": _FILE_TOOLS,
    "process-tools": {"bash_exec": "run_command"},
    "todo-tools": {"todo_write": "update_plan"},
}
"""Dexto's groups of tools, with our name of each tool that does the same."""
INTERNAL = {"ask_user": "ask_user"}
_NO_COUNTERPART = {
    "tools": "the limits of single tools' output; `limits.max_tool_output_chars` holds for all",
    "storage": "where sessions are kept; here that is the engine's own database",
    "sessions": "how many sessions there may be; here they stay until they are deleted",
    "elicitation": "whether questions are asked; here the tool `ask_user` decides",
    "internal_resources": "files as resources; agents read files with their tools",
    "plugins": "code that looks at requests; `hooks` in an agent's file do that",
    "compaction": "how older messages are summarised; here that is done when the window fills",
    "telemetry": "where traces go; see the setting `telemetry`",
    "logger": "where the log goes",
    "agent_card": "what A2A clients are told; here it is made of the agent's name and description",
    "image": "a package of tools and stores",
}
_REASONS = {
    "max_input_tokens": "here the model's own window counts",
    "allowed_media_types": "here the model's own abilities count",
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something in a file that has no counterpart."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Converted:
    """An agent of Dexto's as the keys of one of ours."""

    values: dict[str, Any]
    """Without a name where the file has none."""
    servers: tuple[OwnServer, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    """Keys of providers, ours by name, that stand in the file itself."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with a file."""

    message: str
    code: str
    path: str | None = None
    line: int | None = None
    column: int | None = None


def read_config(text: str) -> tuple[AgentConfig | None, tuple[Mistake, ...]]:
    """Returns what a Dexto agent file says, or None and every mistake in it."""
    read = read_yaml(text)
    if read.problem is not None:
        wrong = read.problem
        return None, (Mistake(wrong.message, "YAML_PARSE_ERROR", None, wrong.line, wrong.column),)
    if not isinstance(read.value, dict) or not text.strip():
        message = "The configuration must be a mapping of keys and values"
        return None, (Mistake(message, "INVALID_CONFIG_TYPE", line=1, column=1),)
    return config_of(read.value, read)


def config_of(
    value: Mapping[str, Any], read: YamlText | None = None
) -> tuple[AgentConfig | None, tuple[Mistake, ...]]:
    """Returns what a mapping says as a Dexto agent file, or None and every mistake in it, with its place in
    the text that was read."""
    try:
        return AgentConfig.model_validate(value), ()
    except ValidationError as error:
        return None, tuple(_mistakes(error, read))


def _mistakes(error: ValidationError, read: YamlText | None) -> Iterator[Mistake]:
    """Yields the mistakes, one for each path: what fits none of several forms is told once, in the words of
    the first."""
    seen = set()
    for issue in issues_of(error.errors(include_url=False)[:_MOST], AgentConfig):
        while "unionErrors" in issue:
            issue = issue["unionErrors"][0]["issues"][0]
        path = [each for each in issue["path"] if each not in _FORMS]
        shown = ".".join(map(str, path))
        if shown not in seen:
            seen.add(shown)
            line, column = read.place(path) if read is not None else (None, None)
            yield Mistake(issue["message"], "SCHEMA_VALIDATION_ERROR", shown, line, column)


_MOST = 100
_FORMS = ("str", "Contributors")
"""What pydantic puts into paths to say which of several forms it has tried."""


def warnings_of(config: AgentConfig) -> tuple[Mistake, ...]:
    """Returns what is allowed in a file, but should not stand there."""
    if not _literal(config.llm.api_key):
        return ()
    message = "The key stands in the file itself; refer to an environment variable instead, as in $NAME"
    return (Mistake(message, "SECURITY_WARNING", "llm.apiKey"),)


def converted(config: AgentConfig) -> Converted:
    """Returns a Dexto agent file as the keys of one of ours. Raises `InvalidError` for a server that can be
    none here."""
    reader = _Reader(config)
    values = reader.values()
    key = config.llm.api_key
    ours = PROVIDERS[config.llm.provider].ours
    keys = {ours: key} if key and _literal(key) and ours else {}
    return Converted(values, tuple(reader.servers), tuple(reader.left_out), keys)


def _literal(key: str | None) -> bool:
    return bool(key) and _FULL_REFERENCE.fullmatch(key or "") is None


class _Reader:
    """Goes through one file."""

    def __init__(self, config: AgentConfig) -> None:
        self._config = config
        self.servers: list[OwnServer] = []
        self.left_out: list[LeftOut] = []

    def values(self) -> dict[str, Any]:
        config = self._config
        found = {
            "name": slug(config.agent_id) if config.agent_id else None,
            "model": model_id(config.llm.provider, config.llm.model),
            "model_settings": self._settings(),
            "instructions": self._instructions(),
            "limits": {"max_steps": config.llm.max_iterations} if config.llm.max_iterations else None,
            "mcp": [self._server(name, each) for name, each in config.mcp_servers.items()],
            "tools": self._tools(),
            "skills": ["*"] if "invoke_skill" in config.internal_tools else None,
            "subagents": self._subagents(),
            "memory": {"recall": True} if config.memories and config.memories.enabled else None,
            "approvals": self._approvals(config.tool_confirmation),
            "prompts": list(self._prompts()),
        }
        self._unused()
        return {key: value for key, value in found.items() if value}

    def _unused(self) -> None:
        for name, reason in _NO_COUNTERPART.items():
            if getattr(self._config, name):
                self._leave(_camel(name), reason)
        for name, reason in _REASONS.items():
            if getattr(self._config.llm, name) is not None:
                self._leave(f"llm.{_camel(name)}", reason)

    def _leave(self, path: str, reason: str) -> None:
        self.left_out.append(LeftOut(path, reason))

    def _settings(self) -> dict[str, Any]:
        llm = self._config.llm
        said = {
            "temperature": llm.temperature,
            "max_output_tokens": llm.max_output_tokens,
            "reasoning_effort": llm.reasoning_effort,
            "api_base": llm.base_url,
        }
        return {key: value for key, value in said.items() if value is not None}

    def _instructions(self) -> str:
        prompt = self._config.system_prompt
        if isinstance(prompt, str):
            return prompt
        ordered = sorted((one for one in prompt.contributors if one.enabled), key=lambda one: one.priority)
        texts = (self._contributed(one) for one in ordered)
        return "\n\n".join(text for text in texts if text)

    def _contributed(self, one: Contributor) -> str:
        path = f"systemPrompt.contributors.{one.id}"
        if one.type == "file":
            names = ", ".join(one.files or ())
            self._leave(path, f"a prompt in files ({names}); put their text into `instructions`")
        elif one.type == "dynamic":
            self._leave(path, f"the {one.source or 'text'} that is put in anew each time")
        return one.content or "" if one.type == "static" else ""

    def _tools(self) -> list[str]:
        found: list[str] = []
        for name in self._config.internal_tools:
            if name in INTERNAL:
                found.append(INTERNAL[name])
            elif name not in ("invoke_skill", "list_resources", "get_resource"):
                self._leave(f"internalTools.{name}", "there is no such tool")
        for group in self._config.custom_tools:
            found += self._group(group)
        return list(dict.fromkeys(found))

    def _group(self, group: CustomTool) -> Iterator[str]:
        known = GROUPS.get(group.type)
        if known is None:
            if group.type != "agent-spawner":
                self._leave(f"customTools.{group.type}", "there is no such group of tools")
            return
        more = group.model_extra or {}
        chosen = more.get("enabledTools", list(known))
        yield from (known[name] for name in chosen if name in known)
        limits = [name for name in more if name not in ("enabledTools", "workingDirectory")]
        if limits:
            reason = "limits of its own; `approvals`, the workspace and the sandbox hold here"
            self._leave(f"customTools.{group.type}.{', '.join(limits)}", reason)

    def _subagents(self) -> list[str]:
        spawners = [one for one in self._config.custom_tools if one.type == "agent-spawner"]
        named = [str(name) for one in spawners for name in (one.model_extra or {}).get("allowedAgents") or ()]
        if spawners and not named:
            self._leave("customTools.agent-spawner", "name the agents in `subagents`")
        return [slug(name) for name in named]

    def _approvals(self, confirmation: ToolConfirmation | None) -> dict[str, list[str]]:
        if confirmation is None:
            return {}
        policies = confirmation.tool_policies
        allow, deny = [*map(self._rule, policies.always_allow)], [*map(self._rule, policies.always_deny)]
        if confirmation.mode == "auto-approve":
            reason = "nothing is asked there; here a person decides, or says `--approve all`"
            self._leave("toolConfirmation.mode", reason)
        if confirmation.mode == "auto-deny":
            deny.append("*")
        if confirmation.timeout is not None:
            self._leave("toolConfirmation.timeout", "see `limits.approval_expires_s`")
        known = {"allow": [one for one in allow if one], "deny": [one for one in deny if one]}
        return {verdict: rules for verdict, rules in known.items() if rules}

    def _rule(self, tool: str) -> str:
        """Returns our name of a tool by Dexto's, `internal--X`, `custom--X` or `mcp--SERVER--X`; empty where
        there is none."""
        kind, _, rest = tool.partition("--")
        if kind == "mcp" and rest:
            server, separator, part = rest.partition("--")
            return tool_name(free_server_name(server, ()) if separator else "*", part if separator else rest)
        known = {**INTERNAL, **{name: ours for group in GROUPS.values() for name, ours in group.items()}}
        found = known.get(rest or tool, "")
        if not found:
            self._leave(f"toolConfirmation.toolPolicies.{tool}", "there is no such tool")
        return found

    def _prompts(self) -> Iterator[dict[str, Any]]:
        for index, prompt in enumerate(self._config.prompts):
            if prompt.type == "file" or not prompt.id or not prompt.prompt:
                where = prompt.file or prompt.id or index
                self._leave(f"prompts.{where}", "a prompt in a file; `holdfast prompts add` takes it in")
            else:
                yield _prompt(prompt)

    def _server(self, name: str, config: StdioServer | RemoteServer) -> Any:
        """Returns a server as an agent's file has it; one with secrets is named, and is the user's own.
        Raises `InvalidError` for what can be none."""
        known = free_server_name(name, ())
        try:
            own = own_server(known, config)
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidError(f"The MCP server {known}: {first['msg']}.", code="invalid_server") from None
        if own.secrets or own.missing:
            self.servers.append(own)
            return known
        said = own.spec.model_dump(exclude_defaults=True, exclude={"name"}, mode="json")
        return {"server": known, **said}


def _prompt(prompt: PromptEntry) -> dict[str, Any]:
    said = {"title": prompt.title, "description": prompt.description}
    return {"name": slug(prompt.id or ""), **{k: v for k, v in said.items() if v}, "text": prompt.prompt}


def slug(name: str) -> str:
    """Returns a name that an agent of ours can have, made of any."""
    made = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:64]
    return made if re.match(NAME_PATTERN, made) else "agent"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.title() for each in rest)
