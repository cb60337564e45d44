"""Tags of documents."""

from __future__ import annotations

from holdfast.core.domain.knowledge import Document as Kept
from holdfast.core.domain.values import all_items
from holdfast.server.dialects.h2ogpte.completing import collection_named
from holdfast.server.dialects.h2ogpte.mapping_tags import (
    Known,
    all_tags,
    changed,
    kept_with,
    known_in,
    no_tag,
    tag_of,
    with_tag,
    with_tags,
    without_tag,
)
from holdfast.server.dialects.h2ogpte.operations_documents import ONE as DOCUMENT
from holdfast.server.dialects.h2ogpte.operations_documents import shown
from holdfast.server.dialects.h2ogpte.wire_documents import (
    DeletedTag,
    Document,
    Tag,
    TagCreate,
    TagsQuery,
    TagUpdate,
)
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.reading import ids_of

PATH = "/api/v1/tags"
ONE = f"{PATH}/{{tag_name}}"


async def list_tags(call: Call) -> tuple[Tag, ...]:
    """Lists the tags, by name."""
    return all_tags(await _every(call), await _known(call))


async def create_tag(call: Call) -> Tag:
    """Makes a tag that no document need have; one that is there stays as it is."""
    body: TagCreate = call.body
    return await _changed(call, body.name, TagUpdate())


async def get_tag(call: Call) -> Tag:
    """Returns a tag."""
    name, known = call.path["tag_name"], await _known(call)
    if name not in known and not with_tags(await _every(call), (name,)):
        raise no_tag()
    return tag_of(name, known)


async def update_tag(call: Call) -> Tag:
    """Says something of a tag."""
    await get_tag(call)
    return await _changed(call, call.path["tag_name"], call.body)


async def delete_tag(call: Call) -> DeletedTag:
    """Deletes a tag, and takes it from all documents that have it."""
    name = call.path["tag_name"]
    tag = await get_tag(call)
    for each in with_tags(await _every(call), (name,)):
        await call.workbench.knowledge.describe(each.id, ext=without_tag(each, name))
    rest = {each: said for each, said in (await _known(call)).items() if each != name}
    await call.workbench.users.annotate(kept_with(rest))
    return DeletedTag(tag_id=tag.id)


async def list_documents_for_tags(call: Call) -> tuple[Document, ...]:
    """Lists the documents of a collection that have one of the tags."""
    asked: TagsQuery = call.query
    own = await collection_named(call.workbench, asked.collection_id)
    return shown(call, with_tags(await _every(call, own.id), ids_of(call.path["tag_names"])))


async def create_tag_on_document(call: Call) -> Tag:
    """Gives a document a tag."""
    body: TagCreate = call.body
    document = await _document(call)
    await call.workbench.knowledge.describe(document.id, ext=with_tag(document, body.name))
    return tag_of(body.name, await _known(call))


async def delete_tag_from_document(call: Call) -> DeletedTag:
    """Takes a tag from a document."""
    name, document = call.path["tag_name"], await _document(call)
    await call.workbench.knowledge.describe(document.id, ext=without_tag(document, name))
    return DeletedTag(tag_id=tag_of(name, {}).id)


async def _changed(call: Call, name: str, said: TagUpdate) -> Tag:
    known = changed(await _known(call), name, said)
    await call.workbench.users.annotate(kept_with(known))
    return tag_of(name, known)


async def _known(call: Call) -> Known:
    return known_in(await call.workbench.users.annotations())


async def _every(call: Call, collection: str | None = None) -> tuple[Kept, ...]:
    noun = call.workbench.knowledge
    return await all_items(lambda limit, at: noun.every_document(collection, limit=limit, cursor=at))


async def _document(call: Call) -> Kept:
    return await call.workbench.knowledge.document(str(call.path["document_id"]))


OPERATIONS = (
    Operation("list_tags", "GET", PATH, list_tags, result=tuple[Tag, ...]),
    Operation("create_tag", "POST", PATH, create_tag, 201, Tag, body=TagCreate),
    Operation("get_tag", "GET", ONE, get_tag, result=Tag),
    Operation("update_tag", "PATCH", ONE, update_tag, result=Tag, body=TagUpdate),
    Operation("delete_tag", "DELETE", ONE, delete_tag, result=DeletedTag),
    Operation(
        "list_documents_for_tags",
        "GET",
        f"{PATH}/{{tag_names}}/documents",
        list_documents_for_tags,
        result=tuple[Document, ...],
        query=TagsQuery,
    ),
    Operation(
        "create_tag_on_document", "POST", f"{DOCUMENT}/tags", create_tag_on_document, 201, Tag, body=TagCreate
    ),
    Operation(
        "delete_tag_from_document",
        "DELETE",
        f"{DOCUMENT}/tags/{{tag_name}}",
        delete_tag_from_document,
        result=DeletedTag,
    ),
)
