"""What files with conversations look like, and which of them a file is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from holdfast.core.domain.errors import InvalidError, TooLargeError
from holdfast.core.domain.runs import FROM_EXPORT
from holdfast.core.sessions.imports.chats import chat_message, chatgpt, claude, listed
from holdfast.core.sessions.imports.conversation import (
    MAX_BYTES,
    MAX_CONVERSATIONS,
    MAX_MESSAGES,
    Conversation,
    too_many,
)
from holdfast.core.sessions.imports.markdown import read_markdown
from holdfast.core.sessions.imports.pieces import members

OWN = "holdfast.session/1"
"""The format that our own exports name."""
KNOWN = (
    "an export of Holdfast (JSON or Markdown), conversations.json of ChatGPT, or a list of {role, content}"
)


def read(data: bytes, name: str = "") -> Iterator[Conversation]:
    """Yields the conversations of a file. Raises `InvalidError` when it holds none, `TooLargeError`."""
    if len(data) > MAX_BYTES:
        raise TooLargeError(
            f"The file is larger than {MAX_BYTES // 2**20} MiB.",
            code="import_too_large",
            details={"limit_bytes": MAX_BYTES},
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidError("The file is no text in UTF-8.", code="invalid_import") from error
    title = re.sub(r"\.(json|md|markdown|txt)$", "", name.replace("\\", "/").rpartition("/")[2], flags=re.I)
    found = 0
    for conversation in _conversations(text, title):
        if not (conversation.said or conversation.log):
            continue
        found += 1
        if found > MAX_CONVERSATIONS:
            raise too_many(f"more than {MAX_CONVERSATIONS} conversations")
        yield conversation
    if not found:
        raise InvalidError(
            f"No conversation was found in the file. It can be {KNOWN}.", code="invalid_import"
        )


def _conversations(text: str, title: str) -> Iterator[Conversation]:
    begin = text.lstrip()[:1]
    if begin == "[":
        yield from _list(text, title)
    elif begin == "{":
        yield from _object(text, title)
    else:
        yield read_markdown(text, title)


def _list(text: str, title: str) -> Iterator[Conversation]:
    """A list is one of conversations, or of the messages of one."""
    single = Conversation("messages", title)
    for _, element in members(text):
        if not isinstance(element, dict):
            raise InvalidError(
                f"The file is no list of conversations. It can be {KNOWN}.", code="invalid_import"
            )
        if "role" in element:
            chat_message(single, element)
        else:
            yield _one(element, title)
    yield single


def _one(element: dict[str, Any], title: str) -> Conversation:
    if isinstance(element.get("mapping"), dict):
        return chatgpt(element)
    if isinstance(element.get("chat_messages"), list):
        return claude(element)
    if isinstance(element.get("messages"), list):
        return listed(element, title)
    return Conversation("messages")


def _object(text: str, title: str) -> Iterator[Conversation]:
    """An object is an export of ours, or one conversation of others."""
    others: dict[str, Any] = {}
    own = Conversation(FROM_EXPORT, title)
    for name, value in members(text):
        if name == "events" and isinstance(value, dict):
            if len(own.log) == 10 * MAX_MESSAGES:
                raise too_many(f"more than {10 * MAX_MESSAGES} events")
            own.log.append(value)
        elif name in ("messages", "chat_messages"):
            others.setdefault(name, []).append(value)
        else:
            others[name] = value
    if others.get("format") != OWN:
        yield _one(others, title)
        return
    session = others.get("session")
    if isinstance(session, dict):
        own.title = _text(session.get("title")) or title
        own.agent = _text(session.get("agent"))
    yield own


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def digests_in(log: list[dict[str, Any]]) -> set[str]:
    """Returns everything in a log that looks like the name of a kept content."""
    found: set[str] = set()
    for event in log:
        found.update(re.findall(r'"([0-9a-f]{64})"', json.dumps(event)))
    return found
