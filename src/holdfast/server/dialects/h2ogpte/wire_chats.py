"""Chats, what was said in them, and what is asked for a completion, as h2oGPTe's API has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from holdfast.server.dialects.h2ogpte.wire import PageQuery, Wire


class ChatCreateQuery(Wire):
    collection_id: str | None = None
    """An id, or `default`."""


class ChatCreate(Wire):
    workspace: str | None = Field(None, max_length=200)


class ChatUpdate(Wire):
    name: str


class CollectionChange(Wire):
    collection_id: str


class ChatsDelete(Wire):
    session_ids: tuple[str, ...] = Field(max_length=1_000)


class ChatsOfQuery(PageQuery):
    username: str | None = None


class Chat(Wire):
    id: str
    name: str | None = None
    collection_id: str | None = None
    collection_name: str | None = None
    prompt_template_id: str | None = None
    latest_message_content: str | None = None
    updated_at: datetime
    workspace: str | None = None
    status: str | None = None
    username: str | None = None
    source: str | None = None


class Fork(Wire):
    message_id: str | None = None
    """The message up to whose reply all is taken over; none: all."""


# --- what was said


class MessageMeta(Wire):
    message_type: str
    content: str


class ChatMessage(Wire):
    id: str
    content: str
    votes: int = 0
    created_at: datetime
    has_references: bool = False
    total_references: int = 0
    username: str | None = None
    reply_to: str | None = None
    """Id of the question; none: it is one."""
    error: str | None = None
    llm_args: str | None = None
    type_list: tuple[MessageMeta, ...] | None = None


class QuestionsQuery(Wire):
    limit: int = Field(100, ge=0)


class SuggestedQuestion(Wire):
    question: str


class MetaQuery(Wire):
    info_type: str | None = None


class ReferencesQuery(Wire):
    limit: int | None = Field(None, ge=0)
    """The best of so many."""


class Reference(Wire):
    collection_id: str
    document_id: str
    document_name: str
    chunk_id: int
    score: float
    pages: str
    """JSON: `{"selections": [{"page": 1, "polygons": []}]}`."""
    content: str
    were_references_deleted: bool = False
    uri: str | None = None


class Steering(Wire):
    message: str


# --- completions


class LlmArgs(Wire):
    """What is known of them; all others are accepted, and left alone."""

    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    seed: int | None = None
    """0: any."""
    max_new_tokens: int | None = Field(None, ge=0)
    response_format: str | dict[str, Any] | None = None
    guided_json: str | dict[str, Any] | None = None
    """JSON Schema, also as text."""
    reasoning_effort: int | str | None = None
    """A name, or how many tokens it may take; 0: as the model does by itself."""
    max_time: float | None = None
    """Seconds."""
    memory_block_id: str | None = None
    memory_block_name: str | None = None
    use_agent: bool | None = None
    agent_accuracy: str | None = None
    agent_max_turns: int | str | None = None
    agent_tools: str | tuple[str, ...] | None = None
    agent_type: str | None = None
    agent_timeout: float | str | None = None
    """Seconds of a turn."""
    agent_total_timeout: float | str | None = None
    """Seconds."""


class RagConfig(Wire):
    rag_type: str | None = None
    rag_max_chunks: int | None = None
    rag_min_chunk_score: float | None = None


class Reflection(Wire):
    llm_reflection: str | None = None
    """Empty: there is none."""


class Tags(Wire):
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    document_ids: tuple[str, ...] = ()


class CompletionRequest(Wire):
    message: str
    system_prompt: str | None = None
    pre_prompt_query: str | None = None
    prompt_query: str | None = None
    llm: str | int | None = None
    """A name, `auto`, or a place in the list of models."""
    llm_args: LlmArgs | None = None
    self_reflection_config: Reflection | None = None
    rag_config: RagConfig | None = None
    include_chat_history: bool | str | None = None
    tags: tuple[str, ...] | Tags | None = None
    metadata_filter: dict[str, Any] | None = None
    stream: bool | None = None


class Completion(Wire):
    message_id: str
    """Of the reply."""
    body: str
