"""Sessions and runs, as listings and as the log's projections know them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, Field

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.models import ModelSettings
from holdfast.core.domain.values import Value


class RunStatus(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    WAITING = "waiting"
    """For an approval or for the answer to a question."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


class RunOptions(Value):
    """What one run overrides."""

    model: str | None = None
    model_settings: ModelSettings | None = None
    approve: ApproveMode = ApproveMode.ASK
    timeout_s: float | None = Field(default=None, gt=0)
    response_format: dict[str, Any] | None = None
    """JSON Schema that the reply must satisfy: validated, with one attempt at repair."""


class Usage(Value):
    """Tokens and money, added up."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float = 0.0
    estimated: bool = False
    """True when a part of it was counted by us because the provider reported nothing."""
    unpriced: bool = False
    """True when a part of it has no known price."""


class Run(Value):
    id: str
    session_id: str
    agent: str
    model: str
    status: RunStatus
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    error: ErrorInfo | None = None
    steps: int = 0
    usage: Usage = Usage()
    first_event_id: int = 0
    last_event_id: int = 0


class Session(Value):
    id: str
    owner: str = LOCAL
    """Id of the user whose session it is; nobody else sees it."""
    title: str
    agent: str
    model: str | None = None
    """Set when the person chose one for this session."""
    project: str
    """The folder the session was started in."""
    workspace: str
    """The folder its files are in."""
    created_at: AwareDatetime
    updated_at: AwareDatetime
    forked_from: str | None = None
    run_id: str | None = None
    """The latest run."""
    status: RunStatus | None = None
    """Of the latest run; None before the first."""
    pending: int = 0
    """Approvals and questions that wait."""
    messages: int = 0
    usage: Usage = Usage()
    last_event_id: int = 0


class QueuedMessage(Value):
    """A message that waits until the run before it has ended."""

    id: str
    session_id: str
    parts: tuple[UserPart, ...]
    options: RunOptions = RunOptions()
    queued_at: AwareDatetime


class Submitted(Value):
    """What became of a message: it started a run, or it waits in the queue."""

    session_id: str
    message_id: str
    run_id: str | None = None
    """None when queued."""


class SearchHit(Value):
    """A place in a session where the words stand."""

    session_id: str
    session_title: str
    event_id: int
    role: str
    excerpt: str
    """With the hits between U+0002 and U+0003."""
    at: AwareDatetime
