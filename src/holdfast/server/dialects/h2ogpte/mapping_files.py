"""Ids of agents' files: each names one content that a file of a chat had."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from pydantic_core import from_json

from holdfast.core.domain.errors import NotFoundError


def doc_id(chat_id: str, path: str, digest: str) -> str:
    """Returns the id of the content with the SHA-256 `digest` that the file at `path` had; empty: of the
    file as it is."""
    named = json.dumps([chat_id, path, digest], separators=(",", ":"))
    return urlsafe_b64encode(named.encode()).decode().rstrip("=")


def doc_of(id: str) -> tuple[str, str, str]:
    """Returns the chat, the path and the digest that an id of `doc_id` names. Whoever has made it up learns
    nothing by it: the chat is asked for as its owner. Raises `NotFoundError` for what is no such id."""
    try:
        # Unlike `json.loads` it refuses what is nested too deep, and halves of characters.
        named = from_json(urlsafe_b64decode(id.encode("ascii") + b"=" * (-len(id) % 4)))
    except ValueError:
        named = None
    if isinstance(named, list) and len(named) == 3 and all(isinstance(each, str) for each in named):
        chat_id, path, digest = named
        return chat_id, path, digest
    raise NotFoundError("There is no such file.", code="file_not_found")
