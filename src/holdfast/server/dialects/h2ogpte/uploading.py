"""Takes the file of a form, whichever of the two places it comes to, and keeps it until it is taken in."""

from __future__ import annotations

from typing import Any

from holdfast.core.domain.text import shorten
from holdfast.server.dialects.h2ogpte.mapping_ext import EXT
from holdfast.server.dialects.h2ogpte.wire import UploadedFile
from holdfast.server.kit.operations import Call
from holdfast.server.kit.transfer import ReceivedFile, received_file, upload_limit

_LONGEST = 2_000


async def upload_file(call: Call) -> UploadedFile:
    """Keeps a file until it is taken in."""
    async with received_file(call.request, await upload_limit(call.workbench)) as received:
        name = received.name or call.request.query_params.get("filename", "")
        staged = await call.workbench.knowledge.stage(name, received.file, {EXT: _said_of(received)})
    return UploadedFile(id=staged.id, filename=staged.name)


def _said_of(received: ReceivedFile) -> dict[str, Any]:
    """Returns what the document keeps of its form: when the file was changed, in milliseconds since 1970, and
    where it is from, each where it is said."""
    said = dict(received.fields)
    kept = {"mtime": said.get("mtime", ""), "uri": said.get("uri", "")}
    return {name: shorten(value, _LONGEST) for name, value in kept.items() if value}
