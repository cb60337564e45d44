"""Between the MCP servers of an agent as Powabase has them and ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.mcp import McpAssignment, McpServerSpec, free_server_name
from holdfast.core.domain.mcp import McpServer as OwnServer
from holdfast.core.domain.values import made_at, utc_now
from holdfast.server.dialects.powabase.mapping_agents import NAME, kept
from holdfast.server.dialects.powabase.wire_agents import McpBody, McpChanges, McpServer
from holdfast.server.kit.revising import as_entries, own_entries

MASK = "***"
"""In the place of a header's value, which may be a secret. Whoever sends it back changes nothing."""
_TRANSPORTS = {"http": False, "streamable_http": False, "streamable-http": False, "sse": True}
_NOT_FOUND = "MCP server not found"


def mcp_servers(info: AgentInfo, own: Iterable[OwnServer]) -> tuple[McpServer, ...]:
    """Returns the servers of an agent: those that its file describes, and the user's own that it names."""
    by_name = {one.spec.name: one.spec for one in own}
    return tuple(_shown(info, each, by_name) for each in (info.spec.mcp if info.spec else ()))


def mcp_server(info: AgentInfo, own: Iterable[OwnServer], id: str) -> McpServer:
    """Returns one server of an agent. Raises `NotFoundError`."""
    for one in mcp_servers(info, own):
        if one.id == id:
            return one
    raise NotFoundError(_NOT_FOUND, code="mcp_server_not_found")


def _shown(info: AgentInfo, assigned: McpAssignment, own: Mapping[str, McpServerSpec]) -> McpServer:
    said = kept(assigned.ext)
    spec = assigned if assigned.defined else own.get(assigned.server, assigned)
    created = made_at(str(assigned.id)) or info.created_at
    return McpServer(
        id=str(assigned.id),
        agent_id=info.id,
        name=str(said.get("name") or assigned.server),
        transport="stdio" if spec.command else "sse" if spec.sse else "http",
        url=spec.url or "",
        headers=dict.fromkeys(spec.headers, MASK),
        config=said.get("config", {}),
        enabled=assigned.enabled,
        created_at=created,
        updated_at=_time(said.get("updated_at")) or created,
    )


def _time(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def with_server(info: AgentInfo, values: Mapping[str, Any], body: McpBody, id: str) -> dict[str, Any]:
    """Returns the change by which an agent has another server. Raises `ConflictError` for a name that one of
    its servers has."""
    entries = own_entries(info, values, "mcp", "server")
    _check_free(entries, body.name)
    entry = {"server": free_server_name(body.name, {one["server"] for one in entries}), "id": id, "url": ""}
    return {"mcp": as_entries([*entries, _changed(entry, body)], "server")}


def with_changed_server(
    info: AgentInfo, values: Mapping[str, Any], body: McpChanges, id: str
) -> dict[str, Any]:
    """Returns the change of one server of an agent. Raises `NotFoundError`, `InvalidError` where nothing
    changes, `ConflictError`, and `ForbiddenError` for one that the agent only names."""
    name = _server(info, id)
    if not any(getattr(body, key) is not None for key in body.model_fields_set):
        raise InvalidError("Nothing to change.", code="invalid_request")
    entries = own_entries(info, values, "mcp", "server")
    others = [one for one in entries if one["server"] != name]
    entry = {**next(one for one in entries if one["server"] == name), "id": id}
    if "url" not in entry and body.model_fields_set - {"enabled"}:
        raise ForbiddenError(
            f"{name} is a server of yours that the agent names: only `enabled` changes here. "
            "`holdfast mcp` changes the rest.",
            code="mcp_server_readonly",
        )
    if body.name is not None:
        _check_free(others, body.name)
        if body.name != _title(entry):
            entry["server"] = free_server_name(body.name, {one["server"] for one in others})
    changed = _changed(entry, body)
    said = {**kept(changed.get("ext", {})), "updated_at": utc_now().isoformat()}
    changed["ext"] = {**changed.get("ext", {}), NAME: said}
    return {"mcp": as_entries([changed if one["server"] == name else one for one in entries], "server")}


def without_server(info: AgentInfo, values: Mapping[str, Any], id: str) -> dict[str, Any]:
    """Returns the change by which an agent has a server no more. Raises `NotFoundError`."""
    name = _server(info, id)
    entries = own_entries(info, values, "mcp", "server")
    return {"mcp": as_entries([one for one in entries if one["server"] != name], "server")}


def _server(info: AgentInfo, id: str) -> str:
    for each in info.spec.mcp if info.spec else ():
        if each.id == id:
            return each.server
    raise NotFoundError(_NOT_FOUND, code="mcp_server_not_found")


def _changed(entry: dict[str, Any], body: McpBody | McpChanges) -> dict[str, Any]:
    """Returns an entry of `mcp:` with what a request says of it."""
    found = {**entry}
    said = dict(kept(entry.get("ext", {})))
    if body.url is not None:
        WebAddress.parse(body.url)
        found["url"] = body.url
    if body.transport is not None:
        if body.transport not in _TRANSPORTS:
            raise InvalidError("transport: must be http or sse.", code="invalid_request")
        found["sse"] = _TRANSPORTS[body.transport]
    if body.headers is not None:
        before = entry.get("headers", {})
        found["headers"] = {
            name: before.get(name, MASK) if value == MASK else value for name, value in body.headers.items()
        }
    if body.enabled is not None:
        found["enabled"] = body.enabled
    if body.name is not None:
        said["name"] = body.name
    if body.config is not None:
        said["config"] = body.config
    ext = {**entry.get("ext", {}), NAME: said} if said else entry.get("ext", {})
    defaults = {"sse": False, "headers": {}, "enabled": True, "ext": {}}
    whole = {**found, "ext": ext}
    return {key: value for key, value in whole.items() if key not in defaults or value != defaults[key]}


def _title(entry: Mapping[str, Any]) -> str:
    return str(kept(entry.get("ext", {})).get("name") or entry["server"])


def _check_free(entries: Iterable[Mapping[str, Any]], name: str) -> None:
    if any(name == _title(one) for one in entries):
        raise ConflictError(
            "An MCP server with this name already exists for this agent", code="mcp_server_exists"
        )
