"""Resources, as Dexto's clients read them."""

from __future__ import annotations

from typing import Any, Literal

from holdfast.server.dialects.dexto.wire import Said, absent


class Resource(Said):
    """Something that can be read: of an MCP server, or a file that was handed in."""

    uri: str
    name: str | None = absent()
    description: str | None = absent()
    mime_type: str | None = absent()
    source: Literal["mcp", "internal"]
    server_name: str | None = absent()
    size: int | None = absent()
    last_modified: str | None = absent()
    metadata: dict[str, Any] | None = absent()
    original_uri: str | None = absent()
    """What the server itself calls it."""


class Resources(Said):
    ok: Literal[True] = True
    resources: list[Resource]


class Piece(Said):
    """A part of what a resource holds: a text, or data in base64."""

    uri: str
    mime_type: str | None = absent()
    text: str | None = absent()
    blob: str | None = absent()


class Contents(Said):
    contents: list[Piece]


class ResourceContent(Said):
    ok: Literal[True] = True
    content: Contents


class ServerResources(Said):
    success: Literal[True] = True
    resources: list[Resource]


class ReadContent(Said):
    content: Contents


class ServerResourceContent(Said):
    success: Literal[True] = True
    data: ReadContent
