"""Between tools of a user's own as Powabase has them and ours. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.core.domain.custom_tools import CustomTool, HttpToolSpec
from holdfast.core.domain.errors import ForbiddenError, InvalidError
from holdfast.core.domain.references import is_secret_header, secret_names
from holdfast.core.domain.tools import ToolInfo
from holdfast.server.dialects.powabase.mapping import TOOLS
from holdfast.server.dialects.powabase.mapping_mcp import MASK
from holdfast.server.dialects.powabase.mapping_tools import PARTS
from holdfast.server.dialects.powabase.wire_agents import Tool, ToolBody, ToolChanges
from holdfast.server.kit.reading import parsed

_CONFIG = {"endpoint": "endpoint", "method": "method", "headers": "headers", "timeout_seconds": "timeout_s"}
SECRET_LENGTHS = range(8, 4_001)
"""Characters that a secret can have; shorter ones could not be told from ordinary words."""


def builtin_tools(known: Sequence[ToolInfo]) -> tuple[Tool, ...]:
    """Returns the tools that come with Holdfast: those of Powabase by its names, then the others."""
    by_name = {one.name: one for one in known if one.source == "builtin"}
    named = {wire: [by_name[part] for part in parts if part in by_name] for wire, parts in TOOLS.items()}
    parts = {part for all_parts in TOOLS.values() for part in all_parts}
    others = {name: [one] for name, one in by_name.items() if name not in parts}
    return tuple(_builtin(name, found) for name, found in {**named, **others}.items() if found)


def _builtin(name: str, parts: Sequence[ToolInfo]) -> Tool:
    schema = parts[0].parameters if len(parts) == 1 else _joined(name, parts)
    description = "\n\n".join(one.description for one in parts)
    return Tool(id=None, name=name, description=description, type="builtin", input_schema=schema, config={})


def _joined(name: str, parts: Iterable[ToolInfo]) -> dict[str, Any]:
    """Returns the arguments of a tool that is several here: which of them, and what they take."""
    argument, choices = PARTS[name]
    properties: dict[str, Any] = {argument: {"type": "string", "enum": list(choices)}}
    for one in parts:
        properties |= one.parameters.get("properties", {})
    return {"type": "object", "properties": properties, "required": [argument]}


def custom_tool(tool: CustomTool) -> Tool:
    """Returns a tool of a user's own; values of its headers are masked."""
    spec = tool.spec
    config: dict[str, Any] = {}
    if isinstance(spec, HttpToolSpec):
        config = {wire: getattr(spec, ours) for wire, ours in _CONFIG.items()}
        config["headers"] = dict.fromkeys(spec.headers, MASK)
    return Tool(
        id=tool.id,
        name=spec.name,
        description=spec.description,
        type=spec.type,
        input_schema=spec.parameters,
        config=config,
        created_at=tool.created_at,
    )


@dataclass(frozen=True, slots=True)
class Described:
    """A tool as a request says it: its secrets are kept apart, where nothing gives them back."""

    spec: HttpToolSpec
    secrets: dict[str, str]
    """By the name that the tool's headers refer to them by."""


def tool_spec(body: ToolBody) -> Described:
    """Returns the tool that a request describes; what stands beside `config` counts too. Raises
    `InvalidError`."""
    beside = {
        "endpoint": body.endpoint or body.endpoint_url,
        "method": body.method,
        "headers": body.headers,
    }
    config = {**{key: value for key, value in beside.items() if value is not None}, **(body.config or {})}
    if not config.get("endpoint"):
        raise InvalidError("config.endpoint: is missing.", code="invalid_request")
    values = {"name": body.name, "description": body.description, "parameters": body.input_schema}
    return _described({**values, **_meaning(config, {})})


def changed_spec(tool: CustomTool, body: ToolChanges) -> Described:
    """Returns what a tool is with the changes of a request. Raises `InvalidError`, and `ForbiddenError` for a
    tool that is no request."""
    spec = tool.spec
    if not isinstance(spec, HttpToolSpec):
        raise ForbiddenError("Only requests are changed here; use `holdfast tools`.", code="tool_readonly")
    given = {"name": body.name, "description": body.description, "parameters": body.input_schema}
    changes = {key: value for key, value in given.items() if value is not None}
    if body.config is not None:
        whole = {"endpoint": spec.endpoint, **body.config}
        changes |= _meaning(whole, spec.headers)
    elif not changes:
        raise InvalidError("Nothing to change.", code="invalid_request")
    replaced = set(_CONFIG.values()) if body.config is not None else set[str]()
    return _described({**spec.model_dump(exclude=replaced), **changes})


def _meaning(config: Mapping[str, Any], before: Mapping[str, str]) -> dict[str, Any]:
    """Returns what a `config` is in our words; masked headers are those of `before`."""
    found = {ours: config[wire] for wire, ours in _CONFIG.items() if config.get(wire) is not None}
    if isinstance(found.get("method"), str):
        found["method"] = found["method"].upper()
    if isinstance(found.get("headers"), dict):
        headers = found["headers"].items()
        found["headers"] = {
            name: before.get(name, MASK) if value == MASK else value for name, value in headers
        }
    return found


def _described(values: dict[str, Any]) -> Described:
    spec: HttpToolSpec = parsed(HttpToolSpec, values)
    secrets = {name: value for name, value in spec.headers.items() if _is_secret(name, value)}
    for name, value in secrets.items():
        if len(value) not in SECRET_LENGTHS or not value.isascii() or not value.isprintable():
            raise InvalidError(
                f"config.headers: {name[:80]!r} must have {SECRET_LENGTHS.start} to "
                f"{SECRET_LENGTHS.stop - 1} printable ASCII characters.",
                code="invalid_secret",
            )
    named = [_secret_name(name) for name in secrets]
    named += secret_names(value for name, value in spec.headers.items() if name not in secrets)
    if len(set(named)) < len(named):  # one would be sent in the place of the other
        raise InvalidError("config.headers: two with secrets have names too alike.", code="invalid_secret")
    references = {name: f"${{secret:{_secret_name(name)}}}" for name in secrets}
    kept = spec.model_copy(update={"headers": {**spec.headers, **references}})
    return Described(kept, {_secret_name(name): value for name, value in secrets.items()})


def _is_secret(name: str, value: str) -> bool:
    return bool(value) and is_secret_header(name) and not secret_names([value])


def _secret_name(header: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", header)[:64]
