"""What stands behind the address of a resource."""

from __future__ import annotations

from holdfast.core.domain.errors import HoldfastError, NotFoundError
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.mapping_mcp import name_of
from holdfast.server.dialects.dexto.mapping_resources import (
    BLOB,
    MCP,
    blob_uri,
    contents,
    file_contents,
    qualified,
)
from holdfast.server.dialects.dexto.servers import read_of_server
from holdfast.server.dialects.dexto.wire_resources import Contents


async def content_of(workbench: Workbench, uri: str) -> Contents:
    """Returns what a resource holds. Raises `NotFoundError` for one that nobody has."""
    if uri.startswith(MCP):
        for server in await workbench.mcp.list():
            if server.spec.enabled and uri.startswith(qualified(name_of(server.spec), "")):
                return contents(await read_of_server(workbench, server, uri))
    if uri.startswith(BLOB):
        for prompt in await workbench.prompts.list():
            if prompt.attachment is not None and blob_uri(prompt.attachment.blob) == uri:
                file = await workbench.prompts.attachment(prompt.key)
                return file_contents(uri, prompt.attachment.media_type, await file.read())
    raise NotFoundError(
        f"No suitable provider found for resource: {uri}", code="resource_no_suitable_provider"
    )


async def is_there(workbench: Workbench, uri: str) -> bool:
    """Says whether a resource can be read."""
    try:
        await content_of(workbench, uri)
    except HoldfastError:
        return False
    return True
