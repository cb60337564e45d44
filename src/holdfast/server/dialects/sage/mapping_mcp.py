"""Between MCP servers as Sage has them and ours. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.mcp import MASK, McpServer, McpServerSpec, free_server_name
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.sessions import EXT
from holdfast.server.dialects.sage.wire_mcp import McpBody, Protocol, Server, Servers
from holdfast.server.kit.mistakes import explained, mistakes_in
from holdfast.server.kit.server_names import NAME, called_by
from holdfast.server.kit.server_secrets import is_keepable, referring

_HEADER = "Authorization"
_KEY = "api_key"
"""The secret that stands for a server's key."""
_KEPT = ("kind", "tools", "simulator", "description")
"""What only Sage's clients read of a server."""


@dataclass(frozen=True, slots=True)
class DescribedServer:
    """A server of ours, with the secrets that it refers to and that were given."""

    spec: McpServerSpec
    secrets: dict[str, str] = field(default_factory=dict, repr=False)


def new_server(body: McpBody, taken: Collection[str]) -> DescribedServer:
    """Returns a server under a name that is free among `taken`. Raises `InvalidError` for what can be
    none."""
    # Clients name it in paths from now on.
    if "/" in body.name or not body.name.isprintable():
        raise failure("mcp_not_added", name=body.name, detail="name: has what no address can have")
    return _described(body, {"name": free_server_name(body.name, taken)}, {})


def changed_server(body: McpBody, former: McpServerSpec) -> DescribedServer:
    """Returns what becomes of a server; it keeps its name, and what Sage's clients cannot say of one.
    `former` is as it is shown. Raises `InvalidError` for what can be none."""
    told = {"command", "url", "sse", "env", "headers", "cwd", "confine"}
    stays = former.model_dump(exclude=told, exclude_defaults=True)
    same = bool(former.command) == (body.protocol == "stdio")
    if same and former.command:
        stays |= {"cwd": former.cwd, "confine": former.confine}
    return _described(body, stays, dict(former.headers) if same else {})


def _described(body: McpBody, values: dict[str, Any], headers: dict[str, str]) -> DescribedServer:
    secrets: dict[str, str] = {}
    kept = {NAME: body.name} | {key: value for key in _KEPT if (value := getattr(body, key)) is not None}
    ext = values.get("ext", {})
    values = {**values, "ext": {**ext, EXT: {**ext.get(EXT, {}), **kept}}}
    if body.protocol == "stdio":
        command = ((body.command or "").strip(), *(body.args or ()))
        env, secrets = referring(body.env or {})
        values |= {"command": command if command[0] else (), "env": env}
    else:
        if body.api_key and not (body.api_key.isascii() and body.api_key.isprintable()):
            raise failure("mcp_not_added", name=body.name, detail="api_key: has what no header can have")
        if body.api_key and body.api_key != MASK:
            keepable = is_keepable(_KEY, body.api_key)
            secrets = {_KEY: body.api_key} if keepable else {}
            headers[_HEADER] = f"Bearer {f'${{secret:{_KEY}}}' if keepable else body.api_key}"
        url = body.sse_url if body.protocol == "sse" else body.streamable_http_url
        values |= {"url": url or None, "sse": body.protocol == "sse" and bool(url), "headers": headers}
    try:
        return DescribedServer(McpServerSpec.model_validate(values), secrets)
    except ValidationError as error:
        raise _incomplete(error, body.name) from None


def _incomplete(error: ValidationError, name: str) -> InvalidError:
    mistake = mistakes_in(error)[0]
    where = ".".join(map(str, mistake["loc"]))
    reason = f"{where}: {explained(mistake)}" if where else explained(mistake)
    return failure("mcp_not_added", name=name, detail=reason)


def servers(found: Iterable[McpServer], user_id: str) -> Servers:
    """Returns a user's servers as they are listed."""
    return Servers(servers=[_server(each.spec, user_id) for each in found])


def _server(spec: McpServerSpec, user_id: str) -> Server:
    said: Mapping[str, Any] = spec.ext.get(EXT, {})
    protocol: Protocol = "stdio" if spec.command else "sse" if spec.sse else "streamable_http"
    return Server(
        name=called_by(spec, EXT),
        protocol=protocol,
        kind=str(said.get("kind", "external")),
        disabled=not spec.enabled,
        streamable_http_url=spec.url if protocol == "streamable_http" else None,
        sse_url=spec.url if protocol == "sse" else None,
        api_key=MASK if _HEADER in spec.headers else None,
        command=spec.command[0] if spec.command else None,
        args=list(spec.command[1:]),
        env=dict.fromkeys(spec.env, MASK),
        tools=list(said.get("tools", ())),
        simulator=dict(said.get("simulator", {})),
        description=str(said.get("description", "")),
        user_id=user_id,
    )
