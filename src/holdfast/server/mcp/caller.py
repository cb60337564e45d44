"""The client of one request: how it can be asked, and how it is told what goes on."""

from __future__ import annotations

from enum import Enum
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp_types import ElicitRequest, ElicitResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from holdfast.core.domain.text import sanitize_line, shorten

_NAME = 60


class Asking(Enum):
    """How a client lets its person be asked."""

    NEVER = "never"
    REQUESTS = "requests"
    """By requests of ours while the call goes on."""
    ROUNDS = "rounds"
    """By a result that asks, after which the client calls again with the answers: so from 2026-07-28 on."""


class Caller:
    """Who called a tool."""

    def __init__(self, context: ServerRequestContext[Any, Any]) -> None:
        self._context = context
        self._told = 0

    @property
    def asking(self) -> Asking:
        """How its person can be asked by a form."""
        able = self._context.session.client_capabilities
        forms = None if able is None else able.elicitation
        # One that names no mode means forms, for there was nothing else when it was written.
        if forms is None or (forms.form is None and forms.url is not None):
            return Asking.NEVER
        modern = self._context.protocol_version in MODERN_PROTOCOL_VERSIONS
        return Asking.ROUNDS if modern else Asking.REQUESTS

    async def tell(self, line: str) -> None:
        """Tells it what goes on, if it wants to know."""
        self._told += 1
        await self._context.session.report_progress(self._told, None, line)

    async def ask(self, form: ElicitRequest) -> ElicitResult:
        """Returns what its person has put into a form. Raises `MCPError` when the client cannot ask."""
        params: Any = form.params
        return await self._context.session.elicit_form(
            params.message, params.requested_schema, self._context.request_id
        )


def client_name(context: ServerRequestContext[Any, Any]) -> str:
    """Returns how the client calls itself, in one short line; empty when it does not say."""
    said = context.session.client_params
    return "" if said is None else shorten(sanitize_line(said.client_info.name).strip(), _NAME)
