"""Between hooks as Powabase has them and those of our agent files. Pure.

A hook is stored as it was sent, in its `ext`, beside what it means here; but the values of headers, which
may be secrets, stand in one place and are given back to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.hooks import MAX_TIMEOUT_S, HookPoint, HookSpec, HookType
from holdfast.core.domain.values import made_at
from holdfast.server.dialects.powabase.mapping import core_matcher, wire_tool
from holdfast.server.dialects.powabase.mapping_agents import NAME, kept
from holdfast.server.dialects.powabase.mapping_mcp import MASK
from holdfast.server.dialects.powabase.wire_agents import Hook, HookBody

_EVENTS: dict[HookPoint, tuple[str, ...]] = {
    HookPoint.BEFORE_RUN: ("OnRunStart", "before_run", "pre_run", "run_start"),
    HookPoint.BEFORE_TOOL: ("PreToolUse", "before_tool", "before_tool_call", "pre_tool"),
    HookPoint.AFTER_TOOL: ("PostToolUse", "after_tool", "after_tool_call", "post_tool"),
    HookPoint.BEFORE_DELEGATION: ("OnDelegation", "before_delegation"),
    HookPoint.BEFORE_RESPONSE: ("PreResponse", "before_response"),
    HookPoint.AFTER_RUN: ("OnRunComplete", "after_run", "post_run", "run_complete"),
}
"""Our points with Powabase's name and the others that are taken."""
_POINTS = {name: point for point, names in _EVENTS.items() for name in names}
_TYPES = {
    "webhook": HookType.WEBHOOK,
    "http": HookType.WEBHOOK,
    "rule": HookType.RULE,
    "approval": HookType.APPROVAL,
}
_AFTERWARDS = (HookPoint.AFTER_TOOL, HookPoint.AFTER_RUN)


def event_of(point: HookPoint) -> str:
    """Returns what Powabase calls a point; one that it does not have keeps its name."""
    return _EVENTS.get(point, (point.value,))[0]


def hooks(info: AgentInfo) -> tuple[Hook, ...]:
    """Returns the hooks of an agent, by their position and then as they stand."""
    found = info.spec.hooks if info.spec else ()
    return tuple(_shown(info, each) for each in sorted(found, key=lambda one: one.order))


def hook(info: AgentInfo, id: str) -> Hook:
    """Returns a hook that an agent has."""
    return next(one for one in hooks(info) if one.id == id)


def _shown(info: AgentInfo, spec: HookSpec) -> Hook:
    said = kept(spec.ext)
    config = said.get("config", _config(spec))
    if spec.headers:
        config = {**config, "headers": dict.fromkeys(spec.headers, MASK)}
    return Hook(
        id=str(spec.id),
        agent_id=info.id,
        event=said.get("event") or event_of(spec.point),
        matcher=said["matcher"] if "matcher" in said else _matcher(spec),
        type=said.get("type") or ("http" if spec.type is HookType.WEBHOOK else spec.type.value),
        config=config,
        enabled=spec.enabled,
        position=spec.order,
        created_at=made_at(str(spec.id)) or info.created_at,
    )


def _matcher(spec: HookSpec) -> str | None:
    return None if spec.matcher == "*" else wire_tool(spec.matcher)


def _config(spec: HookSpec) -> dict[str, Any]:
    """Returns what Powabase would say of a hook that was not made over this API."""
    if spec.type is HookType.RULE:
        rules = [{"condition": one.when, "action": one.action, "message": one.reason} for one in spec.rules]
        return {"rules": rules}
    wait = "timeout" if spec.type is HookType.APPROVAL else "timeout_seconds"
    known = {"url": spec.url, "message": spec.message or None, wait: spec.timeout_s}
    return {name: value for name, value in known.items() if value is not None}


def with_hook(info: AgentInfo, values: Mapping[str, Any], body: HookBody, id: str) -> dict[str, Any]:
    """Returns the change by which an agent has another hook. Raises `InvalidError` for what is none."""
    return {"hooks": [*(values.get("hooks") or ()), hook_entry(body, id)]}


def without_hook(info: AgentInfo, values: Mapping[str, Any], id: str) -> dict[str, Any]:
    """Returns the change by which an agent has a hook no more. Raises `NotFoundError`, and `ForbiddenError`
    for one of the agent that it extends."""
    found = info.spec.hooks if info.spec else ()
    own = list(values.get("hooks") or ())
    place = next((number for number, one in enumerate(found) if one.id == id), None)
    if place is None:
        raise NotFoundError("Hook not found", code="hook_not_found")
    at = place - (len(found) - len(own))  # those that are inherited come first
    if at < 0:
        raise ForbiddenError("This hook is of the agent that this one extends.", code="hook_inherited")
    return {"hooks": [*own[:at], *own[at + 1 :]]}


def hook_entry(body: HookBody, id: str) -> dict[str, Any]:
    """Returns a hook as an agent file has it. Raises `InvalidError`."""
    point, type = _POINTS.get(body.event), _TYPES.get(body.type)
    if point is None:
        names = ", ".join(name for names in _EVENTS.values() for name in names)
        raise InvalidError(f"event: must be one of {names}.", code="invalid_request")
    if type is None:
        raise InvalidError(f"type: must be one of {', '.join(_TYPES)}.", code="invalid_request")
    if type is not HookType.WEBHOOK and point in _AFTERWARDS:
        raise InvalidError(f"{body.type} can only refuse, and {body.event} cannot.", code="invalid_request")
    config = {name: value for name, value in body.config.items() if name != "headers"}
    said: dict[str, Any] = {"event": body.event, "type": body.type, "config": config}
    matcher = {} if body.matcher in (None, "", "*") else {"matcher": core_matcher(str(body.matcher))}
    return {
        "id": id,
        "point": point.value,
        "type": type.value,
        **matcher,
        **({"order": body.position} if body.position else {}),
        **({} if body.enabled else {"enabled": False}),
        **_meaning(type, body.config),
        "ext": {NAME: said if body.matcher is None else {**said, "matcher": body.matcher}},
    }


def _meaning(type: HookType, config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a `config` is in our words."""
    if type is HookType.RULE:
        return {"rules": _rules(config)}
    wait = config.get("timeout" if type is HookType.APPROVAL else "timeout_seconds")
    if wait is not None and (isinstance(wait, bool) or not isinstance(wait, int | float)):
        raise InvalidError("config: its timeout must be a number of seconds.", code="invalid_request")
    timeout = {} if wait is None else {"timeout_s": min(wait, MAX_TIMEOUT_S)}
    if type is HookType.APPROVAL:
        return {**({"message": config["message"]} if config.get("message") else {}), **timeout}
    if not isinstance(config.get("url"), str):
        raise InvalidError("config.url: is missing.", code="invalid_request")
    WebAddress.parse(config["url"])
    headers = {"headers": config["headers"]} if config.get("headers") else {}
    return {"url": config["url"], **headers, **timeout}


def _rules(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = config.get("rules") if "rules" in config else [config]
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise InvalidError("config: a rule needs a condition, or a list of rules.", code="invalid_request")
    return [_rule(each) for each in given]


def _rule(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not isinstance(given.get("condition"), str):
        raise InvalidError("config: each rule needs a condition.", code="invalid_request")
    action = given.get("action", "deny")
    if action not in ("deny", "allow"):
        raise InvalidError("config: the action of a rule must be deny or allow.", code="invalid_request")
    message = given.get("message")
    return {"when": given["condition"], "action": action, **({"reason": message} if message else {})}
