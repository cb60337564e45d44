"""Tools of the user's own, functions in Python and MCP servers, in h2oGPTe's words. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from holdfast.core.domain import custom_tools
from holdfast.core.domain.errors import InvalidError, NotFoundError, UnsupportedError
from holdfast.core.domain.mcp import McpServer, McpServerSpec, free_server_name
from holdfast.server.dialects.h2ogpte.wire_agents import CustomTool, CustomToolListed, ToolType
from holdfast.server.kit.reading import json_value, parsed

NAME = "h2ogpte"
MCP = "mcp-"
"""Begins the ids of MCP servers; what follows is the server's name."""
DEFAULT = "enable_by_default"
MASK = "***"

_ENVIRONMENT = "os.environ/"
_SHORTEST_SECRET = 8
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")

Own = custom_tools.CustomTool | McpServer


@dataclass(frozen=True, slots=True)
class Server:
    """An MCP server that is to be kept."""

    spec: McpServerSpec
    secrets: dict[str, str] = field(default_factory=dict)
    """What its headers and its environment refer to, by name."""


def args_of(given: str | dict[str, Any]) -> dict[str, Any]:
    """Returns what is said of a tool. Raises `InvalidError` for what is no object."""
    value = json_value(given, "tool_args") if isinstance(given, str) else given
    if not isinstance(value, dict):
        raise InvalidError("tool_args: must be an object.", code="invalid_request")
    return value


def refuse_kind(kind: ToolType) -> None:
    """Raises `UnsupportedError` for tools of kinds that there are not."""
    if kind not in ("general_code", "remote_mcp"):
        raise UnsupportedError(
            f"Tools of the type {kind} are not kept here: they are programs in an archive. A function in "
            "Python (`general_code`, one .py file) and an MCP server (`remote_mcp`) are.",
            code="unsupported_tool_type",
        )


# --- functions in Python


def python_of(name: str, data: bytes, args: Mapping[str, Any]) -> custom_tools.PythonToolSpec:
    """Returns the function that a file holds. Raises `InvalidError`, `UnsupportedError`."""
    if name.lower().endswith(".zip"):
        raise UnsupportedError("Archives are not taken in; send one .py file.", code="unsupported_file")
    try:
        code = data.decode()
    except UnicodeDecodeError:
        raise InvalidError("file: must be text in UTF-8.", code="invalid_tool") from None
    said = {"tool_args": _plain_args(args), "file_name": name}
    given = {"code": code, "ext": {NAME: said}}
    spec: custom_tools.PythonToolSpec = parsed(custom_tools.PythonToolSpec, given)
    return spec


def is_python(name: str) -> bool:
    """Says whether a file is one that a function can be in."""
    return name.lower().endswith((".py", ".zip"))


def with_args(spec: custom_tools.PythonToolSpec, args: Mapping[str, Any]) -> custom_tools.PythonToolSpec:
    """Returns a function of which other things are said."""
    said = {**spec.ext.get(NAME, {}), "tool_args": _plain_args(args)}
    changed: custom_tools.PythonToolSpec = parsed(
        custom_tools.PythonToolSpec, {**spec.model_dump(), "ext": {**spec.ext, NAME: said}}
    )
    return changed


def _plain_args(args: Mapping[str, Any]) -> dict[str, Any]:
    return {DEFAULT: True, **args}


# --- MCP servers


def servers_of(args: Mapping[str, Any], file: bytes | None, taken: Collection[str]) -> tuple[Server, ...]:
    """Returns the servers that are described, by names that none of `taken` is. Raises `InvalidError`."""
    config = args.get("mcp_config_json") or (file or b"").decode("utf-8", "replace")
    described = args_of(config) if config else {}
    described = described.get("mcpServers", described)
    if not isinstance(described, dict) or not described:
        raise InvalidError("tool_args.mcp_config_json: names no server.", code="invalid_request")
    default = bool(args.get(DEFAULT, True))
    names: list[str] = []
    for title in described:
        names.append(free_server_name(title, (*taken, *names)))
    titled = zip(described.items(), names, strict=True)
    return tuple(server_spec(title, said, name, default=default) for (title, said), name in titled)


def server_spec(title: str, said: Any, name: str, *, default: bool) -> Server:
    """Returns the server that is described under a title. Raises `InvalidError`."""
    if not isinstance(said, dict):
        raise InvalidError(f"{title[:80]}: must be an object.", code="invalid_request")
    secrets: dict[str, str] = {}
    fields: dict[str, Any] = {"name": name}
    if said.get("url"):
        fields["url"] = said["url"]
        fields["sse"] = str(said.get("type") or said.get("transport") or "").lower() == "sse"
        fields["headers"] = _kept(said.get("headers"), secrets)
    else:
        command, arguments = said.get("command"), said.get("args")
        fields["command"] = [
            *([command] if isinstance(command, str) else command or ()),
            *(arguments if isinstance(arguments, list) else ()),
        ]
        fields["env"] = _kept(said.get("env"), secrets)
    kept = {DEFAULT: default, "title": title, "description": str(said.get("description") or "")}
    fields["ext"] = {NAME: kept}
    return Server(parsed(McpServerSpec, fields), secrets)


def _kept(given: Any, secrets: dict[str, str]) -> dict[str, str]:
    """Returns headers or an environment in which secrets are referred to; they are put into `secrets`."""
    if not isinstance(given, dict | None):
        raise InvalidError("headers and env: must be objects.", code="invalid_request")
    found: dict[str, str] = {}
    for name, value in (given or {}).items():
        text = str(value)
        if text.startswith(_ENVIRONMENT):
            raise InvalidError(
                f"{name[:80]}: there are no agent keys here; write the value itself, which is kept where "
                "keys are and never shown.",
                code="unsupported_key",
            )
        if len(text) < _SHORTEST_SECRET:
            found[name] = text
            continue
        secret = _UNSAFE.sub("_", name)[:40] or "secret"
        while secret in secrets:  # of another header, whose name differs in what a secret's cannot have
            secret += "_"
        secrets[secret] = text
        found[name] = f"${{secret:{secret}}}"
    return found


def named(server: Server, name: str) -> Server:
    """Returns a server under another name."""
    return Server(server.spec.model_copy(update={"name": name}), server.secrets)


# --- what is shown of both


def tool_name(own: Own) -> str:
    """Returns the name of a tool; of an MCP server its own."""
    return own.spec.name


def is_default(own: Own) -> bool:
    """Says whether runs have a tool that name none."""
    return bool(_said(own).get(DEFAULT, _said(own).get("tool_args", {}).get(DEFAULT, True)))


def id_of(own: Own) -> str:
    """Returns the id of a tool."""
    return f"{MCP}{own.spec.name}" if isinstance(own, McpServer) else own.id


def custom_tool(own: Own, owner: str) -> CustomTool:
    """Returns a tool with all that is shown of it; `owner` is the name of the user."""
    return CustomTool(**listed(own, owner).model_dump(), file_name=file_name(own))


def listed(own: Own, owner: str) -> CustomToolListed:
    """Returns a tool as it is listed."""
    server = isinstance(own, McpServer)
    return CustomToolListed(
        id=id_of(own),
        tool_name=tool_name(own),
        tool_type="remote_mcp" if server else "general_code",
        tool_args=_server_args(own) if isinstance(own, McpServer) else _tool_args(own),
        owner_email=owner,
    )


def file_name(own: Own) -> str | None:
    """Returns the name of a tool's file; None where it has none."""
    if isinstance(own, McpServer):
        return None
    name = _UNSAFE.sub("_", str(_said(own).get("file_name") or ""))
    return name or f"{own.spec.name}.py"


def source_of(own: Own) -> bytes:
    """Returns what the file of a tool holds. Raises `InvalidError` for a tool without one."""
    if isinstance(own, McpServer) or not isinstance(own.spec, custom_tools.PythonToolSpec):
        raise InvalidError("This tool has no file; those of the type general_code have.", code="no_file")
    return own.spec.code.encode()


def no_tool(id: str) -> NotFoundError:
    """Returns the error of a tool that is not there."""
    return NotFoundError(f"There is no custom tool {id[:100]!r}.", code="tool_not_found")


def _tool_args(own: custom_tools.CustomTool) -> dict[str, Any]:
    said = _said(own).get("tool_args", {DEFAULT: True})
    return {
        **said,
        "tool_name": own.spec.name,
        "description": said.get("description") or own.spec.description,
    }


def _server_args(own: McpServer) -> dict[str, Any]:
    spec = own.spec
    masked = {"headers": dict.fromkeys(spec.headers, MASK), "env": dict.fromkeys(spec.env, MASK)}
    said: dict[str, Any] = {name: values for name, values in masked.items() if values}
    if spec.url is not None:
        said |= {"url": spec.url, "type": "sse" if spec.sse else "http"}
    else:
        said |= {"command": spec.command[0], "args": list(spec.command[1:]), "type": "stdio"}
    if description := _said(own).get("description"):
        said["description"] = description
    return {"mcp_config_json": json.dumps({spec.name: said}), DEFAULT: is_default(own)}


def _said(own: Own) -> dict[str, Any]:
    return own.spec.ext.get(NAME, {})
