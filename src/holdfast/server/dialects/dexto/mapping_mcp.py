"""Between MCP servers as Dexto has them and ours. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import HoldfastError, NotFoundError, UnavailableError
from holdfast.core.domain.mcp import (
    READ_RESOURCE,
    McpServer,
    McpServerSpec,
    McpState,
    free_server_name,
    says,
    server_of,
    tool_name,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.references import SECRET_NAME, is_secret_header
from holdfast.core.domain.runs import ToolRun
from holdfast.core.domain.tools import ToolInfo
from holdfast.server.dialects.dexto.active import EXT
from holdfast.server.dialects.dexto.errors import not_here, only_body
from holdfast.server.dialects.dexto.wire_mcp import (
    Executed,
    Server,
    ServerBody,
    StdioConfig,
    Tool,
)
from holdfast.server.kit.revising import as_entries, own_entries

_NAME = "name"
"""The key, in what is kept with a server, of what Dexto's clients call it."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w{0,63})\}|\$([A-Za-z_]\w{0,63})")
_SECRET_LENGTHS = range(8, 4_001)


def name_of(spec: McpServerSpec) -> str:
    """Returns what Dexto's clients call a server."""
    return str(spec.ext.get(EXT, {}).get(_NAME) or spec.name)


def find(servers: Iterable[McpServer], id: str) -> McpServer | None:
    """Returns the server that Dexto's clients call `id`."""
    known = list(servers)
    for said in (name_of, lambda spec: spec.name):
        for each in known:
            if said(each.spec) == id:
                return each
    return None


def no_server(id: str) -> HoldfastError:
    """Returns the error of a server that is not there."""
    return not_here(f"Server '{id}' not found")


def nothing_to_run(id: str) -> HoldfastError:
    """Returns the same error as calls of tools tell it."""
    return only_body({"success": False, "error": f"Server '{id}' not found"})


def servers(found: Iterable[McpServer]) -> list[Server]:
    """Returns the servers that are to be used."""
    return [
        Server(id=name_of(each.spec), name=name_of(each.spec), status=_status(each))
        for each in found
        if each.spec.enabled
    ]


def _status(server: McpServer) -> Any:
    if server.state is McpState.FAILED:
        return "error"
    # One that has ended for want of work is started again when somebody asks.
    known = server.tools is not None and server.state is not McpState.STARTING
    return "connected" if server.state is McpState.READY or known else "disconnected"


def new_server(body: ServerBody, taken: Collection[str]) -> tuple[McpServerSpec, dict[str, str]]:
    """Returns a server under a name that is free among `taken`, and the secrets that it refers to: values
    that look like some are kept where keys are, and `$NAME` stands for the server's secret NAME."""
    config = body.config
    seconds = config.timeout / 1000
    said = {_NAME: body.name, "connectionMode": config.connection_mode}
    common: dict[str, Any] = {
        "name": free_server_name(body.name, taken),
        "enabled": config.enabled,
        "timeout_s": seconds,
        "start_timeout_s": min(seconds, 600),
        "ext": {EXT: said},
    }
    if isinstance(config, StdioConfig):
        env, secrets = _referring(config.env)
        return McpServerSpec(command=(config.command, *config.args), env=env, **common), secrets
    headers, secrets = _referring(config.headers)
    return McpServerSpec(url=config.url, sse=config.type == "sse", headers=headers, **common), secrets


def _referring(values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Returns values with references in the places of secrets, and the secrets."""
    found, secrets = {}, {}
    for name, value in values.items():
        referring = _VARIABLE.sub(lambda seen: f"${{secret:{seen[1] or seen[2]}}}", value)
        secret = referring == value and is_secret_header(name) and "${secret:" not in value
        keepable = len(value) in _SECRET_LENGTHS and value.isprintable() and re.fullmatch(SECRET_NAME, name)
        if secret and keepable:
            secrets[name], referring = value, f"${{secret:{name}}}"
        found[name] = referring
    return found, secrets


def not_connected(server: McpServer) -> UnavailableError:
    """Returns the error of a server that did not start."""
    name = name_of(server.spec)
    return UnavailableError(
        f"Failed to connect to MCP server '{name}': {server.reason or 'it did not start'}",
        code="mcp_unavailable",
        details={"context": {"serverName": name}},
    )


def with_server(info: AgentInfo, values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Returns the change by which an agent's file names a server; none where it does already."""
    entries = own_entries(info, values, "mcp", "server")
    if any(one["server"] == name for one in entries):
        return {}
    return {"mcp": as_entries([*entries, {"server": name}], "server")}


def tools(server: str, found: Iterable[ToolInfo]) -> list[Tool]:
    """Returns the tools of a server of ours, by the names that it gives them itself."""
    own = (each for each in found if not reads_resources(each))
    return [
        Tool(
            id=name,
            name=name,
            description=each.description.removeprefix(says(server)),
            input_schema=each.parameters,
        )
        for each in own
        for name in (each.name.removeprefix(tool_name(server, "")),)
    ]


def reads_resources(tool: ToolInfo) -> bool:
    """Says whether it is the tool by which we let models read the resources of a server, which has none of
    the name itself."""
    server, fields = server_of(tool.name), tool.parameters.get("properties", {})
    named = server is not None and tool.name == tool_name(server, READ_RESOURCE)
    return named and fields.keys() == {"uri"}


def executed(run: ToolRun, images: Mapping[str, str]) -> Executed:
    """Returns what came of a call; `images` has the data of its images by their digests."""
    if run.outcome not in ("ok", "error"):
        text = "\n".join(part.text for part in run.content if isinstance(part, TextPart))
        error = text or (run.error.message if run.error else "") or f"The call was {run.outcome or 'ended'}."
        return Executed(success=False, error=error)
    content: list[dict[str, Any]] = [
        {"type": "text", "text": part.text}
        if isinstance(part, TextPart)
        else {"type": "image", "data": images.get(part.blob, ""), "mimeType": part.media_type}
        for part in run.content
    ]
    data = {"content": content, **({"isError": True} if run.outcome == "error" else {})}
    return Executed(success=True, data=data)


def refused(error: HoldfastError) -> Executed:
    """Returns what is said of a call that could not be made: a tool that there is not and arguments that do
    not fit are the tool's own failure."""
    if isinstance(error, NotFoundError) or error.code in ("invalid_arguments", "invalid"):
        return failed(error.message)
    return Executed(success=False, error=error.message)


def failed(message: str) -> Executed:
    """Returns the failure of a tool."""
    return Executed(success=True, data={"content": [{"type": "text", "text": message}], "isError": True})
