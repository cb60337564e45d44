"""The operations of Sage's API."""

from __future__ import annotations

from holdfast.server.dialects.sage import (
    operations_accounts,
    operations_agents,
    operations_conversations,
    operations_knowledge,
    operations_mcp,
    operations_oauth,
    operations_observability,
    operations_providers,
    operations_skills,
    operations_storage,
    operations_streams,
    operations_tools,
    operations_upstream,
    operations_usage,
    operations_versions,
    operations_workspaces,
)
from holdfast.server.dialects.sage.errors import refuse, render_at
from holdfast.server.dialects.sage.keys import name_of, other_secret_of, secret_of
from holdfast.server.dialects.sage.wire import PREFIX, ErrorBody
from holdfast.server.kit.operations import Dialect, Document

DIALECT = Dialect(
    name="sage",
    prefix=PREFIX,
    title="Sage API",
    render_at=render_at,
    refuse=refuse,
    error=ErrorBody,
    document=Document("/openapi.json"),
    secret_of=secret_of,
    other_secret_of=other_secret_of,
    name_of=name_of,
    operations=(
        *operations_accounts.OPERATIONS,
        *operations_upstream.OPERATIONS,
        *operations_oauth.OPERATIONS,
        *operations_streams.OPERATIONS,
        *operations_conversations.OPERATIONS,
        *operations_agents.OPERATIONS,
        *operations_workspaces.OPERATIONS,
        *operations_knowledge.OPERATIONS,
        *operations_tools.OPERATIONS,
        *operations_skills.OPERATIONS,
        *operations_mcp.OPERATIONS,
        *operations_providers.OPERATIONS,
        *operations_storage.OPERATIONS,
        *operations_versions.OPERATIONS,
        *operations_observability.OPERATIONS,
        *operations_usage.OPERATIONS,
    ),
)
