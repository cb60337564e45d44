"""What Powabase says of agents, and of what they are given, on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from holdfast.server.dialects.powabase.wire import Wire

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class AgentBody(Wire):
    name: Name
    model: str | None = None
    system_prompt: str | None = None
    settings: dict[str, Any] | None = None


class AgentChanges(Wire):
    name: Name | None = None
    model: str | None = None
    system_prompt: str | None = None
    settings: dict[str, Any] | None = None


class Agent(Wire):
    id: str
    name: str
    model: str | None
    system_prompt: str
    settings: dict[str, Any]
    created_at: AwareDatetime | None
    updated_at: AwareDatetime | None


class ListedAgent(Agent):
    session_count: int
    total_runs: int
    last_run_at: AwareDatetime | None


class AgentQuery(Wire):
    limit: int = 50
    offset: Annotated[int, Field(ge=0)] = 0
    q: Annotated[str, Field(max_length=200)] = ""
    sort: Literal["created_at", "name", "updated_at", "last_run_at"] = "created_at"
    order: Literal["asc", "desc"] = "desc"


class Agents(Wire):
    agents: tuple[ListedAgent, ...]
    total: int
    limit: int
    offset: int


class Message(Wire):
    message: str


class Deleted(Wire):
    deleted: bool = True


class ToolAssignmentBody(Wire):
    tool_name: str | None = None
    tool_type: Literal["builtin", "custom"] | None = None
    tool_id: str | None = None
    config_override: dict[str, Any] | None = None


class OverrideBody(Wire):
    config_override: dict[str, Any] | None = None


class ToolAssignment(Wire):
    id: str
    tool_type: str
    tool_name: str
    tool_id: str | None = None
    config_override: dict[str, Any] | None = None


class ToolAssignments(Wire):
    tools: tuple[ToolAssignment, ...]


class KnowledgeBody(Wire):
    knowledge_base_id: Annotated[str, Field(min_length=1, max_length=200)]
    config: dict[str, Any] | None = None


class KnowledgeBase(Wire):
    id: str
    agent_id: str
    knowledge_base_id: str
    config: dict[str, Any]


class KnowledgeBases(Wire):
    knowledge_bases: tuple[KnowledgeBase, ...]


class McpBody(Wire):
    name: Name
    url: Annotated[str, Field(min_length=1)]
    transport: str | None = None
    headers: dict[str, str] | None = None
    config: dict[str, Any] | None = None
    enabled: bool | None = None


class McpChanges(Wire):
    name: Name | None = None
    url: Annotated[str, Field(min_length=1)] | None = None
    transport: str | None = None
    headers: dict[str, str] | None = None
    config: dict[str, Any] | None = None
    enabled: bool | None = None


class McpServer(Wire):
    id: str
    agent_id: str
    name: str
    transport: str
    url: str
    headers: dict[str, str]
    config: dict[str, Any]
    enabled: bool
    created_at: AwareDatetime | None
    updated_at: AwareDatetime | None


class McpServers(Wire):
    mcp_servers: tuple[McpServer, ...]


class HookBody(Wire):
    event: Annotated[str, Field(min_length=1)]
    type: Annotated[str, Field(min_length=1)]
    config: dict[str, Any]
    matcher: str | None = None
    enabled: bool = True
    position: int = 0


class Hook(Wire):
    id: str
    agent_id: str
    event: str
    matcher: str | None
    type: str
    config: dict[str, Any]
    enabled: bool
    position: int
    created_at: AwareDatetime | None


class Hooks(Wire):
    hooks: tuple[Hook, ...]


class ToolBody(Wire):
    name: Name
    description: Annotated[str, Field(min_length=1)]
    input_schema: dict[str, Any]
    type: str = "http"
    config: dict[str, Any] | None = None
    endpoint: str | None = None
    endpoint_url: str | None = None
    method: str | None = None
    headers: dict[str, str] | None = None


class ToolChanges(Wire):
    name: Name | None = None
    description: Annotated[str, Field(min_length=1)] | None = None
    input_schema: dict[str, Any] | None = None
    config: dict[str, Any] | None = None


class Tool(Wire):
    id: str | None
    name: str
    description: str
    type: str
    input_schema: dict[str, Any]
    config: dict[str, Any]
    created_at: AwareDatetime | None = None


class Tools(Wire):
    tools: tuple[Tool, ...]


class ToolName(Wire):
    id: str
    name: str
