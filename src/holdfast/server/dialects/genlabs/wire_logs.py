"""The log of calls as JSON: GenLabs has pages for it, and no API; these endpoints are like its others."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, Field

from holdfast.server.dialects.genlabs.wire import Said
from holdfast.server.dialects.genlabs.wire_agents import NamedAgent, Signed


class LogsWanted(NamedAgent):
    search: Any = Field(default=None, validation_alias=AliasChoices("search", "query"))
    """Words of the agent's name or of the prompt."""
    sort: Any = Field(default=None, validation_alias=AliasChoices("sort", "sort_by", "sortBy"))
    """`agent_name`, `timestamp`, `credits` or `response_time`."""
    order: Any = Field(default=None, validation_alias=AliasChoices("order", "sort_order", "sortOrder"))
    """`asc` or `desc`; usually the latest and the largest come first, and agents from A on."""
    page: Any = None
    """From 1."""
    per_page: Any = Field(default=None, validation_alias=AliasChoices("per_page", "perPage", "limit"))


class NamedLog(Signed):
    log_id: Any = Field(default=None, validation_alias=AliasChoices("log_id", "logId", "id"))


class MapWanted(NamedAgent):
    session: Any = None
    """What a client of `/v2` calls its conversation, or the id of a session."""


class Log(Said):
    log_id: str
    agent_id: str | None
    """None where the agent is gone."""
    agent_name: str
    timestamp: str
    credits: float
    response_time_ms: float | None
    """None while it goes on."""
    tool_used: bool
    tool_call_time_ms: float
    """What the choice of tools took."""
    tool_parameterization_time_ms: float
    prompt: str
    """The beginning of it; empty where the agent's logging was off."""
    status: str
    logging: bool


class Logs(Said):
    logs: tuple[Log, ...]
    total: int
    page: int
    pages: int


class LoggedMessage(Said):
    role: str
    content: str


class LoggedToolCall(Said):
    name: str
    parameters: dict[str, Any]
    status: str
    time_ms: float


class LoggedQuery(Said):
    model: str
    purpose: str
    prompt_tokens: int
    completion_tokens: int
    credits: float
    time_to_first_token_ms: float | None
    time_ms: float | None


class LogDetails(Log):
    session: str
    conversation: tuple[LoggedMessage, ...]
    """The full prompt: what was said before, where the call had that, and the message."""
    response: str
    tool_calls: tuple[LoggedToolCall, ...]
    queries: tuple[LoggedQuery, ...]
    key_name: str
    error: str | None


class MapNode(Said):
    id: str
    log_id: str
    role: str
    """`user`, `assistant`, `tool` or `agent`, which is a sub-agent."""
    preview: str
    timestamp: str
    ms: float | None
    credits: float
    tool: str | None


class MapEdge(Said):
    source: str
    target: str


class MappedSession(Said):
    session: str
    title: str
    nodes: tuple[MapNode, ...]
    edges: tuple[MapEdge, ...]


class SessionMaps(Said):
    sessions: tuple[MappedSession, ...]
    """Those in which something was said last come first."""
