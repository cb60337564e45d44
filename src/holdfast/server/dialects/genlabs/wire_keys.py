"""Keys as JSON: GenLabs has a page for them, and no API; these endpoints are like its others."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AliasChoices, Field

from holdfast.server.dialects.genlabs.wire import Said
from holdfast.server.dialects.genlabs.wire_agents import Signed

KeyType = Literal["Secret", "Standard"]


class NewKey(Signed):
    name: Any = Field(default=None, validation_alias=AliasChoices("name", "keyName", "key_name"))
    type: Any = None
    """`Secret`, also where it is left out, or `Standard`, which calls agents and manages none."""


class NamedKey(Signed):
    key: Any = Field(default=None, validation_alias=AliasChoices("key", "keyId", "key_id", "id", "name"))
    """A key's value, id or name."""


class Key(Said):
    id: str
    name: str
    type: KeyType
    creationDate: str
    lastUsedDate: str | None
    key: str
    """Its beginning and its end; the rest is not kept."""


class Keys(Said):
    keys: tuple[Key, ...]


class KeyMade(Said):
    message: str
    id: str
    name: str
    type: KeyType
    key: str
    """All of it, this once."""
