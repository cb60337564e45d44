"""Reads a collection or a document with what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.cli import selecting
from holdfast.cli.output import say
from holdfast.cli.passages import headings, span
from holdfast.core.domain.knowledge import Chunk, Collection, Document
from holdfast.core.domain.values import all_items
from holdfast.core.services.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Read:
    """A document and all of its chunks."""

    document: Document
    chunks: tuple[Chunk, ...]


async def read_collection(
    workbench: Workbench, name: str, documents: bool
) -> tuple[Collection, tuple[Document, ...]]:
    """Returns a collection, and its documents when they are wanted. Raises `NotFoundError`."""
    found = await workbench.knowledge.get(name)
    if not documents:
        return found, ()
    every = await all_items(lambda limit, cursor: workbench.knowledge.documents(found.id, "", limit, cursor))
    return found, every


async def read_document(workbench: Workbench, collection: str, text: str) -> Read:
    """Returns the document that `text` names. Raises `NotFoundError`, `InvalidError`."""
    found = await selecting.document(workbench, collection, text)
    chunks = await all_items(lambda limit, cursor: workbench.knowledge.chunks(found.id, limit, cursor))
    return Read(found, chunks)


def say_chunks(chunks: Sequence[Chunk]) -> None:
    """Prints chunks in order, each with its place."""
    for chunk in chunks:
        heading = "  ".join(filter(None, (span(chunk.place), headings(chunk.place))))
        say(f"\n--- chunk {chunk.number + 1}  {heading}".rstrip())
        say(chunk.text.rstrip("\n"))
