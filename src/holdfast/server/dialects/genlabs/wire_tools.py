"""GenLabs' tools as JSON. Fields have all of their names."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AliasChoices, ConfigDict, Field

from holdfast.server.dialects.genlabs.wire import Said, Sent
from holdfast.server.dialects.genlabs.wire_agents import Signed

ToolType = Literal["File Search", "Custom"]
_NAME = AliasChoices("name", "toolName", "tool_name")
_DESCRIPTION = AliasChoices("description", "toolDescription", "tool_description")
_SCHEMA = AliasChoices("tool_schema", "toolSchema")


class Parameter(Sent):
    """An argument of a tool, as one of a list."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = Field(min_length=1, max_length=200)
    type: str = Field(default="string", min_length=1, max_length=100)
    description: str = ""
    required: bool = False


class NewTool(Signed):
    name: Any = Field(default=None, validation_alias=_NAME)
    description: Any = Field(default=None, validation_alias=_DESCRIPTION)
    type: Any = None
    tool_schema: dict[str, Any] | None = Field(default=None, validation_alias=_SCHEMA)
    parameters: tuple[Parameter, ...] | None = None
    file: str | None = None
    file_name: str | None = Field(default=None, validation_alias=AliasChoices("file_name", "fileName"))


class NamedTool(Signed):
    toolId: Any = Field(default=None, validation_alias=AliasChoices("toolId", "tool_id"))


class ToolChanges(NamedTool):
    """All optional but the id: what is left out, or null, stays."""

    toolName: Any = Field(default=None, validation_alias=AliasChoices("toolName", "tool_name", "name"))
    toolDescription: Any = Field(
        default=None, validation_alias=AliasChoices("toolDescription", "tool_description", "description")
    )
    type: Any = None
    parameters: tuple[Parameter, ...] | None = None
    file: str | None = None
    """Base64 of a document, for a tool of the type File Search."""
    file_name: str | None = Field(default=None, validation_alias=AliasChoices("file_name", "fileName"))
    tool_schema: dict[str, Any] | None = Field(default=None, validation_alias=_SCHEMA)


class ToolMade(Said):
    message: str
    tool_id: int


class ToolParameter(Said):
    name: str
    type: str
    description: str
    required: bool


class Tool(Said):
    id: int
    name: str
    description: str
    type: ToolType
    tool_schema: dict[str, Any]


class Tools(Said):
    tools: tuple[Tool, ...]


class ToolDetails(Said):
    name: str
    description: str
    type: ToolType
    file: str | None
    """Base64; null: it has none."""
    tool_schema: dict[str, Any]
    parameters: tuple[ToolParameter, ...]
