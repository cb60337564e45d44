"""What h2oGPTe says of agents and of the tools that they have."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from holdfast.server.dialects.h2ogpte.wire import Wire

ToolType = Literal["remote_mcp", "local_mcp", "browser_action", "general_code"]


class ToolKeys(Wire):
    """Names of the keys that a tool needs; here tools need none of these."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    internal: tuple[str, ...] = ()


class AgentToolSpec(Wire):
    name: str
    description: str
    """What people call it."""
    enabled: bool
    """Whether runs may use it at all."""
    default: bool
    """Whether runs have it that name no tools."""
    extendable: bool = False
    api_keys: ToolKeys = ToolKeys()


ToolName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ToolPreferenceBody(Wire):
    reference_value: Annotated[tuple[ToolName, ...], Field(max_length=200)]
    """Names of the tools that runs have which name none."""


class CustomToolListed(Wire):
    id: str
    tool_name: str
    tool_type: ToolType
    tool_args: dict[str, Any]
    owner_email: str


class CustomTool(CustomToolListed):
    file_name: str | None = None


class CustomToolMade(Wire):
    agent_custom_tool_id: str


class CustomToolForm(Wire):
    """The fields of a form that makes a tool; its file stands beside them."""

    tool_type: ToolType
    tool_args: str
    """JSON."""
    filename: str = ""


class CustomToolChangeForm(Wire):
    tool_args: str | dict[str, Any]
    filename: str = ""


class Agent(Wire):
    id: str
    value: str
    """What names it."""
    label: str
    enabled: bool
    type: Literal["built_in"] = "built_in"
    owner: str
    description: str
    api_keys: ToolKeys = ToolKeys()
