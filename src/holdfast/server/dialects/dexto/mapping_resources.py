"""Between resources as Dexto has them and ours. Pure."""

from __future__ import annotations

MCP, BLOB = "mcp:", "blob:"
"""Begin the addresses of what MCP servers let read, and of files that were handed in."""


def qualified(server: str, uri: str) -> str:
    """Returns the address of a server's resource among those of all servers."""
    return f"{MCP}{server}:{uri}"


def blob_uri(digest: str) -> str:
    """Returns the address of a file that was handed in."""
    return f"{BLOB}{digest}"
