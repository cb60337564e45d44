"""Lays the documents of a chat before its agent, as the files that they were."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from functools import partial

from holdfast.core.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.knowledge import Document
from holdfast.core.domain.values import all_items
from holdfast.core.services.workbench import Workbench

MOST_FILES = 200
MOST_BYTES = 256 * 2**20
"""Of all files together."""
_IN_MEMORY = 1024 * 1024


async def supply(workbench: Workbench, chat_id: str, collection_id: str) -> None:
    """Puts the originals of a collection's documents into the working folder of a chat, as many as there may
    be; what is there under a document's name already stays. What is not kept any more can still be read by
    the agent's tools."""
    there = {entry.path for entry in await workbench.files.list(chat_id)}
    documents = await all_items(partial(workbench.knowledge.documents, collection_id, ""), MOST_FILES)
    room = MOST_BYTES
    for document in documents:
        if document.size > room:
            continue
        room -= document.size
        if document.name not in there:
            with suppress(ConflictError, ForbiddenError, InvalidError, NotFoundError):
                await _lay(workbench, chat_id, document)


async def _lay(workbench: Workbench, chat_id: str, document: Document) -> None:
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, prefix="holdfast-") as file:
        async with await workbench.knowledge.original(document.id) as original:
            async for piece in original.chunks():
                await asyncio.to_thread(file.write, piece)
        file.seek(0)
        await workbench.files.upload(chat_id, document.name, file, expected="")
