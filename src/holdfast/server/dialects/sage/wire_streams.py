"""What is asked of Sage's chats and streams. What they answer, line by line, `encoder.py` writes."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from holdfast.core.domain.drafts import MAX_PROMPT
from holdfast.server.dialects.sage.wire import Query, Said, Sent


class MessageIn(Sent):
    """A message of the conversation."""

    message_id: str | None = None
    role: str
    content: str | list[dict[str, Any]] | None = None
    """A text, or OpenAI's parts."""


class ChatRequest(Sent):
    """The body of `/api/chat`."""

    messages: list[MessageIn] = Field(max_length=2_000)
    """What is new: the conversation itself is kept here."""
    agent_id: str = Field(min_length=1)
    session_id: str | None = None
    system_context: dict[str, Any] | None = None
    provider_id: str | None = None
    user_id: str | None = None
    """Who asks is known by what was shown; this changes nothing."""


class SubAgentIn(Sent):
    """An agent that is described in a request."""

    agent_id: str | None = None
    name: str
    system_prompt: str | None = None
    description: str | None = None
    available_tools: list[str] | None = None
    available_workflows: dict[str, list[str]] | None = None
    system_context: dict[str, Any] | None = None


class ServerIn(Sent):
    """An MCP server that is described in a request."""

    url: str | None = None
    streamable_http_url: str | None = None
    sse_url: str | None = None
    command: str | None = None
    args: tuple[str, ...] = ()
    tools: list[str] | None = None
    disabled: bool = False


class BudgetIn(Sent):
    """How large what the model sees may become."""

    max_model_len: int | None = None
    """Tokens of the model's window."""
    history_ratio: float | None = None
    """The share of it that what was said before may fill."""
    active_ratio: float | None = None
    """The share of it that the run itself may fill."""


class StreamRequest(ChatRequest):
    """The body of `/api/stream` and `/api/web-stream`: what a run is to do otherwise than its agent."""

    agent_id: str | None = None  # type: ignore[assignment]  # here it may be left out
    agent_name: str | None = None
    system_prefix: str | None = None
    deep_thinking: bool | None = None
    max_loop_count: int | None = None
    multi_agent: bool | None = None
    agent_mode: str | None = None
    more_suggest: bool | None = None
    available_workflows: dict[str, list[str]] | None = None
    llm_model_config: dict[str, Any] | None = None
    available_tools: list[str] | None = None
    available_skills: list[str] | None = None
    available_knowledge_bases: list[str] | None = None
    available_sub_agent_ids: list[str] | None = None
    force_summary: bool | None = None
    memory_type: str | None = None
    custom_sub_agents: list[SubAgentIn] | None = None
    context_budget_config: BudgetIn | None = None
    extra_mcp_config: dict[str, ServerIn] | None = None
    sandbox_approval_mode: str | None = None

    @field_validator("agent_id", mode="before")
    @classmethod
    def _no_agent(cls, value: Any) -> Any:
        return None if value == "" else value


class ResumeQuery(Query):
    """The query of `/api/stream/resume/{session_id}`."""

    last_index: int = Field(default=0, ge=0)
    """Lines of JSON that the client has already."""


class OptimizeInput(Sent):
    """What somebody is about to say."""

    current_input: str = Field(min_length=1, max_length=MAX_PROMPT)
    history_messages: list[MessageIn] = Field(default_factory=list, max_length=2_000)
    """What was said before it, oldest first."""
    language: str | None = None
    """Of what comes out; that of the input where it says none."""


class OptimizedInput(Said):
    success: bool = True
    optimized_input: str
    timestamp: float


class SandboxDecision(Sent):
    """What a person decided of a call that waits."""

    session_id: str
    approval_id: str
    decision: str
    command_hash: str | None = None


class SandboxDecided(Said):
    success: bool
    status: str
    """`resolved`, or why nothing was decided."""


class AuditQuery(Query):
    session_id: str
    limit: int = Field(default=50, ge=1, le=200)


class AuditRecord(Said):
    """A call that a person was asked for."""

    approval_id: str
    command: str
    command_hash: str
    category: str
    reason: str
    tool_name: str
    status: str
    requested_at: float
    decided_at: float | None


class Audit(Said):
    success: bool
    records: tuple[AuditRecord, ...]
    """The latest first."""
