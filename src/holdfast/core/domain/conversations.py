"""Conversations as people see them: whole messages, and sessions found by number."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.messages import ToolCallPart, UserPart
from holdfast.core.domain.runs import Session
from holdfast.core.domain.values import Value

SessionOrder = Literal["updated", "created", "title", "messages"]
"""What sessions are sorted by."""


class SaidMessage(Value):
    """What a person has said, what the model has answered in one step, or what a tool gave."""

    role: Literal["user", "assistant", "tool"]
    id: str
    """Of a person's message, of the call that a tool has answered; of a reply the number of its step, and
    `failed` for what ended the run."""
    run_id: str
    at: AwareDatetime
    """When it was said; of a reply when it began."""
    agent: str = ""
    """The agent that answers, or whose tool it is."""
    called: str = ""
    """What the agent was called in its run, where that was said."""
    mode: str = ""
    """How its agent works; empty: as always."""
    parts: tuple[UserPart, ...] = ()
    """Of a person's message."""
    steered: bool = False
    """Whether a person has said it to a run that was under way."""
    follow_ups: tuple[str, ...] = ()
    """Ids of the messages that it was made of, oldest first, where it has waited for a run."""
    text: str = ""
    """All that it says, as far as it is text."""
    reasoning: str = ""
    """What the model has thought, as far as it tells."""
    calls: tuple[ToolCallPart, ...] = ()
    """The tools that a reply calls."""
    tool: str = ""
    """The tool that gave it."""
    outcome: str = ""
    """What became of its call: `ok`, or what hindered it."""
    child: str = ""
    """Id of the session in which another agent has worked for it, or still does."""
    child_number: int = 0
    """Which one that is of those in which agents work for the run, counted from 0 as they began."""
    error: ErrorInfo | None = None
    """Why the run ended."""


class Conversation(Value):
    """A session with all that was said in it."""

    session: Session
    messages: tuple[SaidMessage, ...]
    """Oldest first; of a reply that is under way what there is of it."""
    last_event_id: int
    """What is told here holds up to this event."""


class SharedConversation(Value):
    """What everybody may see of a session that its owner has shared."""

    id: str
    title: str
    agent: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    messages: tuple[SaidMessage, ...]


class SessionsFound(Value):
    """A part of a user's sessions."""

    items: tuple[Session, ...]
    total: int
    """How many there are in all."""
    user_messages: dict[str, int]
    """By the id of each of the items: how many of its messages a person has written."""
