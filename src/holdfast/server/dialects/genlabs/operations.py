"""The operations of GenLabs' API."""

from __future__ import annotations

from holdfast.server.dialects.genlabs import (
    operations_agents,
    operations_calls,
    operations_keys,
    operations_logs,
    operations_tools,
)
from holdfast.server.dialects.genlabs.errors import render_at
from holdfast.server.dialects.genlabs.keys import secret_of
from holdfast.server.dialects.genlabs.wire import PREFIX, ErrorBody
from holdfast.server.kit.operations import Dialect, Document

DIALECT = Dialect(
    name="genlabs",
    prefix=PREFIX,
    title="GenLabs API",
    render_at=render_at,
    error=ErrorBody,
    document=Document("/openapi.yaml"),
    secret_of=secret_of,
    operations=(
        *operations_agents.OPERATIONS,
        *operations_tools.OPERATIONS,
        *operations_keys.OPERATIONS,
        *operations_logs.OPERATIONS,
        *operations_calls.OPERATIONS,
    ),
)
