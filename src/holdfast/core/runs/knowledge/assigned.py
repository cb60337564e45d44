"""Which collections a run may search, and how: the agent's under the run's options. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.domain.agents import (
    ALL_COLLECTIONS,
    AgentSpec,
    KnowledgeAssignment,
    RetrievalSpec,
    ToolAssignment,
)
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.knowledge import Collection, RetrievalMode
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.runs import RunOptions
from holdfast.core.tools.builtin.read_document import READ_DOCUMENT
from holdfast.core.tools.builtin.search_knowledge import SEARCH_KNOWLEDGE

KNOWLEDGE_TOOLS = (SEARCH_KNOWLEDGE, READ_DOCUMENT)
ANALYSE = "analyse_documents"
_RUN_PROGRAMS = ("run_python", "run_command")
_SEARCHED_BY_MODEL = ("tool", "agentic")


@dataclass(frozen=True, slots=True)
class Assigned:
    """One collection of a run that is there."""

    collection: Collection
    use: KnowledgeUse
    """By the collection's id."""
    mode: RetrievalMode
    max_tokens: int


def assignments(spec: AgentSpec, options: RunOptions) -> tuple[KnowledgeAssignment, ...]:
    """Returns the collections that a run names.

    With `options.knowledge` exactly those, whoever the agent is: they are the caller's own. Where the agent
    has a collection too, it keeps its mode and what the options leave out; another one is searched by the
    model when it wants to.
    """
    if options.knowledge is None:
        return spec.knowledge
    own = {each.collection: each for each in spec.knowledge}
    other = own.get(ALL_COLLECTIONS, KnowledgeAssignment(collection=ALL_COLLECTIONS))
    return tuple(
        _laid_over(own.get(use.collection, other.model_copy(update={"collection": use.collection})), use)
        for use in options.knowledge
    )


def of_uses(uses: tuple[KnowledgeUse, ...]) -> tuple[KnowledgeAssignment, ...]:
    """Returns the collections that a caller names for the context of one run."""
    return tuple(_laid_over(KnowledgeAssignment(collection=use.collection), use) for use in uses)


def _laid_over(assignment: KnowledgeAssignment, use: KnowledgeUse) -> KnowledgeAssignment:
    given = use.model_dump(include={"top_k", "min_score", "method", "where"}, exclude_none=True)
    return assignment.model_copy(
        update={"path": None, "retrieval": assignment.retrieval.model_copy(update=given)}
    )


def with_knowledge_tools(spec: AgentSpec, options: RunOptions) -> AgentSpec:
    """Returns the agent with the tools that come with its knowledge, where it does not list them."""
    named = assignments(spec, options)
    if not any(each.retrieval.mode in _SEARCHED_BY_MODEL for each in named):
        return spec
    brought = KNOWLEDGE_TOOLS if options.knowledge_tools is None else options.knowledge_tools
    more = tuple(ToolAssignment(tool=name) for name in brought if name not in spec.tool_names)
    return spec.model_copy(update={"tools": (*spec.tools, *more)})


def check_knowledge_tools(spec: AgentSpec, options: RunOptions) -> None:
    """Raises `InvalidError` (`unknown_tool`) where documents are to be worked through by programs, and the
    agent may run none."""
    own = spec.tool_names
    if ANALYSE in (options.knowledge_tools or ()) and not {ANALYSE, *_RUN_PROGRAMS} & set(own):
        raise InvalidError(
            f"The agent {spec.name} runs no programs, so it cannot be given {ANALYSE}.", code="unknown_tool"
        )


def assigned(
    named: tuple[KnowledgeAssignment, ...], uses: tuple[KnowledgeUse, ...], there: tuple[Collection, ...]
) -> tuple[tuple[Assigned, ...], tuple[str, ...]]:
    """Returns the collections of a run that are there, each once, and the names of those that are not.

    `uses` are those of the run's options, if it names some; `there` all collections of the owner.
    """
    found: dict[str, Assigned] = {}
    missing: list[str] = []
    documents = {use.collection: use.documents for use in uses}
    # What is named by itself counts before what is only one of all.
    for assignment in sorted(named, key=lambda each: each.collection == ALL_COLLECTIONS):
        chosen = [each for each in there if assignment.collection in (ALL_COLLECTIONS, each.id, each.name)]
        if not chosen and assignment.collection != ALL_COLLECTIONS:
            missing.append(assignment.collection)
        for collection in chosen:
            one = _assigned(collection, assignment.retrieval, documents.get(assignment.collection))
            found.setdefault(collection.id, one)
    return tuple(found.values()), tuple(missing)


def _assigned(
    collection: Collection, retrieval: RetrievalSpec, documents: tuple[str, ...] | None
) -> Assigned:
    return Assigned(
        collection=collection,
        use=KnowledgeUse(
            collection=collection.id,
            top_k=retrieval.top_k,
            min_score=retrieval.min_score,
            method=retrieval.method,
            where=retrieval.where,
            documents=documents,
        ),
        mode=retrieval.mode,
        max_tokens=retrieval.max_tokens or collection.retrieval.max_tokens,
    )
