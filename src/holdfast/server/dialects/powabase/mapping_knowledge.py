"""Between the knowledge bases that an agent is assigned and the collections of our agents. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from holdfast.core.domain.agents import AgentInfo, KnowledgeAssignment
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.knowledge import Collection
from holdfast.server.dialects.powabase.mapping import METHOD_NAMES, METHODS
from holdfast.server.dialects.powabase.mapping_agents import NAME, kept
from holdfast.server.dialects.powabase.wire_agents import KnowledgeBase
from holdfast.server.kit.revising import as_entries, own_entries


def knowledge_bases(info: AgentInfo, known: Iterable[Collection]) -> tuple[KnowledgeBase, ...]:
    """Returns the knowledge bases of an agent; not those that are no more."""
    ids = _ids(known)
    return tuple(
        KnowledgeBase(
            id=str(each.id),
            agent_id=info.id,
            knowledge_base_id=ids[each.collection],
            config=_config(each),
        )
        for each in (info.spec.knowledge if info.spec else ())
        if each.collection in ids
    )


def knowledge_base(info: AgentInfo, known: Iterable[Collection], wanted: str) -> KnowledgeBase:
    """Returns the assignment of a knowledge base that the agent has."""
    return next(one for one in knowledge_bases(info, known) if one.knowledge_base_id == wanted)


def _ids(known: Iterable[Collection]) -> dict[str, str]:
    """Returns the id of each collection by what an agent file may call it."""
    collections = tuple(known)
    return {one.name: one.id for one in collections} | {one.id: one.id for one in collections}


def _config(assigned: KnowledgeAssignment) -> dict[str, Any]:
    """Returns how it is searched: what acts as it is now, and the rest as it came."""
    retrieval = assigned.retrieval
    method = METHOD_NAMES.get(retrieval.method) if retrieval.method else None
    acting = {
        "top_k": retrieval.top_k,
        "retrieval_method": method,
        "max_context_tokens": retrieval.max_tokens,
    }
    others = kept(assigned.ext).get("config", {})
    return {**{name: value for name, value in acting.items() if value is not None}, **others}


def with_knowledge(
    info: AgentInfo,
    values: Mapping[str, Any],
    wanted: Collection,
    config: Mapping[str, Any],
    known: Iterable[Collection],
) -> dict[str, Any]:
    """Returns the change by which an agent has a knowledge base. Raises `ConflictError` when it has it."""
    if any(one.knowledge_base_id == wanted.id for one in knowledge_bases(info, known)):
        raise ConflictError("Knowledge base already assigned to this agent", code="knowledge_base_assigned")
    entries = own_entries(info, values, "knowledge", "collection")
    return {"knowledge": as_entries([*entries, _entry(wanted.id, config)], "collection")}


def _entry(collection: str, config: Mapping[str, Any]) -> dict[str, Any]:
    method = config.get("retrieval_method")
    if method is not None and (not isinstance(method, str) or method not in METHODS):
        names = ", ".join(METHODS)
        raise InvalidError(f"config.retrieval_method: must be one of {names}.", code="invalid_request")
    acting = {
        "top_k": config.get("top_k"),
        "method": METHODS[method] if method else None,
        "max_tokens": config.get("max_context_tokens"),
    }
    retrieval = {name: value for name, value in acting.items() if value is not None}
    known = ("top_k", "retrieval_method", "max_context_tokens")
    others = {name: value for name, value in config.items() if name not in known}
    return {
        "collection": collection,
        **({"retrieval": retrieval} if retrieval else {}),
        **({"ext": {NAME: {"config": others}}} if others else {}),
    }


def without_knowledge(info: AgentInfo, values: Mapping[str, Any], id: str) -> dict[str, Any]:
    """Returns the change by which an agent has a knowledge base no more. Raises `NotFoundError`."""
    names = [each.collection for each in (info.spec.knowledge if info.spec else ()) if each.id == id]
    if not names:
        raise NotFoundError("Knowledge base assignment not found", code="assignment_not_found")
    entries = own_entries(info, values, "knowledge", "collection")
    return {"knowledge": as_entries([one for one in entries if one["collection"] not in names], "collection")}
