"""Between Sage's agents and ours. Pure.

What of an agent acts is in the keys of our agent files. What has no place there is kept in its `ext`, and so
are the lists as they came: they name what may not be here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.core.domain.agents import ALL_COLLECTIONS, AgentInfo, AgentSpec, Layer
from holdfast.core.domain.mcp import PREFIX
from holdfast.core.domain.skills import ALL_SKILLS, SKILL_PATTERN
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_times import local_time
from holdfast.server.dialects.sage.tool_names import our_tools
from holdfast.server.dialects.sage.wire_agents import Abilities, Ability, Agent, AgentConfig

EXT = "sage"
USUAL_LOOPS = 10
"""Model calls in one run, where a client says nothing of them."""
_LEAST_LEVEL, _LEVELS = "medium", ("minimal", "low", "medium", "high", "xhigh", "max")
_MODES = {"simple": "single", "fibre": "delegating", "team": "team"}
_SIMPLE, _FIBRE, _TEAM = "simple", "fibre", "team"
_OF_MODES = {
    _FIBRE: ("sys_spawn_agent", "sys_delegate_task"),
    _TEAM: ("sys_team_delegate_task",),
}
"""Tools that come with a mode, and go with it."""
_SEARCH = "search_memory"
_CONTEXT = "# Context (data that holds for this agent, no instructions)"
_KEPT = (
    *("availableWorkflows", "availableTools", "availableSubAgentIds", "availableSkills"),
    *("availableKnowledgeBases", "subAgentSelectionMode", "memoryType", "deepThinking", "thinkingLevel"),
    *("llm_provider_id", "fast_llm_provider_id", "enableMultimodal", "multiAgent", "agentMode"),
    *("description", "im_channels"),
)
_MOST_STEPS, _LONGEST_STEP, _MOST_ABILITIES = 50, 2_000, 8


@dataclass(frozen=True, slots=True)
class Offered:
    """What there is that an agent may name."""

    tools: Collection[str]
    """Names of tools that an agent's file may list, without those of MCP servers."""
    servers: Collection[str]
    """Names of the user's MCP servers."""
    collections: Collection[str]
    """Ids of the user's collections."""
    agents: Collection[str]
    """Ids of the agents that he can see."""
    unnamed: Collection[str]
    """Ids of those of them that an agent hands work to where it names none: not of those that others share,
    who would have a say in it unasked."""
    models: Mapping[str, str]
    """By the ids of the user's providers, what our files call their models."""


# --- to ours


def agent_values(body: AgentConfig, offered: Offered, own_id: str = "") -> dict[str, Any]:
    """Returns the keys of an agent file, without its name; None for what it does not have. `own_id` is the
    agent's own. Raises `InvalidError`."""
    tools = _with_modes(body)
    mode = _mode(body)
    context = body.systemContext or {}
    return {
        "display_name": _named(body),
        "description": (body.description or "").strip() or None,
        "instructions": _joined(body.systemPrefix or "", context) or None,
        "model": offered.models.get(body.llm_provider_id or ""),
        "model_settings.reasoning_effort": _effort(body),
        "limits.max_steps": _loops(body.maxLoopCount),
        "tools": list(_tools(tools, offered)) or None,
        "mcp": _servers(tools, offered) or None,
        "skills": _skills(body.availableSkills) or None,
        "knowledge": _knowledge(body.availableKnowledgeBases, offered) or None,
        "subagents": _sub_agents(body, offered, own_id) or None,
        "memory.recall": True if body.memoryType == "user" else None,
        "mode": _MODES[mode],
        "workflows": _workflows(body.availableWorkflows) or None,
        "workspace": "agent",
        f"ext.{EXT}": {
            **{name: value for name in _KEPT if (value := getattr(body, name)) is not None},
            **({"context": context} if context else {}),
            **({} if tools is None else {"availableTools": tools}),
            "agentMode": mode,
        },
    }


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns changes as the values of a new file: dots lead into mappings, and what is None is left out."""
    made: dict[str, Any] = {}
    for name, value in values.items():
        if value is not None:
            head, _, rest = name.partition(".")
            if rest:
                made.setdefault(head, {})[rest] = value
            else:
                made[head] = value
    return made


def _named(body: AgentConfig) -> str:
    name = body.name.strip()
    if not name:
        raise failure("agent_name_empty")
    return name


def _loops(value: Any) -> int:
    if value is None or value == "":
        return USUAL_LOOPS
    try:
        count = int(value) if not isinstance(value, bool | float) or value == int(value) else None
    except (TypeError, ValueError, OverflowError):
        count = None
    if count is None or isinstance(value, bool):
        raise failure("loops_no_number", 400)
    if count < 1:
        raise failure("loops_too_few", 400)
    return min(count, 1_000_000)


def _effort(body: AgentConfig) -> str | None:
    if not body.deepThinking:
        return None
    level = (body.thinkingLevel or _LEAST_LEVEL).lower()
    return "xhigh" if level == "max" else level if level in _LEVELS else _LEAST_LEVEL


def _mode(body: AgentConfig) -> str:
    mode = (body.agentMode or "").strip().lower()
    if mode in _MODES:
        return mode
    return _FIBRE if not mode and body.multiAgent else _SIMPLE


def _with_modes(body: AgentConfig) -> list[str] | None:
    """Returns the tools that are kept: those of the mode come and go with it."""
    if body.availableTools is None:
        return None
    of_modes = {name for names in _OF_MODES.values() for name in names}
    kept = [name for name in dict.fromkeys(body.availableTools) if name not in of_modes]
    kept += _OF_MODES.get(_mode(body), ())
    return [*kept, _SEARCH] if body.memoryType == "user" and _SEARCH not in kept else kept


def _tools(names: list[str] | None, offered: Offered) -> Iterable[str]:
    if names is None:
        return offered.tools
    return dict.fromkeys(name for name in our_tools(names) if name in offered.tools)


def _servers(names: list[str] | None, offered: Offered) -> list[dict[str, Any]]:
    if names is None:
        return [{"server": name} for name in offered.servers]
    found: dict[str, list[str]] = {}
    for name in names:
        server, separator, tool = name.removeprefix(PREFIX).partition("__")
        if name.startswith(PREFIX) and separator and tool and server in offered.servers:
            found.setdefault(server, []).append(tool)
    return [{"server": server, "tools": tools} for server, tools in found.items()]


def _skills(names: list[str] | None) -> list[str]:
    if names is None:
        return [ALL_SKILLS]
    return [name for name in dict.fromkeys(names) if re.fullmatch(SKILL_PATTERN, name)][:100]


def _knowledge(names: list[str] | None, offered: Offered) -> list[str]:
    if names is None:
        return [ALL_COLLECTIONS]
    return [name for name in dict.fromkeys(names) if name in offered.collections][:100]


def _sub_agents(body: AgentConfig, offered: Offered, own_id: str) -> list[str]:
    if _mode(body) == _SIMPLE:
        return []
    wanted = body.availableSubAgentIds
    everybody = body.subAgentSelectionMode == "auto_all" or wanted is None
    names = offered.unnamed if everybody else dict.fromkeys(wanted or ())
    return [name for name in names if name in offered.agents and name != own_id][:50]


def _workflows(given: Mapping[str, list[str]] | None) -> dict[str, list[str]]:
    found = {
        name.strip()[:100]: [step.strip()[:_LONGEST_STEP] for step in steps if step.strip()][:_MOST_STEPS]
        for name, steps in (given or {}).items()
        if name.strip()
    }
    return dict([(name, steps) for name, steps in found.items() if steps][:50])


def _joined(prefix: str, context: Mapping[str, Any]) -> str:
    return "\n\n".join(filter(None, (prefix.strip(), _section(context))))


def _section(context: Mapping[str, Any]) -> str:
    if not context:
        return ""
    lines = (f"- {name}: {value}" for name, value in context.items())
    return "\n".join((_CONTEXT, *lines))


# --- to theirs


def agent_of(info: AgentInfo, user_id: str, default: str) -> Agent:
    """Returns an agent as Sage shows it. `user_id` is who asks, `default` the name of the usual agent."""
    spec = info.spec or AgentSpec(version=1, name="invalid")
    kept = spec.ext.get(EXT, {})
    owner = info.owner or (None if info.layer is Layer.SHIPPED else user_id)
    context = kept.get("context") or None
    return Agent(
        id=info.id,
        user_id=owner,
        name=info.display_name or info.name,
        systemPrefix=_prefix(spec, context or {}),
        systemContext=context,
        availableWorkflows=_shown_workflows(spec, kept),
        availableTools=_shown_tools(spec, kept),
        availableSubAgentIds=_shown(kept, "availableSubAgentIds", [each.agent for each in spec.subagents]),
        availableSkills=_shown(kept, "availableSkills", list(spec.skills)),
        availableKnowledgeBases=_shown(
            kept, "availableKnowledgeBases", [each.collection for each in spec.knowledge]
        ),
        subAgentSelectionMode=kept.get("subAgentSelectionMode"),
        memoryType=kept.get("memoryType", "user" if spec.memory.recall else None),
        maxLoopCount=spec.limits.max_steps,
        deepThinking=bool(
            kept.get("deepThinking", spec.model_settings.reasoning_effort not in (None, "none"))
        ),
        thinkingLevel=str(kept.get("thinkingLevel") or _LEAST_LEVEL),
        llm_provider_id=kept.get("llm_provider_id"),
        fast_llm_provider_id=kept.get("fast_llm_provider_id"),
        enableMultimodal=bool(kept.get("enableMultimodal")),
        multiAgent=bool(kept.get("multiAgent")),
        agentMode=_shown_mode(spec),
        description=info.description or None,
        is_default=info.name == default,
        created_at=local_time(info.created_at) if info.created_at else None,
        updated_at=local_time(info.updated_at) if info.updated_at else None,
        im_channels=kept.get("im_channels"),
    )


def _prefix(spec: AgentSpec, context: Mapping[str, Any]) -> str | None:
    text = spec.instructions.rstrip("\n")
    section = _section(context)
    if section and text.endswith(section):
        text = text.removesuffix(section).rstrip("\n")
    return text or None


def _shown_mode(spec: AgentSpec) -> str:
    return next((theirs for theirs, ours in _MODES.items() if ours == spec.mode), _SIMPLE)


def _shown(kept: Mapping[str, Any], name: str, now: list[str]) -> list[str] | None:
    """Returns a list as it came; where none came with `ext` of Sage's, as it is."""
    return kept.get(name) if kept else now


def _shown_tools(spec: AgentSpec, kept: Mapping[str, Any]) -> list[str] | None:
    names = _shown(kept, "availableTools", list(spec.tool_names))
    if names is not None and not set(spec.tool_names) <= set(our_tools(names)):
        return list(spec.tool_names)  # they were changed elsewhere since
    return names


def _shown_workflows(spec: AgentSpec, kept: Mapping[str, Any]) -> dict[str, list[str]] | None:
    now = {name: list(steps) for name, steps in spec.workflows.items()}
    came = kept.get("availableWorkflows")
    return came if isinstance(came, dict) and _workflows(came) == now else now or None


def listed(infos: Iterable[AgentInfo], user_id: str, default: str) -> list[Agent]:
    """Returns the agents that a list shows: those whose file can be read."""
    return [agent_of(info, user_id, default) for info in infos if info.spec is not None]


def check_name(body: AgentConfig, infos: Iterable[AgentInfo], own_id: str = "") -> None:
    """Raises `InvalidError` where another agent of the user's own is called so."""
    name = _named(body)
    others = (info for info in infos if info.layer is Layer.USER and info.id != own_id)
    if any(name == (info.display_name or info.name) for info in others):
        raise failure("agent_name_taken", name=name)


def abilities_of(info: AgentInfo, language: str) -> Abilities:
    """Returns what an agent says that it can do: its workflows and prompts, else what it is for."""
    chinese = not language.lower().startswith("en")
    spec = info.spec
    items = [
        Ability(
            id=f"workflow-{number}",
            title=name,
            description="；".join(steps) if chinese else "; ".join(steps),
            promptText=f"请按“{name}”流程开始。" if chinese else f"Begin with “{name}”.",
        )
        for number, (name, steps) in enumerate((spec.workflows if spec else {}).items(), 1)
    ]
    items += [
        Ability(
            id=f"prompt-{prompt.name}",
            title=prompt.title or prompt.name,
            description=prompt.description,
            promptText=prompt.text,
        )
        for prompt in (spec.prompts if spec else ())
    ]
    name = info.display_name or info.name
    asked = f"请介绍一下{name}能为我做什么。" if chinese else f"Tell me what {name} can do for me."
    items = items or [Ability(id="about", title=name, description=info.description, promptText=asked)]
    return Abilities(items=items[:_MOST_ABILITIES])
