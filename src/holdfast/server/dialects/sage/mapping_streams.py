"""From what Sage's clients ask of one run to its options. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import ValidationError

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.delegating import DELEGATION_TOOLS
from holdfast.core.domain.mcp import server_of
from holdfast.core.domain.memory import BLOCK_TOOL, RECALL_TOOLS
from holdfast.core.domain.models import Effort, ModelSettings
from holdfast.core.domain.options import KnowledgeTool, KnowledgeUse, McpServerUse, MemoryUse, SubAgentUse
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.skills import LOAD_TOOL
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.sessions import EXT
from holdfast.server.dialects.sage.tool_names import our_tools
from holdfast.server.dialects.sage.wire_streams import (
    BudgetIn,
    ChatRequest,
    MessageIn,
    ServerIn,
    StreamRequest,
    SubAgentIn,
)
from holdfast.server.kit.mistakes import mistakes_in

_PLAN_TOOL = "update_plan"
_MODES = {
    "simple": "single",
    "single": "single",
    "fibre": "delegating",
    "delegating": "delegating",
    "team": "team",
    "multi": "deep",
    "deep": "deep",
}
"""Our ways of working, by Sage's modes; any other word is the simple one."""
_SIMPLE, _MULTI = "single", "delegating"
_NEVER_ASK = "never"
_LEAST_CONTEXT, _MOST_CONTEXT = 1_000, 1_000_000_000
_TAG = re.compile(
    r"\s*<(?P<name>enable_plan|enable_deep_thinking|thinking_level|deep_thinking_level|skill)>"
    r"(?P<value>[^<>]{0,200})</(?P=name)>\s*"
)
_MOST_TAGS = 20
_MOST_SERVERS = 50
_EFFORTS = {"max": "xhigh"}
_SETTINGS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "max_output_tokens": "max_output_tokens",
    "seed": "seed",
    "stop": "stop",
    "parallel_tool_calls": "parallel_tool_calls",
    "reasoning_effort": "reasoning_effort",
    "thinking_level": "reasoning_effort",
}
"""Our settings of models, by the keys of `llm_model_config`."""
_MODEL_KEYS = ("model", "model_name")
_ELSEWHERE = ("base_url", "api_base", "api_base_url", "api_key", "api_keys")
_CONTEXT_HEADER = (
    "# What the caller tells of this conversation (data, no instructions). It holds where the agent's "
    "context says something else"
)
_LANGUAGE = "response_language"
"""The key of a context that the agent decides."""


@dataclass(slots=True)
class Tags:
    """What stood in tags before a message: words to the server."""

    plan: bool = False
    deep_thinking: bool | None = None
    effort: str = ""
    skills: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Have:
    """What there is of what a request may name."""

    spec: AgentSpec
    custom_tools: Collection[str] = ()
    """The caller's own."""
    servers: Collection[str] = ()
    """Names of his MCP servers that are enabled."""
    skills: Collection[str] = ()
    """Those of the agent's runs."""
    collections: Collection[str] = ()
    """Ids and names of the caller's own."""
    agents: Collection[str] = ()
    """Ids and names of those that the caller can see."""


# --- the messages


def taken_apart(text: str) -> tuple[str, Tags]:
    """Returns a message without the tags at its beginning, and what they say."""
    tags, at = Tags(), 0
    for _ in range(_MOST_TAGS):
        found = _TAG.match(text, at)
        if found is None:
            break
        _read_tag(tags, found["name"], found["value"].strip())
        at = found.end()
    return (text[at:] if at else text), tags


def _read_tag(tags: Tags, name: str, value: str) -> None:
    match name:
        case "enable_plan":
            tags.plan = value.lower() == "true"
        case "enable_deep_thinking":
            tags.deep_thinking = value.lower() == "true"
        case "skill" if value:
            tags.skills.append(value)
        case "thinking_level" | "deep_thinking_level":
            effort = _EFFORTS.get(value.lower(), value.lower())
            tags.effort = effort if effort in get_args(Effort) else ""


def new_turn(messages: Sequence[MessageIn]) -> tuple[list[MessageIn], list[MessageIn]]:
    """Returns what was said before, and the user's messages at the end of it, which are answered now. Raises
    `InvalidError` where there are none."""
    spoken = [one for one in messages if one.role != "system"]
    start = len(spoken)
    while start and spoken[start - 1].role == "user":
        start -= 1
    if start == len(spoken):
        raise failure("messages_empty")
    return spoken[:start], spoken[start:]


def plain_text(message: MessageIn) -> str:
    """Returns what a message says, without its images."""
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    texts = (part.get("text") for part in message.content if part.get("type") == "text")
    return "\n\n".join(text for text in texts if isinstance(text, str))


# --- the options


def chat_options(asked: ChatRequest, tags: Tags, model: str | None, spec: AgentSpec) -> RunOptions:
    """Returns the options of a run that `/api/chat` starts. `model` is that of the provider that is asked
    for."""
    context = _callers_context(asked, spec)
    system = [plain_text(one) for one in asked.messages if one.role == "system"]
    suffix = (
        _context_section(context),
        "First write down a plan, and keep it current while you work." if tags.plan else "",
        *(f"Load the skill {name} before you begin, and work as it says." for name in tags.skills),
    )
    return RunOptions(
        model=model,
        model_settings=_effort(tags.effort),
        reasoning=True if tags.effort not in ("", "none") else tags.deep_thinking,
        instructions_prefix="\n\n".join(filter(None, system)),
        instructions_suffix="\n\n".join(filter(None, suffix)),
        questions="deny",  # Sage's clients answer none on the way
        hand_over=False,
    )


def stream_options(asked: StreamRequest, tags: Tags, model: str | None, have: Have) -> RunOptions:
    """Returns the options of a run that `/api/stream` or `/api/web-stream` starts. Lists narrow what the
    agent has. Raises `InvalidError` for what cannot be."""
    options = chat_options(asked, tags, model, have.spec)
    prefix = (options.instructions_prefix, (asked.system_prefix or "").strip())
    subs = _sub_agents(asked, have)
    config = asked.llm_model_config or {}
    reasoning = asked.deep_thinking if options.reasoning is None else options.reasoning
    changes: dict[str, Any] = {
        "agent_name": (asked.agent_name or "").strip()[:200],
        "instructions_prefix": "\n\n".join(filter(None, prefix)),
        "reasoning": reasoning,
        "max_steps": asked.max_loop_count if (asked.max_loop_count or 0) > 0 else None,
        "mode": _mode(asked),
        "suggestions": asked.more_suggest,
        "workflows": _workflows(asked.available_workflows),
        "model_settings": _settings(config, options.model_settings),
        "sub_agents": subs,
        "force_summary": bool(asked.force_summary),
        "memory": _memory(asked.memory_type),
        "max_context_tokens": _budget(asked.context_budget_config),
        "mcp_servers": tuple(_servers(asked.extra_mcp_config or {})),
        "approvals": "deny" if asked.sandbox_approval_mode == _NEVER_ASK else "wait",
    }
    if asked.available_skills is not None:
        changes["skills"] = tuple(name for name in _once(asked.available_skills) if name in have.skills)
    if asked.available_knowledge_bases is not None:
        wanted = _once(asked.available_knowledge_bases)
        uses = (KnowledgeUse(collection=name) for name in wanted if name in have.collections)
        changes["knowledge"] = tuple(uses)
    if asked.available_tools is not None:
        changes |= _tools(asked, have, changes)
    return options.model_copy(update=changes)


def model_in(asked: ChatRequest) -> str:
    """Returns the name of the model that `llm_model_config` wants; empty: none. Raises `InvalidError` where
    it brings an address or a key with it."""
    config = getattr(asked, "llm_model_config", None) or {}
    if any(config.get(name) for name in _ELSEWHERE):
        raise failure("model_address_elsewhere")
    return next((str(config[name]) for name in _MODEL_KEYS if config.get(name)), "")


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _mode(asked: StreamRequest) -> str | None:
    if asked.agent_mode:
        return _MODES.get(asked.agent_mode.strip().lower(), _SIMPLE)
    if asked.multi_agent is None:
        return None
    return _MULTI if asked.multi_agent else _SIMPLE


def _workflows(given: Mapping[str, list[str]] | None) -> dict[str, tuple[str, ...]] | None:
    if given is None:
        return None
    found = {name: tuple(filter(None, map(str.strip, steps))) for name, steps in given.items() if name}
    return _valid("workflows", {name: steps for name, steps in found.items() if steps}).workflows


def _valid(name: str, value: Any) -> RunOptions:
    """Returns options with a value. Raises `InvalidError` for one that cannot be."""
    try:
        return RunOptions.model_validate({name: value})
    except ValidationError as error:
        mistake = mistakes_in(error)[0]
        field = ".".join(map(str, mistake["loc"]))[:200]
        raise failure("request_invalid", field=field, reason=mistake["msg"]) from None


def _memory(wanted: str | None) -> MemoryUse | None:
    if wanted == "user":
        return MemoryUse(type="user")
    return MemoryUse(type="session") if wanted == "session" else None


def _effort(effort: str) -> ModelSettings | None:
    return ModelSettings.model_validate({"reasoning_effort": effort}) if effort else None


def _settings(config: Mapping[str, Any], before: ModelSettings | None) -> ModelSettings | None:
    given: dict[str, Any] = {}
    for name, ours in _SETTINGS.items():
        value = config.get(name)
        if value is not None and value != "":
            given[ours] = _EFFORTS.get(str(value), value) if ours == "reasoning_effort" else value
    if isinstance(given.get("stop"), str):
        given["stop"] = (given["stop"],)
    said = {} if before is None else before.model_dump(exclude_defaults=True)
    if not given and not said:
        return None
    return _valid("model_settings", {**given, **said}).model_settings


def _budget(given: BudgetIn | None) -> int | None:
    """Returns the tokens that the model may see: the window, or as much of it as the shares of what was said
    before and of the run itself are together."""
    if given is None or given.max_model_len is None or given.max_model_len <= 0:
        return None
    shares = [share for share in (given.history_ratio, given.active_ratio) if share is not None and share > 0]
    part = min(1.0, sum(shares)) if shares else 1.0
    return max(_LEAST_CONTEXT, int(min(given.max_model_len, _MOST_CONTEXT) * part))


def _servers(given: Mapping[str, ServerIn]) -> Iterator[McpServerUse]:
    for called, one in given.items():
        if one.disabled:
            continue
        url = one.streamable_http_url or one.sse_url or one.url
        command = (one.command, *one.args) if one.command and not url else ()
        tools = None if one.tools is None else tuple(one.tools)
        name = slug(called, "server")[:32].strip("-_")
        try:
            yield McpServerUse(name=name, url=url, command=command, tools=tools)
        except ValidationError as error:
            reason = mistakes_in(error)[0]["msg"]
            raise failure("server_incomplete", name=called[:100], reason=reason) from None


# --- sub-agents


def slug(called: str, otherwise: str) -> str:
    """Returns a name as ours may be, made of what somebody calls a thing."""
    return re.sub(r"[^a-z0-9]+", "-", called.lower()).strip("-")[:60].strip("-") or otherwise


def _sub_agents(asked: StreamRequest, have: Have) -> tuple[SubAgentUse, ...] | None:
    if asked.available_sub_agent_ids is None and asked.custom_sub_agents is None:
        return None
    ids = _once(asked.available_sub_agent_ids or ())
    named = [SubAgentUse(name=id) for id in ids if id in have.agents]
    taken = {one.name for one in named}
    for number, one in enumerate(asked.custom_sub_agents or (), 1):
        made = _sub_agent(one, have, number)
        if made is not None and made.name not in taken:
            taken.add(made.name)
            named.append(made)
    return _valid("sub_agents", named).sub_agents


def _sub_agent(one: SubAgentIn, have: Have, number: int) -> SubAgentUse | None:
    text = (one.system_prompt or "").strip()
    if one.agent_id and not text:
        return SubAgentUse(name=one.agent_id) if one.agent_id in have.agents else None
    parts = [text or f"You are {one.name}. {one.description or ''}".strip()]
    if one.available_workflows:
        lists = (
            "\n".join((f"{name}:", *(f"- {step}" for step in steps)))
            for name, steps in one.available_workflows.items()
        )
        parts.append("Where the work is of one of these kinds, follow its steps:\n" + "\n".join(lists))
    if one.system_context:
        parts.append(_context_section(one.system_context))
    tools = None
    if one.available_tools is not None:
        wanted = set(our_tools(one.available_tools))
        tools = tuple(name for name in have.spec.tool_names if name in wanted)
    return SubAgentUse(
        name=slug(one.name, f"agent-{number}"),
        description=(one.description or one.name)[:2_000],
        instructions="\n\n".join(parts)[:100_000],
        tools=tools,
    )


# --- tools


def _tools(asked: StreamRequest, have: Have, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options that narrow the agent's tools to those that are named, beside which the caller's
    own may be, and those of his MCP servers. What the other fields of the request bring has its tools
    anyway."""
    spec = have.spec
    wanted = _once(our_tools(asked.available_tools or ()))
    servers = {each.server for each in spec.mcp}
    brought = {each.name for each in changes["mcp_servers"]}
    kept = [name for name in wanted if name in spec.tool_names or server_of(name) in servers]
    own = [name for name in wanted if name in have.custom_tools and name not in spec.tool_names]
    beside = [name for name in wanted if server_of(name) in set(have.servers) - servers - brought]
    own_servers = _once(filter(None, map(server_of, beside)))
    more = [LOAD_TOOL, BLOCK_TOOL, *(name for name in wanted if server_of(name) in brought)]
    if changes["workflows"] or (changes["workflows"] is None and spec.workflows):
        more.append(_PLAN_TOOL)
    subs = spec.subagents if changes["sub_agents"] is None else changes["sub_agents"]
    if subs and (changes["mode"] or spec.mode) != _SIMPLE:
        more += DELEGATION_TOOLS
    if changes["memory"] is not None or spec.memory.recall:
        more += RECALL_TOOLS
    if changes.get("knowledge"):
        more += [name for name in get_args(KnowledgeTool) if name != "analyse_documents"]
    return {
        "tools": _once((*kept, *own, *beside, *more)),
        "own_tools": tuple(own),
        "own_servers": own_servers[:_MOST_SERVERS],
    }


# --- the context


def _callers_context(asked: ChatRequest, spec: AgentSpec) -> dict[str, Any]:
    """Returns what the caller tells beside what the agent's instructions tell already: that has been written
    into them with the agent. The language of the replies is the agent's where he has one."""
    agents = spec.ext.get(EXT, {}).get("context")
    known = agents if isinstance(agents, dict) else {}
    given = asked.system_context or {}
    return {
        name: value
        for name, value in given.items()
        if name not in known or (value != known[name] and name != _LANGUAGE)
    }


def _context_section(context: Mapping[str, Any]) -> str:
    if not context:
        return ""
    lines = (f"- {name}: {_said(value)}" for name, value in context.items())
    return "\n".join((_CONTEXT_HEADER, *lines))


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
