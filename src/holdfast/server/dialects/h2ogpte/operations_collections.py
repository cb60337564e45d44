"""Collections: made, found, changed, deleted, and what is kept of them for chats and for documents."""

from __future__ import annotations

from functools import partial
from typing import Any

from holdfast.core.domain.knowledge import Collection as Kept
from holdfast.core.domain.values import all_items, utc_now
from holdfast.server.dialects.h2ogpte.completing import collection_named
from holdfast.server.dialects.h2ogpte.mapping_collections import (
    changes_of,
    chat_values,
    chunking_after,
    collection_of,
    listed,
    made_of,
    settings_values,
)
from holdfast.server.dialects.h2ogpte.mapping_ext import EXT, ext_with, said_of
from holdfast.server.dialects.h2ogpte.mapping_jobs import job_of
from holdfast.server.dialects.h2ogpte.wire import Count
from holdfast.server.dialects.h2ogpte.wire_chats import SuggestedQuestion
from holdfast.server.dialects.h2ogpte.wire_collections import (
    ChatSettings,
    Collection,
    CollectionCreate,
    CollectionsDelete,
    CollectionSettings,
    CollectionsQuery,
    CollectionUpdate,
    DeleteQuery,
    QuestionsOfCollectionQuery,
)
from holdfast.server.dialects.h2ogpte.wire_ingest import JobDetails
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.operations import Call, Operation

PATH = "/api/v1/collections"
ONE = f"{PATH}/{{collection_id}}"
"""An id, or `default`: that is why it is no UUID."""


async def create_collection(call: Call) -> Collection:
    """Makes an empty collection."""
    asked: CollectionCreate = call.body
    taken = {each.name for each in await call.workbench.knowledge.list()}
    return await shown_collection(call, await call.workbench.knowledge.create(**made_of(asked, taken)))


async def list_collections(call: Call) -> tuple[Collection, ...]:
    """Lists the caller's collections."""
    asked: CollectionsQuery = call.query
    chats = await _chats(call)
    found = listed(await call.workbench.knowledge.list(), asked, chats)
    name = principal_of(call.request).name
    part = found[asked.offset : asked.offset + asked.limit]
    return tuple(collection_of(each, name, chats) for each in part)


async def get_collection_count(call: Call) -> Count:
    """Counts the caller's collections."""
    return Count(count=len(await call.workbench.knowledge.list()))


async def get_collection(call: Call) -> Collection:
    """Returns a collection."""
    return await shown_collection(call, await found(call))


async def update_collection(call: Call) -> Collection:
    """Changes the name, the description, or how completions come to their answers."""
    asked: CollectionUpdate = call.body
    own = await found(call)
    taken = {each.name for each in await call.workbench.knowledge.list()}
    return await shown_collection(
        call, await call.workbench.knowledge.update(own.id, **changes_of(asked, own, taken))
    )


async def delete_collection(call: Call) -> None:
    """Deletes a collection with its documents; its chats stay."""
    await call.workbench.knowledge.delete((await found(call)).id)


async def create_delete_collection_job(call: Call) -> JobDetails:
    """Deletes collections, as a job."""
    body: CollectionsDelete = call.body
    return job_of(await call.workbench.jobs.delete_knowledge(body.collection_ids), utc_now())


async def get_collection_settings(call: Call) -> CollectionSettings:
    """Returns how documents are taken in."""
    return CollectionSettings(**said_of(await found(call)).get("settings", {}))


async def update_collection_settings(call: Call) -> None:
    """Sets how documents are taken in from now on."""
    asked: CollectionSettings = call.body
    own = await found(call)
    ext = ext_with(own, settings=settings_values(asked))
    await call.workbench.knowledge.update(own.id, chunking=chunking_after(asked, own), ext=ext)


async def get_collection_chat_settings(call: Call) -> ChatSettings:
    """Returns what holds for completions in chats of the collection."""
    return ChatSettings(**said_of(await found(call)).get("chat_settings", {}))


async def update_collection_chat_settings(call: Call) -> None:
    """Sets what holds for completions in chats of the collection."""
    own = await found(call)
    ext = ext_with(own, chat_settings=chat_values(call.body))
    await call.workbench.knowledge.update(own.id, ext=ext)


async def get_collection_metadata(call: Call) -> dict[str, Any]:
    """Returns the metadata of a collection."""
    return (await found(call)).metadata


async def update_collection_metadata(call: Call) -> None:
    """Replaces the metadata of a collection."""
    await call.workbench.knowledge.update((await found(call)).id, metadata=call.body)


async def list_questions_for_collection(call: Call) -> tuple[SuggestedQuestion, ...]:
    """Lists questions that the documents answer, where a model has written such."""
    asked: QuestionsOfCollectionQuery = call.query
    own = await found(call)
    documents = await all_items(partial(call.workbench.knowledge.documents, own.id, ""))
    questions = [text for each in documents for text in each.questions]
    return tuple(SuggestedQuestion(question=text) for text in questions[: asked.limit])


async def found(call: Call) -> Kept:
    """Returns the collection that the path names. Raises `NotFoundError`."""
    return await collection_named(call.workbench, call.path["collection_id"])


async def shown_collection(call: Call, collection: Kept) -> Collection:
    """Returns a collection as the caller sees it."""
    return collection_of(collection, principal_of(call.request).name, await _chats(call))


async def _chats(call: Call) -> dict[str, int]:
    return await call.workbench.sessions.tally(EXT, "collection_id")


OPERATIONS = (
    Operation("create_collection", "POST", PATH, create_collection, 201, Collection, body=CollectionCreate),
    Operation(
        "list_collections",
        "GET",
        PATH,
        list_collections,
        result=tuple[Collection, ...],
        query=CollectionsQuery,
    ),
    Operation("get_collection_count", "GET", f"{PATH}/count", get_collection_count, result=Count),
    Operation(
        "create_delete_collection_job",
        "POST",
        f"{PATH}/delete_job",
        create_delete_collection_job,
        201,
        JobDetails,
        body=CollectionsDelete,
    ),
    Operation("get_collection", "GET", ONE, get_collection, result=Collection),
    Operation("update_collection", "PATCH", ONE, update_collection, result=Collection, body=CollectionUpdate),
    Operation("delete_collection", "DELETE", ONE, delete_collection, 204, query=DeleteQuery),
    Operation(
        "get_collection_settings",
        "GET",
        f"{ONE}/settings",
        get_collection_settings,
        result=CollectionSettings,
    ),
    Operation(
        "update_collection_settings",
        "PUT",
        f"{ONE}/settings",
        update_collection_settings,
        204,
        body=CollectionSettings,
        required=False,
    ),
    Operation(
        "get_collection_chat_settings",
        "GET",
        f"{ONE}/chat_settings",
        get_collection_chat_settings,
        result=ChatSettings,
    ),
    Operation(
        "update_collection_chat_settings",
        "PUT",
        f"{ONE}/chat_settings",
        update_collection_chat_settings,
        204,
        body=ChatSettings,
        required=False,
    ),
    Operation(
        "get_collection_metadata", "GET", f"{ONE}/metadata", get_collection_metadata, result=dict[str, Any]
    ),
    Operation(
        "update_collection_metadata",
        "PUT",
        f"{ONE}/metadata",
        update_collection_metadata,
        204,
        body=dict[str, Any],
        required=False,
    ),
    Operation(
        "list_questions_for_collection",
        "GET",
        f"{ONE}/questions",
        list_questions_for_collection,
        result=tuple[SuggestedQuestion, ...],
        query=QuestionsOfCollectionQuery,
    ),
)
