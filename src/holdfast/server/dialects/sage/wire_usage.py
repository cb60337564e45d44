"""Sage's JSON of what was used."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from holdfast.server.dialects.sage.wire import Said, Sent

Id = Annotated[str, Field(max_length=200)]
Dimension = Literal["agent", "user", "session"]


class ToolUsageBody(Sent):
    days: Annotated[int, Field(ge=1, le=3_650)]
    agent_id: Id | None = None


class ToolUsage(Said):
    """How often each tool was asked for."""

    usage: dict[str, int]


class TokenUsageBody(Sent):
    """What is added up. Dates are those of the server's place, the last one included."""

    dimension: Dimension
    user_id: Id | None = None
    agent_id: Id | None = None
    session_id: Id | None = None
    start_date: date | datetime | None = None
    end_date: date | datetime | None = None

    @model_validator(mode="after")
    def _dates(self) -> TokenUsageBody:
        if not self.session_id and (self.start_date is None or self.end_date is None):
            raise ValueError("start_date and end_date are required")
        return self


class TokenCounts(Said):
    session_count: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    model_call_count: int


class TokenSummary(TokenCounts):
    average_tokens_per_session: float


class TokenItem(TokenCounts):
    agent_id: str | None
    user_id: str | None
    session_id: str | None
    started_at: str | None
    finished_at: str | None


class TokenUsage(Said):
    """What was used in all, and by each."""

    summary: TokenSummary
    items: list[TokenItem]
