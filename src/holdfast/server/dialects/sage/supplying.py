"""What messages say, taken in: their images are kept, and named by what they hold."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from typing import Any

from holdfast.core.domain.messages import Message, TextPart, UserPart
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_streams import plain_text, taken_apart
from holdfast.server.dialects.sage.wire_streams import MessageIn

_ROLES = ("user", "assistant")


async def parts_in(workbench: Workbench, session_id: str, messages: list[MessageIn]) -> tuple[UserPart, ...]:
    """Returns the parts of the messages that are answered, without the tags before them. Raises
    `InvalidError` for what says nothing, and for what cannot be taken."""
    parts: list[UserPart] = []
    for message in messages:
        content = message.content
        given = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        for one in given:
            parts += [await _part(workbench, session_id, one, first=not parts)]
    kept = tuple(part for part in parts if not isinstance(part, TextPart) or part.text.strip())
    if not kept:
        raise failure("message_says_nothing")
    return kept


async def _part(workbench: Workbench, session_id: str, given: dict[str, Any], *, first: bool) -> UserPart:
    match given:
        case {"type": "text", "text": str() as text}:
            return TextPart(text=taken_apart(text)[0] if first else text)
        case {"type": "image_url", "image_url": {"url": str() as url}}:
            return await _image(workbench, session_id, url)
        case {"type": "image_url", "image_url": str() as url}:
            return await _image(workbench, session_id, url)
    raise failure("message_part_unknown", kind=str(given.get("type"))[:100])


async def _image(workbench: Workbench, session_id: str, url: str) -> UserPart:
    if url.startswith(("http://", "https://")):
        return await workbench.files.attach_url(session_id, url)
    head, comma, body = url.partition(",")
    kind = head.removeprefix("data:").partition(";")[0] if comma else "image/png"
    try:
        data = base64.b64decode(body if comma else url, validate=True)
    except (binascii.Error, ValueError):
        raise failure("image_unreadable") from None
    return await workbench.files.attach_data(
        session_id, f"image{mimetypes.guess_extension(kind) or ''}", data
    )


def history_of(messages: list[MessageIn]) -> tuple[Message, ...] | None:
    """Returns what was said before a conversation came here; None where nothing was."""
    said = ((one.role, plain_text(one)) for one in messages if one.role in _ROLES)
    found = tuple(
        Message(role="user" if role == "user" else "assistant", parts=(TextPart(text=text),))
        for role, text in said
        if text.strip()
    )
    return found or None
