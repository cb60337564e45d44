"""A run as the streams of A2A: with the events of Dexto's, or as version 0.3 of the protocol has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.values import utc_now
from holdfast.server.dialects.dexto.encoder import TurnEncoder
from holdfast.server.dialects.dexto.mapping_a2a import asked_of, text_part
from holdfast.server.dialects.dexto.names import ToolNames
from holdfast.server.dialects.dexto.times import iso, millis
from holdfast.server.dialects.dexto.wire_a2a import (
    ArtifactOut,
    MessageOut,
    StatusOut,
    TaskOut,
)
from holdfast.server.kit.errors import plain_message
from holdfast.server.kit.sse import write_frame
from holdfast.server.tasks.asking import asked_text
from holdfast.server.tasks.following import Following, Heard
from holdfast.server.tasks.states import TaskState
from holdfast.server.tasks.updates import REPLY, ReplyPiece, Updates, Working
from holdfast.server.tasks.watched import Waiting

_ENDS = {
    "completed": TaskState.COMPLETED,
    "failed": TaskState.FAILED,
    "cancelled": TaskState.CANCELED,
}
_SAME = {
    "llm:thinking": "task.thinking",
    "llm:chunk": "task.chunk",
    "llm:tool-call": "task.toolCall",
    "llm:tool-result": "task.toolResult",
    "llm:response": "task.message",
    "llm:error": "task.error",
}
"""Events of Dexto's streams, and what they are called for tasks; of others nothing is said."""


class TaskEncoder(TurnEncoder):
    """Writes Dexto's own events of a task."""

    def __init__(self, task_id: str, names: ToolNames) -> None:
        super().__init__(task_id, names)
        self._task_id = task_id

    def begin(self) -> Iterable[bytes]:
        yield self._written("connected", {"timestamp": iso(utc_now())})

    def asks(self, waiting: Sequence[Waiting]) -> bytes:
        """Returns the frame that puts to the client what the next message has to answer."""
        text = "\n\n".join(asked_text(each) for each in waiting)
        return self._written("task.message", {"message": _said(text, utc_now())})

    def _frame(self, name: str, data: dict[str, Any]) -> bytes:
        if name not in _SAME:
            return b""
        match name:
            case "llm:chunk":
                data = {"type": data["chunkType"], "content": data["content"]}
            case "llm:response":
                kept: dict[str, Any] = {
                    key: data[key] for key in ("tokenUsage", "provider", "model") if key in data
                }
                data = {"message": _said(data["content"], utc_now()), **kept}
            case "llm:error":
                message, again = data["error"]["message"], bool(data.get("recoverable"))
                data = {"error": {"message": message, "recoverable": again}}
        return self._written(_SAME[name], data)

    def _written(self, name: str, data: dict[str, Any]) -> bytes:
        # All in ASCII: what splits lines of text takes some characters of a reply for ends of lines.
        return write_frame(json.dumps({"taskId": self._task_id, **data}, separators=(",", ":")), event=name)


def _said(text: str, at: datetime) -> dict[str, Any]:
    return {"role": "agent", "content": [{"type": "text", "text": text}], "timestamp": millis(at)}


class RpcEncoder:
    """Writes the events of a task as answers of JSON-RPC."""

    def __init__(self, task_id: str, rpc_id: Any, following: Following) -> None:
        self._task_id = task_id
        self._rpc_id = rpc_id
        self._state = following.state
        self._updates = Updates(following.run_id, following.state)

    def task(self, task: TaskOut) -> bytes:
        """Returns the first frame."""
        return self._result(task.model_dump(mode="json", by_alias=True))

    def heard(self, heard: Heard) -> Iterator[bytes]:
        """Returns the frames of what was heard."""
        return map(self._update, self._updates.of(heard))

    def asks(self, waiting: Sequence[Waiting]) -> bytes:
        """Returns the last frame of a stream whose task waits for its client."""
        asked = asked_of(self._task_id, waiting) if waiting else None
        return self._status(TaskState.INPUT_REQUIRED, utc_now(), asked, final=True)

    def end(self) -> Iterator[bytes]:
        """Returns the last frames of a task that has ended."""
        yield from map(self._update, self._updates.last())
        state = self._state
        error = (
            None if state.error is None else self._agent(f"{state.run_id}-ended", plain_message(state.error))
        )
        yield self._status(_ENDS[state.status], state.ended_at or utc_now(), error, final=True)

    def cut(self, error: ErrorInfo) -> bytes:
        """Returns the frame that ends a stream whose end was not heard."""
        return self._frame({"error": {"code": -32603, "message": plain_message(error)}})

    def _update(self, update: ReplyPiece | Working) -> bytes:
        if isinstance(update, Working):
            said = self._agent(f"{self._state.run_id}-{update.number}", update.line) if update.line else None
            return self._status(TaskState.WORKING, update.at, said, final=False)
        artifact = ArtifactOut(artifact_id=REPLY, name=REPLY, parts=[text_part(update.text)])
        return self._result(
            {
                "kind": "artifact-update",
                **self._ids,
                "artifact": artifact.model_dump(mode="json", by_alias=True),
                "append": update.append,
                "lastChunk": update.last,
            }
        )

    def _status(self, state: TaskState, at: datetime, said: MessageOut | None, *, final: bool) -> bytes:
        status = StatusOut(state=state, message=said, timestamp=iso(at)).model_dump(
            mode="json", by_alias=True
        )
        return self._result({"kind": "status-update", **self._ids, "status": status, "final": final})

    def _agent(self, id: str, text: str) -> MessageOut:
        return MessageOut(
            role="agent",
            parts=[text_part(text)],
            message_id=id,
            task_id=self._task_id,
            context_id=self._task_id,
        )

    @property
    def _ids(self) -> dict[str, str]:
        return {"taskId": self._task_id, "contextId": self._task_id}

    def _result(self, result: Any) -> bytes:
        return self._frame({"result": result})

    def _frame(self, said: dict[str, Any]) -> bytes:
        return write_frame(json.dumps({"jsonrpc": "2.0", "id": self._rpc_id, **said}, separators=(",", ":")))
