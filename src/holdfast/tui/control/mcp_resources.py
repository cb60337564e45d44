"""Resources of MCP servers that a message takes along: `@SERVER:URI`."""

from __future__ import annotations

import io
import mimetypes
import re
from base64 import b64decode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.core.domain.mcp import McpContent
    from holdfast.core.domain.messages import UserPart
    from holdfast.core.services.workbench import Workbench

_RESOURCE = re.compile(r"([a-z0-9]+(?:[_-][a-z0-9]+)*):([A-Za-z][A-Za-z0-9+.-]*:\S+)")
"""A server's name, and an address with a scheme: no path of a file looks so."""
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 60


def resource_of(mention: str) -> tuple[str, str] | None:
    """Returns the server and the address that a mention names; None for a file."""
    match = _RESOURCE.fullmatch(mention)
    return (match[1], match[2]) if match else None


async def attached_resource(workbench: Workbench, session_id: str, server: str, uri: str) -> UserPart:
    """Returns what a resource holds, as a file of the message. Raises what `mcp.read` and
    `files.attach_data` raise."""
    contents = await workbench.mcp.read(server, uri)
    data = b"\n\n".join(
        (each.text or "").encode() if each.data is None else b64decode(each.data) for each in contents
    )
    return await workbench.files.attach_data(session_id, file_name(contents[0]), io.BytesIO(data))


def file_name(content: McpContent) -> str:
    """Returns what a file with the content is called."""
    last = content.uri.split("?")[0].rstrip("/").rsplit("/", 1)[-1]
    name = _NOT_IN_NAME.sub("_", last).strip("._")[:_LONGEST] or "resource"
    kind = mimetypes.guess_extension(content.media_type) or ""
    return name if "." in name else f"{name}{kind}"
