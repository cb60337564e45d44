"""Operations of Sage's API: workspaces."""

from __future__ import annotations

from holdfast.server.kit.operations import Operation

OPERATIONS: tuple[Operation, ...] = ()
