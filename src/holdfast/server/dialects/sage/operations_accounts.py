"""Operations of Sage's API: accounts."""

from __future__ import annotations

from holdfast.server.kit.operations import Operation

OPERATIONS: tuple[Operation, ...] = ()
