"""Lays the documents of a chat before its agent, as the files that they were."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from holdfast.core.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.values import all_items
from holdfast.core.services.workbench import Workbench

MOST_FILES = 200
MOST_BYTES = 256 * 2**20
"""Of all files together."""


async def supply(workbench: Workbench, chat_id: str, collection_id: str) -> None:
    """Puts the originals of a collection's documents into the working folder of a chat, as many as there may
    be; what is there under a document's name already stays. What is not kept any more can still be read by
    the agent's tools."""
    there = {entry.path for entry in await workbench.files.list(chat_id)}
    documents = await all_items(partial(workbench.knowledge.documents, collection_id, ""), MOST_FILES)
    room = MOST_BYTES
    for document in documents:
        room -= document.size
        if document.name in there or room < 0:
            continue
        with suppress(ConflictError, ForbiddenError, InvalidError, NotFoundError):
            async with await workbench.knowledge.original(document.id) as original:
                data = await original.read()
            await workbench.files.upload(chat_id, document.name, data, expected="")
