"""What Sage's API says of conversations."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from holdfast.server.dialects.sage.wire import Query, Said, Sent


class ConversationsQuery(Query):
    """Which conversations are wanted."""

    page: int = Field(default=1, ge=1, le=10_000_000)
    page_size: int = Field(default=10, ge=1, le=100)
    user_id: str | None = None
    search: str = ""
    """A part of the title or of the session's id."""
    agent_id: str | None = None
    sort_by: str = "date"
    """`date`, `title` or `messages`; any other word is `date`."""


class TitleIn(Sent):
    """Another title."""

    title: str


class InterruptIn(Sent):
    """Why a session is interrupted."""

    message: str = ""


class ContentIn(Sent):
    """What a message says."""

    content: str | list[dict[str, Any]]


class GuidanceIn(ContentIn):
    """What is said to an agent while it works."""

    guidance_id: str | None = Field(default=None, min_length=1, max_length=200)
    metadata: dict[str, Any] = Field(default_factory=dict)


class RerunIn(Sent):
    """How the last message is to be answered anew."""

    agent_id: str | None = None
    agent_mode: str | None = None
    more_suggest: bool | None = None
    max_loop_count: int | None = None
    available_sub_agent_ids: list[str] | None = None
    guidance_content: str | list[dict[str, Any]] | None = None
    guidance_id: str | None = None


class ConversationLine(Said):
    session_id: str
    agent_id: str
    agent_name: str
    title: str
    message_count: int
    """Of what people and agents have said."""
    user_count: int
    agent_count: int
    created_at: str
    updated_at: str
    user_id: str
    trace_id: str


class ConversationList(Said):
    list: tuple[ConversationLine, ...]
    total: int
    page: int
    page_size: int
    total_pages: int
    has_next: bool
    has_prev: bool
    user_id: str


class ConversationInfo(Said):
    session_id: str
    agent_id: str
    agent_name: str
    title: str
    created_at: str
    updated_at: str


class Messages(Said):
    conversation_id: str
    messages: tuple[dict[str, Any], ...]
    message_count: int
    next_stream_index: int
    """Where a stream of what goes on is to be resumed; 0 where nothing does."""
    conversation_info: ConversationInfo


class Titled(Said):
    session_id: str
    title: str


class OneSession(Said):
    session_id: str


class Interrupted(Said):
    session_id: str
    user_id: str


class Task(Said):
    task_id: str
    title: str
    description: str = ""
    status: str
    """`pending`, `in_progress` or `completed`."""


class Tasks(Said):
    tasks: tuple[Task, ...]


class TasksStatus(Said):
    session_id: str
    tasks_status: Tasks
    user_id: str


class Guided(Said):
    session_id: str
    guidance_id: str
    accepted: bool = True
    user_id: str


class Guidance(Said):
    guidance_id: str
    content: str
    metadata: dict[str, Any]
    timestamp: float


class Guidances(Said):
    session_id: str
    items: tuple[Guidance, ...]


class GuidanceChanged(Said):
    session_id: str
    guidance_id: str
    updated: bool = True


class GuidanceDeleted(Said):
    session_id: str
    guidance_id: str
    deleted: bool = True


class Edited(Said):
    session_id: str
    title: str
    message_count: int
    last_user_message: dict[str, Any]
