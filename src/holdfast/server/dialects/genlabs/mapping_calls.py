"""Between calls of agents and runs: conversations, what clients tell of tools, answers. Pure functions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from holdfast.core.domain.custom_tools import SearchToolSpec, ToolSpec
from holdfast.core.domain.messages import (
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    UserPart,
)
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.values import new_call_id
from holdfast.server.dialects.genlabs.errors import said
from holdfast.server.dialects.genlabs.wire_calls import (
    Answer,
    AnswerV1,
    AnswerV2,
    CallOut,
    CallRequest,
    Initiated,
    QuestionOut,
    Replied,
    Searched,
    SearchedAnswer,
    SearchedInitiated,
    ThreadInitiated,
    ThreadReplied,
    ThreadSearchedInitiated,
)
from holdfast.server.kit.reading import adapter_of
from holdfast.server.kit.run_state import RunState
from holdfast.server.openai.mapping import text_of
from holdfast.server.openai.wire import (
    AssistantMessage,
    ChatMessage,
    ImageContent,
    SystemMessage,
    TextContent,
)

Version = Literal["v1", "v2"]
MOST_MESSAGES = 2_000
MAX_SESSION = 200
"""Characters of a conversation's name."""
CALLED = "Called tool:"
GOT = "Got:"
GO_ON = "(Go on.)"
"""Stands in the place of a message where a conversation ends with the agent's."""
_ROLES = ("system", "user", "assistant")
_FIELD: dict[Version, str] = {"v1": "conversation", "v2": "message"}
_NO_THREAD = "Logging must be enabled for this agent to use the threaded API"
_VISION = "Vision is an alpha feature of the Dedicated plan: opt in to alpha features to send images"


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool of an agent."""

    title: str
    """What clients know it by."""
    searches: bool
    """Whether it searches documents, which is done here."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a client says that a tool gave."""

    tool: str
    arguments: dict[str, Any]
    got: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A conversation, taken apart."""

    system: str
    """The client's own system messages."""
    before: tuple[ChatMessage, ...]
    """What was said up to the last message, without system messages."""
    last: ChatMessage
    """What is answered now: a message of the user, or what tools gave."""


def offered(specs: Iterable[ToolSpec]) -> dict[str, Offered]:
    """Returns what clients know tools as, by the names that the tools have in runs."""
    return {
        spec.name: Offered(getattr(spec, "title", "") or spec.name, isinstance(spec, SearchToolSpec))
        for spec in specs
    }


# --- what is asked


def messages_of(asked: CallRequest, version: Version) -> tuple[ChatMessage, ...]:
    """Returns the messages of a request; each version also takes the other one's field where it can mean the
    same. Raises `InvalidError` in GenLabs' words."""
    name, other = _FIELD[version], _FIELD["v2" if version == "v1" else "v1"]
    given = getattr(asked, name)
    if given is None:
        given, name = getattr(asked, other), other
    if given is None or given == []:
        raise said(f"{_FIELD[version].capitalize()} is required")
    if name == "message":
        return (_message(given, "Message"),)
    if not isinstance(given, list):
        raise said("Conversation must be a list of messages")
    if version == "v2" and len(given) != 1:
        raise said("Message is required: the threaded API keeps the conversation itself")
    if len(given) > MOST_MESSAGES:
        raise said(f"Conversation has more than {MOST_MESSAGES:,} messages")
    return tuple(_message(each, f"Message {number}") for number, each in enumerate(given, 1))


def _message(given: Any, name: str) -> ChatMessage:
    if not isinstance(given, dict):
        raise said(f"{name} must be an object with a role and a content")
    role, content = given.get("role"), given.get("content")
    role = role.strip().lower() if isinstance(role, str) else role
    if role not in _ROLES:
        raise said(f"{name}: the role must be one of {', '.join(_ROLES)}")
    try:
        made: ChatMessage = adapter_of(ChatMessage).validate_python({"role": role, "content": content})
    except ValidationError:
        made = AssistantMessage(role="assistant")
    if made.content is None or not _is_plain(made):
        raise said(f"{name}: the content must be a string")
    return made


def _is_plain(message: ChatMessage) -> bool:
    """Says whether a message is text, with images at most."""
    content = message.content or ""
    return isinstance(content, str) or all(isinstance(one, (TextContent, ImageContent)) for one in content)


def plain_text(message: ChatMessage) -> str:
    """Returns what a message says."""
    content = message.content
    if content is None or isinstance(content, str):
        return content or ""
    return text_of([one for one in content if isinstance(one, TextContent)])


def turn_of(messages: Sequence[ChatMessage]) -> Turn:
    """Takes a conversation apart. Raises `InvalidError` where nothing is said in it."""
    system = [plain_text(one) for one in messages if isinstance(one, SystemMessage)]
    spoken = [one for one in messages if not isinstance(one, SystemMessage) and _says(one)]
    if not spoken:
        raise said("Conversation needs a message of the user")
    return Turn("\n\n".join(filter(None, system)), tuple(spoken[:-1]), spoken[-1])


def _says(message: ChatMessage) -> bool:
    return not isinstance(message.content, str) or bool(message.content.strip())


def has_images(messages: Iterable[ChatMessage]) -> bool:
    """Says whether there are images in messages."""
    return any(
        isinstance(one, ImageContent)
        for message in messages
        if not isinstance(message.content, str)
        for one in message.content or ()
    )


def check_images(*, allowed: bool) -> None:
    """Raises `InvalidError` for images where there is no vision."""
    if not allowed:
        raise said(_VISION)


def check_logging(logging: bool) -> None:
    """Raises `InvalidError` where the log keeps nothing, so that there are no threads."""
    if not logging:
        raise said(_NO_THREAD)


def streams(asked: CallRequest, *, default: bool) -> bool:
    """Says whether an answer is to be streamed. Raises `InvalidError`."""
    if asked.stream is None:
        return default
    if not isinstance(asked.stream, bool):
        raise said("stream must be true or false")
    return asked.stream


def thread_name(given: str | None, minted: str) -> str:
    """Returns the name of a conversation. Raises `InvalidError`."""
    name = (given or "").strip()
    if len(name) > MAX_SESSION or not (name.isascii() and name.isprintable()):
        raise said(f"The header session must be printable ASCII, of {MAX_SESSION} characters at most")
    return name or minted


def options_of(turn: Turn, history: tuple[Message, ...] | None) -> RunOptions:
    """Returns the options of the run that answers a turn; `history` is what was said before, where the
    client tells it."""
    return RunOptions(
        instructions_suffix=turn.system,
        history=history,
        tool_phases=True,
        citations=False,
        hand_over=False,
    )


# --- what clients say that tools gave


def told_in(text: str) -> tuple[Told, ...]:
    """Returns the results in a text such as `Called tool: Get delivery date. Got: 2/3/2024`."""
    _, *pieces = text.split(CALLED)
    found: list[Told] = []
    for piece in pieces:
        head, got_it, got = piece.partition(GOT)
        if got_it:
            name, arguments = _named(head.strip().rstrip(".").strip())
            found.append(Told(name, arguments, got.strip()))
    return tuple(found)


def _named(head: str) -> tuple[str, dict[str, Any]]:
    name, split, given = head.partition(" with ")
    try:
        arguments = json.loads(given) if split else {}
    except (ValueError, RecursionError):
        arguments = None
    return (name.strip(), arguments) if isinstance(arguments, dict) else (head, {})


def called_with(told: Sequence[Told], tools: Mapping[str, Offered]) -> tuple[Message, tuple[UserPart, ...]]:
    """Returns the calls that a client tells of as the agent's message, and their results as the next one."""
    calls = [
        ToolCallPart(call_id=new_call_id(), name=name_of(one.tool, tools), arguments=one.arguments)
        for one in told
    ]
    results = tuple(
        ToolResultPart(call_id=call.call_id, name=call.name, content=(TextPart(text=one.got),))
        for call, one in zip(calls, told, strict=True)
    )
    return Message(role="assistant", parts=tuple(calls)), results


def name_of(title: str, tools: Mapping[str, Offered]) -> str:
    """Returns the name in runs of the tool that clients know by a title."""
    same = (name for name, tool in tools.items() if tool.title.casefold() == title.casefold())
    plain = "".join(each if each.isascii() and each.isalnum() else "_" for each in title.lower())
    return next(same, plain[:64] or "tool")


def results_for(text: str, waiting: Mapping[str, str], tools: Mapping[str, Offered]) -> tuple[UserPart, ...]:
    """Returns the results of the calls of a thread that wait for one, `waiting` are their tools by their ids:
    what a client's message tells of each, or all of the message. Raises `InvalidError` where none waits."""
    if not waiting:
        raise said("Message: no tool call waits for what the assistant says; send a message of the user")
    told: dict[str, list[str]] = {}
    for one in told_in(text):
        told.setdefault(name_of(one.tool, tools), []).append(one.got)
    parts = []
    for call_id, name in waiting.items():
        own = told.get(name)
        got = own.pop(0) if own else text
        parts.append(ToolResultPart(call_id=call_id, name=name, content=(TextPart(text=got),)))
    return tuple(parts)


# --- which conversation it is


def prefixes(agent_id: str, messages: Sequence[ChatMessage]) -> Iterator[str]:
    """Returns hashes of the conversation's beginnings, the shortest first: of equal ones they are equal."""
    digest = hashlib.sha256(agent_id.encode())
    for message in messages:
        content = message.content
        said_of = (
            content if isinstance(content, str) or content is None else [one.model_dump() for one in content]
        )
        digest.update(json.dumps([message.role, said_of]).encode())
        yield digest.hexdigest()


def reply_message(answer: AnswerV1 | AnswerV2) -> AssistantMessage | None:
    """Returns the message that a client puts behind its own for an answer; None for calls of tools, of which
    each tells as it likes."""
    return (
        AssistantMessage(role="assistant", content=answer.data.response)
        if isinstance(answer, Replied)
        else None
    )


# --- what is answered


def answer_of(
    state: RunState,
    tools: Mapping[str, Offered],
    missing: Sequence[tuple[str, str]],
    session: str | None,
) -> AnswerV1 | AnswerV2:
    """Returns the answer of a run that has completed; `missing` are the tools that need something, with the
    questions for it. `session` is the conversation's name, where the answer says it."""
    calls = [
        CallOut(name=_title(call.name, tools), parameters=call.arguments)
        for call in state.calls.values()
        if call.outcome == "client"
    ]
    questions = [QuestionOut(name=_title(name, tools), question=question) for name, question in missing]
    used = (call.name for call in state.calls.values() if call.outcome == "ok")
    searches = tuple(dict.fromkeys(tools[name].title for name in used if _searches(name, tools)))
    wanted: tuple[CallOut | QuestionOut, ...] = (*calls, *questions)
    if wanted:
        return _initiated(wanted, searches, session)
    reply = state.reply
    data = SearchedAnswer(file_searches=searches, response=reply) if searches else Answer(response=reply)
    return Replied(data=data) if session is None else ThreadReplied(data=data, session=session)


def _initiated(
    wanted: tuple[CallOut | QuestionOut, ...], searches: tuple[str, ...], session: str | None
) -> AnswerV1 | AnswerV2:
    data = Searched(file_searches=searches)
    if session is None:
        return SearchedInitiated(tool_calls=wanted, data=data) if searches else Initiated(tool_calls=wanted)
    if searches:
        return ThreadSearchedInitiated(tool_calls=wanted, data=data, session=session)
    return ThreadInitiated(tool_calls=wanted, session=session)


def _title(name: str, tools: Mapping[str, Offered]) -> str:
    return tools[name].title if name in tools else name


def _searches(name: str, tools: Mapping[str, Offered]) -> bool:
    return name in tools and tools[name].searches
