"""Between keys as GenLabs has them and ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdfast.core.domain.identity import Credential, NewCredential, Scope
from holdfast.server.dialects.genlabs.errors import said
from holdfast.server.dialects.genlabs.mapping_agents import moment
from holdfast.server.dialects.genlabs.wire_keys import Key, KeyMade, Keys, KeyType

_SCOPES: dict[str, Scope] = {"Secret": Scope.ADMIN, "Standard": Scope.CHAT}


def scope_of(given: Any) -> Scope:
    """Returns what a key of a type may do. Raises `InvalidError`."""
    kind = "Secret" if given is None else given
    if not isinstance(kind, str) or kind.strip().title() not in _SCOPES:
        raise said("Invalid key type")
    return _SCOPES[kind.strip().title()]


def key_name(given: Any) -> str:
    """Returns what a key is to be called, or which is meant. Raises `InvalidError` where nothing says it."""
    if not isinstance(given, str) or not given.strip():
        raise said("Key name is required")
    return given.strip()


def listed_keys(keys: Iterable[Credential], owner: str) -> Keys:
    """Returns the keys of a user that have not been deleted."""
    return Keys(
        keys=tuple(
            Key(
                id=each.id,
                name=each.name,
                type=_type(each),
                creationDate=moment(each.created_at),
                lastUsedDate=moment(each.last_used_at) or None,
                key=f"hf_…{each.last_four}",
            )
            for each in keys
            if each.user_id == owner and each.revoked_at is None
        )
    )


def made_key(made: NewCredential) -> KeyMade:
    """Returns a key with its value."""
    one = made.credential
    return KeyMade(
        message="Key created successfully", id=one.id, name=one.name, type=_type(one), key=made.secret
    )


def _type(key: Credential) -> KeyType:
    return "Secret" if key.scope is Scope.ADMIN else "Standard"
