"""What run options say of knowledge that cannot be kept to, told before the message is taken in."""

from __future__ import annotations

import re

from holdfast.core.domain.errors import InvalidError, KnowledgeUnavailable, NotFoundError, UnsupportedError
from holdfast.core.domain.options import ItemsContext, KnowledgeUse, RetrievedContext, StoredContext
from holdfast.core.domain.runs import RunOptions
from holdfast.core.runs.knowledge.begin import no_context
from holdfast.core.runs.knowledge.desk import KnowledgePorts
from holdfast.core.tools.registry import near_names

MOST_ITEMS = 1_000
"""Pieces of context that a caller may give to one run."""
MOST_COLLECTIONS = 50
"""Collections that a caller may name for one run."""
_MOST_ID = 2**63 - 1
_ID = re.compile(r"[0-9]{1,19}")


async def check_knowledge(options: RunOptions, owner: str, ports: KnowledgePorts | None) -> None:
    """Refuses collections, stored contexts and chunks that there are not, or that are another user's.

    Raises `NotFoundError` (`collection_not_found`, `context_not_found`), `InvalidError`
    (`invalid_context`), `UnsupportedError` where there is no knowledge at all. An index that cannot be
    reached refuses nothing: the run says so, and goes on without.
    """
    source = options.context_source
    if not options.knowledge and source is None:
        return
    if ports is None:
        raise UnsupportedError("There is no knowledge here.", code="unsupported_option")
    if isinstance(source, ItemsContext):
        _check_items(source)
    try:
        uses = (
            *(options.knowledge or ()),
            *(source.collections if isinstance(source, RetrievedContext) else ()),
        )
        if len(uses) > MOST_COLLECTIONS:
            raise InvalidError(
                f"A run searches at most {MOST_COLLECTIONS} collections that it names.",
                code="invalid_context",
            )
        if uses:
            await _check_collections(uses, owner, ports)
        if isinstance(source, StoredContext):
            await _check_stored(source.id, owner, ports)
    except KnowledgeUnavailable:
        return


async def _check_stored(context_id: str, owner: str, ports: KnowledgePorts) -> None:
    try:
        record = await ports.index.context(context_id)
    except NotFoundError as error:  # answered like another user's
        raise no_context(context_id) from error
    if record.owner != owner:
        raise no_context(context_id)


def _check_items(source: ItemsContext) -> None:
    if len(source.items) > MOST_ITEMS:
        raise InvalidError(f"context_source.items: has at most {MOST_ITEMS} pieces.", code="invalid_context")
    for number, item in enumerate(source.items):
        wrong = ""
        if item.id is None and not item.text.strip():
            wrong = "it needs a text or the id of a chunk"
        elif item.id is not None and not (_ID.fullmatch(item.id) and int(item.id) <= _MOST_ID):
            wrong = "the id of a chunk is a number"
        if wrong:
            raise InvalidError(f"context_source.items[{number}]: {wrong}.", code="invalid_context")


async def _check_collections(uses: tuple[KnowledgeUse, ...], owner: str, ports: KnowledgePorts) -> None:
    there = await ports.collections(owner)
    known = {name for each in there for name in (each.id, each.name)}
    for use in uses:
        if use.collection not in known:
            names = [each.name for each in there]
            raise NotFoundError(
                f"There is no collection {use.collection[:80]!r}.{near_names(use.collection, names)}",
                code="collection_not_found",
            )
