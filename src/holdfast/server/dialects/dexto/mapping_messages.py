"""Messages between Dexto's wire and ours. Pure."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from holdfast.core.domain.errors import ErrorInfo, ErrorKind, ModelError, from_info
from holdfast.core.domain.events import (
    ApprovalRequested,
    ApprovalResolved,
    LoggedEvent,
    MessageAdded,
    PartCompleted,
    StepCompleted,
    StepStarted,
    ToolCallCompleted,
    ToolCallRequested,
    UsageRecorded,
)
from holdfast.core.domain.mcp import server_of
from holdfast.core.domain.messages import FilePart, ImagePart, Part, TextPart
from holdfast.core.domain.runs import QueuedMessage, Usage
from holdfast.server.dialects.dexto.mapping_providers import dexto_model
from holdfast.server.dialects.dexto.names import ToolNames
from holdfast.server.dialects.dexto.times import millis
from holdfast.server.dialects.dexto.wire_messages import (
    FileOut,
    FunctionOut,
    ImageOut,
    Message,
    PartOut,
    QueuedOut,
    SyncReply,
    TextOut,
    TokenUsage,
    ToolCallOut,
)
from holdfast.server.kit.errors import plain_message
from holdfast.server.kit.run_state import BETWEEN, RunState, usage_of

_SAID = ("send", "steer", "agent")
"""Origins of messages that somebody has said."""


def parts_out(parts: Iterable[Part], images: Mapping[str, str] | None = None) -> list[PartOut]:
    """Returns the parts of a message; `images` has the contents of some, in base64, by their digests."""
    found: list[PartOut] = []
    for part in parts:
        match part:
            case TextPart():
                found.append(TextOut(text=part.text))
            case ImagePart():
                data = (images or {}).get(part.blob) or reference(part.blob)
                found.append(ImageOut(image=data, mime_type=part.media_type))
            case FilePart():
                named = {"mime_type": part.media_type, "filename": part.name or None}
                found.append(FileOut(data=reference(part.blob), **named))
            case _:
                continue  # calls and their results stand elsewhere
    return found


def reference(digest: str) -> str:
    """Returns what stands for a content that is not told here."""
    return f"@blob:{digest}"


def usage_out(usage: Usage) -> TokenUsage:
    """Returns what models took."""
    return TokenUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
    )


def reply_of(state: RunState, session_id: str) -> SyncReply:
    """Returns the answer of a run that has ended."""
    provider, model = dexto_model(state.model)
    step = next((one for one in reversed(state.steps) if one.text), None)
    return SyncReply(
        response=state.last_text,
        session_id=session_id,
        token_usage=usage_out(state.usage),
        reasoning=thought(step.reasoning, step.reasoning_summary) if step else None,
        model=model,
        provider=provider,
    )


def of_model(error: ErrorInfo, model: str) -> ErrorInfo | None:
    """Returns what is told of the failure of a model's provider; None for any other."""
    if not isinstance(from_info(error), ModelError):
        return None
    provider, name = dexto_model(model)
    said = {"error": plain_message(error), "provider": provider, "model": name}
    return ErrorInfo(
        kind=ErrorKind.UPSTREAM,
        code="llm_generation_failed",
        message=error.message,
        details={"context": {"details": said}},
    )


def thought(reasoning: str, summary: str) -> str | None:
    """Returns what was thought: all of it where the model tells that, else its summary."""
    return reasoning or summary or None


def queued_out(queued: QueuedMessage) -> QueuedOut:
    """Returns a message that waits."""
    return QueuedOut(
        id=queued.id,
        content=parts_out(queued.parts),
        queued_at=millis(queued.queued_at),
        kind="background" if queued.kind == "background" else None,  # the other need not be said
    )


def succeeded(tool: str, outcome: str) -> bool:
    """Says whether a call is told as a success: what an MCP server gives back is its result, an error too."""
    return outcome == "ok" or (outcome == "error" and server_of(tool) is not None)


# --- history


@dataclass(frozen=True, slots=True)
class Recalled:
    """A message of the history, and the events that have its texts."""

    message: Message
    event_ids: frozenset[int]


@dataclass(slots=True)
class _Reply:
    """A message of the agent in the making."""

    id: str
    at: datetime
    model: str
    event_ids: set[int] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    calls: list[ToolCallOut] = field(default_factory=list)
    usage: Usage | None = None

    def recalled(self) -> Recalled | None:
        """Returns it; None where nothing was said or asked for."""
        if not (self.texts or self.calls):
            return None
        provider, model = dexto_model(self.model)
        message = Message(
            id=self.id,
            role="assistant",
            timestamp=millis(self.at),
            content=[TextOut(text=BETWEEN.join(self.texts))],
            reasoning=thought(BETWEEN.join(self.thoughts), BETWEEN.join(self.summaries)),
            token_usage=None if self.usage is None else usage_out(self.usage),
            model=model,
            provider=provider,
            tool_calls=self.calls or None,
        )
        return Recalled(message, frozenset(self.event_ids))


def history_of(
    events: Iterable[LoggedEvent], names: ToolNames, images: Mapping[str, str] | None = None
) -> list[Recalled]:
    """Returns the history of a session out of its events, oldest first."""
    history = _History(names, images or {})
    for logged in events:
        history.take(logged)
    return history.found()


class _History:
    """Folds events into messages."""

    def __init__(self, names: ToolNames, images: Mapping[str, str]) -> None:
        self._names = names
        self._images = images
        self._found: list[Recalled] = []
        self._reply: _Reply | None = None
        self._asked: dict[str, str] = {}

    def found(self) -> list[Recalled]:
        self._flush()
        return self._found

    def take(self, logged: LoggedEvent) -> None:
        """Takes the next event."""
        event = logged.event
        match event:
            case MessageAdded() if event.origin in _SAID:
                self._flush()
                self._found.append(Recalled(self._said(event), frozenset({logged.id})))
            case StepStarted():
                self._flush()
                self._reply = _Reply(_id(event.run_id, f"step {event.step}"), event.at, event.model)
            case PartCompleted() if event.text:
                self._say(logged.id, event)
            case ToolCallRequested() if self._reply is not None:
                arguments = json.dumps(event.arguments, ensure_ascii=False)
                called = FunctionOut(name=self._names.wire(event.name), arguments=arguments)
                self._reply.calls.append(ToolCallOut(id=event.call_id, function=called))
            case UsageRecorded() if self._reply is not None:
                used = usage_of(event)
                self._reply.usage = used if self._reply.usage is None else self._reply.usage + used
            case StepCompleted():
                self._flush()
            case ApprovalRequested():
                self._asked[event.approval.call_id] = ""
            case ApprovalResolved(status="approved" | "denied" | "expired"):
                self._asked[event.call_id] = "approved" if event.status == "approved" else "rejected"
            case ToolCallCompleted() if event.outcome != "client":
                self._found.append(Recalled(self._result(event), frozenset({logged.id})))

    def _say(self, event_id: int, event: PartCompleted) -> None:
        alone = self._reply is None  # an agent's script says it, outside of steps
        if self._reply is None:
            self._reply = _Reply(_id(event.run_id, f"part {event.part_id}"), event.at, "")
        reply = self._reply
        said = {"text": reply.texts, "reasoning": reply.thoughts, "reasoning_summary": reply.summaries}
        said[event.kind].append(event.text)
        reply.event_ids.add(event_id)
        if alone:
            self._flush()

    def _flush(self) -> None:
        reply, self._reply = self._reply, None
        if reply is not None and (recalled := reply.recalled()) is not None:
            self._found.append(recalled)

    def _said(self, event: MessageAdded) -> Message:
        together = len(event.follow_ups) > 1
        metadata: dict[str, Any] = {
            "coalesced": True,
            "messageCount": len(event.follow_ups),
            "originalMessageIds": list(event.follow_ups),
        }
        return Message(
            id=event.message_id,
            role="user",
            timestamp=millis(event.at),
            content=parts_out(event.parts, self._images),
            metadata=metadata if together else None,
        )

    def _result(self, event: ToolCallCompleted) -> Message:
        asked = self._asked.pop(event.call_id, "")
        told: dict[str, Any] = {"require_approval": True, "approval_status": asked} if asked else {}
        cancelled = [TextOut(text="Cancelled by user")]
        return Message(
            id=_id(event.run_id, f"call {event.call_id}"),
            role="tool",
            timestamp=millis(event.at),
            content=cancelled if event.outcome == "cancelled" else parts_out(event.content, self._images),
            tool_call_id=event.call_id,
            name=self._names.wire(event.name),
            success=succeeded(event.name, event.outcome),
            **told,
        )


def _id(run_id: str, what: str) -> str:
    """Returns the id of what has none of its own: the same whenever it is read."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{run_id}/{what}"))


def images_in(events: Iterable[LoggedEvent]) -> list[str]:
    """Returns the digests of the images that messages and results show, each once."""
    found: dict[str, None] = {}
    for logged in events:
        event = logged.event
        parts: tuple[Part, ...] = ()
        match event:
            case MessageAdded():
                parts = event.parts
            case ToolCallCompleted():
                parts = event.content
        found |= {part.blob: None for part in parts if isinstance(part, ImagePart)}
    return list(found)
