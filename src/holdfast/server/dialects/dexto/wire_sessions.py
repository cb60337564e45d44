"""Sessions and searches in them, as Dexto's clients send them and read them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from holdfast.server.dialects.dexto.wire import Flag, Said, Sent, StrictSent, absent
from holdfast.server.dialects.dexto.wire_messages import Message
from holdfast.server.dialects.dexto.zod import length_issue, zod_error


def _given() -> Any:
    """Returns the field of something that may not be there: then it is None, which no client can say."""
    return Field(default_factory=lambda: None)


class CreateBody(Sent):
    """A new session, perhaps with an id of the client's own."""

    session_id: Annotated[str, Field(min_length=1)] = _given()


_LONGEST_TITLE = 120


def _checked_title(title: str) -> str:
    if not title:
        raise zod_error(length_issue("too_small", 1, "Title is required"))
    if len(title) > _LONGEST_TITLE:
        raise zod_error(length_issue("too_big", _LONGEST_TITLE, "Title too long"))
    return title


class TitleBody(Sent):
    title: Annotated[
        str,
        AfterValidator(_checked_title),
        Field(json_schema_extra={"minLength": 1, "maxLength": _LONGEST_TITLE}),
    ]


class CancelBody(StrictSent):
    """With `clearQueue` what waits is not sent any more."""

    clear_queue: Flag = False


class SessionMeta(Said):
    """A session; times in milliseconds since 1970."""

    id: str
    created_at: int | None
    last_activity: int | None
    message_count: int
    """Turns that were begun."""
    title: str | None


class SessionLoaded(SessionMeta):
    is_busy: bool


class SessionWithHistory(SessionMeta):
    history: int
    """Messages in it."""


class OneSession(Said):
    session: SessionMeta


class OneLoaded(Said):
    session: SessionLoaded


class OneWithHistory(Said):
    session: SessionWithHistory


class Sessions(Said):
    sessions: list[SessionMeta]


class History(Said):
    history: list[Message]
    is_busy: bool


class Cancelled(Said):
    cancelled: bool
    session_id: str
    queue_cleared: bool
    """As it was asked for."""
    cleared_count: int


class Deleted(Said):
    status: Literal["deleted"] = "deleted"
    session_id: str


class Title(Said):
    title: str | None
    session_id: str


class GreetingQuery(Sent):
    session_id: str = ""


class Greeting(Said):
    greeting: str | None = absent()


# --- search


class MessageSearchQuery(Sent):
    q: Annotated[str, Field(min_length=1)]
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    offset: Annotated[int, Field(ge=0)] = 0
    session_id: str = ""
    role: Literal["user", "assistant", "system", "tool"] = _given()


class SessionSearchQuery(Sent):
    q: Annotated[str, Field(min_length=1)]


class Hit(Said):
    """A message in which the text stands."""

    session_id: str
    message: Message
    matched_text: str
    context: str
    """At most 50 characters on each side of it."""
    message_index: int
    """In the session's history."""


class MessageHits(Said):
    results: list[Hit]
    total: int
    has_more: bool
    query: str


class SearchedSession(Said):
    created_at: int | None
    last_activity: int | None
    message_count: int


class SessionHit(Said):
    session_id: str
    match_count: int
    first_match: Hit
    metadata: SearchedSession


class SessionHits(Said):
    results: list[SessionHit]
    total: int
    has_more: Literal[False] = False
    query: str


# --- approvals


class ApprovalsQuery(Sent):
    session_id: Annotated[str, Field(min_length=1)]


class DecisionBody(Sent):
    """What a person has decided; `formData` answers a form."""

    status: Literal["approved", "denied"]
    form_data: dict[str, Any] = _given()
    remember_choice: Flag = False


class ApprovalOut(Said):
    """Something that waits for a person."""

    approval_id: str
    type: Literal["tool_confirmation", "elicitation"]
    session_id: str | None = absent()
    timeout: int | None = absent()
    """Milliseconds from the time that it was asked at."""
    timestamp: str
    metadata: dict[str, Any]


class Approvals(Said):
    ok: Literal[True] = True
    approvals: list[ApprovalOut]


class Decided(Said):
    ok: Literal[True] = True
    approval_id: str
    status: Literal["approved", "denied"]
