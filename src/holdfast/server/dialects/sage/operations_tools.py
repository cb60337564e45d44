"""Operations of Sage's API: tools."""

from __future__ import annotations

from holdfast.server.kit.operations import Operation

OPERATIONS: tuple[Operation, ...] = ()
