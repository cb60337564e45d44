"""The operations of Powabase's Agents API, and of the endpoints beside it that make the ids it needs."""

from __future__ import annotations

from starlette.datastructures import Headers

from holdfast.server.dialects.powabase import (
    operations_agents,
    operations_attached,
    operations_custom,
    operations_knowledge,
    operations_runs,
    operations_sessions,
    operations_tools,
)
from holdfast.server.dialects.powabase.errors import ErrorBody, error_response
from holdfast.server.dialects.powabase.wire import Health
from holdfast.server.kit.auth import shown_secret
from holdfast.server.kit.operations import Call, Dialect, Document, Operation


def secret_of(headers: Headers) -> str:
    """Returns the key of `Authorization: Bearer KEY` or of `apikey: KEY`, which Powabase's gateway wants."""
    named = headers.getlist("apikey")
    return shown_secret(headers) or (named[0].strip() if len(named) == 1 else "")


async def health(call: Call) -> Health:
    """Says that the server answers."""
    return Health(status="ok")


DIALECT = Dialect(
    name="powabase",
    prefix="/powabase",
    title="Powabase Agents API",
    render=error_response,
    error=ErrorBody,
    document=Document("/api/openapi.json"),
    secret_of=secret_of,
    operations=(
        *operations_agents.OPERATIONS,
        *operations_tools.OPERATIONS,
        *operations_attached.OPERATIONS,
        *operations_custom.OPERATIONS,
        *operations_knowledge.OPERATIONS,
        *operations_runs.OPERATIONS,
        *operations_sessions.OPERATIONS,
        Operation("health", "GET", "/api/health", health, result=Health, public=True),
    ),
)
