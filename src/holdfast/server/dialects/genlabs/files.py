"""The documents of tools of the type File Search: each stands in a collection that is its tool's own."""

from __future__ import annotations

from holdfast.core.domain.custom_tools import CustomTool, SearchToolSpec
from holdfast.core.domain.errors import ConflictError, NotFoundError
from holdfast.core.domain.jobs import Job
from holdfast.core.domain.knowledge import Collection, Document
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.genlabs.errors import said
from holdfast.server.dialects.genlabs.mapping_agents import NAME, title_of
from holdfast.server.dialects.genlabs.mapping_tools import decoded, file_name

TAKING_IN_S = 60.0
"""Seconds that a request waits for a document to be taken in; it goes on whoever waits."""
_MOST_NAMES = 1_000


async def read_file(workbench: Workbench, tool: CustomTool) -> bytes | None:
    """Returns the document of a tool, byte for byte; None: it has none."""
    collection = await _collection(workbench, tool)
    documents = await _documents(workbench, collection)
    if not documents:
        return None
    async with await workbench.knowledge.original(documents[0].id) as original:
        return await original.read()


async def write_file(workbench: Workbench, tool: CustomTool, text: str, wanted: str | None) -> CustomTool:
    """Takes in a document, given as base64, in the place of the one that the tool has; returns the tool.

    Raises `InvalidError` for what is no document that can be searched; what was there stays then.
    """
    assert isinstance(tool.spec, SearchToolSpec)
    data = decoded(text)
    name = file_name(data, wanted, title_of(tool))
    found = await _collection(workbench, tool)
    collection = found or await _made(workbench, tool)
    before = await _documents(workbench, found)
    job = await workbench.knowledge.upload(collection.id, name, data)
    await _taken_in(workbench, job, None if found else collection)
    for each in before:
        if each.name != name:  # one of the same name was replaced
            await workbench.knowledge.remove(each.id)
    if tool.spec.collection == collection.id:
        return tool
    return await workbench.tools.update(tool.id, tool.spec.model_copy(update={"collection": collection.id}))


async def erase(workbench: Workbench, tool: CustomTool) -> None:
    """Deletes a tool for good that was never whole."""
    await workbench.tools.delete(tool.id)
    await workbench.trash.empty("tool", tool.id)


async def drop_file(workbench: Workbench, tool: CustomTool) -> None:
    """Puts the collection of a tool into the trash, as the tool."""
    collection = await _collection(workbench, tool)
    if collection is not None and collection.ext.get(NAME, {}).get("tool") == tool.id:
        await workbench.knowledge.delete(collection.id)


async def _taken_in(workbench: Workbench, job: Job, new: Collection | None) -> None:
    """Waits for a job. Raises `InvalidError` where its document cannot be read; a new collection goes."""
    ended = await workbench.jobs.get(job.id, TAKING_IN_S)
    error = next((each.error for each in ended.failures), ended.error)
    if error is None:
        return
    if new is not None:
        await workbench.knowledge.delete(new.id)
        await workbench.trash.empty("collection", new.id)
    raise said(f"Invalid file: {error.message}")


async def _collection(workbench: Workbench, tool: CustomTool) -> Collection | None:
    if not (isinstance(tool.spec, SearchToolSpec) and tool.spec.collection):
        return None
    try:
        return await workbench.knowledge.get(tool.spec.collection)
    except NotFoundError:
        return None


async def _documents(workbench: Workbench, collection: Collection | None) -> tuple[Document, ...]:
    return () if collection is None else (await workbench.knowledge.documents(collection.id)).items


async def _made(workbench: Workbench, tool: CustomTool) -> Collection:
    """Makes the collection of a tool, named after it."""
    title, kept = title_of(tool), {NAME: {"tool": tool.id}}
    for number in range(1, _MOST_NAMES):
        name = title if number == 1 else f"{title} {number}"
        try:
            return await workbench.knowledge.create(name, tool.spec.description[:1_000], ext=kept)
        except ConflictError as error:
            if error.code != "collection_exists":
                raise
    raise ConflictError(f"There are too many collections called {title}.", code="collection_exists")
