"""Between tasks and the messages of A2A. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from a2a.types.a2a_pb2 import (
    Artifact,
    Message,
    Part,
    Role,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError, SerializeToJsonError

from holdfast.core.domain.runs import Run
from holdfast.core.domain.text import sanitize
from holdfast.server.tasks.asking import asked_data, asked_text
from holdfast.server.tasks.said import FilePiece, Said
from holdfast.server.tasks.states import TaskState as State
from holdfast.server.tasks.updates import REPLY, ReplyPiece, Working
from holdfast.server.tasks.views import TaskView
from holdfast.server.tasks.watched import Waiting

_FREE = ("arguments", "form", "text", "choices", "url", "server")
"""What of data others have written as they like."""
_EXACT = 1 << 53
"""Up to it floats have all whole numbers."""

_STATES: dict[State, TaskState] = {
    State.SUBMITTED: TaskState.TASK_STATE_SUBMITTED,
    State.WORKING: TaskState.TASK_STATE_WORKING,
    State.INPUT_REQUIRED: TaskState.TASK_STATE_INPUT_REQUIRED,
    State.COMPLETED: TaskState.TASK_STATE_COMPLETED,
    State.CANCELED: TaskState.TASK_STATE_CANCELED,
    State.FAILED: TaskState.TASK_STATE_FAILED,
    State.REJECTED: TaskState.TASK_STATE_REJECTED,
    State.AUTH_REQUIRED: TaskState.TASK_STATE_AUTH_REQUIRED,
}
_BY_WIRE = {wire: state for state, wire in _STATES.items()}


def state_in(wire: TaskState) -> State | None:
    """Returns the state that a request names, None for one that we do not know."""
    return _BY_WIRE.get(wire)


def said_in(message: Message) -> Said:
    """Takes a message apart."""
    texts, data, files, links = list[str](), list[Any](), list[FilePiece](), list[str]()
    for part in message.parts:
        match part.WhichOneof("content"):
            case "text":
                texts.append(part.text)
            case "data":
                data.append(_whole(MessageToDict(part.data)))
            case "raw":
                files.append(FilePiece(part.filename, part.raw))
            case "url":
                links.append(part.url)
    return Said(tuple(texts), tuple(data), tuple(files), tuple(links))


def _whole(value: Any) -> Any:
    """Returns JSON in which whole numbers are such: on their way all numbers are floats."""
    match value:
        case float() if value.is_integer() and abs(value) < _EXACT:
            return int(value)
        case list():
            return [_whole(each) for each in value]
        case dict():
            return {name: _whole(each) for name, each in value.items()}
    return value


# --- out


def task_of(view: TaskView) -> Task:
    """Returns a task with its history and what came of it."""
    task = Task(
        id=view.run.id,
        context_id=view.run.session_id,
        status=status_of(view),
        history=[
            _message(
                view.run,
                turn.id,
                Role.ROLE_USER if turn.role == "user" else Role.ROLE_AGENT,
                [Part(text=_plain(turn.text))],
            )
            for turn in view.turns
        ],
        artifacts=[reply_artifact(view.reply)] if view.reply else [],
    )
    usage = view.run.usage
    about = {
        "agent": view.run.agent,
        "model": view.run.model,
        "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
    }
    task.metadata.update({"holdfast": about})
    return task


def status_of(view: TaskView) -> TaskStatus:
    """Returns how a task stands: what is asked, where something waits, and why it failed."""
    status = TaskStatus(state=_STATES[view.state], timestamp=_utc(view.at))
    if view.waiting:
        status.message.CopyFrom(
            _message(view.run, f"{view.waiting[0].id}-asked", Role.ROLE_AGENT, _asked(view.waiting))
        )
    elif view.trouble:
        status.message.CopyFrom(
            _message(view.run, f"{view.run.id}-ended", Role.ROLE_AGENT, [Part(text=_plain(view.trouble))])
        )
    return status


def status_update(view: TaskView) -> TaskStatusUpdateEvent:
    """Returns the event of a task that has come to its state."""
    return TaskStatusUpdateEvent(task_id=view.run.id, context_id=view.run.session_id, status=status_of(view))


def update_of(update: ReplyPiece | Working, run: Run) -> TaskArtifactUpdateEvent | TaskStatusUpdateEvent:
    """Returns the event of an update of a run."""
    if isinstance(update, ReplyPiece):
        return TaskArtifactUpdateEvent(
            task_id=run.id,
            context_id=run.session_id,
            artifact=reply_artifact(update.text),
            append=update.append,
            last_chunk=update.last,
        )
    status = TaskStatus(state=TaskState.TASK_STATE_WORKING, timestamp=_utc(update.at))
    if update.line:
        status.message.CopyFrom(
            _message(run, f"{run.id}-{update.number}", Role.ROLE_AGENT, [Part(text=_plain(update.line))])
        )
    return TaskStatusUpdateEvent(task_id=run.id, context_id=run.session_id, status=status)


def reply_artifact(text: str) -> Artifact:
    return Artifact(artifact_id=REPLY, name="reply", parts=[Part(text=_plain(text))])


def _message(run: Run, id: str, role: Role, parts: Iterable[Part]) -> Message:
    return Message(message_id=id, task_id=run.id, context_id=run.session_id, role=role, parts=list(parts))


def _asked(waiting: Iterable[Waiting]) -> Iterable[Part]:
    """All that waits: first what the next message answers where it names nothing else."""
    for each in waiting:
        yield Part(text=_plain(asked_text(each)))
        yield _data(asked_data(each))


def _data(value: dict[str, Any]) -> Part:
    """Returns data. What a model calls a tool with, or an MCP server's form, may be deeper or larger than the
    protocol can say: then it is left out, and stands in the words."""
    part = Part()
    try:
        ParseDict(value, part.data)
        MessageToDict(part)
    except (ParseError, SerializeToJsonError, ValueError, OverflowError):
        return _data({name: value[name] for name in value if name not in _FREE})
    return part


def _plain(text: str) -> str:
    """Terminal escapes, and halves of characters, stay here."""
    return sanitize(text).encode("utf-8", "replace").decode()


def _utc(at: datetime) -> datetime:
    """As protobuf takes it: naive."""
    return at.replace(tzinfo=None) - (at.utcoffset() or at - at)
