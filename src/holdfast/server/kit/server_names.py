"""What other systems' clients call MCP servers, where that can be no name of ours."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.core.domain.mcp import McpServer, McpServerSpec

NAME = "name"
"""The key of it in what an API keeps with a server."""


def called_by(spec: McpServerSpec, api: str) -> str:
    """Returns what the clients of an API call a server."""
    return str(spec.ext.get(api, {}).get(NAME) or spec.name)


def find_called(servers: Iterable[McpServer], name: str, api: str) -> McpServer | None:
    """Returns the server that the clients of an API mean by `name`: what they have called so, else what is
    called so here."""
    known = list(servers)
    by_called = (each for each in known if called_by(each.spec, api) == name)
    by_name = (each for each in known if each.spec.name == name)
    return next(by_called, None) or next(by_name, None)
