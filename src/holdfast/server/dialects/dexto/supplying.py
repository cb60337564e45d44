"""What a message says, taken in: its images and files are kept, and named by what they hold."""

from __future__ import annotations

import base64
import binascii
import mimetypes

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.messages import TextPart, UserPart
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.errors import validation, validation_issue
from holdfast.server.dialects.dexto.wire_messages import FileIn, ImageIn, TextIn

_EMPTY = "context_message_content_empty"
_UNSUPPORTED = "llm_input_file_unsupported"
_UNHEARD = ("audio/", "video/")
"""What models are given nothing of."""


async def parts_in(
    workbench: Workbench, session_id: str, content: str | list[TextIn | ImageIn | FileIn]
) -> tuple[UserPart, ...]:
    """Returns the parts of a message. Raises `InvalidError` for one that says nothing, for sound and films,
    and for contents that are no base64."""
    if isinstance(content, str):
        content = [TextIn(type="text", text=content)]
    if not any(not isinstance(part, TextIn) or part.text.strip() for part in content):
        raise InvalidError("A message needs a text, an image or a file.", code=_EMPTY)
    return tuple([await _part(workbench, session_id, part) for part in content])


async def _part(workbench: Workbench, session_id: str, part: TextIn | ImageIn | FileIn) -> UserPart:
    if isinstance(part, TextIn):
        return TextPart(text=part.text)
    if isinstance(part, FileIn) and part.mime_type.lower().startswith(_UNHEARD):
        raise _unsupported(f"No model here takes files of the type {part.mime_type[:100]}.")
    given = part.image if isinstance(part, ImageIn) else part.data
    if given.startswith(("http://", "https://")):
        return await workbench.files.attach_url(session_id, given)
    name = part.filename if isinstance(part, FileIn) else ""
    return await workbench.files.attach_data(session_id, name or _name(part), _data(given))


def _name(part: ImageIn | FileIn) -> str:
    kind = part.mime_type or "image/png"
    return f"{part.type}{mimetypes.guess_extension(kind) or ''}"


def _data(given: str) -> bytes:
    """Returns the content of base64, or of a `data:` address with it."""
    head, comma, body = given.partition(",")
    text = body if comma and head.startswith("data:") else given
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _unsupported("The data of a part is not base64.") from None


def _unsupported(message: str) -> InvalidError:
    return validation([validation_issue(_UNSUPPORTED, message, scope="llm")], _UNSUPPORTED)
