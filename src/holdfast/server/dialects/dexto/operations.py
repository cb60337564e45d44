"""The operations of Dexto's API."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from holdfast.server.dialects.dexto import (
    operations_a2a,
    operations_agent_file,
    operations_agents,
    operations_approvals,
    operations_llm,
    operations_mcp,
    operations_memory,
    operations_messages,
    operations_models,
    operations_prompts,
    operations_queue,
    operations_resources,
    operations_search,
    operations_sessions,
    operations_tools,
    operations_webhooks,
)
from holdfast.server.dialects.dexto.errors import render_at
from holdfast.server.dialects.dexto.finishing import finish
from holdfast.server.dialects.dexto.wire import PREFIX, ErrorBody
from holdfast.server.dialects.dexto.zod import refused
from holdfast.server.kit.auth import shown_secret
from holdfast.server.kit.operations import Call, Dialect, Document, Operation


def secret_of(headers: Headers) -> str:
    """Returns the key of `Authorization: Bearer KEY`, or of `Authorization: KEY`."""
    given = headers.getlist("authorization")
    bare = given[0].strip() if len(given) == 1 and " " not in given[0].strip() else ""
    return shown_secret(headers) or bare


async def health(call: Call) -> ASGIApp:
    """Says that the server answers."""
    return PlainTextResponse("OK")


DIALECT = Dialect(
    name="dexto",
    prefix=PREFIX,
    title="Dexto API",
    render_at=render_at,
    refuse=refused,
    error=ErrorBody,
    document=Document("/openapi.json", "3.0.3"),
    secret_of=secret_of,
    json_only=True,
    loose_paths=True,
    finish=finish,
    operations=(
        *operations_a2a.OPERATIONS,
        *operations_agents.OPERATIONS,
        *operations_agent_file.OPERATIONS,
        *operations_mcp.OPERATIONS,
        *operations_llm.OPERATIONS,
        *operations_approvals.OPERATIONS,
        *operations_memory.OPERATIONS,
        *operations_messages.OPERATIONS,
        *operations_models.OPERATIONS,
        *operations_prompts.OPERATIONS,
        *operations_queue.OPERATIONS,
        *operations_resources.OPERATIONS,
        *operations_search.OPERATIONS,
        *operations_sessions.OPERATIONS,
        *operations_tools.OPERATIONS,
        *operations_webhooks.OPERATIONS,
        Operation("health", "GET", "/health", health, gives="text/plain", public=True),
    ),
)
