"""Tags: on documents, and what is said of them by themselves. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.knowledge import Document
from holdfast.server.dialects.h2ogpte.mapping_ext import EXT, ext_with, said_of
from holdfast.server.dialects.h2ogpte.wire_documents import Tag, TagUpdate

MOST = 200
"""Tags of a user that something is said of."""
_KEPT = f"{EXT}_tags"
"""Under this name, apart from what else is kept with a user."""
_IDS = uuid.UUID("6c1f7b0e-52c2-5d0c-9f37-3b8a3a1f2a55")

Known = dict[str, dict[str, Any]]
"""What is said of tags, by their names."""


def known_in(ext: Ext) -> Known:
    """Returns what is kept of tags with a user."""
    return dict(ext.get(_KEPT, {}))


def kept_with(known: Known) -> Ext:
    """Returns what is kept with a user who knows these tags. Raises `InvalidError` for too many."""
    if len(known) > MOST:
        raise InvalidError(f"There are {MOST} tags already; delete one first.", code="too_many_tags")
    return {_KEPT: known}


def tags_on(document: Document) -> tuple[str, ...]:
    """Returns the tags of a document."""
    return tuple(map(str, said_of(document).get("tags", ())))


def tag_of(name: str, known: Known) -> Tag:
    """Returns a tag; its id follows from its name."""
    said = known.get(name, {})
    return Tag(
        id=str(uuid.uuid5(_IDS, name)),
        name=name,
        description=said.get("description"),
        format=said.get("format"),
    )


def all_tags(documents: Iterable[Document], known: Known) -> tuple[Tag, ...]:
    """Returns the tags that documents have, or that were made without one, by name."""
    names = {name for each in documents for name in tags_on(each)}.union(known)
    return tuple(tag_of(name, known) for name in sorted(names))


def changed(known: Known, name: str, said: TagUpdate) -> Known:
    """Returns what is known of tags when this is said of one."""
    return {**known, name: {**known.get(name, {}), **said.model_dump(exclude_none=True)}}


def with_tag(document: Document, name: str) -> Ext:
    """Returns what is kept of a document with a tag more."""
    return ext_with(document, tags=list(dict.fromkeys((*tags_on(document), name))))


def without_tag(document: Document, name: str) -> Ext:
    """Returns what is kept of a document without a tag. Raises `NotFoundError` where it has it not."""
    before = tags_on(document)
    if name not in before:
        raise no_tag()
    return ext_with(document, tags=[each for each in before if each != name])


def with_tags(documents: Iterable[Document], names: Iterable[str]) -> list[Document]:
    """Returns the documents that have one of the tags."""
    wanted = set(names)
    return [each for each in documents if wanted.intersection(tags_on(each))]


def no_tag() -> NotFoundError:
    """Returns the error for a tag that there is not."""
    return NotFoundError("There is no such tag.", code="tag_not_found")
