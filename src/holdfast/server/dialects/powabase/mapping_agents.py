"""Between agents as Powabase has them and ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from holdfast.core.domain.agents import AgentInfo, AgentSpec
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.runs import SessionCounts
from holdfast.core.domain.usage import UsageGroup, UsageSummary
from holdfast.server.dialects.powabase.wire_agents import (
    Agent,
    AgentBody,
    AgentChanges,
    AgentQuery,
    Agents,
    ListedAgent,
)
from holdfast.server.kit.paging import window

NAME = "powabase"
"""Of what is kept in the `ext` of things."""
MOST_AGENTS = 100
"""Agents in one answer."""

_MODEL = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning_effort",
    "seed": "seed",
}
"""Settings of Powabase's, and those of our `model_settings` that they are."""
_LIMITS = {"max_steps": "max_steps", "timeout_seconds": "timeout_s"}
_FALLBACK = "fallback_model"


def kept(ext: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Returns what Powabase's clients keep in an `ext`."""
    return ext.get(NAME, {})


def agent_values(body: AgentBody) -> dict[str, Any]:
    """Returns the keys of an agent file that an agent has."""
    settings = body.settings or {}
    values: dict[str, Any] = {
        "display_name": body.name,
        "model": body.model or None,
        "instructions": body.system_prompt or None,
        "model_settings": _given(settings, _MODEL) or None,
        "limits": _given(settings, _LIMITS) or None,
        "fallback_models": _fallbacks(settings),
    }
    others = _others(settings)
    return {**values, "ext": {NAME: {"settings": others}}} if others else values


def agent_changes(body: AgentChanges, now: AgentSpec | None) -> dict[str, Any]:
    """Returns what of an agent file changes; `now` is what the agent is, None where its file has mistakes.
    Raises `InvalidError` where nothing changes."""
    given = body.model_fields_set
    if not given:
        raise InvalidError(
            "Nothing to change: give name, model, system_prompt or settings.", code="invalid_request"
        )
    if "name" in given and body.name is None:
        raise InvalidError("name: must not be null.", code="invalid_request")
    changes: dict[str, Any] = {}
    if "name" in given:
        changes["display_name"] = body.name
    if "model" in given:
        changes["model"] = body.model or None
    if "system_prompt" in given:
        changes["instructions"] = body.system_prompt or None
    return {**changes, **_settings_changes(body.settings or {}, now)} if "settings" in given else changes


def _settings_changes(settings: dict[str, Any], now: AgentSpec | None) -> dict[str, Any]:
    """Returns the changes by which these settings, and no others, hold."""
    # Powabase knows of one fallback: those behind it stay, unless it is another.
    same = now is not None and settings.get(_FALLBACK) in now.fallback_models[:1]
    return {
        **{f"model_settings.{ours}": settings.get(wire) for wire, ours in _MODEL.items()},
        **{f"limits.{ours}": settings.get(wire) for wire, ours in _LIMITS.items()},
        **({} if same else {"fallback_models": _fallbacks(settings)}),
        f"ext.{NAME}.settings": _others(settings) or None,
    }


def settings_of(spec: AgentSpec) -> dict[str, Any]:
    """Returns an agent's settings: those that act as they are now, and the others as they came."""
    model = {wire: getattr(spec.model_settings, ours) for wire, ours in _MODEL.items()}
    limits = {
        wire: getattr(spec.limits, ours)
        for wire, ours in _LIMITS.items()
        if ours in spec.limits.model_fields_set
    }
    fallback = {_FALLBACK: spec.fallback_models[0]} if spec.fallback_models else {}
    acting = {name: value for name, value in model.items() if value is not None}
    return {**acting, **limits, **fallback, **kept(spec.ext).get("settings", {})}


def _given(settings: Mapping[str, Any], table: Mapping[str, str]) -> dict[str, Any]:
    return {ours: settings[wire] for wire, ours in table.items() if settings.get(wire) is not None}


def _fallbacks(settings: Mapping[str, Any]) -> list[Any] | None:
    return [settings[_FALLBACK]] if settings.get(_FALLBACK) else None


def _others(settings: Mapping[str, Any]) -> dict[str, Any]:
    known = {*_MODEL, *_LIMITS, _FALLBACK}
    return {name: value for name, value in settings.items() if name not in known}


def agent_of(info: AgentInfo) -> Agent:
    """Returns an agent as Powabase shows it."""
    return Agent.model_validate(_shown(info))


def _shown(info: AgentInfo) -> dict[str, Any]:
    spec = info.spec
    return {
        "id": info.id,
        "name": info.display_name or info.name,
        "model": spec.model if spec else None,
        "system_prompt": spec.instructions if spec else "",
        "settings": settings_of(spec) if spec else {},
        "created_at": info.created_at,
        "updated_at": info.updated_at,
    }


def listed_agents(
    infos: Iterable[AgentInfo], counts: SessionCounts, used: UsageSummary, query: AgentQuery
) -> Agents:
    """Returns the part of all agents that is asked for, each with what it has done."""
    by_name = {group.key: group for group in used.groups}
    found = [
        _listed(info, counts.agents.get(info.name, 0), by_name.get(info.name))
        for info in infos
        if query.q.lower() in (info.display_name or info.name).lower()
    ]
    part = window(_ordered(found, query), query.offset, min(max(query.limit, 1), MOST_AGENTS))
    return Agents(agents=part.items, total=part.total, limit=part.limit, offset=part.offset)


def _listed(info: AgentInfo, sessions: int, used: UsageGroup | None) -> ListedAgent:
    runs = used.runs if used else 0
    last = used.last_at if used and runs else None
    return ListedAgent.model_validate(
        {**_shown(info), "session_count": sessions, "total_runs": runs, "last_run_at": last}
    )


def _ordered(agents: list[ListedAgent], query: AgentQuery) -> list[ListedAgent]:
    """Returns them in order; those without what they are ordered by come last."""
    by_id = sorted(agents, key=lambda one: one.id)
    known = [one for one in by_id if getattr(one, query.sort) is not None]
    known.sort(key=lambda one: _key(one, query.sort), reverse=query.order == "desc")
    return [*known, *(one for one in by_id if getattr(one, query.sort) is None)]


def _key(agent: ListedAgent, sort: str) -> Any:
    return agent.name.casefold() if sort == "name" else getattr(agent, sort)
