"""Ids of hooks: a run that a restart takes up knows by them which hooks have looked."""

from __future__ import annotations

import uuid

from holdfast.core.domain.hooks import HookSpec

_MADE = uuid.UUID("0f7d3a52-6c0e-4d0c-a7a5-5f1f0b8f9e61")
_OTHER = uuid.UUID("6b1f1c0e-9d0a-4f63-8a43-2d7c1a9be5d4")
# Neither must ever change: all ids that stand in no file are made with them.


def made_id(index: int, spec: HookSpec) -> str:
    """Returns the id of a hook that has none: made of what it is and where it stands."""
    return str(uuid.uuid5(_MADE, f"{index}:{spec.model_dump_json()}"))


def apart(known: tuple[HookSpec, ...], hooks: tuple[HookSpec, ...]) -> tuple[HookSpec, ...]:
    """Returns `hooks` with ids that neither those `known` nor others of them have.

    Ids in files are chosen freely, and a run counts by them which hooks have looked: one whose id is taken
    gets another, always the same. The very same hook is there once.
    """
    taken, found = {hook.id: hook for hook in known}, list[HookSpec]()
    for hook in hooks:
        while hook.id in taken and taken[hook.id] != hook:
            hook = hook.model_copy(update={"id": str(uuid.uuid5(_OTHER, hook.id or ""))})
        if hook.id not in taken:
            taken[hook.id] = hook
            found.append(hook)
    return tuple(found)
