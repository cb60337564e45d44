"""A2A as Dexto has it: version 0.3 of the protocol, without a prefix of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from holdfast.server.dialects.dexto.wire import Flag, Said, Sent, absent
from holdfast.server.tasks.states import TaskState

_NOT_SENT = cast("Any", None)
"""The default of what may be left out, but not be null."""


class TextIn(Sent):
    kind: Literal["text"]
    text: str


class FileContent(Sent):
    bytes: str = ""
    """Base64."""
    uri: str = ""
    name: str = ""
    mime_type: str = ""


class FileIn(Sent):
    kind: Literal["file"]
    file: FileContent


class DataIn(Sent):
    kind: Literal["data"]
    data: dict[str, Any]


class MessageIn(Sent):
    """A message to the agent."""

    role: Literal["user", "agent"]
    parts: list[Annotated[TextIn | FileIn | DataIn, Field(discriminator="kind")]]
    message_id: str
    task_id: str = _NOT_SENT
    context_id: str = _NOT_SENT
    metadata: dict[str, Any] = _NOT_SENT
    extensions: list[str] = _NOT_SENT
    reference_task_ids: list[str] = _NOT_SENT
    kind: Literal["message"]


class PushConfig(Sent):
    url: str
    headers: dict[str, str] = _NOT_SENT


class Configuration(Sent):
    """How a message is to be answered; the answer is waited for whatever it says."""

    accepted_output_modes: list[str] = _NOT_SENT
    history_length: float = _NOT_SENT
    push_notification_config: PushConfig = _NOT_SENT
    blocking: Flag = _NOT_SENT


class SendBody(Sent):
    message: MessageIn
    configuration: Configuration = _NOT_SENT
    metadata: dict[str, Any] = _NOT_SENT


class TasksQuery(Sent):
    """Which tasks are listed."""

    context_id: str = _NOT_SENT
    status: TaskState = _NOT_SENT
    page_size: str = _NOT_SENT
    page_token: str = _NOT_SENT
    history_length: str = _NOT_SENT
    last_updated_after: str = _NOT_SENT
    include_artifacts: str = _NOT_SENT


class PartOut(Said):
    """A text, or data."""

    kind: Literal["text", "data"]
    text: str | None = absent()
    data: dict[str, Any] | None = absent()


class MessageOut(Said):
    role: Literal["user", "agent"]
    parts: list[PartOut]
    message_id: str
    task_id: str
    context_id: str
    kind: Literal["message"] = "message"


class StatusOut(Said):
    state: TaskState
    message: MessageOut | None = absent()
    timestamp: str


class ArtifactOut(Said):
    artifact_id: str
    name: str
    parts: list[PartOut]


class TaskOut(Said):
    """A session, as a task."""

    id: str
    context_id: str
    status: StatusOut
    history: list[MessageOut]
    artifacts: list[ArtifactOut] | None = absent()
    metadata: dict[str, Any]
    kind: Literal["task"] = "task"


class TasksOut(Said):
    tasks: list[TaskOut]
    total_size: int
    page_size: int
    next_page_token: str = ""


class Capabilities(Said):
    streaming: bool = True
    push_notifications: bool = False
    state_transition_history: bool = False


class SkillOut(Said):
    id: str
    name: str
    description: str
    tags: list[str]
    input_modes: list[str]
    output_modes: list[str]


class CardOut(Said):
    """What the agent can do, and where it is asked."""

    protocol_version: Literal["0.3.0"] = "0.3.0"
    name: str
    description: str
    url: str
    version: str = "1.0.0"
    preferred_transport: Literal["JSONRPC"] = "JSONRPC"
    default_input_modes: list[str]
    default_output_modes: list[str]
    skills: list[SkillOut]
    capabilities: Capabilities = Capabilities()


class RpcDescription(Said):
    """What can be asked by JSON-RPC."""

    service: str
    version: str
    endpoint: str
    methods: list[str]
    usage: str


class RpcReply(Said):
    """What JSON-RPC answers to one request."""

    jsonrpc: Literal["2.0"] = "2.0"
    result: Any = absent()
    error: dict[str, Any] | None = absent()
    id: str | int | float | None


RpcReplies = RpcReply | list[RpcReply]
"""To one, or to several."""


class RpcRequest(BaseModel):
    """One request of JSON-RPC."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    jsonrpc: Literal["2.0"]
    method: str
    params: Any = None
    id: str | int | float | None = None
