"""Between MCP servers as Dexto has them and ours. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
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
from holdfast.server.dialects.dexto.wire_config import RemoteServer, StdioServer
from holdfast.server.dialects.dexto.wire_mcp import (
    Executed,
    HttpConfig,
    Server,
    ServerBody,
    SseConfig,
    StdioConfig,
    Tool,
)
from holdfast.server.kit.revising import as_entries, own_entries
from holdfast.server.kit.server_names import NAME, called_by, find_called

_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w{0,63})\}|\$([A-Za-z_]\w{0,63})")
_SECRET_LENGTHS = range(8, 4_001)
_LONGEST_S, _LONGEST_START_S = 3_600, 600


def name_of(spec: McpServerSpec) -> str:
    """Returns what Dexto's clients call a server."""
    return called_by(spec, EXT)


def find(servers: Iterable[McpServer], id: str) -> McpServer | None:
    """Returns the server that Dexto's clients call `id`."""
    return find_called(servers, id, EXT)


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


@dataclass(frozen=True, slots=True)
class OwnServer:
    """An MCP server of the user's own, with what it refers to."""

    spec: McpServerSpec
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """Those whose values were given."""
    missing: tuple[str, ...] = ()
    """Those that are taken from the environment there."""


def new_server(body: ServerBody, taken: Collection[str]) -> OwnServer:
    """Returns a server under a name that is free among `taken`."""
    said = {NAME: body.name, "connectionMode": body.config.connection_mode}
    return own_server(free_server_name(body.name, taken), body.config, {EXT: said}, literal=True)


def own_server(
    name: str,
    config: StdioConfig | SseConfig | HttpConfig | StdioServer | RemoteServer,
    ext: Mapping[str, Any] | None = None,
    *,
    literal: bool = False,
) -> OwnServer:
    """Returns a server of Dexto's as one of ours. Values that look like secrets are kept where keys are, and
    `$NAME` stands for the server's secret NAME; with `literal` what is too short to be one stays.
    Raises `ValidationError` for what can be none."""
    seconds = min(config.timeout / 1000, _LONGEST_S)
    common: dict[str, Any] = {
        "name": name,
        "enabled": config.enabled,
        "timeout_s": seconds,
        "start_timeout_s": min(seconds, _LONGEST_START_S),
        **({"ext": ext} if ext else {}),
    }
    if isinstance(config, StdioConfig | StdioServer):
        values, secrets, missing = _referring(config.env, literal)
        spec = McpServerSpec(command=(config.command, *config.args), env=values, **common)
    else:
        values, secrets, missing = _referring(config.headers, literal)
        spec = McpServerSpec(url=config.url, sse=config.type == "sse", headers=values, **common)
    return OwnServer(spec, secrets, missing)


def _referring(
    values: Mapping[str, str], literal: bool
) -> tuple[dict[str, str], dict[str, str], tuple[str, ...]]:
    """Returns values with references in the places of secrets, the secrets, and the names of variables."""
    found, secrets, variables = dict[str, str](), dict[str, str](), list[str]()
    for name, value in values.items():
        variables += [one or other for one, other in _VARIABLE.findall(value)]
        referring = _VARIABLE.sub(lambda seen: f"${{secret:{seen[1] or seen[2]}}}", value)
        secret = referring == value and is_secret_header(name) and "${secret:" not in value
        keepable = len(value) in _SECRET_LENGTHS and value.isprintable() and re.fullmatch(SECRET_NAME, name)
        if secret and (keepable or not literal):
            secrets[name], referring = value, f"${{secret:{name}}}"
        found[name] = referring
    return found, secrets, tuple(dict.fromkeys(variables))


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
