"""Between resources as Dexto has them and ours. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from holdfast.core.domain.mcp import McpContent, McpResource
from holdfast.core.domain.prompts import PromptInfo
from holdfast.server.dialects.dexto.times import iso
from holdfast.server.dialects.dexto.wire_resources import Contents, Piece, Resource

MCP, BLOB = "mcp:", "blob:"
"""Begin the addresses of what MCP servers let read, and of files that were handed in."""


def qualified(server: str, uri: str) -> str:
    """Returns the address of a server's resource among those of all servers."""
    return f"{MCP}{server}:{uri}"


def own_uri(server: str, uri: str) -> str:
    """Returns what a server calls a resource, whichever of its two addresses is given."""
    return uri.removeprefix(qualified(server, ""))


def blob_uri(digest: str) -> str:
    """Returns the address of a file that was handed in."""
    return f"{BLOB}{digest}"


def of_server(server: str, found: Iterable[McpResource]) -> list[Resource]:
    """Returns what a server, as Dexto's clients call it, lets read; templates of addresses are no
    resources."""
    return [
        Resource(
            uri=qualified(server, each.uri),
            name=each.name or None,
            description=each.description or None,
            mime_type=each.media_type or None,
            source="mcp",
            server_name=server,
            size=each.size,
            original_uri=each.uri,
        )
        for each in found
        if not each.template
    ]


def handed_in(prompts: Iterable[PromptInfo]) -> list[Resource]:
    """Returns the files that go with prompts of the user's own."""
    return [
        Resource(
            uri=blob_uri(each.attachment.blob),
            name=each.attachment.name or each.name,
            description=f"Goes with the prompt {each.name}",
            mime_type=each.attachment.media_type,
            source="internal",
            size=getattr(each.attachment, "size", None),
            last_modified=iso(each.updated_at) if each.updated_at else None,
        )
        for each in prompts
        if each.attachment is not None
    ]


def contents(found: Iterable[McpContent]) -> Contents:
    """Returns what a resource of a server holds."""
    return Contents(
        contents=[
            Piece(uri=each.uri, mime_type=each.media_type or None, text=each.text, blob=each.data)
            for each in found
        ]
    )


def file_contents(uri: str, media_type: str, data: bytes) -> Contents:
    """Returns what a file holds: as text where its type says so."""
    if media_type.startswith("text/") or media_type == "application/json":
        piece = Piece(uri=uri, mime_type=media_type, text=data.decode(errors="replace"))
    else:
        piece = Piece(uri=uri, mime_type=media_type, blob=base64.b64encode(data).decode())
    return Contents(contents=[piece])
