"""Between the tools that an agent is assigned, as Powabase has them, and the lists of our agent files. Pure.

What is one tool there and several here is one assignment: its id is that of the first of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.agents import ToolAssignment as Assigned
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.tools import ToolInfo
from holdfast.server.dialects.powabase.mapping import TOOLS, core_tools, wire_tool
from holdfast.server.dialects.powabase.mapping_agents import NAME, kept
from holdfast.server.dialects.powabase.mapping_databases import (
    DATABASE_TOOLS,
    check_schemas,
    database_changes,
)
from holdfast.server.dialects.powabase.wire_agents import ToolAssignment, ToolAssignmentBody
from holdfast.server.kit.revising import as_entries, own_entries

_ARGUMENTS: dict[str, dict[str, str]] = {
    "web_search": {"num_results": "max_results"},
    "web_scrape": {"include_images": "images"},
    "read_bucket": {"path": "key"},
    "list_bucket": {"path": "prefix"},
    "write_bucket": {"path": "key"},
}
"""What Powabase calls arguments otherwise, by our tool. A bucket's `path` is never ours: a file of the
workspace."""
PARTS: dict[str, tuple[str, dict[str, str]]] = {
    "code_execute": ("language", {"python": "run_python", "javascript": "run_javascript"}),
    "storage_read": ("operation", {"download": "read_bucket", "list": "list_bucket"}),
}
"""Arguments of Powabase's that are a choice between tools here."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A tool that is to be assigned."""

    name: str
    """As the client calls it."""
    type: str
    parts: tuple[str, ...]
    """Our tools."""


def chosen(body: ToolAssignmentBody, known: Sequence[ToolInfo]) -> Chosen:
    """Returns the tool that a request names. Raises `InvalidError` when it names none."""
    if body.tool_id is not None:
        found = next((one for one in known if one.id == body.tool_id), None)
        if found is None or body.tool_type == "builtin":
            raise InvalidError("tool_id: there is no such custom tool.", code="unknown_tool")
        return Chosen(found.name, "custom", (found.name,))
    if not body.tool_name:
        raise InvalidError("tool_name: is missing.", code="invalid_request")
    builtin = {*TOOLS, *(one.name for one in known if one.source == "builtin")}
    if body.tool_name in builtin and body.tool_type != "custom":
        return Chosen(body.tool_name, "builtin", core_tools(body.tool_name))
    custom = {one.name for one in known if one.source == "custom"}
    if body.tool_name in custom and body.tool_type != "builtin":
        return Chosen(body.tool_name, "custom", (body.tool_name,))
    shown = sanitize_line(shorten(body.tool_name, 80))
    names = ", ".join(sorted({*TOOLS, *custom}))
    raise InvalidError(f"tool_name: there is no tool {shown!r}; there are: {names}.", code="unknown_tool")


def assignments(info: AgentInfo, known: Sequence[ToolInfo]) -> tuple[ToolAssignment, ...]:
    """Returns the tools of an agent as Powabase lists them."""
    custom = {one.name: one.id for one in known if one.source == "custom"}
    groups = _groups(info.spec.tools if info.spec else ())
    return tuple(_assignment(group, custom) for group in groups)


def assignment(info: AgentInfo, known: Sequence[ToolInfo], id: str) -> ToolAssignment:
    """Returns one tool of an agent. Raises `NotFoundError`."""
    custom = {one.name: one.id for one in known if one.source == "custom"}
    return _assignment(_group(info, id), custom)


def assignment_of(info: AgentInfo, known: Sequence[ToolInfo], tool: Chosen) -> ToolAssignment:
    """Returns the assignment by which an agent has a tool."""
    part = next(one for one in assigned_tools(info) if one.tool in tool.parts)
    return assignment(info, known, str(part.id))


def assigned_tools(info: AgentInfo) -> tuple[Assigned, ...]:
    """Returns the tools of an agent; none of one whose file has mistakes."""
    return info.spec.tools if info.spec else ()


def _assignment(group: Sequence[Assigned], custom: Mapping[str, str | None]) -> ToolAssignment:
    first = group[0]
    said = kept(first.ext)
    override = said.get("config_override", first.arguments or None)
    return ToolAssignment(
        id=str(first.id),
        tool_type="custom" if first.tool in custom else "builtin",
        tool_name=_name(first),
        tool_id=custom.get(first.tool),
        config_override=override,
    )


def _name(assigned: Assigned) -> str:
    return str(kept(assigned.ext).get("tool_name") or wire_tool(assigned.tool))


def _groups(tools: Iterable[Assigned]) -> list[list[Assigned]]:
    found: dict[str, list[Assigned]] = {}
    for each in tools:
        found.setdefault(_name(each), []).append(each)
    return list(found.values())


def _group(info: AgentInfo, id: str) -> list[Assigned]:
    for group in _groups(assigned_tools(info)):
        if any(each.id == id for each in group):
            return group
    raise NotFoundError("Tool assignment not found", code="assignment_not_found")


# --- changes


def check_override(parts: Iterable[str], override: Mapping[str, Any] | None) -> None:
    """Raises `InvalidError` for an override whose `schemas` a database tool cannot have."""
    if override is not None and "schemas" in override and not DATABASE_TOOLS.isdisjoint(parts):
        check_schemas(override["schemas"])


def with_tool(
    info: AgentInfo,
    values: Mapping[str, Any],
    tool: Chosen,
    override: dict[str, Any] | None,
    known: Sequence[ToolInfo],
    connection: str | None,
) -> dict[str, Any]:
    """Returns the changes by which an agent has a tool with an override, in the place of those parts of it
    that it has; `connection` is the PostgreSQL database that schemas are of."""
    before = [each for each in assigned_tools(info) if each.tool in tool.parts]
    entries = own_entries(info, values, "tools", "tool")
    there = {each["tool"]: each for each in entries}
    parts = _parts(tool, override)
    made = [_entry(there.get(part) or _new(part, before), tool, override, known) for part in parts]
    if before:
        made.sort(key=lambda each: each["tool"] != before[0].tool)
        if made[0]["tool"] != before[0].tool:
            made[0]["id"] = before[0].id  # by which clients know the assignment
    at = next((number for number, each in enumerate(entries) if each["tool"] in tool.parts), len(entries))
    rest = [each for each in entries if each["tool"] not in tool.parts]
    return _changes(info, values, [*rest[:at], *made, *rest[at:]], connection)


def without_tool(
    info: AgentInfo, values: Mapping[str, Any], id: str, connection: str | None
) -> dict[str, Any]:
    """Returns the changes by which an agent has a tool no more. Raises `NotFoundError`."""
    gone = {each.tool for each in _group(info, id)}
    entries = own_entries(info, values, "tools", "tool")
    return _changes(info, values, [each for each in entries if each["tool"] not in gone], connection)


def tool_of(info: AgentInfo, known: Sequence[ToolInfo], id: str) -> Chosen:
    """Returns the tool that an assignment is of. Raises `NotFoundError`."""
    group = _group(info, id)
    name = _name(group[0])
    custom = any(one.name == group[0].tool and one.source == "custom" for one in known)
    all_parts = core_tools(name) if {each.tool for each in group} <= set(core_tools(name)) else ()
    return Chosen(name, "custom" if custom else "builtin", all_parts or tuple(each.tool for each in group))


def _parts(tool: Chosen, override: Mapping[str, Any] | None) -> tuple[str, ...]:
    argument, choices = PARTS.get(tool.name, ("", {}))
    chosen = choices.get(str((override or {}).get(argument)))
    return (chosen,) if chosen else tool.parts


def _new(part: str, before: Sequence[Assigned]) -> dict[str, Any]:
    """Returns the entry of a part that comes to others; its own id might be what those are known by."""
    return {"tool": part, "id": str(uuid5(UUID(before[0].id), part))} if before else {"tool": part}


def _entry(
    before: dict[str, Any], tool: Chosen, override: dict[str, Any] | None, known: Sequence[ToolInfo]
) -> dict[str, Any]:
    """Returns an entry of `tools:` with an override, the rest of it as before."""
    entry = {key: value for key, value in before.items() if key not in ("arguments", "ext")}
    part = entry["tool"]
    said: dict[str, Any] = {} if tool.name == wire_tool(part) else {"tool_name": tool.name}
    if tool.type == "custom":
        pins = before.get("arguments", {})  # those of the user; an override does nothing here
    else:
        pins = _pins(part, override or {}, known)
    if override != (pins or None):
        said["config_override"] = override
    ext = {name: value for name, value in (before.get("ext") or {}).items() if name != NAME}
    return {
        **entry,
        **({"arguments": pins} if pins else {}),
        **({"ext": {**ext, NAME: said}} if said else {"ext": ext} if ext else {}),
    }


def _pins(part: str, override: Mapping[str, Any], known: Sequence[ToolInfo]) -> dict[str, Any]:
    """Returns what an override makes of the arguments of one of our tools."""
    info = next((one for one in known if one.name == part), None)
    arguments = info.parameters.get("properties", {}) if info is not None else {}
    names = _ARGUMENTS.get(part, {})
    wanted = {names.get(name, name): value for name, value in override.items()}
    if part in DATABASE_TOOLS:
        wanted.pop("schemas", None)
    return {name: value for name, value in wanted.items() if name in arguments}


def _changes(
    info: AgentInfo, values: Mapping[str, Any], entries: list[dict[str, Any]], connection: str | None
) -> dict[str, Any]:
    before = {each.tool: each.ext for each in assigned_tools(info)}
    after = {each["tool"]: each.get("ext") or {} for each in entries}
    databases = database_changes(info, values, _schemas(before), _schemas(after), connection)
    return {"tools": as_entries(entries, "tool"), **databases}


def _schemas(ext: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the schemas that the overrides of database tools name, by our tool."""
    overrides = {tool: kept(ext[tool]).get("config_override") for tool in DATABASE_TOOLS if tool in ext}
    return {tool: given["schemas"] for tool, given in overrides.items() if given and "schemas" in given}
