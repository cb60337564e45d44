"""The events of a session that belong to no run: its life, its marks, and its queue of messages.

A star, the archive and what was looked at are marks, which come and go at any time and which no model sees.
A session in the trash takes no other event but `session.restored` and `session.deleted`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.delegating import ChildOf
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.modes import AutoLimits
from holdfast.core.domain.runs import FollowUpKind, RunOptions
from holdfast.core.domain.values import Value, utc_now


class SessionScoped(Value):
    """Of a session, and perhaps of one of its runs."""

    session_id: str
    run_id: str | None = None
    at: AwareDatetime = Field(default_factory=utc_now)


class SessionCreated(SessionScoped):
    """The first event of every session."""

    type: Literal["session.created"] = "session.created"
    title: str
    agent: str
    model: str | None = None
    project: str
    workspace: str
    owner: str = LOCAL
    """Id of the user whose session it is."""
    forked_from: str | None = None
    """The session that this one continues; its events up to the fork follow as copies."""
    imported_from: str = ""
    """What it was read from, such as `chatgpt`; what was said there follows, with its own times."""
    child_of: ChildOf | None = None
    """Set where it is for one run of a sub-agent, which follows."""
    ext: Ext = Field(default={})


class SessionRenamed(SessionScoped):
    """At any time. `automatic` when the title was taken from the first message."""

    type: Literal["session.renamed"] = "session.renamed"
    title: str
    automatic: bool = False


class SessionConfigured(SessionScoped):
    """At any time; holds for the runs that start later."""

    type: Literal["session.configured"] = "session.configured"
    agent: str
    model: str | None


class SessionAnnotated(SessionScoped):
    """At any time: what clients of other systems' APIs keep with the session is this from now on."""

    type: Literal["session.annotated"] = "session.annotated"
    ext: Ext


class SessionDeleted(SessionScoped):
    """The last event of a session; all others of it are gone when this is visible."""

    type: Literal["session.deleted"] = "session.deleted"
    owner: str = LOCAL
    """Id of the user whose session it was."""


class SessionModeChanged(SessionScoped):
    """At any time; holds from the next tool call on, also of a run under way."""

    type: Literal["session.mode_changed"] = "session.mode_changed"
    mode: ApproveMode
    limits: AutoLimits | None = None
    """Of the mode `auto`."""
    by: str = ""
    """Name of the user who changed it; empty: the engine did, because a limit of `auto` was reached."""
    client: str = ""
    """What it was changed with; empty: not known."""
    reason: str = ""
    """Which limit was reached."""


class SessionGrantsDropped(SessionScoped):
    """At any time: what was granted for this session before does not count any more, as far as one of these
    rules was granted."""

    type: Literal["session.grants_dropped"] = "session.grants_dropped"
    rules: tuple[str, ...]
    by: str = ""
    client: str = ""


class MessageQueued(SessionScoped):
    """While a run is busy; `message.dequeued` follows."""

    type: Literal["message.queued"] = "message.queued"
    message_id: str
    parts: tuple[UserPart, ...]
    options: RunOptions = RunOptions()
    key: str = ""
    """Id of the API key that sent it; empty: none."""
    steer: bool = False
    """It is for the run under way and enters before its next step. Where there is none any more, after the
    run's end or a restart, it waits like any other."""
    kind: FollowUpKind | None = None
    """Set where it is a follow-up: see `QueuedMessage`."""


class MessageDequeued(SessionScoped):
    """After `message.queued`: it is sent now (`message.added` of the same id follows, or one that names it in
    `follow_ups`) or was pulled back."""

    type: Literal["message.dequeued"] = "message.dequeued"
    message_id: str
    reason: Literal["sent", "pulled_back"]


class SessionCleared(SessionScoped):
    """At any time but during a run: what was said before is gone for good, with its runs, the files'
    history and the sessions of sub-agents. The session and its title, agent, model and queue stay."""

    type: Literal["session.cleared"] = "session.cleared"
    since: int | None = None
    """Id of the first event that is gone: that of a run; what was said before it stays. None: all."""


class SessionStarred(SessionScoped):
    """At any time."""

    type: Literal["session.starred"] = "session.starred"
    starred: bool
    """False takes the star away."""


class SessionArchived(SessionScoped):
    """At any time. A run that starts takes its session out of the archive."""

    type: Literal["session.archived"] = "session.archived"
    archived: bool
    """False takes it out of the archive."""


class SessionShared(SessionScoped):
    """At any time."""

    type: Literal["session.shared"] = "session.shared"
    shared: bool
    """Whether everybody who knows its id may read what is said in it."""


class SessionSeen(SessionScoped):
    """After a run, when its owner has looked at how it ended."""

    type: Literal["session.seen"] = "session.seen"
    through: int | None = None
    """The last event that was looked at; None: all before this one."""


class SessionTrashed(SessionScoped):
    """Nobody sees the session until `session.restored`; after some days `session.deleted` follows."""

    type: Literal["session.trashed"] = "session.trashed"


class SessionRestored(SessionScoped):
    """After `session.trashed`: the session is as it was."""

    type: Literal["session.restored"] = "session.restored"


SessionMark = (
    SessionStarred | SessionArchived | SessionShared | SessionSeen | SessionTrashed | SessionRestored
)
MARKS = (
    *("session.starred", "session.archived", "session.shared", "session.seen"),
    *("session.trashed", "session.restored"),
)
