"""A request taken apart: which of its text comes from where. Pure functions on what was sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator

from holdfast.core.agents.instructions import MODE_HEADER, NOTES_HEADER, PLACE_HEADER
from holdfast.core.domain.context import ContextKind, ContextPart, part_tokens, text_tokens
from holdfast.core.domain.memory import PREFACE
from holdfast.core.domain.messages import (
    DIRECT_CALL_HEADER,
    RETRIEVED_HEADER,
    FilePart,
    ImagePart,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    text_of,
)
from holdfast.core.domain.models import ModelRequest, ToolSchema
from holdfast.core.memory.render import MEMORY_HEADER
from holdfast.core.runs.knowledge.prompt import KNOWLEDGE_HEADER
from holdfast.core.runs.projections.context import SUMMARY_HEADER, Entry
from holdfast.core.skills.listing import SKILLS_HEADER

ReadFile = Callable[[FilePart], str | None]
"""Returns the text that a model was shown of a file; None for one that is no text."""

_SECTIONS: tuple[tuple[str, ContextKind], ...] = (
    (PLACE_HEADER, "place"),
    (MODE_HEADER, "place"),
    (KNOWLEDGE_HEADER, "knowledge"),
    (SKILLS_HEADER, "skills"),
    (NOTES_HEADER, "rules"),
)
_BEGINNINGS: tuple[tuple[str, ContextKind], ...] = (
    (RETRIEVED_HEADER, "passages"),
    (DIRECT_CALL_HEADER, "note"),
)
_BLOCK = re.compile(r'<(memory-[0-9a-f]{12}) name=("(?:[^"\\]|\\.)*")>\n.*?\n</\1>', re.DOTALL)
"""A frame of `memory.render`; its mark holds a digest of what is in it, so nothing in there can close it."""


def outline(request: ModelRequest, read_file: ReadFile) -> tuple[ContextPart, ...]:
    """Returns the parts of a request in the order in which they were sent, tools last."""
    found: list[ContextPart] = []
    for message in request.messages:
        found += _system(message) if message.role == "system" else _message(message, read_file)
    found += (_tool(tool) for tool in request.tools)
    if request.response_format is not None:
        found.append(_part("format", _json(request.response_format)))
    return tuple(found)


def outline_of(entries: Iterable[Entry], read_file: ReadFile) -> tuple[ContextPart, ...]:
    """Returns the parts of messages of a session, each with the event that it began with."""
    return tuple(
        part.model_copy(update={"event_id": entry.event_id or None})
        for entry in entries
        for part in _message(entry.message, read_file)
    )


def _system(message: Message) -> Iterator[ContextPart]:
    """Each section is a text of its own; the first is the agent's, whatever stands in it."""
    texts = [part.text.rstrip("\n") for part in message.parts if isinstance(part, TextPart)]
    for index, text in enumerate(texts):
        if text.startswith(MEMORY_HEADER):
            yield from _blocks(text)
            continue
        kinds = (kind for beginning, kind in _SECTIONS if text.startswith(beginning))
        yield _part(next(kinds, "instructions") if index else _first(text), text)


def _first(text: str) -> ContextKind:
    """An agent without instructions begins with the place."""
    return "place" if text.startswith(f"{PLACE_HEADER}\n- Today is ") else "instructions"


def _blocks(text: str) -> Iterator[ContextPart]:
    """Yields the blocks of memory in a section, and what is said around them as one more."""
    around = _BLOCK.sub("", text)
    yield _part("memory", re.sub(r"\n{3,}", "\n\n", around).strip(), "what memory is")
    for block in _BLOCK.finditer(text):
        yield _part("memory", block[0], json.loads(block[2]))


def _message(message: Message, read_file: ReadFile) -> Iterator[ContextPart]:
    first = message.parts[0] if message.parts else None
    head = first.text if isinstance(first, TextPart) and message.role == "user" else ""
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            yield _part(kind, message.text)
            return
    for index, part in enumerate(message.parts):
        yield from _of_part(part, message.role, index, read_file)


def _of_part(part: Part, role: str, index: int, read_file: ReadFile) -> Iterator[ContextPart]:
    match part:
        case TextPart(text=text) if role == "assistant":
            yield _part("reply", text)
        case TextPart(text=text) if index == 0 and text.startswith(SUMMARY_HEADER):
            yield _part("summary", text)
        case TextPart(text=text) if index == 0 and text.startswith(PREFACE):
            yield from _blocks(text)
        case TextPart(text=text):
            yield _part("message", text)
        case FilePart():
            shown = read_file(part)
            about = f"[{part.media_type}, {part.size} bytes]"
            tokens = part_tokens(part) if shown is None else text_tokens(shown)
            yield ContextPart(kind="file", name=part.name, text=shown or about, tokens=tokens)
        case ImagePart():
            yield ContextPart(
                kind="file", name=part.name or "image", text=f"[{part.media_type}]", tokens=part_tokens(part)
            )
        case ToolCallPart():
            text = _json(part.arguments)
            yield ContextPart(kind="call", name=part.name, text=text, tokens=part_tokens(part))
        case ToolResultPart():
            text = text_of(part.content)
            yield ContextPart(kind="result", name=part.name, text=text, tokens=part_tokens(part))


def _tool(tool: ToolSchema) -> ContextPart:
    text = f"{tool.description}\n\n{_json(tool.parameters)}"
    return ContextPart(kind="tool", name=tool.name, text=text, tokens=text_tokens(str(tool)))


def _part(kind: ContextKind, text: str, name: str = "") -> ContextPart:
    return ContextPart(kind=kind, name=name, text=text, tokens=text_tokens(text))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
