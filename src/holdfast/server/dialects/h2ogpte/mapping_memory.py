"""Memory blocks between h2oGPTe's words and ours. Pure."""

from __future__ import annotations

from typing import Any

from holdfast.core.domain import memory
from holdfast.server.dialects.h2ogpte.wire_memory import (
    EDIT,
    READ,
    DefaultScope,
    InjectionMode,
    MemoryBlock,
    MemoryBlockBody,
    MemoryBlockChanges,
    Permission,
    SharePermission,
)

_INJECTIONS: dict[InjectionMode, memory.Injection] = {
    "system_prompt": "system_prompt",
    "user_instruction": "user_instruction",
    "agent_file": "file",
}
_MODES = {ours: theirs for theirs, ours in _INJECTIONS.items()}
_SCOPES: dict[DefaultScope, memory.DefaultScope] = {"llm": "chat", "agent": "agent"}


def block_values(body: MemoryBlockBody | MemoryBlockChanges) -> dict[str, Any]:
    """Returns what is said of a block as `memory.create_block` and `memory.update_block` take it."""
    mode = body.injection_mode
    given = {
        "name": body.name,
        "content": body.content,
        "instructions": body.system_prompt_amendment,
        "injection": None if mode is None else _INJECTIONS[mode],
        "access": body.access_mode,
        "max_chars": body.max_content_length,
    }
    return {name: value for name, value in given.items() if value is not None}


def block_of(block: memory.MemoryBlock, user_id: str) -> MemoryBlock:
    """Returns a block as the user of an id sees it."""
    return MemoryBlock(
        id=block.id,
        name=block.name,
        content=block.content,
        system_prompt_amendment=block.instructions,
        injection_mode=_MODES[block.injection],
        access_mode=block.access,
        user_id=block.owner,
        username=block.owner_name,
        created_at=block.created_at,
        updated_at=block.updated_at,
        is_public=block.public,
        is_owner=block.owner == user_id,
        can_edit=block.can_edit,
        max_content_length=block.max_chars,
        user_count=block.shared_with,
    )


def scope_of(scope: DefaultScope) -> memory.DefaultScope:
    """Returns what we call a scope of defaults."""
    return _SCOPES[scope]


def may_edit(permissions: tuple[Permission, ...] | None) -> bool:
    """Says whether permissions let change a block; without any they let read it."""
    return EDIT in (permissions or ())


def permissions_of(can_edit: bool) -> tuple[Permission, ...]:
    """Returns the permissions of who may see a block."""
    return (READ, EDIT) if can_edit else (READ,)


def share_of(share: memory.MemoryShare) -> SharePermission:
    """Returns with whom a block is shared, and what for."""
    return SharePermission(username=share.user, permissions=permissions_of(share.can_edit))
