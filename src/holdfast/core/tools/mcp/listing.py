"""The tools that a server says it has: checked, named and bounded, whatever it says."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.mcp import GET_PROMPT, MAX_TOOL_NAME, SAMPLING, McpLeftOut, says, tool_name
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.tools.mcp.limits import (
    MAX_DESCRIPTION,
    MAX_LEFT_OUT,
    MAX_LISTING_CHARS,
    MAX_NAME,
    MAX_SCHEMA_CHARS,
    MAX_TOOLS,
)
from holdfast.core.tools.mcp.port import RawTool
from holdfast.core.tools.schema_arguments import arguments_model

_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_-]")
_DIGEST = 6
_SHOWN = 80
_RESERVED = (SAMPLING, GET_PROMPT)
"""Names that rules have for what is no tool: a rule for a tool must not allow that, too."""


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool that agents can have."""

    name: str
    """`mcp__SERVER__TOOL`, as models and rules know it."""
    own_name: str
    """As the server calls it."""
    description: str
    arguments: type[BaseModel]
    reads_only: bool
    """Whether the server says that it changes nothing."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server offers, and what of it nobody gets."""

    tools: tuple[ListedTool, ...] = ()
    left_out: tuple[McpLeftOut, ...] = ()


def listing_of(server: str, offered: Iterable[RawTool]) -> Listing:
    """Returns the tools that can be used. May take a moment where schemas are large: call it in a thread."""
    tools: dict[str, ListedTool] = {}
    left_out: list[McpLeftOut] = []
    own_names: set[str] = set()
    characters = 0
    for raw in offered:
        characters += len(raw.description)
        try:
            if raw.name in own_names:
                raise InvalidError("another tool of the server has this name")
            if len(tools) >= MAX_TOOLS:
                raise InvalidError(f"a server has at most {MAX_TOOLS} tools")
            size = _schema_size(raw)
            characters += size
            if characters > MAX_LISTING_CHARS:
                raise InvalidError("the server says more of its tools than is read")
            tool = _listed(server, raw, tools)
        except InvalidError as error:
            if len(left_out) < MAX_LEFT_OUT:
                shown = shorten(sanitize_line(raw.name), _SHOWN)
                left_out.append(McpLeftOut(tool=shown, reason=sanitize_line(error.message)))
            continue
        own_names.add(raw.name)
        tools[tool.name] = tool
    return Listing(tuple(tools.values()), tuple(left_out))


def _schema_size(raw: RawTool) -> int:
    try:
        size = len(json.dumps(raw.schema))
    except (ValueError, RecursionError, TypeError) as error:
        raise InvalidError("its schema is no JSON") from error
    if size > MAX_SCHEMA_CHARS:
        raise InvalidError(f"its schema has more than {MAX_SCHEMA_CHARS:,} characters")
    return size


def _listed(server: str, raw: RawTool, taken: dict[str, ListedTool]) -> ListedTool:
    if raw.schema is None:
        raise InvalidError("its description is not of the protocol")
    if not raw.name.strip() or len(raw.name) > MAX_NAME:
        raise InvalidError(f"a tool's name has 1 to {MAX_NAME} characters")
    name = _name(server, raw.name, taken)
    description = shorten(sanitize(raw.description).strip(), MAX_DESCRIPTION)
    return ListedTool(
        name=name,
        own_name=raw.name,
        description=f"{says(server)}{description}" if description else "",
        arguments=arguments_model(name, raw.schema),
        reads_only=raw.reads_only,
    )


def _name(server: str, own: str, taken: dict[str, ListedTool]) -> str:
    """Returns a name that providers take, and nothing else has that rules are about."""
    part = _NOT_IN_NAME.sub("_", own)
    name = tool_name(server, part)
    if len(name) <= MAX_TOOL_NAME and name not in taken and part not in _RESERVED:
        return name
    digest = hashlib.sha256(own.encode(errors="surrogatepass")).hexdigest()[:_DIGEST]
    name = f"{name[: MAX_TOOL_NAME - _DIGEST - 1]}_{digest}"
    if name in taken:
        raise InvalidError("another tool of the server has nearly this name")
    return name
