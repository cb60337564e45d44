"""Exports of other programs: ChatGPT's tree of messages, Claude's list, and lists of role and content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.sessions.imports.conversation import MAX_MESSAGES, Conversation, moment
from holdfast.core.sessions.speakers import Role

_ROLES: dict[str, Role] = {"user": "user", "human": "user", "assistant": "assistant", "model": "assistant"}
"""Instructions (`system`) and tools are left out: they were another program's."""


def chat_message(conversation: Conversation, message: Mapping[str, Any]) -> None:
    """Adds a message of `{role, content}`; content is a text, or parts of which the texts count."""
    role = _ROLES.get(_text(message.get("role")))
    if role is not None:
        at = moment(message.get("timestamp", message.get("created_at")))
        conversation.say(role, content_text(message.get("content")), at)


def listed(fields: Mapping[str, Any], title: str) -> Conversation:
    """Returns the conversation of an object with a list of `messages`."""
    conversation = Conversation("messages", _text(fields.get("title")) or title)
    for message in fields["messages"]:
        if isinstance(message, dict):
            chat_message(conversation, message)
    return conversation


def claude(fields: Mapping[str, Any]) -> Conversation:
    """Returns a conversation of Claude's export."""
    conversation = Conversation("claude", _text(fields.get("name")))
    for message in fields["chat_messages"]:
        if not isinstance(message, dict):
            continue
        role = _ROLES.get(_text(message.get("sender")))
        text = _text(message.get("text")) or content_text(message.get("content"))
        if role is not None:
            conversation.say(role, text, moment(message.get("created_at")))
    return conversation


def chatgpt(fields: Mapping[str, Any]) -> Conversation:
    """Returns a conversation of ChatGPT's export: of the branches of its tree the one that was shown last."""
    conversation = Conversation("chatgpt", _text(fields.get("title")))
    mapping: dict[str, Any] = fields["mapping"]
    for node in _branch(mapping, fields.get("current_node")):
        message = node.get("message")
        if not isinstance(message, dict) or _hidden(message):
            continue
        author = message.get("author")
        role = _ROLES.get(_text(author.get("role"))) if isinstance(author, dict) else None
        if role is not None:
            conversation.say(role, content_text(message.get("content")), moment(message.get("create_time")))
    return conversation


def _branch(mapping: dict[str, Any], current: object) -> list[Mapping[str, Any]]:
    """Returns the nodes from the root to the current one; a tree that bites its tail ends there."""
    leaf = current if isinstance(current, str) and current in mapping else next(reversed(mapping), None)
    branch: list[Mapping[str, Any]] = []
    seen: set[str] = set()
    while isinstance(leaf, str) and leaf not in seen and isinstance(node := mapping.get(leaf), dict):
        seen.add(leaf)
        branch.append(node)
        leaf = node.get("parent")
        if len(seen) > 2 * MAX_MESSAGES:
            break
    return branch[::-1]


def _hidden(message: Mapping[str, Any]) -> bool:
    metadata = message.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("is_visually_hidden_from_conversation"))


def content_text(content: object) -> str:
    """Returns the texts of a message's content; images and files are named in brackets."""
    match content:
        case str():
            return content
        case list():
            return "\n".join(filter(None, map(_part_text, content)))
        case {"parts": list() as parts}:
            return "\n".join(filter(None, map(_part_text, parts)))
        case {"text": str() as text}:
            return text
        case _:
            return ""


def _part_text(part: object) -> str:
    match part:
        case str():
            return part
        case {"text": str() as text}:
            return text
        case {"content_type": str() as kind} | {"type": str() as kind}:
            return f"[{kind[:40]}]"
        case _:
            return ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
