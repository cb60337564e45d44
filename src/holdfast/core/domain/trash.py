"""What was deleted and can still be brought back."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from holdfast.core.domain.values import Value

TrashKind = Literal[
    "session", "memory_block", "memory_entry", "agent", "collection", "skill", "prompt", "tool"
]


class Trashed(Value):
    """One thing in the trash: nobody sees it elsewhere."""

    kind: TrashKind
    id: str
    """The id that it had, and has again when it is restored."""
    title: str
    deleted_at: AwareDatetime
    purged_at: AwareDatetime
    """From then on it may be gone for good."""
