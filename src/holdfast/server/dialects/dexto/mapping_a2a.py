"""Between sessions and the tasks of A2A as Dexto has them. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.runs import Session
from holdfast.core.domain.text import sanitize
from holdfast.server.dialects.dexto.errors import validation, validation_issue
from holdfast.server.dialects.dexto.mapping_sessions import called
from holdfast.server.dialects.dexto.times import iso
from holdfast.server.dialects.dexto.wire_a2a import (
    ArtifactOut,
    CardOut,
    FileIn,
    MessageIn,
    MessageOut,
    PartOut,
    SkillOut,
    StatusOut,
    TaskOut,
    TextIn,
)
from holdfast.server.tasks.asking import asked_data, asked_text
from holdfast.server.tasks.said import FilePiece, Said
from holdfast.server.tasks.states import TaskState, state_of
from holdfast.server.tasks.turns import Turn
from holdfast.server.tasks.updates import REPLY
from holdfast.server.tasks.watched import Waiting

METHODS = ("message/send", "message/stream", "tasks/get", "tasks/list", "tasks/cancel")

_DEFAULT_PAGE = 50
_PAGES = range(1, 101)
_INPUT = ["application/json", "text/plain"]
_OUTPUT = ["application/json", "text/event-stream", "text/plain"]
_UNSUPPORTED = "llm_input_file_unsupported"
_EMPTY = "context_message_content_empty"


def said_in(message: MessageIn) -> Said:
    """Takes a message apart. Raises `InvalidError` for one that says nothing, and for a file that cannot be
    taken in."""
    texts = tuple(part.text for part in message.parts if isinstance(part, TextIn))
    data = tuple(part.data for part in message.parts if part.kind == "data")
    given = [part for part in message.parts if isinstance(part, FileIn)]
    files = tuple(_file(part) for part in given if not part.file.uri or part.file.bytes)
    links = tuple(part.file.uri for part in given if part.file.uri and not part.file.bytes)
    said = Said(texts, data, files, links)
    if not (said.words or data or given):
        raise InvalidError("A message needs a text, data or a file.", code=_EMPTY)
    return said


def _file(part: FileIn) -> FilePiece:
    try:
        return FilePiece(part.file.name, base64.b64decode(part.file.bytes, validate=True))
    except (binascii.Error, ValueError):
        issue = validation_issue(_UNSUPPORTED, "The bytes of a file are not base64.", scope="llm")
        raise validation([issue], _UNSUPPORTED) from None


def page_size_of(given: str | None) -> int:
    """Returns how many tasks a page has; what is no such number does not count."""
    number = int(given) if given is not None and given.isascii() and given.isdigit() else _DEFAULT_PAGE
    return number if number in _PAGES else _DEFAULT_PAGE


def state_of_session(session: Session) -> TaskState:
    """Returns how a session stands as a task."""
    return state_of(session.status, waits=session.pending > 0)


def task_of(session: Session, turns: Iterable[Turn], waiting: Sequence[Waiting]) -> TaskOut:
    """Returns a session as a task; a session that was reset has nothing of what was said before."""
    id, state, turns = called(session), state_of_session(session), tuple(turns)
    if state.ended and not turns:
        state = TaskState.SUBMITTED
    asked = state is TaskState.INPUT_REQUIRED and waiting
    return TaskOut(
        id=id,
        context_id=id,
        status=StatusOut(
            state=state,
            message=asked_of(id, waiting) if asked else None,
            timestamp=iso(session.updated_at),
        ),
        history=[_message(id, turn) for turn in turns],
        artifacts=_reply(turns) if state is TaskState.COMPLETED else None,
        metadata={"dexto": {"sessionId": id}},
    )


def asked_of(id: str, waiting: Sequence[Waiting]) -> MessageOut:
    """Returns what is asked of who talks to the agent; the next message answers the first of it."""
    parts: list[PartOut] = []
    for each in waiting:
        parts += [text_part(asked_text(each)), PartOut(kind="data", data=asked_data(each))]
    return MessageOut(
        role="agent", parts=parts, message_id=f"{waiting[0].id}-asked", task_id=id, context_id=id
    )


def text_part(text: str) -> PartOut:
    return PartOut(kind="text", text=sanitize(text))


def _message(id: str, turn: Turn) -> MessageOut:
    role: Any = "user" if turn.role == "user" else "agent"
    return MessageOut(role=role, parts=[text_part(turn.text)], message_id=turn.id, task_id=id, context_id=id)


def _reply(turns: Sequence[Turn]) -> list[ArtifactOut] | None:
    """Returns what was said last."""
    last = next((turn for turn in reversed(turns) if turn.role == "agent"), None)
    return (
        None if last is None else [ArtifactOut(artifact_id=REPLY, name=REPLY, parts=[text_part(last.text)])]
    )


def card_of(agent: AgentInfo | None, url: str) -> CardOut:
    """Returns the card of the agent; None: of any, to who shows no key."""
    name = (agent.display_name or agent.name) if agent is not None else "Holdfast"
    described = agent.description if agent is not None else ""
    skill = SkillOut(
        id="chat_with_agent",
        name="chat_with_agent",
        description=described or "Talks with the agent.",
        tags=["chat", "ai", "assistant"],
        input_modes=_INPUT,
        output_modes=_OUTPUT,
    )
    return CardOut(
        name=name,
        description=described or f"The agent {name}.",
        url=url,
        default_input_modes=_INPUT,
        default_output_modes=_OUTPUT,
        skills=[skill],
    )
