"""Runs, sessions and contexts on Powabase's wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field

from holdfast.server.dialects.powabase.wire import Wire

RetrievalMethod = Literal["vector_search", "full_text", "hybrid", "tree_search"]


class RetrievalIn(Wire):
    """How a knowledge base is searched."""

    top_k: int | None = Field(default=None, gt=0, le=200)
    similarity_threshold: float | None = Field(default=None, ge=0)
    filter_metadata: dict[str, Any] | None = None
    retrieval_method: RetrievalMethod | None = None
    source_ids: tuple[str, ...] | None = None


class KnowledgeUseIn(RetrievalIn):
    """A knowledge base that is searched for one run."""

    id: str = Field(min_length=1)


class ContextItemIn(Wire):
    """A piece of context, by value or by the id of a chunk."""

    id: str | int | None = Field(default=None, validation_alias=AliasChoices("item_id", "id"))
    text: str = ""
    meta: dict[str, Any] = Field(default_factory=dict)


class RunRequest(Wire):
    """The body of `/run` and `/run/stream`."""

    message: str = Field(min_length=1)
    session_id: Annotated[str, Field(max_length=255)] | None = None
    knowledge_bases: tuple[KnowledgeUseIn, ...] | None = None
    context_handler_id: str | None = None
    context_override: str | None = None
    context_items: tuple[ContextItemIn, ...] | None = None
    max_context_tokens: int | None = Field(default=None, gt=0)
    citations_enabled: bool | None = False
    temperature: float | None = Field(default=None, ge=0, le=2)
    response_format: dict[str, Any] | None = None
    reasoning_requested: bool | None = False
    timeout_seconds: float | None = Field(default=None, gt=0)


class Usage(Wire):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0


class CitationOut(Wire):
    key: str
    item_id: str | None = None
    source_id: str | None = None
    source_name: str = ""
    text_excerpt: str = ""
    meta: dict[str, Any] = Field(default_factory=dict)


class RunReply(Wire):
    """The answer of `/run`."""

    run_id: str
    session_id: str
    context_handler_id: str | None
    content: str
    error: str | None
    usage: Usage
    retrieved_items: int
    status: Literal["completed", "failed"]
    is_new_session: bool
    citations: tuple[CitationOut, ...] | None = None
    citation_candidates: dict[str, CitationOut] | None = None
    warning: str | None = None


class ToolCallOut(Wire):
    step: int
    tool_name: str
    arguments: dict[str, Any]
    result: str
    duration_ms: float
    call_id: str = ""
    is_error: bool = False


class RunRecord(Wire):
    """A run, as it is fetched."""

    id: str
    run_id: str
    session_id: str | None
    parent_orchestration_run_id: str | None
    parent_workflow_execution_id: str | None
    status: Literal["pending", "running", "completed", "failed"]
    input_messages: tuple[dict[str, Any], ...]
    output_messages: tuple[dict[str, Any], ...]
    content: str
    usage: Usage
    retrieved_context: tuple[dict[str, Any], ...]
    error: str | None
    started_at: datetime | None
    completed_at: datetime | None
    steps: int
    events: tuple[dict[str, Any], ...]
    tool_calls: tuple[ToolCallOut, ...]
    reasoning_steps: tuple[dict[str, Any], ...]
    created_at: datetime | None


class Approve(Wire):
    """The body of `/approve`."""

    approved: Annotated[bool, Field(strict=True)]
    reason: str | None = None
    call_id: str | None = Field(default=None, validation_alias=AliasChoices("call_id", "tool_call_id"))
    always: bool = False


class Resumed(Wire):
    status: Literal["resumed"] = "resumed"


class SessionsQuery(Wire):
    limit: int = Field(default=50, ge=1)
    offset: int = Field(default=0, ge=0)
    search: str = ""
    created_after: datetime | None = None
    created_before: datetime | None = None
    min_runs: int | None = None
    max_runs: int | None = None


class SessionLine(Wire):
    session_id: str
    run_count: int
    last_activity_at: datetime
    created_at: datetime
    first_message: str


class SessionList(Wire):
    sessions: tuple[SessionLine, ...]
    total: int
    limit: int
    offset: int


class SessionOut(Wire):
    id: str
    session_id: str
    agent_id: str | None
    user_id: str
    session_data: dict[str, Any]
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class MessageOut(Wire):
    role: Literal["user", "assistant"]
    content: str
    run_id: str
    timestamp: datetime | None
    citations: tuple[CitationOut, ...] | None = None
    reasoning: str | None = None
    reasoning_requested: bool | None = None
    reasoning_duration_ms: float | None = None


class MessageList(Wire):
    session_id: str
    messages: tuple[MessageOut, ...]


class RunLine(Wire):
    run_id: str
    status: Literal["pending", "running", "completed", "failed"]
    started_at: datetime | None
    completed_at: datetime | None
    error: str | None
    usage: Usage
    steps: int


class RunList(Wire):
    session_id: str
    runs: tuple[RunLine, ...]
    total: int
    limit: int
    offset: int


class MessagesQuery(Wire):
    limit: int | None = Field(default=None, ge=1)


class PageQuery(Wire):
    limit: int = Field(default=50, ge=1)
    offset: int = Field(default=0, ge=0)


class SessionMade(Wire):
    session_id: str


class SessionDeleted(Wire):
    success: bool = True
    session_id: str


class RetrievedContext(Wire):
    run_id: str
    retrieved_context: tuple[dict[str, Any], ...]


class ContextCreate(Wire):
    query: str = Field(min_length=1)
    knowledge_bases: tuple[KnowledgeUseIn, ...] = Field(min_length=1)
    max_context_tokens: int | None = Field(default=None, gt=0)


class ContextLine(Wire):
    id: str
    query: str
    status: Literal["completed", "failed"]
    max_context_tokens: int
    metadata: dict[str, Any]
    errors: tuple[dict[str, Any], ...]
    created_at: datetime


class ContextOut(ContextLine):
    knowledge_base_configs: tuple[dict[str, Any], ...]
    formatted_context: str
    retrieved_context: tuple[dict[str, Any], ...]


class ContextList(Wire):
    context_handlers: tuple[ContextLine, ...]
    total: int
    limit: int
    offset: int
