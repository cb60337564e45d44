"""Display blocks and arguments of tools as view models, sanitised."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from holdfast.core.domain.messages import FilePart, ImagePart, ResultPart, TextPart, UserPart
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.domain.tools import (
    ArgumentsBlock,
    ChildRunBlock,
    CodeBlock,
    CommandBlock,
    DiffBlock,
    DisplayBlock,
    ImageBlock,
    PlanBlock,
    TableBlock,
    TextBlock,
)
from holdfast.tui.presenters.entries import (
    ArgumentsView,
    CodeView,
    CommandView,
    DiffView,
    ImageView,
    PassagesView,
    PlanView,
    TableView,
    TextView,
    View,
)
from holdfast.tui.presenters.figures import size
from holdfast.tui.presenters.passages import PassageView
from holdfast.tui.presenters.retrievals import RetrievalView, head_lines

MAX_SUBJECT = 200
"""Characters of a call's subject; the header cuts it to the width."""

_TELLING = ("path", "command", "url", "query", "pattern", "question", "name", "code")
"""Arguments that say best what a call is about, best first."""


def view_of(block: DisplayBlock) -> View:
    """Returns the view model of a display block."""
    match block:
        case TextBlock():
            return TextView(sanitize(block.text))
        case DiffBlock():
            return DiffView(sanitize_line(block.path), sanitize(block.diff), block.created)
        case CommandBlock():
            return CommandView(
                *(sanitize(block.command), sanitize_line(block.cwd), sanitize(block.output)),
                *(block.exit_code, sanitize_line(block.whole), block.whole_bytes),
            )
        case CodeBlock():
            return CodeView(sanitize_line(block.language), sanitize(block.text))
        case TableBlock():
            rows = tuple(tuple(map(sanitize, row)) for row in block.rows)
            return TableView(tuple(map(sanitize_line, block.headers)), rows)
        case ImageBlock():
            return ImageView(block.blob, sanitize_line(block.media_type), sanitize_line(block.name))
        case ArgumentsBlock():
            return arguments_view(block.arguments)
        case ChildRunBlock():
            return TextView(child_run_text(block))
        case PlanBlock():
            return PlanView(tuple((sanitize(item.text), item.status) for item in block.items))


def child_run_text(block: ChildRunBlock) -> str:
    """Returns the run of a sub-agent: its calls, a line each, then what it said last or why it ended."""
    calls = "\n".join(map(sanitize_line, block.calls))
    reason = f"{block.status}: {block.reason}" if block.reason else ""
    return "\n\n".join(filter(None, (calls, sanitize(reason), sanitize(block.reply).strip())))


def views_of(blocks: Iterable[DisplayBlock]) -> list[View]:
    """Returns the view models of display blocks."""
    return [view_of(block) for block in blocks]


def arguments_view(arguments: Mapping[str, Any]) -> ArgumentsView:
    """Returns arguments as names and texts: strings as they are, everything else as JSON."""
    items = []
    for name, value in arguments.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        items.append((sanitize_line(str(name)), sanitize(text)))
    return ArgumentsView(tuple(items))


def result_views(parts: Iterable[ResultPart]) -> list[View]:
    """Returns what the model saw as views, for results that have nothing for people."""
    views: list[View] = []
    for part in parts:
        if isinstance(part, ImagePart):
            views.append(ImageView(part.blob, sanitize_line(part.media_type), sanitize_line(part.name)))
        elif part.text.strip():
            views.append(TextView(sanitize(part.text)))
    return views


def passages_view(retrieval: RetrievalView, first: int = 0) -> tuple[list[View], dict[int, PassageView]]:
    """Returns what a retrieval shows, and its passages by the keys that it names them with, from `first`."""
    sources = dict(enumerate(retrieval.passages, first))
    # The line of a call says its query already.
    said = retrieval.query if retrieval.in_call and len(retrieval.query) < MAX_SUBJECT // 2 else ""
    return [PassagesView(tuple(head_lines(retrieval, said)), tuple(sources.items()))], sources


def subject_of(arguments: Mapping[str, Any]) -> str:
    """Returns in a few words what a call is about, from its arguments."""
    texts = {name: value for name, value in arguments.items() if isinstance(value, str) and value.strip()}
    name = next((name for name in _TELLING if name in texts), next(iter(texts), None))
    return subject_line(texts[name]) if name is not None else ""


def subject_line(text: str) -> str:
    """Returns the first line of `text`, shortened."""
    lines = sanitize(text).strip().split("\n")
    more = " …" if len(lines) > 1 else ""
    return shorten(sanitize_line(lines[0]), MAX_SUBJECT) + more


def message_text(parts: Iterable[UserPart]) -> str:
    """Returns the text of a person's message."""
    return "\n".join(sanitize(part.text) for part in parts if isinstance(part, TextPart))


def image_views(parts: Iterable[UserPart]) -> list[View]:
    """Returns the images of a person's message."""
    return [
        ImageView(part.blob, sanitize_line(part.media_type), sanitize_line(part.name))
        for part in parts
        if isinstance(part, ImagePart)
    ]


def attachment_names(parts: Iterable[UserPart]) -> tuple[str, ...]:
    """Returns the files of a person's message, by name and size."""
    names = []
    for part in parts:
        if isinstance(part, FilePart):
            names.append(f"{sanitize_line(part.name)} · {size(part.size)}")
        elif isinstance(part, ImagePart):
            names.append(sanitize_line(part.name) or sanitize_line(part.media_type))
    return tuple(names)
