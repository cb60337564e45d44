"""Chats, as our sessions are told to h2oGPTe's clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.domain.runs import Session
from holdfast.server.dialects.h2ogpte.mapping_ext import EXT, said_of
from holdfast.server.dialects.h2ogpte.wire_chats import Chat


def kept_with(session: Session) -> dict[str, Any]:
    """Returns what only this API knows of a session."""
    return said_of(session)


def collection_id_of(session: Session) -> str | None:
    """Returns the id of the collection that a chat looks into."""
    found = kept_with(session).get("collection_id")
    return found if isinstance(found, str) else None


def with_collection(session: Session, collection_id: str | None) -> dict[str, dict[str, Any]]:
    """Returns what is to be kept with a session that looks into this collection from now on, or into none."""
    kept = {name: value for name, value in kept_with(session).items() if name != "collection_id"}
    return {EXT: kept if collection_id is None else {**kept, "collection_id": collection_id}}


def chat_of(session: Session, username: str, latest: str, collections: Mapping[str, str]) -> Chat:
    """Returns a session as a chat. `latest` is what was said last, `collections` the names of collections by
    their ids, as far as they are known."""
    kept, collection_id = kept_with(session), collection_id_of(session)
    return Chat(
        id=session.id,
        name=session.title or None,
        collection_id=collection_id,
        collection_name=None if collection_id is None else collections.get(collection_id),
        prompt_template_id=kept.get("prompt_template_id"),
        latest_message_content=latest or None,
        updated_at=session.updated_at,
        workspace=kept.get("workspace"),
        status="archived" if session.archived else "active",
        username=username,
        source="user",
    )
