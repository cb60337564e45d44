"""The client's end of files that go up and down."""

from __future__ import annotations

import asyncio
import io
import os
import re
from collections.abc import AsyncIterator
from typing import IO
from urllib.parse import unquote

import httpx

from holdfast.core.domain.transfer import CHUNK, Download, Upload
from holdfast.server.native.channel import Channel

_NAME = re.compile(r"filename\*=UTF-8''([^;\s]+)")


def sent_body(data: Upload) -> tuple[bytes | AsyncIterator[bytes], dict[str, str]]:
    """Returns what to give httpx for a body that is sent as it is: its content and headers."""
    headers = {"Content-Type": "application/octet-stream"}
    if isinstance(data, bytes):
        return data, headers
    try:
        start = data.tell()
        length = data.seek(0, os.SEEK_END) - start
        data.seek(start)
    except io.UnsupportedOperation:  # a pipe: it is sent without its length
        return _pieces(data), headers
    return _pieces(data), {**headers, "Content-Length": str(length)}


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, CHUNK):
        yield piece


def received(response: httpx.Response, channel: Channel) -> Download:
    """Returns the file in an open response. Raises `KeyError` or `ValueError` for one without a length."""
    pieces = response.aiter_raw(CHUNK)

    async def read() -> bytes:
        try:
            return await anext(pieces, b"")
        except httpx.TransportError as error:
            raise channel.lost(error, sent=True) from error

    name = _NAME.search(response.headers.get("content-disposition", ""))
    return Download(
        name=unquote(name[1]) if name else "file",
        media_type=response.headers.get("content-type", "application/octet-stream").partition(";")[0],
        size=int(response.headers["content-length"]),
        read=read,
        close=response.aclose,
    )
