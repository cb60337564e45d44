"""Messages of Sage's API: tools."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from holdfast.server.dialects.sage.wire import Query, Said, Sent

ToolType = Literal["basic", "mcp", "sage_mcp"]


class ToolsQuery(Query):
    """Which tools are listed."""

    type: str | None = None
    """`basic`, `mcp` or `sage_mcp`; anything else is of no tool."""


class Tool(Said):
    """A tool."""

    name: str
    description: str
    parameters: dict[str, dict[str, Any]]
    required: list[str]
    input_schema: dict[str, Any]
    type: ToolType
    source: str
    user_id: str
    server_kind: str | None


class Tools(Said):
    """The tools that there are."""

    tools: list[Tool]


class ExecBody(Sent):
    """A call of a tool."""

    tool_name: str = Field(min_length=1, max_length=200)
    tool_params: dict[str, Any] = Field(default={})
    arguments: dict[str, Any] = Field(default={})
    """The same under another name."""


class Executed(Said):
    """What came of a call."""

    raw_text: str
    parsed: Any
    content: Any
    formatted_text: str
    tool_response: str
