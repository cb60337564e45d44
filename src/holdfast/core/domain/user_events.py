"""The events of a user that belong to no session: jobs, and what changes in knowledge, memory, MCP servers
and what is kept with the user.

job = job.started job.progressed* ( job.completed | job.failed | job.cancelled ) job.forgotten?
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import AwareDatetime, Field

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.jobs import JobKind, JobProgress
from holdfast.core.domain.knowledge import IngestRequest, IngestResult
from holdfast.core.domain.values import Value, utc_now


class _OwnedEvent(Value):
    """Of a user, and of no session."""

    owner: str = LOCAL
    """Id of the user whose it is."""
    at: AwareDatetime = Field(default_factory=utc_now)

    @property
    def session_id(self) -> str:
        """No session: empty."""
        return ""

    @property
    def run_id(self) -> None:
        """No run."""


class _JobEvent(_OwnedEvent):
    job_id: str


class JobStarted(_JobEvent):
    """The first event of a job."""

    type: Literal["job.started"] = "job.started"
    kind: JobKind
    title: str
    collection_id: str
    request: IngestRequest
    retry_of: str | None = None


class JobProgressed(_JobEvent):
    """A few times a second at most, while a job goes on."""

    type: Literal["job.progressed"] = "job.progressed"
    progress: JobProgress
    results: tuple[IngestResult, ...] = ()
    """Items that were settled since the last event, unchanged ones left out."""


class JobCompleted(_JobEvent):
    """The last event of a job that came to its end; some of its items may have failed."""

    type: Literal["job.completed"] = "job.completed"
    progress: JobProgress


class JobFailed(_JobEvent):
    """The last event of a job that could not go on. What it had taken in stays."""

    type: Literal["job.failed"] = "job.failed"
    progress: JobProgress
    error: ErrorInfo


class JobCancelled(_JobEvent):
    """The last event of a job that a person stopped. What it had taken in stays."""

    type: Literal["job.cancelled"] = "job.cancelled"
    progress: JobProgress


class JobForgotten(_JobEvent):
    """The record of a job that has ended was taken out of the list of jobs."""

    type: Literal["job.forgotten"] = "job.forgotten"


KnowledgeChange = Literal["created", "updated", "deleted", "documents", "cleared"]
"""What became of a collection."""


class KnowledgeChanged(_OwnedEvent):
    """A collection was made, changed, cleared or deleted, or a document of it removed outside of a job."""

    type: Literal["knowledge.changed"] = "knowledge.changed"
    collection_id: str
    name: str
    change: KnowledgeChange
    removed: tuple[str, ...] = ()
    """The ids of documents that were removed; `cleared` means all of them."""


class MemoryChanged(_OwnedEvent):
    """A block or an entry of the user's memory was made, changed or deleted, by a person or by an agent."""

    type: Literal["memory.changed"] = "memory.changed"
    kind: Literal["block", "entry"]
    object_id: str
    """Of the block or the entry."""
    name: str = ""
    """Of a block."""
    change: Literal["created", "updated", "deleted"]
    by: Literal["person", "agent"] = "person"


McpChange = Literal["added", "replaced", "removed", "connected", "restarted", "failed"]
"""What became of an MCP server."""


class McpChanged(_OwnedEvent):
    """An MCP server of the user's own was added, replaced or removed, or he has had it started, whatever came
    of it."""

    type: Literal["mcp.changed"] = "mcp.changed"
    server: str
    change: McpChange
    tools: tuple[str, ...] = ()
    """The names of its tools, where it runs."""
    reason: str = ""
    """Why it did not start."""
    ext: Ext = Field(default={})
    """What clients of other systems keep of it."""


class UserAnnotated(_OwnedEvent):
    """What clients of other systems' APIs keep with the user is another now."""

    type: Literal["user.annotated"] = "user.annotated"
    before: dict[str, dict[str, Any]]
    """By API, what has changed, as it was; without what was not there."""
    after: dict[str, dict[str, Any]]
    """The same as it is now; without what is there no more."""


class ModelAsked(_OwnedEvent):
    """A model was asked outside of any run: for a draft."""

    type: Literal["model.asked"] = "model.asked"
    key: str = ""
    """Id of the API key that it was asked with; empty: with none."""
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    credits: float = 0.0
    """What the call is charged for, at the prices of that moment."""
    estimated: bool = False
    """Whether the figures are counted from the texts, for none were reported."""


OwnedEvent = (
    JobStarted
    | JobProgressed
    | JobCompleted
    | JobFailed
    | JobCancelled
    | JobForgotten
    | KnowledgeChanged
    | MemoryChanged
    | McpChanged
    | ModelAsked
    | UserAnnotated
)
# Every event of a run is looked up in these: pydantic's isinstance would be slow.
_OWNED_EVENTS = frozenset(get_args(OwnedEvent))
_JOB_EVENTS = frozenset(event for event in _OWNED_EVENTS if issubclass(event, _JobEvent))
JOB_ENDS = ("job.completed", "job.failed", "job.cancelled")


def job_of(event: object) -> str | None:
    """Returns the id of the job that an event is of."""
    return event.job_id if type(event) in _JOB_EVENTS else None  # type: ignore[attr-defined]


def owner_of(event: object) -> str | None:
    """Returns the owner that stands in the event itself; None: its session's owner."""
    return event.owner if type(event) in _OWNED_EVENTS else None  # type: ignore[attr-defined]
