"""The events of a session that belong to no run: its life, and the messages that wait in its queue."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.runs import RunOptions
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


class SessionDeleted(SessionScoped):
    """The last event of a session; all others of it are gone when this is visible."""

    type: Literal["session.deleted"] = "session.deleted"
    owner: str = LOCAL
    """Id of the user whose session it was."""


class MessageQueued(SessionScoped):
    """While a run is busy; `message.dequeued` follows."""

    type: Literal["message.queued"] = "message.queued"
    message_id: str
    parts: tuple[UserPart, ...]
    options: RunOptions = RunOptions()
    steer: bool = False
    """It is for the run under way and enters before its next step. Where there is none any more, after the
    run's end or a restart, it waits like any other."""


class MessageDequeued(SessionScoped):
    """After `message.queued`: it is sent now (`message.added` of the same id follows) or was pulled back."""

    type: Literal["message.dequeued"] = "message.dequeued"
    message_id: str
    reason: Literal["sent", "pulled_back"]
