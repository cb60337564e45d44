"""From a chat completion's request to a message, its options and the conversation before it. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from pydantic_core import from_json

from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.messages import (
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    UserPart,
)
from holdfast.core.domain.models import ModelSettings, ToolSchema
from holdfast.core.domain.runs import RunOptions
from holdfast.server.openai.wire import (
    AssistantMessage,
    ChatMessage,
    ChatRequest,
    Content,
    FileContent,
    ImageContent,
    ResponseFormat,
    SystemMessage,
    TextContent,
    ToolMessage,
    UserMessage,
)

MODEL_PREFIX = "agent/"
"""An agent is the model of this name."""

_REFUSED: dict[str, Callable[[Any], bool]] = {
    "n": lambda n: n != 1,
    "logprobs": bool,
    "logit_bias": bool,
    "presence_penalty": bool,
    "frequency_penalty": bool,
    "modalities": lambda modalities: tuple(modalities) != ("text",),
    "audio": bool,
    "web_search_options": lambda options: True,
    "functions": bool,
    "function_call": lambda call: True,
    "tool_choice": lambda choice: choice not in ("auto", "none"),
}
"""Fields that would change the answer, and when they do."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file inside of a request, before it is taken in."""

    name: str
    data: bytes


Part = TextPart | ToolResultPart | Attached


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is to answer."""

    agent: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Of the options of the run."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A request, taken apart."""

    agent: str
    before: tuple[ChatMessage, ...]
    """The conversation up to the last reply, that one included."""
    new: tuple[ChatMessage, ...]
    """What the caller says now: messages of the user, or results of tools."""
    options: RunOptions
    """Without a history."""


def agent_of(model: str) -> str:
    """Returns the agent that a model's name means. Raises `NotFoundError`."""
    agent = model.removeprefix(MODEL_PREFIX)
    if not model.startswith(MODEL_PREFIX) or not agent:
        raise no_model(model)
    return agent


def no_model(model: str) -> NotFoundError:
    """Returns what is said of a model that is not there."""
    return NotFoundError(
        f"The model {model[:100]!r} does not exist. Agents are models here: `{MODEL_PREFIX}NAME`; "
        "GET …/v1/models lists all.",
        code="model_not_found",
        details={"param": "model"},
    )


def turn_of(request: ChatRequest, asked: Asked) -> Turn:
    """Takes a request apart. Raises `InvalidError`."""
    for name, refused in _REFUSED.items():
        value = getattr(request, name)
        if value is not None and refused(value):
            raise InvalidError(
                f"`{name}` with this value cannot be done here; leave it out.",
                code="unsupported_parameter",
                details={"param": name},
            )
    spoken = tuple(m for m in request.messages if not isinstance(m, SystemMessage))
    said = [index for index, message in enumerate(spoken) if isinstance(message, AssistantMessage)]
    split = said[-1] + 1 if said else 0
    before, new = spoken[:split], spoken[split:]
    if not new:
        raise InvalidError(
            "The last message must be the user's, or the result of a tool.",
            code="invalid_messages",
            details={"param": "messages"},
        )
    return Turn(asked.agent, before, new, _options(request).model_copy(update=dict(asked.overrides)))


def _options(request: ChatRequest) -> RunOptions:
    stop = (request.stop,) if isinstance(request.stop, str) else request.stop
    settings = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_output_tokens": request.max_completion_tokens or request.max_tokens,
        "reasoning_effort": request.reasoning_effort,
        "seed": request.seed,
        "stop": stop,
        "parallel_tool_calls": request.parallel_tool_calls,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    tools = () if request.tool_choice == "none" else request.tools or ()
    return RunOptions(
        hand_over=False,  # the caller keeps the conversation, and names the agent of each request
        model_settings=ModelSettings(**given) if given else None,
        instructions_prefix="\n\n".join(
            text_of(m.content) for m in request.messages if isinstance(m, SystemMessage)
        ),
        client_tools=tuple(
            ToolSchema(
                name=tool.function.name,
                description=tool.function.description,
                parameters=tool.function.parameters,
            )
            for tool in tools
        ),
        response_format=_schema(request.response_format),
        approvals=request.holdfast.approvals,
    )


def _schema(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return {"type": "object"}
    if wanted.json_schema is None:
        raise InvalidError(
            "`response_format` of the type `json_schema` needs `json_schema`.",
            code="invalid_request",
            details={"param": "response_format"},
        )
    return wanted.json_schema.schema_


def text_of(content: str | Sequence[TextContent] | None) -> str:
    """Returns the text of a content that has nothing else."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.text for part in content)


def parts_of(message: ChatMessage) -> list[Part]:
    """Returns what a message of the caller's holds. Raises `InvalidError` for a file that cannot be read."""
    match message:
        case ToolMessage():
            content = (TextPart(text=text_of(message.content)),)
            return [ToolResultPart(call_id=message.tool_call_id, name="", content=content)]
        case UserMessage(content=str() as text):
            return [TextPart(text=text)]
        case UserMessage(content=contents):
            return [_part(content) for content in contents if not isinstance(content, str)]
        case _:
            return []


def _part(content: Content) -> Part:
    match content:
        case TextContent():
            return TextPart(text=content.text)
        case ImageContent():
            return Attached("image", _data(content.image_url.url, "image_url"))
        case FileContent():
            return Attached(content.file.filename, _data(content.file.file_data, "file"))


def _data(url: str, param: str) -> bytes:
    """Returns the bytes of a `data:` URL (RFC 2397), or of base64 alone where a file is given."""
    head, comma, body = url.partition(",")
    if url.startswith("data:") and comma:
        if not head.endswith(";base64"):
            return unquote_to_bytes(body)
    elif param == "file":
        body = url
    else:
        raise InvalidError(
            "Images are taken as `data:` URLs; addresses are not fetched.",
            code="unsupported_image_url",
            details={"param": param},
        )
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidError(
            f"The data of `{param}` is not base64.", code="invalid_base64", details={"param": param}
        ) from None


def history_of(
    messages: Sequence[ChatMessage], user_parts: Sequence[Sequence[UserPart]]
) -> tuple[Message, ...]:
    """Returns the conversation before a turn, in the words of the core.

    `user_parts` has the parts of each user message in order, its files taken in.
    """
    waiting = iter(user_parts)
    return tuple(message for one in messages if (message := _message(one, waiting)) is not None)


def _message(message: ChatMessage, user_parts: Iterator[Sequence[UserPart]]) -> Message | None:
    match message:
        case UserMessage():
            return Message(role="user", parts=tuple(next(user_parts)))
        case ToolMessage():
            content = (TextPart(text=text_of(message.content)),)
            result = ToolResultPart(call_id=message.tool_call_id, name="", content=content)
            return Message(role="tool", parts=(result,))
        case AssistantMessage():
            parts: list[TextPart | ToolCallPart] = []
            if text := text_of(message.content):
                parts.append(TextPart(text=text))
            for call in message.tool_calls or ():
                arguments = _arguments(call.function.arguments)
                parts.append(ToolCallPart(call_id=call.id, name=call.function.name, arguments=arguments))
            return Message(role="assistant", parts=tuple(parts)) if parts else None
        case _:
            return None


def _arguments(text: str) -> dict[str, Any]:
    try:
        # Unlike `json.loads` it refuses what is nested too deep, halves of characters, and `NaN`.
        value = from_json(text or "{}", allow_inf_nan=False)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidError(
            "The arguments of a tool call in the conversation are no JSON object.",
            code="invalid_history",
            details={"param": "messages"},
        )
    return value


def fingerprint(agent: str, messages: Sequence[ChatMessage]) -> str:
    """Returns a hash of a conversation: one with an equal hash goes on in the same session."""
    digest = hashlib.sha256(agent.encode("utf-8", "replace"))
    for message in messages:
        digest.update(json.dumps(_canonical(message)).encode())
    return digest.hexdigest()


def _canonical(message: ChatMessage) -> list[Any]:
    """Returns what counts of a message, however its content was written."""
    if isinstance(message, AssistantMessage):
        calls = [[c.id, c.function.name, c.function.arguments] for c in message.tool_calls or ()]
        return ["assistant", text_of(message.content), calls]
    if isinstance(message.content, str):
        return [message.role, message.content]
    return [message.role, [part.model_dump() for part in message.content]]
