"""Between the MCP servers of an agent as Powabase has them and ours. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.mcp import McpAssignment, McpServerSpec, free_server_name
from holdfast.core.domain.mcp import McpServer as OwnServer
from holdfast.core.domain.values import made_at, utc_now
from holdfast.server.dialects.powabase.mapping_agents import NAME, kept
from holdfast.server.dialects.powabase.wire_agents import McpBody, McpChanges, McpServer
from holdfast.server.kit.reading import mistaken
from holdfast.server.kit.revising import as_entries, own_entries
from holdfast.server.kit.server_secrets import referring

MASK = "***"
"""In the place of a header's value, which may be a secret. Whoever sends it back changes nothing."""
_TRANSPORTS = {"http": False, "streamable_http": False, "streamable-http": False, "sse": True}
_NOT_FOUND = "MCP server not found"
_OF = "agent"
"""The key, in what is kept with a server of the user's own, of the agent that has got it."""


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


@dataclass(frozen=True, slots=True)
class KeptServer:
    """A server of the user's own, which an agent has got with secrets: an agent's file holds none."""

    spec: McpServerSpec
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """Those that were given."""


def has_secrets(body: McpBody | McpChanges) -> bool:
    """Says whether headers that are sent hold what looks like secrets."""
    return bool(referring(body.headers or {})[1])


def new_kept(body: McpBody, agent: str, taken: Collection[str]) -> KeptServer:
    """Returns the server that an agent, by its id, gets with secrets, under a name that is free among
    `taken`."""
    name = free_server_name(body.name, taken)
    # What is sent always has an address, which takes the place of this one.
    empty = McpServerSpec(name=name, url="http://localhost", ext={NAME: {_OF: agent}})
    return changed_kept(body, empty)


def changed_kept(body: McpBody | McpChanges, former: McpServerSpec) -> KeptServer:
    """Returns what becomes of such a server; `former` is as it is shown. Raises `InvalidError` for what can
    be none."""
    values = former.model_dump(exclude_defaults=True, exclude={"enabled"})
    told = _changed({"server": former.name, **values}, _reached(body))
    headers, secrets = referring(told.get("headers", {}))
    reached = {"url": told["url"], "sse": told.get("sse", False), "headers": headers}
    try:
        return KeptServer(McpServerSpec.model_validate({**values, **reached}), secrets)
    except ValidationError as error:
        raise mistaken(error) from None


def _reached(body: McpBody | McpChanges) -> McpChanges:
    """Returns what says how a server is reached."""
    return McpChanges(url=body.url, transport=body.transport, headers=body.headers)


def _besides(body: McpBody | McpChanges) -> McpChanges:
    """Returns what else is said of a server."""
    return McpChanges.model_validate(
        {key: getattr(body, key) for key in ("name", "config", "enabled") if key in body.model_fields_set}
    )


def kept_of(info: AgentInfo, own: Iterable[OwnServer], id: str) -> McpServerSpec | None:
    """Returns the server of the user's own that an agent has got by its assignment `id`; None for one that
    its file describes, or that it only names."""
    names = [one.server for one in (info.spec.mcp if info.spec else ()) if one.id == id and not one.defined]
    found = (one.spec for one in own if one.spec.name in names and kept(one.spec.ext).get(_OF) == info.id)
    return next(found, None)


def described(info: AgentInfo, id: str) -> McpBody | None:
    """Returns a server that an agent's file describes as it would be sent; None where there is none."""
    found = (one for one in (info.spec.mcp if info.spec else ()) if one.id == id and one.url is not None)
    for one in found:
        transport = "sse" if one.sse else "http"
        name = str(kept(one.ext).get("name") or one.server)
        return McpBody(name=name, url=str(one.url), transport=transport, headers=dict(one.headers))
    return None


def with_server(
    info: AgentInfo, values: Mapping[str, Any], body: McpBody, id: str, own: str = ""
) -> dict[str, Any]:
    """Returns the change by which an agent has another server, which is the user's `own` of this name where
    it has secrets. Raises `ConflictError` for a name that one of the agent's servers has."""
    entries = own_entries(info, values, "mcp", "server")
    _check_free(entries, body.name)
    taken = {one["server"] for one in entries}
    if own:
        entry = _changed({"server": own, "id": id}, _besides(body))
    else:
        entry = _changed({"server": free_server_name(body.name, taken), "id": id, "url": ""}, body)
    return {"mcp": as_entries([*entries, entry], "server")}


def with_kept_server(
    info: AgentInfo, values: Mapping[str, Any], body: McpChanges, id: str, own: str
) -> dict[str, Any]:
    """Returns the change of what an agent says of a server of the user's `own`, which takes the place of one
    that its file describes. Raises `NotFoundError`, `ConflictError`."""
    name = _server(info, id)
    entries = own_entries(info, values, "mcp", "server")
    others = [one for one in entries if one["server"] != name]
    if body.name is not None:
        _check_free(others, body.name)
    before = {**next(one for one in entries if one["server"] == name), "id": id}
    stays = {key: value for key, value in before.items() if key not in ("url", "sse", "headers")}
    said = {"name": _title(before), **kept(before.get("ext", {})), "updated_at": utc_now().isoformat()}
    ext = {**stays.get("ext", {}), NAME: said}
    changed = _changed({**stays, "server": own, "ext": ext}, _besides(body))
    return {"mcp": as_entries([changed if one["server"] == name else one for one in entries], "server")}


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
