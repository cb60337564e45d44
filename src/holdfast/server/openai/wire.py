"""What chat completions look like on the wire, as OpenAI's API reference describes them.

Fields that change nothing here (`user`, `metadata`, `store` …) are taken and left alone. What would change
the answer and cannot be done is refused by name, never ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class TextContent(_Wire):
    type: Literal["text"]
    text: str


class ImageUrl(_Wire):
    url: str


class ImageContent(_Wire):
    type: Literal["image_url"]
    image_url: ImageUrl


class FileData(_Wire):
    filename: str = "file"
    file_data: str
    """A `data:` URL, or base64 alone."""


class FileContent(_Wire):
    type: Literal["file"]
    file: FileData


Content = Annotated[TextContent | ImageContent | FileContent, Field(discriminator="type")]


class FunctionCall(_Wire):
    name: str
    arguments: str


class ToolCall(_Wire):
    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class SystemMessage(_Wire):
    role: Literal["system", "developer"]
    content: str | tuple[TextContent, ...]


class UserMessage(_Wire):
    role: Literal["user"]
    content: str | tuple[Content, ...]


class AssistantMessage(_Wire):
    role: Literal["assistant"]
    content: str | tuple[TextContent, ...] | None = None
    tool_calls: tuple[ToolCall, ...] | None = None


class ToolMessage(_Wire):
    role: Literal["tool"]
    tool_call_id: str
    content: str | tuple[TextContent, ...]


ChatMessage = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
]


class FunctionTool(_Wire):
    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})


class Tool(_Wire):
    type: Literal["function"]
    function: FunctionTool


class JsonSchema(_Wire):
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    name: str = ""
    schema_: dict[str, Any] = Field(alias="schema", default_factory=dict)


class ResponseFormat(_Wire):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(_Wire):
    include_usage: bool = False


class Extension(BaseModel):
    """What Holdfast has beside OpenAI's fields: the key `holdfast` of the body (`extra_body` of the
    Python package)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    approvals: Literal["wait", "deny"] = "wait"
    """What becomes of a tool call that needs a person's approval."""
    project: str = ""
    """The folder that new sessions are started in."""


class ChatRequest(_Wire):
    model: str
    messages: tuple[ChatMessage, ...] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, gt=0)
    max_completion_tokens: int | None = Field(default=None, gt=0)
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    seed: int | None = None
    stop: str | tuple[str, ...] | None = None
    n: int | None = None
    logprobs: bool | None = None
    logit_bias: dict[str, float] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    modalities: tuple[str, ...] | None = None
    audio: dict[str, Any] | None = None
    web_search_options: dict[str, Any] | None = None
    functions: tuple[dict[str, Any], ...] | None = None
    function_call: str | dict[str, Any] | None = None
    holdfast: Extension = Extension()
