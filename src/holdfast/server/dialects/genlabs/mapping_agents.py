"""Between agents as GenLabs has them and ours. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from holdfast.core.domain.agents import AgentInfo, AgentSpec, Layer
from holdfast.core.domain.custom_tools import CustomTool
from holdfast.core.domain.errors import AgentFileError, InvalidError, NotFoundError
from holdfast.core.domain.identity import Credential
from holdfast.core.domain.plans import region_of
from holdfast.core.domain.usage import UsageSummary
from holdfast.server.dialects.genlabs.errors import said
from holdfast.server.dialects.genlabs.wire_agents import (
    AgentChanges,
    AgentDetails,
    Agents,
    ListedAgent,
    NewAgent,
)
from holdfast.server.kit.revising import as_entries, own_entries

NAME = "genlabs"
"""Of what is kept in the `ext` of things: `key`, the id of the key that calls an agent; `stream`; `alpha`."""
PLANS = {"Decentralized": "decentralized", "Dedicated": "dedicated"}
_SHOWN = {ours: wire for wire, ours in PLANS.items()}
_WIRE = {
    "display_name": "modelName",
    "instructions": "system",
    "model_settings.top_p": "topP",
    "model_settings.temperature": "temperature",
}
"""What clients call the keys of an agent file."""
_UNSET = 1.0
"""What `topP` and `temperature` are told as where an agent leaves them to its model."""


def kept(ext: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Returns what GenLabs' clients keep in an `ext`."""
    return ext.get(NAME, {})


def moment(at: datetime | None) -> str:
    """Returns a time as GenLabs writes it, in UTC; empty where it is not known."""
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def agent_id(given: Any) -> str:
    """Returns the id of the agent that a request is about. Raises `InvalidError` where there is none, and
    `NotFoundError` for what is no id of ours."""
    if given is None or given == "":
        raise said("Model ID is required")
    try:
        return str(UUID(given))
    except (ValueError, TypeError, AttributeError):
        raise no_agent() from None


def no_agent() -> NotFoundError:
    """Returns the error of an agent that the caller does not have."""
    return NotFoundError("Model not found", code="agent_not_found")


def own_agent(info: AgentInfo) -> AgentInfo:
    """Returns an agent if it is one of the caller's own. Raises `NotFoundError`."""
    if info.layer is not Layer.USER:
        raise no_agent()
    return info


# --- what is made and changed


def agent_values(body: NewAgent, regions: Sequence[str]) -> dict[str, Any]:
    """Returns the keys of an agent file that a new agent has. Raises `InvalidError` in GenLabs' words."""
    if not (isinstance(body.agent_name, str) and body.agent_name.strip() and body.plan):
        raise said("Agent name and plan are required")
    plan = _plan(body.plan)
    region = _region(body.region, regions) if plan == "dedicated" else None
    return {"display_name": body.agent_name.strip(), "plan": plan, **({"region": region} if region else {})}


def _plan(given: Any) -> str:
    if not isinstance(given, str) or given not in PLANS:
        raise said("Invalid plan selection")
    return PLANS[given]


def _region(given: Any, regions: Sequence[str]) -> str:
    if not isinstance(given, str) or given not in regions:
        raise said("Invalid region selection")
    return given


def agent_changes(
    body: AgentChanges,
    info: AgentInfo,
    values: Mapping[str, Any],
    *,
    key: str | None,
    tools: Sequence[str] | None,
    regions: Sequence[str],
) -> dict[str, Any]:
    """Returns what of an agent file changes. `values` are those of its own text, `key` is the id of the key
    that is named (empty: none is to be), `tools` the names of the tools that are, None where they stay.
    Raises `InvalidError` in GenLabs' words."""
    changes: dict[str, Any] = dict(_placed(body, info.spec, regions))
    if body.modelName is not None:
        changes["display_name"] = body.modelName
    if body.modelScript is not None:
        changes["script"] = _script(body.modelScript, info.spec)
    if body.system is not None:
        changes["instructions"] = body.system or None
    if body.logging is not None:
        changes["logging"] = body.logging
    if tools is not None:
        changes["tools"] = _tools(info, values, tools)
    for wire, ours in (("topP", "top_p"), ("temperature", "temperature")):
        if getattr(body, wire) is not None:
            changes[f"model_settings.{ours}"] = getattr(body, wire)
    said_of = {"key": key, "stream": body.stream, "alpha": body.alpha}
    ext = {f"ext.{NAME}.{name}": value or None for name, value in said_of.items() if value is not None}
    return {**changes, **ext}


def _placed(body: AgentChanges, spec: AgentSpec | None, regions: Sequence[str]) -> dict[str, Any]:
    """Returns the changes of plan and region: on the plan `dedicated` there must be one, else none is."""
    before = spec.plan if spec else None
    plan = before if body.plan is None else _plan(body.plan)
    changes: dict[str, Any] = {} if body.plan is None else {"plan": plan}
    if plan == "decentralized":
        return {**changes, "region": None} if body.plan is not None else changes
    if body.region is not None:
        return {**changes, "region": _region(body.region, regions)}
    if body.plan is not None and (spec is None or spec.region is None):
        raise said("Invalid region selection")
    return changes


def _script(code: str, spec: AgentSpec | None) -> dict[str, Any] | None:
    """Returns an agent's script with this code, the rest of it as it was; None: none, as for an empty one."""
    if not code.strip():
        return None
    before = spec.script if spec else None
    more = before.model_dump(include={"models", "timeout_s"}, exclude_defaults=True) if before else {}
    return {"code": code, **more}


def _tools(info: AgentInfo, values: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    """Returns an agent's `tools:` with these tools and no others; those that it has stay as they are."""
    before = {each["tool"]: each for each in own_entries(info, values, "tools", "tool")}
    return as_entries([before.get(name, {"tool": name}) for name in dict.fromkeys(names)], "tool")


def named_tools(given: Any, known: Mapping[str, CustomTool | None]) -> list[str]:
    """Returns the names that tools have here: `known` are all that there are by those, with what is known of
    those of the user's own. Raises `InvalidError` for one that there is not, and for what names none."""
    wanted = _split(given, known) if isinstance(given, str) else given
    if not isinstance(wanted, list):
        raise said("Invalid tool selection")
    return [_named(each, known) for each in wanted]


def _split(text: str, known: Mapping[str, CustomTool | None]) -> list[str]:
    """Takes a text apart at its commas; a tool's title may have some itself."""
    if not text.strip():
        return []
    titles = [name for tool in known.values() if tool and "," in (name := title_of(tool))]
    if text.strip() in titles:
        return [text.strip()]
    return [each.strip() for each in text.split(",") if each.strip()]


def _named(given: Any, known: Mapping[str, CustomTool | None]) -> str:
    if not isinstance(given, str | int) or isinstance(given, bool):
        raise said("Invalid tool selection")
    text = str(given).strip()
    for name, tool in known.items():
        if isinstance(given, str) and text == (title_of(tool) if tool else name):
            return name
    for name, tool in known.items():
        if text == name or (tool is not None and text == str(tool.number)):
            return name
    raise said(f"Invalid tool selection: {text[:100]}")


def title_of(tool: CustomTool) -> str:
    """Returns what clients know a tool of the user's own by."""
    return getattr(tool.spec, "title", "") or tool.spec.name


def refused(error: AgentFileError) -> InvalidError:
    """Returns the error of values that make no agent: of a script in words of its own, of others by the names
    that clients have for them."""
    wrong = [each for each in error.diagnostics if each.key_path.split(".")[0] == "script"]
    if wrong:
        return said("Invalid agent script: " + "; ".join(each.message for each in wrong))
    return AgentFileError(
        [
            each.model_copy(update={"key_path": _WIRE.get(each.key_path, each.key_path)})
            for each in error.diagnostics
        ]
    )


# --- what is told


def agent_details(
    info: AgentInfo,
    tools: Mapping[str, CustomTool | None],
    keys: Iterable[Credential],
    *,
    model: str,
    regions: Sequence[str],
) -> AgentDetails:
    """Returns an agent as GenLabs shows it. `tools` are all that there are, as in `named_tools`; `model` is
    the one that it asks without a script."""
    spec = info.spec
    settings = spec.model_settings if spec else None
    names = [
        title_of(own) if (own := tools.get(name)) else name for name in (spec.tool_names if spec else ())
    ]
    return AgentDetails(
        modelName=info.display_name or info.name,
        creationDate=moment(info.created_at),
        modelScript=_code(spec, model),
        plan=_plan_of(spec),
        region=_region_now(spec, regions),
        apiKey=_key_name(kept(spec.ext).get("key") if spec else None, keys),
        tools=", ".join(names),
        topP=_or_unset(settings.top_p if settings else None),
        temperature=_or_unset(settings.temperature if settings else None),
        system=spec.instructions if spec else "",
        stream=_says(spec, "stream"),
    )


def _code(spec: AgentSpec | None, model: str) -> str:
    if spec is not None and spec.script is not None:
        return spec.script.code
    return f"response = query({json.dumps(model)}, conversation)\n"


def _plan_of(spec: AgentSpec | None) -> Any:
    return _SHOWN.get(spec.plan or "") if spec else None


def _region_now(spec: AgentSpec | None, regions: Sequence[str]) -> str | None:
    return region_of(spec.region, tuple(regions)) if spec and spec.plan == "dedicated" else None


def _key_name(id: Any, keys: Iterable[Credential]) -> str | None:
    """Returns what a key is called, by which it can be named again; its id where others are called so."""
    there = [each for each in keys if each.revoked_at is None]
    key = next((each for each in there if each.id == id), None)
    if key is None:
        return None
    return key.id if sum(each.name == key.name for each in there) > 1 else key.name


def _or_unset(value: float | None) -> float:
    return _UNSET if value is None else value


def _says(spec: AgentSpec | None, name: str) -> bool:
    return spec is not None and kept(spec.ext).get(name) is True


def listed_agents(infos: Iterable[AgentInfo], used: UsageSummary, regions: Sequence[str]) -> Agents:
    """Returns the caller's own agents, with what each has used."""
    groups = {each.key: each for each in used.groups}
    return Agents(
        agents=tuple(
            ListedAgent(
                agent_id=info.id,
                modelId=info.id,
                modelName=info.display_name or info.name,
                plan=_plan_of(info.spec),
                region=_region_now(info.spec, regions),
                creationDate=moment(info.created_at),
                requests=groups[info.name].runs if info.name in groups else 0,
                credits=groups[info.name].credits if info.name in groups else 0.0,
                logging=info.spec is not None and info.spec.logging,
                alpha=_says(info.spec, "alpha"),
            )
            for info in infos
            if info.layer is Layer.USER
        )
    )
