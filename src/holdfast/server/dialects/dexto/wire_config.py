"""Dexto's agent files: what may stand in one, as its own schema says (of the version in the manifest).

What is only checked for being of the right kind is `Any` or a mapping: nothing here acts on it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from holdfast.server.dialects.dexto.wire import Effort, ProviderName

Positive = Annotated[int, Field(gt=0)]


class Part(BaseModel):
    """A mapping in which nothing else may stand."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class Loose(BaseModel):
    """A mapping in which more may stand."""

    model_config = ConfigDict(alias_generator=to_camel, extra="allow", frozen=True)


class Llm(Part):
    """The model, and what is said to it."""

    provider: ProviderName
    model: str = Field(min_length=1)
    api_key: str | None = None
    max_iterations: Positive | None = None
    base_url: str | None = Field(default=None, alias="baseURL")
    max_input_tokens: Positive | None = None
    max_output_tokens: Positive | None = None
    temperature: float | None = Field(default=None, ge=0, le=1)
    allowed_media_types: list[str] | None = None
    reasoning_effort: Effort | None = None


class Contributor(Loose):
    """A piece of the system prompt."""

    id: str = Field(min_length=1)
    type: Literal["static", "dynamic", "file"]
    priority: int = Field(ge=0)
    enabled: bool = True
    content: str | None = None
    source: str | None = None
    files: list[str] | None = None


class Contributors(Part):
    """The system prompt in pieces, lower priorities first."""

    contributors: list[Contributor] = Field(min_length=1)


class StdioServer(Part):
    """An MCP server that is a program."""

    type: Literal["stdio"]
    enabled: bool = True
    command: str = Field(min_length=1)
    args: list[str] = []
    env: dict[str, str] = {}
    timeout: Positive = 30_000
    connection_mode: Literal["strict", "lenient"] = "lenient"


class RemoteServer(Part):
    """An MCP server at an address."""

    type: Literal["sse", "http"]
    enabled: bool = True
    url: str = Field(min_length=1)
    headers: dict[str, str] = {}
    timeout: Positive = 30_000
    connection_mode: Literal["strict", "lenient"] = "lenient"


ServerConfig = Annotated[StdioServer | RemoteServer, Field(discriminator="type")]
"""One MCP server, in a file and in requests."""


class ToolPolicies(Part):
    """Tools that are never asked about; what is denied counts more."""

    always_allow: list[str] = []
    always_deny: list[str] = []


class ToolConfirmation(Part):
    """What becomes of tool calls."""

    mode: Literal["manual", "auto-approve", "auto-deny"] = "auto-approve"
    timeout: Positive | None = None
    allowed_tools_storage: Literal["memory", "storage"] = "storage"
    tool_policies: ToolPolicies = ToolPolicies()


class Elicitation(Part):
    """Whether the agent and its servers may ask the person."""

    enabled: bool = False
    timeout: Positive | None = None


class Sessions(Part):
    """How many sessions there may be, and how long they stay in memory."""

    max_sessions: Positive = 100
    session_ttl: Positive = Field(default=3_600_000, alias="sessionTTL")


class Memories(Part):
    """Whether what is remembered stands in the system prompt."""

    enabled: bool = False
    priority: int = Field(default=40, ge=0)
    include_timestamps: bool = False
    include_tags: bool = True
    limit: Positive | None = None
    pinned_only: bool = False


class PromptEntry(Loose):
    """A prompt: with its text, or in a file."""

    type: Literal["inline", "file"]
    id: str | None = None
    title: str | None = None
    description: str | None = None
    prompt: str | None = None
    file: str | None = None


class CustomTool(Loose):
    """A group of tools."""

    type: str = Field(min_length=1)


class AgentConfig(Part):
    """One agent file."""

    system_prompt: str | Contributors
    llm: Llm
    agent_id: str | None = None
    greeting: str | None = Field(default=None, max_length=500)
    mcp_servers: dict[str, ServerConfig] = {}
    internal_tools: list[
        Literal[
            "search_history", "ask_user", "delegate_to_url", "list_resources", "get_resource", "invoke_skill"
        ]
    ] = []
    custom_tools: list[CustomTool] = []
    tools: dict[str, Any] = {}
    tool_confirmation: ToolConfirmation | None = None
    elicitation: Elicitation | None = None
    storage: dict[str, Any] | None = None
    sessions: Sessions | None = None
    memories: Memories | None = None
    prompts: list[PromptEntry] = []
    internal_resources: Any = None
    plugins: dict[str, Any] | None = None
    compaction: dict[str, Any] | None = None
    telemetry: dict[str, Any] | None = None
    logger: dict[str, Any] | None = None
    agent_card: dict[str, Any] | None = None
    agent_file: dict[str, Any] | None = None
    image: str | None = None
