"""What a person writes in an editor, as a message: text, files that are named or come along, images."""

from __future__ import annotations

import asyncio
import base64
import binascii
import errno
import os
import re
import stat
from collections.abc import Collection, Sequence
from pathlib import PurePath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from acp.helpers import ContentBlock
from acp.schema import (
    AudioContentBlock,
    BlobResourceContents,
    EmbeddedResourceContentBlock,
    ImageContentBlock,
    ResourceContentBlock,
    TextContentBlock,
    TextResourceContents,
)

from holdfast.core.domain.errors import HoldfastError, InvalidError, UnsupportedError
from holdfast.core.domain.messages import TextPart, UserPart
from holdfast.core.services.protocols.files import Files

_COMMAND = re.compile(r"\A/(\S+)(?:\s+(.*))?\Z", re.DOTALL)


async def message_of(
    files: Files, session_id: str, blocks: Sequence[ContentBlock], *, elsewhere: bool = False
) -> tuple[UserPart, ...]:
    """Returns the parts of a message. Where a file is named, `@NAME` stands in the text. With `elsewhere` the
    engine is on another machine, and is sent the files of this one.

    Raises `InvalidError` for an empty message and for data that is none, `UnsupportedError` for sound, and
    what the services raise.
    """
    message = _Message(files, session_id, elsewhere)
    for block in blocks:
        await message.add(block)
    text = "".join(message.texts)
    if not text.strip() and not message.parts:
        raise InvalidError("The prompt is empty.", code="empty_message")
    return (*((TextPart(text=text),) if text.strip() else ()), *message.parts)


class _Message:
    def __init__(self, files: Files, session_id: str, elsewhere: bool) -> None:
        self._files = files
        self._session_id = session_id
        self._elsewhere = elsewhere
        self.texts: list[str] = []
        self.parts: list[UserPart] = []

    async def add(self, block: ContentBlock) -> None:
        match block:
            case TextContentBlock():
                self.texts.append(block.text)
            case ResourceContentBlock():
                await self._link(block)
            case EmbeddedResourceContentBlock():
                await self._embedded(block.resource)
            case ImageContentBlock():
                kind = block.mime_type.partition("/")[2] or "png"
                name = _name(block.uri or "") or f"image.{kind}"
                await self._send(name, _bytes_of(block.data))
            case AudioContentBlock():
                raise UnsupportedError("Sound cannot be sent to agents.", code="audio_unsupported")

    async def _link(self, block: ResourceContentBlock) -> None:
        """A file is taken along where it can be read; of anything else the address alone is told."""
        path = file_path(block.uri)
        if path is None:
            self.texts.append(f"[{block.name}]({block.uri})")
            return
        try:
            self.parts.append(await self._attached(path))
        except (
            HoldfastError,
            OSError,
            ValueError,
        ):  # a folder, or nothing that can be read: its name says what is meant
            self.texts.append(f"`{path}`")
        else:
            self.texts.append(f"@{path}")

    async def _attached(self, path: str) -> UserPart:
        if not self._elsewhere:
            return await self._files.attach(self._session_id, path)
        with await asyncio.to_thread(_opened, path) as data:
            return await self._files.attach_data(self._session_id, PurePath(path).name, data)

    async def _embedded(self, resource: TextResourceContents | BlobResourceContents) -> None:
        name = _name(resource.uri) or "resource.txt"
        path = file_path(resource.uri)
        self.texts.append(f"@{path or name}")
        match resource:
            case TextResourceContents():
                await self._send(name, resource.text.encode(), mention=False)
            case BlobResourceContents():
                await self._send(name, _bytes_of(resource.blob), mention=False)

    async def _send(self, name: str, data: bytes, *, mention: bool = True) -> None:
        self.parts.append(await self._files.attach_data(self._session_id, name, data))
        if mention:
            self.texts.append(f"@{name}")


def _opened(path: str) -> BinaryIO:
    """Opens a file of this machine. Raises `OSError`, also for what is none: a pipe would be waited for, and
    a device has no end."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    data = os.fdopen(handle, "rb")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        data.close()
        raise OSError(errno.EINVAL, "is no file", path)
    return data


def file_path(uri: str) -> str | None:
    """Returns the path that a URI of this machine's files names; None for any other."""
    if uri.startswith("/"):
        return uri
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    return unquote(parts.path) or None


def _name(uri: str) -> str:
    try:
        return PurePath(unquote(urlsplit(uri).path)).name
    except ValueError:
        return ""


def _bytes_of(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        raise InvalidError("What came with the prompt is not Base64.", code="invalid_data") from None


# --- commands


def command_in(text: str, names: Collection[str]) -> tuple[str, str] | None:
    """Returns the prompt that a message names as `/NAME words`, among `names`, and its words; None for any
    other text."""
    command = _COMMAND.match(text.strip())
    return (command[1], command[2] or "") if command is not None and command[1] in names else None
